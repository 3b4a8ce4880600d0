"""Every loop does the same arithmetic: its loss curve stands beside that of `fit` on TensorFlow.

The data are a part of MNIST (of the synthetic set where MNIST is not here); first weights and batch
order come from the job's seed, so only rounding may differ, and dropout where PyTorch or JAX draws
it. The jobs of a backend share a process, because importing the framework takes longer than a job.
A backend that is not installed is a skip.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from batch import Batch
from launches import only_record

from bench.child.launch import LaunchSpec
from bench.child.process import run_child
from bench.record.facts import MachineFacts
from bench.record.measurement import Measurement
from bench.spec.job import JobSpec, make_job
from mnist_bench.data import Arrays, MnistData, combined_digest, digests_of, load_copy, write_copy
from mnist_bench.description import AXES
from mnist_bench.eligibility import BFLOAT16_SETS, why_skipped
from mnist_bench.settings import settings_of
from mnist_bench.synthetic import make_synthetic
from mnist_bench.training import LOOPS

pytestmark = pytest.mark.slow

#: Images that each network trains on, the last batch a ragged one; Keras's CNN on XLA is slow.
IMAGES = {"mlp": 10 * 128 + 40, "cnn": 2 * 128 + 40}
STEPS = 11  # of the MLP in an epoch
TESTED = 500
REFERENCE = ("fit", "tensorflow")
ALL = sorted(key for key in LOOPS if key != REFERENCE)
#: On a CPU these are other names of `compiled`, take half a minute to compile, or have a CNN that
#: is compared in test_compiled_tensorflow: the MLP alone.
MLP_ALONE = (("stepwise", "jax"), ("inductor", "torch"), ("scan", "tensorflow"))
#: Those that a run takes by itself; the rest are ways to launch the same functions.
OTHERS = [key for key in ALL if key[0] in ("fit", "compiled")]

#: Relative difference of an epoch's mean loss that rounding may make in a few epochs of float32.
ROUNDING = 2e-3

#: The same where dropout is drawn by another generator (CNN on JAX and PyTorch) or the arithmetic
#: is of bfloat16, whose numbers have 8 bits.
OTHER_DRAWS = 0.12


#: A machine that can run every job; how it is called is of no consequence here.
HERE = MachineFacts(machine_id="here", instruction_sets=tuple(BFLOAT16_SETS))


@pytest.fixture(scope="module")
def measured(mnist_file, tmp_path_factory):
    """Return the measurement of a job; each job is run once."""
    whole = load_copy(mnist_file) if mnist_file else make_synthetic()
    parts = {
        model: stage_part(whole, images, tmp_path_factory.mktemp(model))
        for model, images in IMAGES.items()
    }
    done: dict[str, Measurement] = {}
    batches: dict[str, Batch] = {}

    def measure(loop: str, backend: str, *, alone: bool = False, **fields) -> Measurement:
        """Measure in the backend's shared process, or `alone` in a process as a run starts it."""
        axes = {"loop": loop, "backend": backend}
        axes |= {axis.name: fields.pop(axis.name) for axis in AXES if axis.name in fields}
        rest = {"epochs": 2, "seed": 1234, "dataset": "mnist", **fields}
        job = make_job(AXES, axes, **rest)
        if reason := why_skipped(settings_of(job), HERE):
            pytest.skip(reason)
        if job.job_id not in done:
            launch = launch_of(job, *parts[settings_of(job).model])
            if alone:
                record = only_record(run_child(launch))
            else:
                if backend not in batches:
                    batches[backend] = children.enter_context(Batch(launch))
                record = batches[backend].run(launch)
            assert record.failure is None, record.failure
            done[job.job_id] = record.measurement
        return done[job.job_id]

    with contextlib.ExitStack() as children:
        yield measure


def launch_of(job: JobSpec, data: Path, digest: str) -> LaunchSpec:
    return LaunchSpec(
        run_id="alike",
        workload="mnist_bench.workload:WORKLOAD",
        job=job,
        label="here",
        data_path=str(data),
        data_digest=digest,
        threads=2,
        machine=HERE,
    )


def stage_part(whole: Arrays, images: int, folder: Path) -> tuple[Path, str]:
    """Write the first images of the data; return the file and its digest."""
    sizes = (images, images, TESTED, TESTED)
    arrays = Arrays(*(array[:size] for array, size in zip(whole, sizes, strict=True)))
    dataset = MnistData("mnist", arrays, "a part", digests_of(arrays))
    return write_copy(dataset, folder), combined_digest(dataset.digests)


def losses(measurement: Measurement) -> list[float]:
    return [epoch.metrics["train_loss"] for epoch in measurement.epochs]


@pytest.mark.parametrize(
    ("loop", "backend", "optimizer"),
    [
        *((*key, "adam") for key in ALL),
        # Keras's own optimizers in `fit` are Keras's to test
        *((*key, name) for key in OTHERS if key[0] != "fit" for name in ("sgd", "rmsprop")),
    ],
)
def test_the_mlp_s_loss_curve_is_that_of_fit(measured, loop, backend, optimizer):
    ours = measured(loop, backend, model="mlp", optimizer=optimizer)
    reference = measured("fit", "tensorflow", model="mlp", optimizer=optimizer)
    assert losses(ours) == pytest.approx(losses(reference), rel=ROUNDING)
    reached = [one.final.metrics["test_accuracy"] for one in (ours, reference)]
    assert reached[0] == pytest.approx(reached[1], abs=0.01)


