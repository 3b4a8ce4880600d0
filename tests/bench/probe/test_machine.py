"""Machine facts as a whole: true of this machine, and honest where they cannot be read."""

from __future__ import annotations

import os
import platform
import threading
import time
from dataclasses import replace

import psutil
import pytest
from faked_roots import faked_root

import bench.probe.memory as memory
import bench.probe.software as software
from bench.probe.fact import Absent, Fact, in_time, read_facts
from bench.probe.machine import SUBJECTS, all_facts, checked, probe
from bench.record.facts import MachineFacts
from bench.spec.privacy import Privacy

ROWS = [fact.name for fact in all_facts()]


def plant(monkeypatch, names, **changes):
    """Replace what is named of the rows `names`."""
    for subject in SUBJECTS:
        rows = tuple(replace(f, **changes) if f.name in names else f for f in subject.FACTS)
        monkeypatch.setattr(subject, "FACTS", rows)


def fail(root=None):
    raise ZeroDivisionError("planted")


def hang(root=None):
    threading.Event().wait(30)


def test_the_facts_of_this_machine_are_those_that_the_system_states():
    facts = probe(("numpy", "no-such-distribution"))
    assert facts.logical_cores == psutil.cpu_count()
    assert facts.physical_cores == psutil.cpu_count(logical=False)
    assert facts.memory_total_bytes == psutil.virtual_memory().total
    assert facts.swap_total_bytes == psutil.swap_memory().total
    assert facts.cpu_architecture == platform.machine()
    assert facts.kernel == os.uname().release
    assert facts.python == platform.python_version()
    assert 0 < facts.usable_cpus <= os.cpu_count()
    assert facts.packages["numpy"].count(".") >= 1
    assert facts.packages["no-such-distribution"] is None


def test_what_this_machine_states_of_its_cpu_agrees_with_itself():
    facts = probe()
    assert facts.sockets <= facts.physical_cores <= facts.logical_cores
    assert facts.threads_per_core >= facts.logical_cores // facts.physical_cores
    assert facts.memory_usable_bytes <= facts.memory_total_bytes
    assert facts.usable_cpus <= facts.affinity_cpus <= facts.logical_cores


@pytest.mark.parametrize("row", ROWS)
def test_a_fact_that_raises_is_none_with_its_reason_and_all_others_are_read(monkeypatch, row):
    """The reader is made to fail: no machine can be had on which each of them does."""
    plant(monkeypatch, {row}, read=fail)
    facts = probe(privacy=Privacy(show_hostnames=True))
    assert getattr(facts, row) is None
    assert facts.unknown[row] == "ZeroDivisionError: planted"
    assert facts.python == (None if row == "python" else platform.python_version())


@pytest.mark.parametrize("row", ROWS)
def test_a_fact_that_hangs_costs_its_time_out_and_all_others_are_read(monkeypatch, row):
    """The reader is made to hang, and its time-out shortened, so that the test is over sooner."""
    plant(monkeypatch, {row}, read=hang, limit_s=0.05)
    facts = probe(privacy=Privacy(show_hostnames=True))
    assert getattr(facts, row) is None
    assert facts.unknown[row] == "gave no answer within 0.05 s"
    assert facts.python == (None if row == "python" else platform.python_version())


def test_a_machine_of_which_nothing_can_be_read_still_has_facts(monkeypatch):
    """All readers are made to fail at once, with an error that no reader expects."""
    plant(monkeypatch, set(ROWS), read=fail)
    facts = probe(privacy=Privacy(show_hostnames=True))
    assert {getattr(facts, row) for row in ROWS} == {None}
    assert set(facts.unknown) == {*ROWS, "machine_type", "machine_id"}
    assert facts.machine_type is None  # it is not the type of every machine that was not read
    assert MachineFacts.model_validate_json(facts.model_dump_json()) == facts


def test_however_many_sources_hang_the_probe_ends_at_its_budget():
    rows = [Fact(f"fact {n}", hang, "planted", limit_s=0.2) for n in range(50)]
    begin = time.monotonic()
    found = read_facts(rows, budget_s=0.5)
    assert time.monotonic() - begin < 5  # 50 time-outs would take 10 s
    assert set(found.values.values()) == {None}
    assert found.unknown["fact 49"] == "not read: other sources had already taken 0.5 s"


def test_a_fact_that_the_system_does_not_state_says_so(monkeypatch):
    """A system that states neither a model nor a limit stands for small Arm boards."""
    plant(monkeypatch, {"cpu_model", "memory_limit_bytes"}, read=lambda root: None)
    facts = probe()
    assert facts.unknown["cpu_model"] == "not stated by this system"
    assert "memory_limit_bytes" not in facts.unknown  # no limit is a finding


