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

import bench.watch.sampler
import bench.watch.sources as sources
from bench.child.process import run_child
from bench.probe.machine import probe
from bench.watch.files import KeptFile
from bench.watch.ledger import Ledger
from bench.watch.processes import Processes
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
