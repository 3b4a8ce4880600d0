"""Which processes are the benchmark's own, and whose CPU time is whose."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest
from launches import wait_for

import bench.watch.processes as processes
from bench.watch.process_table import ProcessLook
from bench.watch.processes import Processes

BURN = "import time\nend = time.time() + 60\nwhile time.time() < end: pass\n"


def test_a_child_and_what_it_starts_are_own_and_a_sibling_is_foreign(start):
    tree = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])"
    child = start(tree)
    wait_for(lambda: psutil.Process(child.pid).children())
    hog = start(BURN, wait_cpu_s=0.1)
    seen = Processes(child.pid)
    seen.scan()
    before = seen.read()
    grandchild = psutil.Process(child.pid).children()[0]
    begin_s = grandchild.cpu_times().user
    wait_for(lambda: grandchild.cpu_times().user > begin_s + 0.3)
    seen.scan()
    after = seen.read()
    assert after["tree_cpu_s"] - before["tree_cpu_s"] >= 0.2
    assert after["own_cpu_s"] >= after["tree_cpu_s"]
    assert hog.pid in {p.pid for p in seen.busiest_foreign(1.0, most=1000)}
    assert not {child.pid, grandchild.pid} & {p.pid for p in seen.busiest_foreign(1e-9, most=1000)}


def test_what_this_process_starts_before_a_job_is_its_own_if_that_is_said(start):
    hog = start(BURN, wait_cpu_s=0.1)
    own, strange = Processes(None, starting=True), Processes(None)
    for seen in (own, strange):
        seen.scan()
    before = own.read()
    used_s = psutil.Process(hog.pid).cpu_times().user
    wait_for(lambda: psutil.Process(hog.pid).cpu_times().user > used_s + 0.3)
    for seen in (own, strange):
        seen.scan()
    assert own.read()["own_cpu_s"] - before["own_cpu_s"] >= 0.2
    assert "tree_cpu_s" not in own.read(), "no job runs, so none used any CPU time"
    assert (own.is_own(hog.pid), strange.is_own(hog.pid)) == (True, False)
    assert hog.pid not in {p.pid for p in own.busiest_foreign(1e-9, most=1000)}


@pytest.mark.parametrize("scans", [False, True])
def test_a_child_that_has_ended_counts_once_whether_a_scan_comes_before_the_reading_or_not(scans):
    seen = Processes(None, starting=True)
    seen.scan()
    begin_s = seen.read()["own_cpu_s"]
    code = "import sys, time\nwhile time.process_time() < 0.6: pass\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as child:
        wait_for(lambda: sum(psutil.Process(child.pid).cpu_times()[:2]) > 0.55)
        seen.scan()
        seen.read()
    if scans:
        seen.scan()
    assert 0.5 <= seen.read()["own_cpu_s"] - begin_s <= 1.0


def test_an_ended_process_is_forgotten_and_its_time_is_not(start):
    child = start(BURN, wait_cpu_s=0.2)
    seen = Processes(child.pid)
    seen.scan()
    before = seen.read()["own_cpu_s"]
    child.kill()
    child.wait()
    assert seen.read()["own_cpu_s"] >= before


def test_a_stranger_s_short_lived_children_are_its_own(start):
    """A shell that starts one short burner after another, as `make` starts compilers."""
    burn = "import time; end = time.time() + 0.3\nwhile time.time() < end: pass"
    source = (
        "import subprocess, sys\n"
        f"for _ in range(100): subprocess.run([sys.executable, '-c', {burn!r}])\n"
    )
    maker = start(source)
    look = psutil.Process(maker.pid)
    watched = Processes(None)
    watched.scan()
    begin_s, used_s = time.monotonic(), look.cpu_times().children_user
    wait_for(lambda: look.cpu_times().children_user > used_s + 1)
    watched.scan()
    wall_s = time.monotonic() - begin_s
    found = {p.pid: p.cpus for p in watched.busiest_foreign(wall_s, most=1000)}
    assert found[maker.pid] * wall_s >= 0.9


def test_the_time_of_a_process_whose_parent_ended_too_is_taken_for_no_one_else_s(monkeypatch):
    """The looks are planted: which of two processes ends first cannot be arranged.

    A child of 80 s and its parent end between two scans. The parent's own parent collects both, or
    process 1 collects the orphan.
    """

    def seen(pid, parent, cpu_s, waited_cpu_s=0.0):
        return ProcessLook(pid, parent, f"p{pid}", cpu_s, waited_cpu_s, 0, 1.0)

    before = [seen(1, 0, 5), seen(50, 1, 1), seen(60, 50, 2), seen(70, 60, 80)]
    for collects in (1, 50):
        after = [
            seen(1, 0, 5, 80 if collects == 1 else 0),
            seen(50, 1, 1, 2 if collects == 1 else 82),
        ]
        scans = iter([{p.pid: p for p in before}, {p.pid: p for p in after}])
        monkeypatch.setattr(processes, "all_processes", lambda scans=scans: next(scans))
        watched = Processes(None)
        watched.scan()
        watched.scan()
        assert watched.busiest_foreign(1.0) == ()


def test_a_scan_that_shows_a_ring_of_parents_ends(monkeypatch):
    """The looks are planted: pids were given anew while /proc was read."""
    ring = {
        pid: ProcessLook(pid, parent, f"p{pid}", 1.0, 0.0, 0, 1.0)
        for pid, parent in ((60, 70), (70, 80), (80, 70))
    }
    scans = iter([ring, {}])
    monkeypatch.setattr(processes, "all_processes", lambda: next(scans))
    watched = Processes(None)
    watched.scan()
    watched.scan()
    assert watched.busiest_foreign(1.0) == ()


def test_an_own_process_that_has_ended_is_no_stranger(start):
    child = start("import time; time.sleep(600)")
    watched = Processes(child.pid)
    watched.scan()
    watched.read()
    child.kill()
    child.wait()
    watched.read()
    assert watched.is_own(child.pid) is True
    assert watched.is_own(2**22 + 1) is None
