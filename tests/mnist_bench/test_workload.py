"""The real workload in real child processes: what is trained, what is timed, what is identical.

The data are the first 2,600 images of MNIST (of the synthetic set where MNIST is not here): the
last batch of an epoch is a ragged one of 40. Jobs are run once for all tests of the file: the plain
job of each network in a process of its own, as a run starts it; its variations in one for all.
"""

from __future__ import annotations

import math
import pkgutil

import numpy as np
import pytest
from batch import Batch
from launches import only_record
from toy_workload import SLOW_TELLER, TELLING_S

from bench.child.launch import LaunchSpec
from bench.child.meter import arrays_digest
from bench.child.process import run_child
from bench.child.workload import code_digest
from bench.record.measurement import Measurement
from bench.spec.job import JobSpec, make_job
from mnist_bench.backends import BACKENDS
from mnist_bench.data import Arrays, MnistData, combined_digest, digests_of, load_copy, write_copy
from mnist_bench.description import AXES
from mnist_bench.inputs import prepare
from mnist_bench.models import batch_orders
from mnist_bench.settings import settings_of
from mnist_bench.synthetic import make_synthetic
from mnist_bench.training import LOOPS

NAME = "mnist_bench.workload:WORKLOAD"

pytestmark = pytest.mark.slow

IMAGES, TESTED, BATCH = 20 * 128 + 40, 500, 128
MODELS = ("mlp", "cnn")

#: Far above what leaving `fit` takes (milliseconds), far below the waits that this is to catch.
TEARING_DOWN_S = 1.0

#: Room for float32 step times and the rounding of sums.
ROUNDING = 1 + 1e-5


@pytest.fixture(scope="module")
def arrays(mnist_file) -> Arrays:
    whole = load_copy(mnist_file) if mnist_file else make_synthetic()
    return Arrays(
        whole.x_train[:IMAGES], whole.y_train[:IMAGES], whole.x_test[:TESTED], whole.y_test[:TESTED]
    )


@pytest.fixture(scope="module")
def launch(arrays, tmp_path_factory):
    """Return launches of jobs on the small set."""
    dataset = MnistData("mnist", arrays, "a part", digests_of(arrays))
    path = write_copy(dataset, tmp_path_factory.mktemp("staged"))

    def make(job: JobSpec, **changes) -> LaunchSpec:
        fields = {
            "run_id": "run-1",
            "workload": NAME,
            "job": job,
            "label": "lab",
            "data_path": str(path),
            "data_digest": combined_digest(arrays),
            "threads": 2,
            "time_limit_s": 300,
        }
        return LaunchSpec.model_validate({**fields, **changes})

    return make


@pytest.fixture(scope="module")
def batch(launch):
    """Return the process that the variations of the plain jobs share."""
    with Batch(launch(a_job("mlp", epochs=1))) as batch:
        yield batch


@pytest.fixture(scope="module")
def measured(launch, batch):
    """Return the measurement of a job; each job is run once, but for its `repeat`."""
    done: dict[str, Measurement] = {}

    def measure(model: str, **changes) -> Measurement:
        job = a_job(model, **changes)
        if job.job_id not in done:
            record = batch.run(launch(job)) if changes else only_record(run_child(launch(job)))
            assert record.failure is None, record.failure
            done[job.job_id] = record.measurement
        return done[job.job_id]

    return measure


def a_job(model: str, **changes) -> JobSpec:
    """Return a 2-epoch job on MNIST; `changes` are values of axes and other fields."""
    axes = {"model": model, "optimizer": "adam"}
    axes |= {axis.name: changes.pop(axis.name) for axis in AXES if axis.name in changes}
    return make_job(AXES, axes, **{"epochs": 2, "seed": 1234, "dataset": "mnist", **changes})


def figures(evaluation):
    """Return what an evaluation found, without its times; a read-off has no confusion matrix."""
    return evaluation.model_dump(exclude={"evaluate_s", "total_s", "confusion"})


def proofs(measurement):
    """Return the digests that prove two jobs the same; the code's may change under our hands."""
    return measurement.digests.model_dump(exclude={"code"})