@pytest.mark.parametrize(("loop", "backend"), [key for key in ALL if key not in MLP_ALONE])
def test_the_cnn_s_loss_curve_is_that_of_fit(measured, loop, backend):
    ours = measured(loop, backend, model="cnn", optimizer="adam")
    reference = measured("fit", "tensorflow", model="cnn", optimizer="adam")
    tolerance = ROUNDING if backend == "tensorflow" else OTHER_DRAWS
    assert losses(ours) == pytest.approx(losses(reference), rel=tolerance)


def test_the_cnn_of_jax_draws_the_dropout_of_its_fit(measured):
    """Its compiled step is of our own writing, in blocks of the batch; the draws are Keras's."""
    ours, reference = (
        measured(loop, "jax", model="cnn", optimizer="adam") for loop in ("compiled", "fit")
    )
    assert losses(ours) == pytest.approx(losses(reference), rel=ROUNDING)


@pytest.mark.parametrize(("loop", "backend"), OTHERS)
def test_every_loop_starts_from_the_same_weights_and_batches(measured, loop, backend):
    ours = measured(loop, backend, model="mlp", optimizer="adam").digests
    reference = measured("fit", "tensorflow", model="mlp", optimizer="adam").digests
    assert ours.initial_weights == reference.initial_weights
    assert ours.batch_order == reference.batch_order
    assert ours.data == reference.data


@pytest.mark.parametrize(("loop", "backend"), [REFERENCE, *OTHERS])
def test_the_last_evaluation_alone_has_a_confusion_matrix_of_its_accuracy(measured, loop, backend):
    job = {"model": "cnn", "optimizer": "adam", "evaluate": "every"}
    first, last = measured(loop, backend, **job).evaluations
    assert first.confusion is None
    assert last.confusion.classes == tuple("0123456789")
    assert last.confusion.samples == TESTED
    assert last.confusion.right == round(last.metrics["test_accuracy"] * TESTED)
    other = measured("fit", "tensorflow", **job).final.confusion
    assert list(map(sum, last.confusion.counts)) == list(map(sum, other.counts))


@pytest.mark.parametrize(("loop", "backend"), ALL)
def test_every_step_has_its_time_the_ragged_last_one_too(measured, loop, backend):
    measurement = measured(loop, backend, model="mlp", optimizer="adam")
    assert [epoch.steps for epoch in measurement.epochs] == [STEPS, STEPS]
    times_s = measurement.step_times.unpack().reshape(2, STEPS)
    assert (times_s > 0).all()
    for epoch, row in zip(measurement.epochs, times_s, strict=True):
        assert 0.5 * epoch.wall_s <= row.sum() <= epoch.wall_s * 1.01


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_compiled_job_repeats_bit_for_bit(measured, backend):
    """The second time in a process of its own, as a run starts it."""
    first = measured("compiled", backend, model="cnn", optimizer="adam")
    again = measured("compiled", backend, model="cnn", optimizer="adam", repeat=1, alone=True)
    assert first.digests.final_weights == again.digests.final_weights


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_compiled_read_off_is_what_the_shorter_job_gives(measured, backend):
    fields = {"model": "mlp", "optimizer": "adam"}
    long = measured("compiled", backend, epochs=3, read_off=(2,), **fields)
    short = measured("compiled", backend, **fields)
    assert long.evaluations[0].weights_digest == short.final.weights_digest
    assert long.evaluations[0].metrics == short.final.metrics


@pytest.mark.parametrize(("loop", "backend"), [key for key in ALL if key not in MLP_ALONE])
def test_evaluations_after_every_epoch_change_no_bit_of_the_cnn(measured, loop, backend):
    """The CNN has dropout, whose draws an evaluation must not shift."""
    fields = {"model": "cnn", "optimizer": "adam"}
    every, end = (
        measured(loop, backend, evaluate="every", **fields),
        measured(loop, backend, **fields),
    )
    assert [one.epochs for one in every.evaluations] == [1, 2]
    assert every.final.weights_digest == end.final.weights_digest
    assert every.final.metrics == end.final.metrics


@pytest.mark.parametrize(("loop", "backend"), [key for key in ALL if key in MLP_ALONE])
def test_evaluations_after_every_epoch_change_no_bit_of_the_mlp(measured, loop, backend):
    fields = {"model": "mlp", "optimizer": "adam"}
    every, end = (
        measured(loop, backend, evaluate="every", **fields),
        measured(loop, backend, **fields),
    )
    assert every.final.weights_digest == end.final.weights_digest


@pytest.mark.parametrize(("loop", "backend"), [REFERENCE, *OTHERS])
def test_bfloat16_trains_to_nearly_the_same_loss(measured, loop, backend):
    ours = measured(loop, backend, model="mlp", optimizer="adam", precision="bfloat16")
    reference = measured("fit", "tensorflow", model="mlp", optimizer="adam")
    assert losses(ours) == pytest.approx(losses(reference), rel=OTHER_DRAWS)
    assert losses(ours) != losses(reference)
