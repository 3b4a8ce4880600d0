"""The machines that are compared: their times by cell and sitting, from real records."""

from __future__ import annotations

import math

import pytest
from builders import (
    a_job,
    a_measurement,
    a_record,
    a_run,
    digest,
    facts,
    sittings_of,
    steady_run,
    throttled_run,
    watched,
)

from bench.analysis.entrants import Side
from bench.analysis.priors import TypePriors
from bench.analysis.ratios import Finding
from bench.analysis.results import analyse
from bench.analysis.self_comparison import compare_with_itself, told_apart
from mnist_bench.description import DESCRIPTION

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
STEPS = [[1.0, 0.1], [0.1, 0.1]]


def analysed(*runs):
    return analyse(runs, DESCRIPTION.outline)


def test_a_machine_twice_as_slow_is_found_twice_as_slow():
    runs = [*sittings_of("slow", 0.02, jobs=JOBS), *sittings_of("fast", 0.01, jobs=JOBS)]
    ranking = analysed(*runs).headline
    assert ranking.names == ("fast", "slow")
    pair = ranking.between("fast", "slow")
    assert pair.ratio.times == pytest.approx(2.0)
    assert pair.finding is Finding.FASTER
    assert pair.ratio.sittings == (4, 4)


def test_five_sittings_of_one_seed_are_five_sittings_and_not_one():
    results = analysed(*sittings_of("lab", 0.01, jobs=JOBS[:1], days=(0.05, -0.05, 0.03, -0.03, 0)))
    (lab,) = results.contenders
    assert len(lab.sittings) == 5
    assert lab.fits().count == 5
    assert lab.fits().sitting_df == 6  # four of its own and two of the prior


def test_seeds_are_replicates_of_a_cell():
    (lab,) = analysed(steady_run("lab", 0.01, jobs=JOBS)).contenders
    ((cell, effect),) = lab.fits().cells.items()
    assert (effect.jobs, cell.value("model")) == (3, "cnn")


def test_unlike_batch_sizes_are_not_replicates():
    jobs = [a_job(batch_size=size) for size in (128, 512)]
    (lab,) = analysed(steady_run("lab", 0.01, jobs=jobs)).contenders
    assert len(lab.fits().cells) == 2


def test_a_machine_held_up_by_its_quota_is_compared_by_the_mean_step_that_it_pays():
    """Half a CPU: the p10 and the median are those of a whole one, the mean is twice as long."""
    whole = steady_run("whole", 0.01, jobs=JOBS)
    results = analysed(throttled_run("half", 0.5, jobs=JOBS), whole)
    assert results.headline.between("whole", "half").ratio.times == pytest.approx(2.0)
    half, other = (results.contender(name).fits("p10") for name in ("half", "whole"))
    ((cell, effect),) = half.cells.items()
    assert math.exp(effect.mean) == pytest.approx(math.exp(other.cells[cell].mean))


def test_a_disturbed_job_has_no_weight_if_its_cell_has_a_quiet_one():
    slow = a_record(JOBS[0], a_measurement([[1.0, 0.3], [0.3, 0.3]]), **watched("disturbed"))
    quiet = a_record(JOBS[1], a_measurement(STEPS), **watched("quiet"))
    (lab,) = analysed(a_run([slow, quiet])).contenders
    ((_, effect),) = lab.fits().cells.items()
    assert math.exp(effect.mean) == pytest.approx(0.1)
    assert (lab.aside, lab.disturbed) == (1, 0)


def test_disturbed_jobs_count_if_there_is_no_other():
    slow = a_record(JOBS[0], a_measurement([[1.0, 0.3], [0.3, 0.3]]), **watched("disturbed"))
    (lab,) = analysed(a_run([slow])).contenders
    assert (lab.aside, lab.disturbed) == (0, 1)