@pytest.mark.parametrize("model", MODELS)
def test_a_repeated_job_matches_bit_for_bit(measured, model):
    first, second = measured(model), measured(model, repeat=1)
    assert proofs(first) == proofs(second)
    assert figures(first.final) == figures(second.final)
    assert [e.metrics for e in first.epochs] == [e.metrics for e in second.epochs]


@pytest.mark.parametrize("model", MODELS)
def test_a_read_off_is_exactly_what_the_shorter_job_gives(measured, model):
    long, short = measured(model, epochs=3, read_off=(2,)), measured(model)
    read_off, final = long.evaluations
    assert figures(read_off) == figures(short.final)
    assert (read_off.epochs, final.epochs) == (2, 3)
    assert final.weights_digest != read_off.weights_digest
    for epoch, alone in zip(long.epochs[:2], short.epochs, strict=True):
        assert epoch.metrics == alone.metrics


@pytest.mark.parametrize("model", MODELS)
def test_a_read_off_changes_nothing_of_what_comes_after_it(measured, model):
    """Exactly, for the CNN too: an evaluation in between must not shift its dropout."""
    with_it, without = measured(model, epochs=3, read_off=(2,)), measured(model, epochs=3)
    assert figures(with_it.final) == figures(without.final)
    assert with_it.epochs[2].metrics == without.epochs[2].metrics


@pytest.mark.parametrize("model", MODELS)
def test_an_evaluation_after_every_epoch_changes_nothing_of_the_job(measured, model):
    every, end = measured(model, epochs=3, evaluate="every"), measured(model, epochs=3)
    assert [evaluation.epochs for evaluation in every.evaluations] == [1, 2, 3]
    assert figures(every.final) == figures(end.final)
    assert [epoch.metrics for epoch in every.epochs] == [epoch.metrics for epoch in end.epochs]


def test_another_seed_gives_other_weights_from_the_start(measured):
    first, other = measured("mlp").digests, measured("mlp", seed=99, epochs=1).digests
    assert first.initial_weights != other.initial_weights
    assert first.batch_order != other.batch_order
    assert first.final_weights != other.final_weights
    assert first.data == other.data


@pytest.mark.parametrize("model", MODELS)
def test_training_learns(measured, model):
    first, last = (epoch.metrics["train_loss"] for epoch in measured(model).epochs)
    assert last < first < math.log(10)
    assert measured(model).final.metrics["test_accuracy"] > 0.5
    assert measured(model).final.weights_digest != measured(model).digests.initial_weights


@pytest.mark.parametrize("model", MODELS)
def test_the_ragged_last_batch_is_a_step_and_every_step_has_its_time(measured, model):
    measurement = measured(model, epochs=3, read_off=(2,))
    steps = math.ceil(IMAGES / BATCH)
    assert [epoch.steps for epoch in measurement.epochs] == [steps] * 3
    times_s = measurement.step_times.unpack().reshape(3, steps)
    assert measurement.step_times.count == steps * 3
    assert measurement.ragged_last_step
    assert (times_s > 0).all()
    for epoch, row in zip(measurement.epochs, times_s, strict=True):
        assert row.sum() <= epoch.wall_s * ROUNDING
        assert row[0] == pytest.approx(epoch.step_first_s, rel=1e-5)
        whole = row[1:-1]  # neither the first step nor the smaller last batch is a measure
        assert np.quantile(whole, 0.5) == pytest.approx(epoch.step_median_s, rel=1e-5)
        assert epoch.step_p10_s <= epoch.step_median_s <= epoch.step_p95_s


@pytest.mark.parametrize("model", MODELS)
def test_the_annex_total_holds_training_and_its_own_evaluations_alone(measured, model):
    measurement = measured(model, epochs=3, read_off=(2,))
    read_off, final = measurement.evaluations
    walls_s = [epoch.wall_s for epoch in measurement.epochs]
    assert measurement.train_s == pytest.approx(sum(walls_s))
    assert final.total_s >= (sum(walls_s) + final.evaluate_s) / ROUNDING
    assert read_off.total_s >= (sum(walls_s[:2]) + read_off.evaluate_s) / ROUNDING
    # and no wait for a pipeline to be torn down, which was once seen to take 40 s
    last = measurement.epochs[-1]
    before_and_between_s = last.started_s - sum(walls_s[:2]) - read_off.evaluate_s
    known_s = sum(walls_s) + before_and_between_s + final.evaluate_s
    assert final.total_s <= known_s + TEARING_DOWN_S


