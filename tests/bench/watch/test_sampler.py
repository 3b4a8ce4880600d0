"""The interference ledger: figures of intervals, whose CPU time is whose, and sources that fail."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest
from launches import a_launch, only_record, wait_for

import bench.watch.processes as processes
import bench.watch.sampler
import bench.watch.sources as sources
from bench.child.process import run_child
from bench.probe.machine import probe
from bench.watch.files import KeptFile
from bench.watch.ledger import Ledger
from bench.watch.processes import Processes, ProcessLook, descendants, parse_stat
from bench.watch.sampler import Watch
from bench.watch.series import Counter, Doubt, Limit, Series
from bench.watch.sources import SOURCES, Target

BURN = "import time\nend = time.time() + 60\nwhile time.time() < end: pass\n"


def a_series(*pairs, of=Counter):
    series = of()
    for at, value in pairs:
        series.add(at, value)
    return series


def source_named(name):
    return next(source for source in SOURCES if source.name == name)


@pytest.fixture
def start():
    """Start processes that end with the test."""
    started = []

    def run(source, *, wait_cpu_s=0.0):
        process = subprocess.Popen([sys.executable, "-c", source])
        started.append(process)
        look = psutil.Process(process.pid)
        wait_for(lambda: look.cpu_times().user + look.cpu_times().system >= wait_cpu_s)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()


def test_a_counter_is_cut_at_the_edges_of_an_interval():
    series = a_series((0.0, 0.0), (1.0, 10.0), (2.0, 30.0))
    assert series.rise(0.5, 1.5) == pytest.approx(15.0)
    assert series.rise(0.0, 2.0) == pytest.approx(30.0)
    assert a_series((0.0, 1.0)).rise(0, 1) is None


def test_a_counter_that_fell_silent_is_unknown_and_not_quiet():
    series = a_series((0.0, 0.0), (1.0, 10.0), (2.0, 30.0))
    assert series.rise(1.0, 9.0) is None
    assert series.rise(-9.0, 1.0) is None


def test_a_counter_that_ends_a_little_early_is_not_taken_for_silent_nor_for_quiet():
    series = a_series(*((float(second), 2.0 * second) for second in range(11)))
    assert series.rise(8.0, 10.5) == pytest.approx(5.0)  # at the rate of what was seen
    assert series.rise(10.0, 12.0) is None
    assert series.rise(9.9, 10.4) is None  # seen for a fifth of the time


def test_a_counter_that_falls_is_unknown_where_it_fell_and_counts_on_from_there():
    series = a_series((0.0, 5.0), (1.0, 6.0), (2.0, 1.0), (3.0, 2.0), (4.0, 4.0))
    assert series.rise(0, 1) == 1.0
    assert series.rise(0.5, 1.5) is None
    assert series.why_doubted(0.5, 1.5) == "it fell by 5, and counters only rise"
    assert series.rise(2.0, 4.0) == 3.0
    assert series.why_doubted(2.0, 4.0) is None


def test_a_rise_that_is_impossible_is_unknown_and_counts_nothing():
    series = Counter(Limit(per_s=2.0, lump=0.5, unit=" s"))
    for at, value in ((0.0, 0.0), (1.0, 2.4), (2.0, 1e13), (3.0, 1e13 + 1)):
        series.add(at, value)
    assert series.rise(0.0, 1.0) == 2.4
    assert series.rise(0.0, 3.0) is None
    assert "rose by 1e+13 s in 1 s, and more than 2.5 s is impossible" in series.why_doubted(0, 3)
    assert series.rise(2.0, 3.0) == 1.0


def test_a_value_that_its_source_doubts_makes_the_time_since_the_one_before_unknown():
    series = a_series((0.0, 0.0), (1.0, 1.0), (2.0, Doubt("planted")), (3.0, 2.0))
    assert (series.rise(0.0, 1.0), series.rise(2.0, 3.0)) == (1.0, 1.0)
    assert series.rise(1.2, 1.8) is None
    assert series.why_doubted(1.2, 1.8) == "planted"


def test_a_gauge_takes_the_nearest_sample_only_if_it_is_near():
    series = a_series((0.0, 1.0), (1.0, 3.0), (2.0, 5.0), of=Series)
    assert (series.mean(0.5, 2.5), series.most(0.5, 2.5)) == (4.0, 5.0)
    assert series.most(2.2, 2.4) == 5.0
    assert series.most(9.0, 9.1) is None


def test_the_figures_of_an_interval_are_shares_of_its_time_and_its_cpus():
    ledger = Ledger()
    for second in range(11):
        ledger.add(
            float(second),
            {
                "busy_cpu_s": 2.0 * second,
                "own_cpu_s": 1.5 * second,
                "tree_cpu_s": 1.2 * second,
                "steal_cpu_s": 0.1 * second,
                "quota_periods": 10 * second,
                "throttled_periods": 2 * second,
                "throttled_s": 0.05 * second,
                "pressure_memory_full_s": 0.01 * second,
                "involuntary_switches": 100 * second,
                "rss_bytes": 1000 + second,
            },
        )
    seen = ledger.interference(2.0, 6.0, cpus=2, epoch=1)
    assert seen.foreign_cpus == pytest.approx(0.5)
    assert seen.job_cpu_s == pytest.approx(4.8)
    assert seen.steal_share == pytest.approx(0.05)
    assert seen.throttled_periods_share == pytest.approx(0.2)
    assert seen.throttled_s == pytest.approx(0.2)
    assert seen.pressure_memory_full_share == pytest.approx(0.01)
    assert (seen.involuntary_switches, seen.rss_peak_bytes) == (400, 1006)
    assert (seen.frequency_hz, seen.energy, seen.gpus) == (None, (), ())


def test_what_no_meter_saw_is_none_and_not_0():
    seen = Ledger().interference(0.0, 1.0, cpus=2)
    figures = seen.model_dump(exclude={"epoch", "wall_s", "flag", "causes", "gpus", "energy"})
    assert figures.pop("doubts") == {}
    assert set(figures.values()) == {None}


def test_a_process_whose_name_holds_brackets_and_spaces_is_read():
    fields = [
        "S",
        "7",
        "1",
        "1",
        "0",
        "-1",
        "4194304",
        "11",
        "0",
        "3",
        "0",
        "250",
        "50",
        "20",
        "10",
        "20",
        "0",
        "4",
        "0",
        "9000",
        "1000000",
        "256",
    ]
    look = parse_stat(f"42 (a) b (c) {' '.join(fields)} 0 0".encode())
    ticks = processes.TICK_S
    assert (look.pid, look.parent, look.name) == (42, 7, "a) b (c")
    assert (look.cpu_s, look.waited_cpu_s) == (300 * ticks, 30 * ticks)
    assert (look.minor_faults, look.major_faults, look.started) == (11, 3, 9000)
    assert look.rss_bytes == 256 * processes.PAGE_BYTES


def a_look(pid, parent, name="python"):
    return ProcessLook(pid, parent, name, 0.0, 0.0, 0, 0)


def test_what_a_child_started_is_below_it_however_deep():
    looks = {p: a_look(p, q) for p, q in ((2, 1), (3, 2), (4, 3), (5, 1))}
    assert descendants(2, looks) == {2, 3, 4}


def test_the_processes_of_our_ray_session_are_our_own_and_other_sessions_are_not(monkeypatch):
    """Process lists and command lines are planted: a daemon's Ray cannot be had in every test."""
    ours, theirs = "session_2026-11-24_12-00-00_1_1", "session_2026-11-24_13-00-00_2_2"
    looks = {
        look.pid: look
        for look in (
            a_look(10, 1),  # the driver
            a_look(11, 10, "gcs_server"),
            a_look(12, 10, "raylet"),
            a_look(13, 12, "ray::_run_as_js"),  # the worker that watches
            a_look(14, 12, "ray::IDLE"),
            a_look(15, 1, "gcs_server"),  # of another session
            a_look(16, 1, "python"),
        )
    }
    lines = {11: f"--log=/tmp/ray/{ours}/logs", 12: f"--s={ours}", 15: f"--s={theirs}"}
    monkeypatch.setattr(processes, "_command_line", lambda pid: lines.get(pid, ""))
    monkeypatch.setattr(processes, "_executable", lambda pid: "/usr/bin/python" if pid else None)
    session = processes.RaySession(looks, 13)
    assert session.own(looks) == {10, 11, 12, 13, 14}
    later = {**looks, 17: a_look(17, 12), 18: a_look(18, 1)}
    assert session.own(later) == {10, 11, 12, 13, 14, 17}
    assert processes.RaySession(looks, 16).own(looks) == set()


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