def test_a_run_that_goes_on_after_half_an_hour_is_a_second_sitting():
    first = a_record(JOBS[0], a_measurement(STEPS))
    later = {"started_at": "2026-11-01T10:31:01Z", "ended_at": "2026-11-01T10:32:00Z"}
    soon = {"started_at": "2026-11-01T10:30:59Z", "ended_at": "2026-11-01T10:32:00Z"}
    (apart,) = analysed(a_run([first, a_record(JOBS[1], a_measurement(STEPS), **later)])).contenders
    (close,) = analysed(a_run([first, a_record(JOBS[1], a_measurement(STEPS), **soon)])).contenders
    assert [one.part for one in apart.sittings] == [1, 2]
    assert [one.part for one in close.sittings] == [1]


def test_another_boot_is_another_sitting_of_the_same_machine():
    first = a_record(JOBS[0], a_measurement(STEPS), machine=facts(boot_hash="a" * 16))
    again = a_record(JOBS[1], a_measurement(STEPS), machine=facts(boot_hash="b" * 16))
    (lab,) = analysed(a_run([first, again])).contenders
    assert len(lab.sittings) == 2


def test_machines_of_one_type_inform_each_other_s_prior():
    kind = {"cloud_provider": "aws", "cloud_instance_type": "c7i.large"}
    runs = []
    for name in ("a", "b", "c"):
        machine = facts(machine_id=name * 16, **kind)
        days = (0.1, -0.1, 0.1) if name != "c" else (0.0,)
        runs += sittings_of(name, 0.01, jobs=JOBS, days=days, machine=machine)
    fit = analysed(*runs).contender("c").fits()
    assert not fit.prior.assumed
    assert fit.prior.spread > 0.09
    assert "c7i.large" in fit.prior.source


def test_unlike_datasets_are_never_compared():
    synthetic = [a_job(seed=seed, dataset="synthetic") for seed in (1, 2)]
    runs = steady_run("a", 0.01, jobs=JOBS), steady_run("b", 0.02, jobs=synthetic)
    assert analysed(*runs).headline is None


def test_the_same_job_on_data_with_another_digest_is_never_compared():
    measured = a_measurement(STEPS, digests={"data": digest("other data")})
    other = a_run([a_record(JOBS[0], measured, label="b")])
    same = a_run([a_record(JOBS[0], a_measurement(STEPS), label="a")])
    assert analysed(same, other).headline is None


def test_each_model_is_compared_by_itself_too():
    jobs = [*JOBS, a_job(model="mlp")]
    results = analysed(steady_run("a", 0.01, jobs=jobs), steady_run("b", 0.02, jobs=jobs))
    assert {kind.values for kind in results.by_kind} == {("cnn",), ("mlp",)}
    assert len(results.headline.cells) == 2
    assert all(len(found[0].cells) == 1 for found in results.by_kind.values())


def test_the_order_rests_on_the_joint_fit_and_not_on_whom_a_machine_met():
    """A met the slow S alone; F is ten times as fast as S, and is ranked before A."""
    others = [a_job(batch_size=512)]
    runs = [
        *sittings_of("A", 0.10, jobs=JOBS[:1]),
        *sittings_of("S", 0.20, jobs=[*JOBS[:1], *others]),
        *sittings_of("F", 0.02, jobs=others),
    ]
    ranking = analysed(*runs).headline
    assert ranking.names == ("F", "A", "S")
    assert ranking.between("A", "F") is None


def test_sittings_are_told_apart_in_a_report_as_in_a_comparison_of_a_machine_with_itself():
    """The report counts the pairs of all machines at once; one slow day of each is told apart."""
    jobs = [a_job(seed=seed, model=model) for model in ("mlp", "cnn") for seed in (1, 2)]
    days = (0.0, 0.01, 0.6)
    runs = [run for name in "ab" for run in sittings_of(name, 0.01, jobs=jobs, days=days)]
    results = analyse(runs, DESCRIPTION.outline)
    priors = TypePriors((one.machine.facts, one.fits()) for one in results.timed)
    for one in results.contenders:
        own = tuple(job for job in results.measured if job.machine_key == one.machine.key)
        found = compare_with_itself(Side(one.name, own), results.outline, donors=results.timed)
        assert told_apart(one, priors) == (len(found.comparisons), len(found.different)) == (3, 2)