@pytest.mark.parametrize("model", MODELS)
def test_a_read_off_s_total_ends_before_the_next_epoch_begins(measured, model):
    measurement = measured(model, epochs=3, read_off=(2,))
    read_off, _ = measurement.evaluations
    second, third = measurement.epochs[1:]
    assert read_off.total_s <= third.started_s * ROUNDING
    assert second.started_s + second.wall_s + read_off.evaluate_s <= third.started_s * ROUNDING


def test_telling_of_progress_and_read_offs_are_in_no_total(launch, batch):
    job = a_job("mlp", epochs=3, read_off=(2,))
    measurement = batch.run(launch(job, workload=SLOW_TELLER)).measurement
    read_off, final = measurement.evaluations
    whole_s = float(measurement.notes[0])
    assert final.total_s + read_off.evaluate_s + job.epochs * TELLING_S <= whole_s * ROUNDING
    assert read_off.total_s + 2 * TELLING_S <= whole_s * ROUNDING


def test_as_published_changes_the_mlp_s_test_figures_alone(measured):
    plain, published = measured("mlp"), measured("mlp", as_published=True)
    assert proofs(published) == proofs(plain)
    ours, theirs = plain.final.metrics, published.final.metrics
    assert theirs["train_loss"] == ours["train_loss"]
    assert theirs["train_accuracy"] == ours["train_accuracy"]
    assert theirs["test_loss"] != ours["test_loss"]
    assert "225" in published.notes[0]
    assert plain.notes == ()


def test_as_published_scales_the_mlp_s_test_images_and_no_others(arrays):
    def images(model, as_published):
        return prepare(arrays, settings_of(a_job(model, as_published=as_published)))

    for name in ("x_train", "y_train", "y_test"):
        plain, published = (getattr(images("mlp", choice), name) for choice in (False, True))
        np.testing.assert_array_equal(plain, published)
    assert images("mlp", True).x_test.max() == pytest.approx(255 / 225)
    assert images("mlp", False).x_test.max() == 1
    np.testing.assert_array_equal(images("cnn", True).x_test, images("cnn", False).x_test)
    assert images("cnn", True).x_test.shape == (TESTED, 28, 28, 1)


def test_other_data_than_the_run_s_are_a_failure_that_names_both_digests(launch, batch, arrays):
    job = a_job("mlp", optimizer="sgd", epochs=1)
    failure = batch.run(launch(job, data_digest="f" * 64)).failure
    assert failure.exception == "DataError"
    assert "f" * 12 in failure.message
    assert combined_digest(arrays)[:12] in failure.message


@pytest.mark.parametrize("model", MODELS)
def test_a_measurement_says_what_it_ran_with(measured, arrays, model):
    measurement = measured(model)
    assert measurement.digests.data == combined_digest(arrays)
    assert len(measurement.digests.code) == len(code_digest(NAME)) == 64
    assert measurement.threads.intra_op == measurement.threads.asked == 2
    assert measurement.threads.environment["OMP_NUM_THREADS"] == "2"
    assert set(measurement.versions) == {"keras", "tensorflow", "numpy"}
    assert measurement.device in {"cpu", "gpu"}
    memory = measurement.memory
    assert 0 < memory.after_import_bytes < memory.after_data_bytes <= memory.peak_bytes
    assert 0 < measurement.import_s < measurement.first_step_at_s


def test_the_batch_order_s_digest_is_that_of_the_seed(measured):
    orders = batch_orders(1234, 2, IMAGES)
    assert measured("mlp").digests.batch_order == arrays_digest([orders])


def test_every_backend_has_the_loops_that_a_grid_takes_by_itself():
    pairs = {(loop, backend) for loop in ("fit", "compiled") for backend in BACKENDS}
    assert pairs < set(LOOPS)


@pytest.mark.parametrize("loop", LOOPS.values())
def test_every_loop_of_the_table_is_a_function_that_exists(loop):
    assert callable(pkgutil.resolve_name(loop))