def test_foreign_time_holds_a_hog_s_own_count_and_no_more_than_all_that_was_used(start):
    """The machine's other load is whatever it is, so the figure is held between two counts."""

    def hog_s():
        times = psutil.Process(hog.pid).cpu_times()
        return times.user + times.system

    def all_s():
        times = psutil.cpu_times()
        return times.user + times.nice + times.system

    hog = start(BURN, wait_cpu_s=0.1)
    all_before = all_s()
    with Watch(None) as watch:
        wait_for(lambda: len(watch.ledger.series["own_cpu_s"]))
        before = hog_s()
        wait_for(lambda: hog_s() > before + 0.5)
        used = hog_s() - before
        looks = len(watch.ledger.series["own_cpu_s"])
        wait_for(lambda: len(watch.ledger.series["own_cpu_s"]) > looks + 1)
    seen = watch.ledger.interference(watch.began_s, watch.ended_s, cpus=2)
    foreign_s = seen.foreign_cpus * seen.wall_s
    assert used - 0.1 <= foreign_s <= all_s() - all_before + 0.1


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


def test_a_kept_file_is_read_anew_each_time_and_can_be_missing(tmp_path):
    path = tmp_path / "counter"
    path.write_text("1")
    file = KeptFile(path)
    assert file.read() == b"1"
    path.write_text("23")
    assert file.read() == b"23"
    file.close()
    with pytest.raises(OSError, match="descriptor"):
        file.read()
    with pytest.raises(FileNotFoundError):
        KeptFile(tmp_path / "absent")