def test_variables_that_change_speed_are_facts_and_thread_numbers_are_each_job_s(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    environment = probe(variables=("TF_ENABLE_ONEDNN_OPTS",)).environment
    assert environment["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert "TF_ENABLE_ONEDNN_OPTS" not in (probe().environment or {})
    assert "OMP_NUM_THREADS" not in environment


def test_neither_serials_nor_names_leave_in_a_variable_or_a_reason(monkeypatch):
    """The host's name, its user's home and a GPU's serial are planted."""
    monkeypatch.setattr(platform, "node", lambda: "bobs-box")
    monkeypatch.setenv("HOME", "/home/bob")
    monkeypatch.delenv("MNIST_BENCH_SHOW_HOSTNAMES", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
    monkeypatch.setenv("LD_PRELOAD", "/home/bob/lib/libjemalloc.so")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/net/bobs-box/dump")

    def fail(root):
        raise OSError("no file /home/bob/x on bobs-box")

    plant(monkeypatch, {"libc"}, read=fail)
    facts = probe()
    assert facts.environment["LD_PRELOAD"] == "~/lib/libjemalloc.so"
    assert facts.environment["CUDA_VISIBLE_DEVICES"].startswith("GPU-")
    assert facts.unknown["libc"].startswith("OSError: no file ~/x on host-")
    text = facts.model_dump_json()
    for word in ("bob", "8932f937"):
        assert word not in text


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("cloud_instance_type", 3),
        ("cpu_flags", "avx2"),
        ("gpus", [{"index": "first"}]),
        ("environment", {"LD_PRELOAD": 1}),
        ("cloud_lifecycle", "reserved"),
        ("sockets", object()),
    ],
)
def test_a_fact_of_the_wrong_kind_is_none_and_stops_nothing(monkeypatch, row, value):
    plant(monkeypatch, {row}, read=lambda root: value)
    facts = probe()
    assert getattr(facts, row) is None
    assert "its source gave a wrong value" in facts.unknown[row]
    assert facts.python == platform.python_version()
    assert MachineFacts.model_validate_json(facts.model_dump_json()) == facts


def test_bytes_that_are_no_text_do_not_keep_a_record_from_being_written(monkeypatch):
    plant(monkeypatch, {"environment"}, read=lambda root: {"LD_PRELOAD": "/odd\udcff"})
    plant(monkeypatch, {"cpu_flags"}, read=lambda root: ("avx", "\udcff"))
    facts = probe()
    assert facts.environment == {"LD_PRELOAD": "/odd?"}
    assert facts.cpu_flags == ("avx", "?")
    assert facts.model_dump_json()


def test_several_facts_of_the_wrong_kind_are_each_none():
    facts = checked({"cpu_model": 1, "kernel": 2, "gpus": "x", "os": "Linux"}, {"libc": "why"})
    assert (facts.cpu_model, facts.kernel, facts.gpus, facts.os) == (None, None, None, "Linux")
    assert set(facts.unknown) == {"cpu_model", "kernel", "gpus", "libc"}


def test_checking_every_fact_costs_next_to_nothing():
    facts = dict(probe())
    unknown = facts.pop("unknown")
    begin = time.perf_counter()
    checked({**facts, "cpu_model": 1}, unknown)
    assert time.perf_counter() - begin < 0.02


def test_a_package_whose_version_cannot_be_read_is_none_with_the_reason(monkeypatch):
    """Damaged metadata of one package is planted."""
    monkeypatch.setattr(software, "version", lambda name: fail() if name == "keras" else "1")
    facts = probe(("numpy", "keras"))
    assert facts.packages == {"numpy": "1", "keras": None}
    assert facts.unknown["keras"] == "ZeroDivisionError: planted"


def test_where_no_thread_can_be_started_a_fact_is_none_with_the_reason(monkeypatch):
    """A container at its limit of processes is planted."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert in_time(lambda: 1, 1) == (None, "gave no answer: can't start new thread")


def test_a_reader_can_say_in_words_why_there_is_nothing():
    def nothing():
        raise Absent("no such thing here")

    assert in_time(nothing, 1) == (None, "no such thing here")


def test_every_row_is_a_fact_of_the_record_and_says_how_it_is_read():
    assert len(ROWS) == len(set(ROWS))
    derived = {"machine_id", "machine_type", "id_version", "kind", "packages", "unknown"}
    assert set(ROWS) == set(MachineFacts.model_fields) - derived
    assert [fact.name for fact in all_facts() if not fact.how] == []


def test_the_peak_of_this_process_is_no_less_than_what_it_holds():
    peak, source = memory.peak_bytes()
    assert peak > 0
    assert source in {"VmHWM", "ru_maxrss"}
    assert memory.resident_bytes() <= memory.peak_bytes()[0] * 1.05


def test_huge_pages_of_all_sizes_are_counted(tmp_path):
    """The default size is 2 MiB, and 3 pages of 1 GiB are reserved beside it."""
    row = next(fact for fact in memory.FACTS if fact.name == "huge_pages_bytes")
    text = "HugePages_Total:       4\nHugepagesize:       2048 kB"
    root = faked_root(tmp_path, {"/proc/meminfo": text})
    assert row.read(root) == 8 * 2**20
    whole = 3 * 2**30 + 8 * 2**20
    faked_root(tmp_path, {"/proc/meminfo": f"{text}\nHugetlb:  {whole // 1024} kB"})
    assert row.read(root) == whole
    folder = "/sys/kernel/mm/hugepages/hugepages-"
    counts = {f"{folder}2048kB/nr_hugepages": 5, f"{folder}1048576kB/nr_hugepages": 3}
    faked_root(tmp_path, counts)
    assert row.read(root) == 3 * 2**30 + 10 * 2**20


def test_huge_pages_are_counted_in_bytes():
    """The text is hand-made after a server that reserves 1,024 pages of 2 MiB."""
    text = "MemTotal:  1000 kB\nHugePages_Total:    1024\nHugepagesize:       2048 kB\n"
    fields = memory.parse_meminfo(text)
    assert fields["HugePages_Total"] * fields["Hugepagesize"] == 2 * 2**30
    assert fields["MemTotal"] == 1000 * 1024
