"""The memory guard: a child ends before the system runs out of memory, and the record says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from groups import Groups
from launches import a_launch

from bench.record.lines import JobRecord
from bench.watch import memory_guard
from bench.watch.memory_guard import MemoryGuard, Room

GIB, MIB = 2**30, 2**20

#: Runs a job and prints its record.
RUN = """
import sys
from bench.child.launch import LaunchSpec
from bench.child.process import run_child
from bench.watch import memory_guard
if sys.argv[1] == "blind":
    memory_guard.LEFT_SHARE = memory_guard.LEFT_LEAST_BYTES = memory_guard.LEFT_MOST_BYTES = 0
*_, record = run_child(LaunchSpec.model_validate_json(sys.stdin.read()))
print(record.model_dump_json())
"""


def guard_of(monkeypatch, whole, left, pid=None):
    """Return a guard of this process or that of `pid`, on a machine with so much memory."""
    guard = MemoryGuard(pid or os.getpid())
    monkeypatch.setattr(guard, "_groups", [])
    monkeypatch.setattr(memory_guard, "system_memory", lambda: (whole, left))
    return guard


@pytest.mark.parametrize(
    ("whole", "needed"), [(GIB // 4, 24 * MIB), (2 * GIB, 61 * MIB), (64 * GIB, 320 * MIB)]
)
def test_what_must_be_left_is_a_share_within_bounds(whole, needed):
    assert Room("here", whole, 0).needed_bytes // MIB == needed // MIB


def test_a_child_goes_on_while_enough_is_left(monkeypatch):
    assert guard_of(monkeypatch, GIB, GIB // 2).why_end() is None


def test_a_child_ends_if_too_little_is_left_and_the_sentence_has_the_figures(monkeypatch):
    why = guard_of(monkeypatch, GIB, 10 * MIB).why_end()
    assert "10 MiB were left of the 1024 MiB of this machine" in why


def test_a_child_that_holds_little_is_not_the_cause_and_goes_on(monkeypatch):
    monkeypatch.setattr(memory_guard, "LEFT_MOST_BYTES", 100 * GIB)
    assert guard_of(monkeypatch, 10_000 * GIB, 0).why_end() is None


def test_a_process_that_the_child_started_counts_as_its_own(monkeypatch):
    """A data loader's worker holds the memory; the child holds less than must be left."""
    worker = "held = bytearray(b'x') * (700 * 2**20); print(flush=True); input()"
    child = "import subprocess, sys; input(); subprocess.run([sys.executable, '-c', sys.argv[1]])"
    monkeypatch.setattr(memory_guard, "LEFT_SHARE", 1.0)
    monkeypatch.setattr(memory_guard, "LEFT_MOST_BYTES", 640 * MIB)
    with subprocess.Popen(
        [sys.executable, "-c", child, worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        guard = guard_of(monkeypatch, 640 * MIB, 0, started.pid)
        assert guard.why_end() is None
        started.stdin.write(b"\n")
        started.stdin.flush()
        assert started.stdout.readline()
        why = guard.why_end()
        started.communicate(b"\n")
    assert "0 MiB were left of the 640 MiB" in why


def test_the_group_of_several_that_has_a_limit_counts(monkeypatch, tree):
    root = tree(
        {
            "in/memory.max": 100 * MIB,
            "in/memory.current": 99 * MIB,
            "in/memory.stat": f"inactive_file {MIB // 2}",
            "out/memory.max": "max",
            "out/memory.current": 0,
        }
    )
    monkeypatch.setattr(memory_guard.cgroup, "folders", lambda name: [root / "in", root / "out"])
    guard = MemoryGuard(os.getpid())
    monkeypatch.setattr(memory_guard, "system_memory", lambda: (GIB, GIB // 2))
    assert "of the 100 MiB of its control group" in guard.why_end()
    (root / "in/memory.stat").write_text(f"inactive_file {60 * MIB}\n")
    assert guard.why_end() is None  # files that the kernel can drop


@pytest.mark.parametrize(
    ("stat", "goes_on"),
    [
        (f"inactive_file {10 * MIB}\nactive_file {10 * MIB}\nslab_reclaimable {10 * MIB}", True),
        (f"inactive_file {10 * MIB}\nanon {80 * MIB}\nshmem {10 * MIB}", False),
        (
            f"inactive_file {MIB}\ntotal_inactive_file {15 * MIB}\ntotal_active_file {15 * MIB}",
            True,
        ),
        (f"inactive_file {60 * MIB}\ntotal_inactive_file 0", False),
    ],
    ids=["version 2", "version 2, full", "version 1", "version 1, full"],
)
def test_what_the_kernel_takes_back_from_a_group_and_the_groups_below_it_is_left(
    monkeypatch, tree, stat, goes_on
):
    root = tree(
        {
            "in/memory.limit_in_bytes": 100 * MIB,
            "in/memory.usage_in_bytes": 99 * MIB,
            "in/memory.stat": stat,
        }
    )
    monkeypatch.setattr(memory_guard.cgroup, "folders", lambda name: [root / "in"])
    guard = MemoryGuard(os.getpid())
    monkeypatch.setattr(memory_guard, "system_memory", lambda: (GIB, GIB // 2))
    assert (guard.why_end() is None) is goes_on


@pytest.mark.slow
@pytest.mark.parametrize("how", ["guarded", "blind"])
def test_a_job_that_eats_its_group_s_memory_is_out_of_memory(tmp_path, how):
    """The guard ends it; if it does not look, the kernel does, and the reason is the same."""
    groups = Groups()
    try:
        groups.make(cpus=2, memory_bytes=400 * MIB)
    except OSError as error:
        groups.remove()
        pytest.skip(f"no control group can be made here: {error}")
    try:
        words = groups.entered(groups.folders, [sys.executable, "-c", RUN, how])
        done = subprocess.run(
            words,
            input=a_launch("eat", tmp_path).model_dump_json(),
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        groups.remove()
    failure = JobRecord.model_validate_json(done.stdout).failure
    assert failure.reason == "out of memory"
    ended_by = "MiB were left of the 400 MiB of its control group" if how == "guarded" else "kernel"
    assert ended_by in failure.message