def test_every_figure_that_this_system_has_is_seen_of_a_real_job(tmp_path):
    seen = only_record(run_child(a_launch("grow", tmp_path))).conditions
    assert [epoch.epoch for epoch in seen.epochs] == [1, 2]
    whole = seen.whole
    assert whole.job_cpu_s > 0
    assert whole.foreign_cpus >= 0
    assert whole.flag in {"quiet", "disturbed"}
    if sys.platform == "linux":
        assert whole.minor_faults > 0
        assert (whole.major_faults, whole.swapped_bytes) != (None, None)
        assert 0 <= whole.steal_share <= 1
    assert 0 < whole.rss_peak_bytes <= whole.tree_rss_peak_bytes <= seen.tree_rss_peak_bytes
    assert 0 < seen.sampling_cpu_s < seen.cpu_s + 10


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


@pytest.mark.slow
def test_the_switches_of_all_threads_are_counted(start):
    source = (
        "import threading, time\n"
        "def nap():\n"
        "    for _ in range(100000): time.sleep(0.001)\n"
        "threads = [threading.Thread(target=nap) for _ in range(4)]\n"
        "[t.start() for t in threads]\n"
    )
    child = start(source, wait_cpu_s=0.1)
    read = source_named("context switches").open(Target(child.pid, Processes(child.pid)))
    begin = read()["voluntary_switches"]
    wait_for(lambda: read()["voluntary_switches"] >= begin + 400, seconds=20)


def fail(*arguments):
    raise ZeroDivisionError("planted")


def hang(*arguments):
    threading.Event().wait(60)


def plant(monkeypatch, name, stage, fault):
    """Give the source `name` a fault: no machine can be had on which each of them has one."""
    opened = fault if stage == "open" else lambda target: fault
    rows = tuple(replace(m, open=opened) if m.name == name else m for m in SOURCES)
    monkeypatch.setattr(bench.watch.sampler, "SOURCES", rows)
    monkeypatch.setattr(bench.watch.sampler, "GRACE_S", 0.05)  # so that the test is over sooner


