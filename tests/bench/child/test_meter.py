"""The meter: what it notes of a job, and which mistakes of a workload it refuses."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bench.child.meter import Meter, arrays_digest
from bench.errors import DataError, DeviceError, WorkloadError
from bench.spec.axes import Axis, Metric
from bench.spec.job import make_job

AXES = (Axis("size", "int", 8),)
METRICS = (Metric("loss", "lower", "epoch"), Metric("accuracy", "higher", "evaluation"))


def a_meter(epochs=2, read_off=(), **changes):
    """Return a meter of a small job, and the list of what it tells."""
    told = []
    job = make_job(AXES, {}, epochs=epochs, seed=1, read_off=read_off)
    fields = {"threads": 2, "started_s": time.perf_counter(), "emit": told.append}
    return Meter(job, **{**fields, "metrics": METRICS, **changes}), told


def train(meter, epochs, steps=2, evaluate=None, weights=None):
    """Train so many epochs of a few steps."""
    with meter.training(evaluate, weights):
        for number in range(epochs):
            with meter.epoch() as epoch:
                for _ in range(steps):
                    epoch.step()
                epoch.report(loss=1 / (number + 1))


def test_a_training_is_told_and_noted_epoch_by_epoch():
    meter, told = a_meter()
    train(meter, 2)
    assert [event["event"] for event in told] == ["training", "epoch", "epoch"]
    assert told[2]["metrics"] == {"loss": 0.5}
    assert [epoch.steps for epoch in meter.notebook.epochs] == [2, 2]
    assert meter.notebook.first_step_at_s > 0
    assert meter.notebook.peak[0] > 0


def test_the_final_evaluation_is_in_the_total_and_a_read_off_is_not():
    meter, _ = a_meter(epochs=3, read_off=(1,))
    calls = []

    def evaluate():
        calls.append(len(calls))
        time.sleep(0.2)
        return {"accuracy": len(calls)}

    begin = time.perf_counter()
    train(meter, 3, evaluate=evaluate)
    whole_s = time.perf_counter() - begin
    read_off, final = meter.notebook.evaluations
    assert (read_off.epochs, final.epochs) == (1, 3)
    assert (read_off.metrics, final.metrics) == ({"accuracy": 1}, {"accuracy": 2})
    assert 0.2 <= final.evaluate_s <= final.total_s <= whole_s - read_off.evaluate_s


def test_a_workload_that_evaluates_nothing_has_a_total_all_the_same():
    meter, _ = a_meter(epochs=1)
    train(meter, 1)
    (final,) = meter.notebook.evaluations
    assert final.metrics == {}
    assert final.weights_digest is None
    assert final.total_s >= meter.notebook.epochs[0].wall_s


def test_the_trained_arrays_are_digested():
    meter, _ = a_meter(epochs=1)
    weights = [np.arange(4.0)]
    train(meter, 1, weights=lambda: weights)
    assert meter.notebook.evaluations[0].weights_digest == arrays_digest(weights)


def test_a_digest_changes_with_values_and_shapes_and_not_with_the_width_of_a_number():
    assert arrays_digest([np.zeros(4)]) == arrays_digest([np.zeros(4, np.float32)])
    assert arrays_digest([np.arange(4)]) == arrays_digest([np.arange(4, dtype=np.int32)])
    assert arrays_digest([np.zeros(4)]) != arrays_digest([np.zeros((2, 2))])
    assert arrays_digest([np.zeros(4)]) != arrays_digest([np.ones(4)])


def test_an_epoch_before_or_after_the_training_is_refused():
    meter, _ = a_meter(epochs=1)
    with pytest.raises(WorkloadError, match=r"outside the training.*before the training"):
        meter.epoch()
    train(meter, 1)
    with pytest.raises(WorkloadError, match=r"outside the training.*after the training"):
        meter.epoch()
    assert len(meter.notebook.epochs) == 1


def test_a_second_training_is_refused_within_the_first_and_after_it():
    meter, _ = a_meter(epochs=1)
    with meter.training():
        with pytest.raises(WorkloadError, match=r"second training.*between two epochs"):
            train(meter, 1)
        with meter.epoch() as epoch:
            epoch.step()
    with pytest.raises(WorkloadError, match=r"second training.*after the training"):
        train(meter, 1)
    assert len(meter.notebook.evaluations) == 1


def test_a_training_that_failed_cannot_be_begun_again():
    meter, _ = a_meter(epochs=1)
    with pytest.raises(ZeroDivisionError), meter.training():
        raise ZeroDivisionError
    with pytest.raises(WorkloadError, match="second training"):
        train(meter, 1)


def test_an_epoch_that_begins_before_the_last_one_ended_is_refused():
    meter, _ = a_meter(epochs=2)
    with meter.training():
        first = meter.epoch()
        with pytest.raises(WorkloadError, match=r"before epoch 1 ended.*end\(\)"):
            meter.epoch()
        first.step()
        first.end()
        with meter.epoch() as second:
            second.step()
    assert [epoch.epoch for epoch in meter.notebook.epochs] == [1, 2]


def test_a_training_that_ends_within_an_epoch_is_refused():
    meter, _ = a_meter(epochs=1)
    with pytest.raises(WorkloadError, match=r"ended before epoch 1 ended"), meter.training():
        meter.epoch().step()


def test_a_training_of_fewer_epochs_than_the_job_asks_for_is_refused():
    meter, _ = a_meter(epochs=2)
    with pytest.raises(WorkloadError, match=r"1 of 2.*meter\.epoch"):
        train(meter, 1)


def test_an_epoch_without_a_step_is_refused():
    meter, _ = a_meter(epochs=1)
    with pytest.raises(WorkloadError, match=r"epoch 1 has no step.*epoch\.step"):
        train(meter, 1, steps=0)


@pytest.mark.parametrize(
    ("evaluate", "metrics", "message"),
    [
        (None, (), r"no such metric of an epoch \(seen: loss, not one of none\)"),
        (lambda: {"accuracy": 1, "acuracy": 1}, METRICS, "seen: acuracy, not one of accuracy"),
        (lambda: {"loss": 1}, METRICS, r"metric of an evaluation \(seen: loss, not one"),
        (None, METRICS[1:], r"metric of an epoch \(seen: loss"),
    ],
)
def test_a_metric_that_the_description_does_not_name_for_its_use_is_refused(
    evaluate, metrics, message
):
    meter, _ = a_meter(epochs=1, metrics=metrics)
    with pytest.raises(WorkloadError, match=message):
        train(meter, 1, evaluate=evaluate)


def test_other_data_than_the_run_s_are_refused():
    meter, _ = a_meter(data_digest="a" * 64)
    meter.data_loaded("a" * 64)
    assert meter.notebook.after_data_bytes > 0
    with pytest.raises(DataError, match="b" * 12):
        meter.data_loaded("b" * 64)


def test_a_job_on_the_cpu_of_a_machine_that_was_declared_to_have_a_gpu_is_refused():
    meter, _ = a_meter(expects="gpu")
    meter.runs_on("gpu")
    with pytest.raises(DeviceError, match="no GPU visible"):
        meter.runs_on("cpu")


def test_loading_is_timed_and_its_memory_noted():
    meter, _ = a_meter()
    meter.load(lambda: time.sleep(0.05))
    assert meter.notebook.import_s >= 0.05
    assert meter.notebook.after_import_bytes > 0


def test_the_device_is_waited_for_before_a_clock_is_read():
    meter, _ = a_meter(epochs=1)
    waits = []
    meter.runs_on("gpu", synchronise=lambda: waits.append(len(meter.notebook.epochs)))
    train(meter, 1, steps=2, evaluate=lambda: {})
    assert waits == [0, 0, 0, 1]  # two steps, the epoch's end, the evaluation's end
