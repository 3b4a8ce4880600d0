"""The first epoch that reaches a target: by job, by seed, and over all seeds of a recipe."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation

from bench.analysis.pooling import measured_jobs
from bench.analysis.reach import clopper_pearson, first_epoch, reached, recipes
from bench.record.run import merged
from bench.spec.axes import Metric
from mnist_bench.description import DESCRIPTION

OUTLINE = DESCRIPTION.outline
METRIC = OUTLINE.scored


def trained(curve, metric=METRIC):
    """A measurement evaluated after each epoch of `curve`, which holds the metric by epoch."""
    evaluations = [
        an_evaluation(epochs, float(epochs), metrics={metric.name: value})
        for epochs, value in curve.items()
    ]
    return a_measurement([[0.1, 0.1]] * max(curve), evaluations=evaluations)


def every(*values):
    """The curve of evaluations after every epoch."""
    return dict(enumerate(values, start=1))


def first(curve, target=0.98):
    found = first_epoch(1, trained(curve), METRIC, target)
    return (found.low, found.high, found.stays)


def of_seeds(*curves, target=0.98):
    """What jobs show, given pairs of a seed and its curve; each job ran on its own machine."""
    runs = []
    for number, (seed, curve) in enumerate(curves):
        job = a_job(seed=seed, epochs=max(curve))
        record = a_record(job, trained(curve), label=f"m{number}", run_id=f"run-{number}")
        runs.append(a_run([record]))
    ((recipe, jobs),) = recipes(measured_jobs(merged(runs)), OUTLINE).items()
    return reached(recipe, jobs, METRIC, target)


def test_a_job_evaluated_after_every_epoch_knows_its_first_epoch():
    assert first(every(0.95, 0.97, 0.981, 0.99)) == (3, 3, True)
    assert first(every(0.99)) == (1, 1, None)


def test_a_job_evaluated_now_and_then_knows_bounds_alone():
    assert first({2: 0.97, 15: 0.99}) == (3, 15, None)
    assert first({2: 0.99, 15: 0.99}) == (1, 2, True)


def test_a_target_that_was_not_reached_is_more_than_every_epoch():
    assert first(every(0.95, 0.96, 0.97)) == (4, None, None)


def test_a_target_that_is_missed_again_does_not_stay_reached():
    assert first(every(0.97, 0.981, 0.979, 0.982)) == (2, 2, False)


def test_a_diverged_evaluation_misses_and_an_absent_metric_says_nothing():
    assert first(every(math.nan, 0.98)) == (2, 2, None)
    absent = a_measurement([[0.1, 0.1]], evaluations=[an_evaluation(1, 1.0, metrics={})])
    assert first_epoch(1, absent, METRIC, 0.9) is None


def test_of_a_loss_less_is_better():
    loss = Metric("test_loss", "lower")
    found = first_epoch(1, trained(every(0.3, 0.2, 0.1), loss), loss, 0.2)
    assert (found.low, found.high) == (2, 2)


def test_a_seed_counts_once_however_many_machines_trained_it():
    curve = every(0.95, 0.98)
    found = of_seeds((1, curve), (1, curve), (1, curve), (2, every(0.95, 0.96, 0.98)))
    assert (found.reached, found.seeds) == (2, 2)
    assert found.chances == {2: 0.5, 3: 0.5}


def test_jobs_of_one_seed_add_up_to_what_all_of_them_show():
    found = of_seeds((1, {2: 0.97, 15: 0.99}), (1, every(0.95, 0.96)), (1, every(0.9, 0.9, 0.9, 1)))
    (only,) = found.firsts
    assert (only.low, only.high, only.trained) == (4, 4, 15)


def test_if_machines_part_a_seed_the_job_in_the_middle_counts():
    early, late, never = every(0.98, 0.98, 0.98), every(0.9, 0.9, 0.98), every(0.9, 0.9, 0.9)
    (only,) = of_seeds((1, early), (1, late), (1, never)).firsts
    assert (only.low, only.high) == (3, 3)


def test_two_of_three_seeds_have_a_median_and_one_of_three_has_none():
    hit, miss = every(0.9, 0.98, 0.98), every(0.9, 0.9, 0.9)
    two = of_seeds((1, hit), (2, hit), (3, miss))
    assert (two.reached, two.seeds, two.median) == (2, 3, (2, 2))
    one = of_seeds((1, hit), (2, miss), (3, miss))
    assert (one.reached, one.seeds, one.median) == (1, 3, (4, None))
    half = of_seeds((1, hit), (2, miss))
    assert half.median == (4, None)


def test_the_median_of_jobs_evaluated_now_and_then_has_bounds():
    found = of_seeds(*((seed, {2: 0.97, 15: 0.99}) for seed in (1, 2, 3)))
    assert found.median == (3, 15)


def test_a_short_training_counts_as_long_as_it_lasted():
    """The seed of two epochs cannot say whether it would have reached the target in the fourth."""
    fourth, short = every(0.9, 0.9, 0.9, 0.98), every(0.9, 0.9)
    found = of_seeds((1, fourth), (2, fourth), (3, short), (4, every(0.98)))
    assert found.chances == pytest.approx({1: 0.25, 4: 0.75})
    assert (found.reached, found.seeds, found.shorter) == (3, 4, 1)
    assert found.predicted == pytest.approx({1: 1 / 4.5, 4: 3.5 / 4.5 * 2 / 2.5})


def test_what_stays_reached_is_counted_over_seeds_that_were_evaluated_again():
    found = of_seeds(
        (1, every(0.98, 0.98)), (2, every(0.98, 0.97)), (3, every(0.9, 0.98)), (4, every(0.9, 0.9))
    )
    assert found.stayed == (1, 2)


def test_unlike_batch_sizes_are_unlike_recipes_and_unlike_epochs_are_not():
    jobs = [a_job(epochs=1), a_job(epochs=3, seed=2), a_job(batch_size=64)]
    records = [a_record(job, trained(every(*[0.9] * job.epochs))) for job in jobs]
    found = recipes(measured_jobs(merged([a_run(records)])), OUTLINE)
    assert sorted(len(alike) for alike in found.values()) == [1, 2]


def test_the_bounds_of_two_of_three_are_those_of_clopper_and_pearson():
    assert clopper_pearson(2, 3) == pytest.approx((0.094, 0.992), abs=0.0005)
    assert clopper_pearson(0, 3) == pytest.approx((0.0, 0.708), abs=0.0005)
    assert clopper_pearson(3, 3) == pytest.approx((0.292, 1.0), abs=0.0005)


def test_a_journal_without_targets_gets_those_of_the_program():
    from bench.analysis.workload import workload_of

    bare = OUTLINE.model_copy(
        update={"metrics": tuple(replace(metric, targets=()) for metric in OUTLINE.metrics)}
    )
    run = a_run([a_record(a_job(), trained(every(0.9, 0.9)))], workload=bare)
    assert workload_of([run], OUTLINE, None)[0].scored.targets == (0.97, 0.98, 0.99)