@pytest.fixture(scope="module")
def sleeper():
    """A process to watch."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize("name", [source.name for source in SOURCES])
@pytest.mark.parametrize("stage", ["open", "read"])
def test_a_meter_that_fails_leaves_all_others_their_samples(monkeypatch, sleeper, name, stage):
    plant(monkeypatch, name, stage, fail)
    other = "rss_bytes" if name != "child" else "own_cpu_s"
    with Watch(sleeper, period_s=0.01) as watch:
        wait_for(lambda: len(watch.ledger.series[other]) > 3 and name in watch.unknown)
    assert watch.unknown[name] == "ZeroDivisionError: planted"


@pytest.mark.parametrize("name", [source.name for source in SOURCES])
@pytest.mark.parametrize("stage", ["open", "read"])
def test_a_meter_that_hangs_is_named_and_the_watch_ends(monkeypatch, sleeper, name, stage):
    plant(monkeypatch, name, stage, hang)
    with Watch(sleeper, period_s=0.02) as watch:
        wait_for(lambda: name in [sampler.reading for sampler in watch._samplers])
        time.sleep(0.05)
    assert watch.unknown[name].startswith("hangs")


@pytest.mark.parametrize("name", [source.name for source in SOURCES if source.may_hang])
def test_a_driver_that_hangs_takes_no_memory_and_cpu_figures_with_it(monkeypatch, sleeper, name):
    plant(monkeypatch, name, "read", hang)
    with Watch(sleeper, period_s=0.02) as watch:
        wait_for(lambda: name in [sampler.reading for sampler in watch._samplers])
        seen = len(watch.ledger.series["own_cpu_s"])
        wait_for(lambda: len(watch.ledger.series["own_cpu_s"]) > seen + 3)


def test_a_source_that_fails_once_is_read_again(monkeypatch, sleeper):
    """The reader is planted: it fails at its second look alone."""
    looks = []

    def flaky():
        looks.append(1)
        if len(looks) == 2:
            raise BlockingIOError("planted")
        return {"load_1min": 1.0}

    plant(monkeypatch, "load", "read", flaky)
    with Watch(sleeper, period_s=0.01) as watch:
        wait_for(lambda: len(watch.ledger.series["load_1min"]) > 2)
    assert "load" not in watch.unknown


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fail, hang])
@pytest.mark.parametrize("name", ["child", "GPU"])
def test_a_fault_of_a_meter_stops_no_run(tmp_path, monkeypatch, name, fault):
    plant(monkeypatch, name, "read", fault)
    record = only_record(run_child(a_launch("ok", tmp_path)))
    assert record.failure is None
    assert name in record.conditions.unknown


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["affinity", "cores", "cpu_quota"])
def test_limits_that_cannot_be_read_stop_no_run(tmp_path, monkeypatch, reader):
    """The readers are made to fail with an error that nobody expects."""
    for module in (bench.watch.sampler.usable, bench.watch.sampler.cgroup):
        monkeypatch.setattr(module, reader, fail, raising=False)
    record = only_record(run_child(a_launch("ok", tmp_path)))
    assert record.failure is None
    assert record.conditions.whole.flag in {"quiet", "disturbed", "unknown"}


def test_where_no_thread_can_be_had_nothing_is_seen_and_the_run_goes_on(tmp_path, monkeypatch):
    """A system that gives no more threads is planted."""

    def no_more(thread):
        raise RuntimeError("can't start new thread")

    launch = a_launch("ok", tmp_path, machine=probe())
    monkeypatch.setattr(threading.Thread, "start", no_more)
    record = only_record(run_child(launch))
    assert record.failure is None
    assert record.conditions.whole.flag == "unknown"
    assert record.conditions.unknown["CPU times"] == "can't start new thread"
    assert record.conditions.unknown["GPU"] == "can't start new thread"


def test_what_a_hanging_sensor_says_later_is_not_heard(monkeypatch, sleeper):
    late = threading.Event()

    def slow():
        late.wait(60)
        return {"frequency_hz": 1e9}

    plant(monkeypatch, "frequency", "read", slow)
    with Watch(sleeper, period_s=0.02) as watch:
        wait_for(lambda: "frequency" in [sampler.reading for sampler in watch._samplers])
    late.set()
    watch._samplers[1].thread.join(10)
    assert "frequency_hz" not in watch.ledger.series


def test_sources_behind_one_that_hangs_at_its_opening_have_their_reason(monkeypatch, sleeper):
    plant(monkeypatch, "frequency", "open", hang)
    with Watch(sleeper, period_s=0.02) as watch:
        wait_for(lambda: "frequency" in [sampler.reading for sampler in watch._samplers])
    assert watch.unknown["RAPL"] == "not read: frequency hangs"


def test_sources_behind_one_that_hangs_later_have_their_reason_too(monkeypatch, sleeper):
    plant(monkeypatch, "load", "read", hang)
    with Watch(sleeper, period_s=0.02) as watch:
        wait_for(lambda: "load" in [sampler.reading for sampler in watch._samplers])
    assert watch.unknown["swap"] == "not read to the end: load hangs"


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


def test_throttling_of_the_tightest_group_is_read(tmp_path, monkeypatch):
    """The texts are those of version 2 and version 1, made by hand."""
    for text, group in (
        ("usage_usec 9000000\nnr_periods 40\nnr_throttled 10\nthrottled_usec 1500000\n", {}),
        ("nr_periods 40\nnr_throttled 10\nthrottled_time 1500000000\n", {"cpuacct.usage": 9e9}),
    ):
        for name, value in group.items():
            (tmp_path / name).write_text(f"{value:.0f}\n")
        (tmp_path / "cpu.stat").write_text(text)
        monkeypatch.setattr(sources.cgroup, "throttling_file", lambda root: tmp_path / "cpu.stat")
        assert source_named("throttling").open(Target(None, Processes(None)))() == {
            "quota_periods": 40,
            "throttled_periods": 10,
            "throttled_s": pytest.approx(1.5),
            "group_cpu_s": pytest.approx(9.0),
        }
