"""Speed-up and efficiency by threads, with planted times."""

from __future__ import annotations

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts

from bench.analysis.ratios import Finding
from bench.analysis.results import analyse
from bench.record.conditions import Conditions, Interference
from bench.record.measurement import ThreadFacts
from mnist_bench.description import DESCRIPTION

#: Relative noise of the jobs of a cell, which adds up to nothing.
NOISE = (0.995, 1.0, 1.005)


def a_threaded_run(step_ms, *, run_id="run-1", slower=1.0, label="lab", noise=NOISE, **job):
    """Return a run of one sitting; `step_ms` are mean steps by threads."""
    records = []
    for threads, planted_ms in step_ms.items():
        for seed, factor in enumerate(noise):
            spec = a_job(model="mlp", threads=threads, seed=seed, **job)
            time_s = planted_ms / 1000 * factor * slower
            measured = a_measurement(
                [[1.0, time_s], [time_s] * 2],
                threads=ThreadFacts(asked=threads, environment={}),
            )
            records.append(
                a_record(
                    spec, measured, label=label, run_id=run_id, machine=facts(usable_cpus=16.0)
                )
            )
    return a_run(records)


def scalings(*runs):
    return analyse(runs, DESCRIPTION.outline).threads


def test_speedup_and_efficiency_are_beside_one_thread():
    (found,) = scalings(a_threaded_run({1: 8.0, 2: 5.0, 4: 4.0}))
    assert [point.threads for point in found.points] == [1, 2, 4]
    assert [point.step_s * 1000 for point in found.points] == pytest.approx([8, 5, 4], rel=1e-3)
    assert found.base.speedup is None and found.base.finding is None
    assert [point.speedup.times for point in found.points[1:]] == pytest.approx([1.6, 2.0])
    assert [found.efficiency(point) for point in found.points[1:]] == pytest.approx([0.8, 0.5])
    assert [point.jobs for point in found.points] == [3, 3, 3]
    assert found.fastest.threads == 4
    assert found.slower == () and found.costs_from is None


def test_the_number_from_which_more_threads_cost_is_the_first_that_is_surely_slower_than_fewer():
    (found,) = scalings(a_threaded_run({1: 8.0, 2: 5.0, 4: 5.05, 8: 7.0, 16: 20.0}))
    findings = {point.threads: point.finding for point in found.points[1:]}
    assert found.fastest.threads == 2
    assert findings[2] is Finding.FASTER
    assert findings[4] is not Finding.SLOWER, "one per cent is within the noise"
    assert findings[8] is Finding.SLOWER and findings[16] is Finding.SLOWER
    assert found.costs_from == 8


def test_a_slowdown_within_the_noise_is_not_shown():
    (found,) = scalings(a_threaded_run({1: 5.0, 2: 5.3}, noise=(0.8, 1.0, 1.3)))
    assert found.fastest.threads == 1
    assert [point.threads for point in found.slower] == [2]
    assert found.points[1].finding is Finding.OPEN
    assert found.costs_from is None


def test_one_job_of_each_is_no_finding_unless_the_difference_is_huge():
    (found,) = scalings(a_threaded_run({1: 5.0, 2: 5.3}, noise=(1.0,)))
    assert found.points[1].finding is Finding.OPEN


def test_a_slow_day_of_all_threads_drops_out_of_the_speedup():
    """The second sitting is half as fast and measured more jobs with two threads."""
    first = a_threaded_run({1: 8.0, 2: 4.0})
    second = a_threaded_run({1: 8.0}, run_id="run-2", slower=2.0, noise=(1.0,))
    third = a_threaded_run({2: 4.0}, run_id="run-2", slower=2.0)
    (found,) = scalings(first, second, third)
    assert found.points[1].speedup.times == pytest.approx(2.0, rel=0.01)


def test_without_one_thread_the_fewest_are_the_base():
    (found,) = scalings(a_threaded_run({4: 4.0, 8: 3.0}))
    assert found.base.threads == 4
    assert found.efficiency(found.points[1]) == pytest.approx(4 / 3 / 2)


def test_cells_and_hosts_that_ran_with_one_number_of_threads_are_left_out():
    runs = [
        a_threaded_run({1: 8.0, 2: 5.0}),
        a_threaded_run({4: 8.0}, batch_size=64),
        a_threaded_run({1: 8.0}, label="rack"),
    ]
    (found,) = scalings(*runs)
    assert (found.host, found.cell.value("batch_size")) == ("lab", 128)


def test_the_usable_cpus_and_the_same_number_are_one_setting():
    asked = ThreadFacts(asked=2, environment={})
    measured = a_measurement([[1.0, 0.01], [0.01, 0.01]], threads=asked)
    two = [a_record(a_job(threads=threads), measured) for threads in (2, None)]
    one = a_measurement([[1.0, 0.02], [0.02, 0.02]], threads=ThreadFacts(asked=1, environment={}))
    (found,) = scalings(a_run([*two, a_record(a_job(threads=1), one)]))
    assert [(point.threads, point.jobs) for point in found.points] == [(1, 1), (2, 2)]


def test_a_disturbed_job_counts_only_if_no_quiet_one_has_its_threads():
    def watched(flag, time_s, threads, seed):
        whole = Interference(wall_s=1.0, flag=flag, causes=())
        seen = Conditions(period_s=0.1, samples=9, rss_peak_bytes=None, whole=whole)
        measured = a_measurement(
            [[1.0, time_s], [time_s] * 2], threads=ThreadFacts(asked=threads, environment={})
        )
        job = a_job(threads=threads, seed=seed)
        return a_record(job, measured, conditions=seen)

    records = [
        watched("quiet", 0.02, 1, 1),
        watched("disturbed", 0.08, 1, 2),
        watched("disturbed", 0.01, 2, 1),
    ]
    (found,) = scalings(a_run(records))
    assert [point.jobs for point in found.points] == [1, 1]
    assert found.points[1].speedup.times == pytest.approx(2.0)


def test_the_cpus_that_a_job_kept_busy_are_its_cpu_seconds_over_the_seconds():
    (found,) = scalings(a_threaded_run({1: 8.0, 2: 5.0}))
    assert [point.cpus for point in found.points] == pytest.approx([2.0, 2.0]), "as planted"
