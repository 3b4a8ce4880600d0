"""A machine that trains fast but wrong is marked, and a healthy one is not."""

from __future__ import annotations

import dataclasses

import learner_workload
import numpy as np
import pytest
from builders import a_job, a_measurement, a_record, a_run, digest, facts
from learner_workload import LEARNER
from reporting import build_report

from bench.analysis.calibrate import calibrate
from bench.analysis.gate import cell_gates, converged, wrong_cells
from bench.analysis.pooling import measured_jobs
from bench.analysis.prediction import checked, interval
from bench.analysis.reference import Unlike
from bench.analysis.results import analyse
from bench.child.job import run_launch
from bench.child.launch import LaunchSpec
from bench.errors import RequestError
from bench.spec.axes import Calibration, Calibrations
from bench.spec.job import make_job
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

OUTLINE = learner_workload.DESCRIPTION.outline
METRICS = {"loss": "plain", "accuracy": "log odds"}


def launch_of(job):
    """Return the description of a job for its child."""
    return LaunchSpec(
        run_id="run",
        workload=learner_workload.NAME,
        job=job,
        label="lab",
        threads=1,
        machine=facts(),
    )


def learned(*seeds, fault=None, epochs=3):
    """Run the learner's jobs in this process, as a child would, and return them as measured."""
    records = []
    LEARNER.fault = fault
    for seed in seeds:
        job = make_job(learner_workload.DESCRIPTION.axes, {}, epochs=epochs, seed=seed)
        with np.errstate(all="ignore"):
            record = run_launch(launch_of(job), lambda event: None)
        assert record.measurement, record.failure
        records.append(record)
    LEARNER.fault = None
    return measured_jobs(a_run(records).shares)


def calibrated(jobs, **changes):
    options = {"by": ("model",), "requires": {}, "metrics": METRICS, **changes}
    return calibrate(jobs, OUTLINE, **options)


@pytest.fixture(scope="module")
def calibrations():
    found, few = calibrated(learned(*range(10)))
    assert not few
    return found


def test_healthy_jobs_of_other_seeds_converge(calibrations):
    assert [converged(job, calibrations, OUTLINE) for job in learned(*range(10, 30))] == [True] * 20


@pytest.mark.parametrize("fault", ["wrong rate", "skips updates"])
def test_a_machine_that_computes_other_updates_is_marked(calibrations, fault):
    jobs = learned(*range(10, 14), fault=fault)
    assert [converged(job, calibrations, OUTLINE) for job in jobs] == [False] * 4
    (gate,) = cell_gates(jobs, {jobs[0].machine_key: "lab"}, calibrations, OUTLINE)
    assert (gate.jobs, gate.outside, gate.wrong) == (4, 4, True)
    assert wrong_cells([gate]) == {(jobs[0].machine_key, gate.cell)}
    assert not gate.worst.passed


def test_a_job_whose_loss_is_not_finite_is_marked_even_without_a_calibration():
    """Today such a job fails as diverged; older journals hold it as measured, with no figure."""
    (job,) = learned(1)
    final = job.measurement.final
    lost = final.model_copy(update={"metrics": {**final.metrics, "loss": None}})
    evaluations = (*job.measurement.evaluations[:-1], lost)
    measurement = job.measurement.model_copy(update={"evaluations": evaluations})
    record = job.record.model_copy(update={"measurement": measurement})
    (job,) = measured_jobs(a_run([record]).shares)
    assert converged(job, None, OUTLINE) is False
    (gate,) = cell_gates([job], {job.machine_key: "lab"}, None, OUTLINE)
    assert (gate.not_finite, gate.wrong, gate.unknown) == (1, True, "no calibration")


def test_a_job_that_diverges_has_no_measurement():
    LEARNER.fault = "diverges"
    try:
        job = make_job(learner_workload.DESCRIPTION.axes, {}, epochs=3, seed=1)
        with np.errstate(all="ignore"):
            record = run_launch(launch_of(job), lambda event: None)
    finally:
        LEARNER.fault = None
    assert record.measurement is None
    assert record.failure.reason == "diverged"


def test_what_was_not_calibrated_is_not_judged(calibrations):
    (short,) = learned(10, epochs=1)
    assert converged(short, calibrations, OUTLINE) is None
    (job,) = learned(10)
    assert converged(job, None, OUTLINE) is None
    other = dataclasses.replace(calibrations, data_digest=digest("other"))
    assert converged(job, other, OUTLINE) is None
    strict = dataclasses.replace(calibrations, requires={"model": "linear"})
    (gate,) = cell_gates([job], {job.machine_key: "lab"}, strict, OUTLINE)
    assert (gate.converged, gate.unknown) == (None, Unlike("model", "logistic", "linear"))


def test_one_wrong_job_among_healthy_ones_marks_the_cell(calibrations):
    jobs = [*learned(10, 11, 12), *learned(13, fault="wrong rate")]
    (gate,) = cell_gates(jobs, {jobs[0].machine_key: "lab"}, calibrations, OUTLINE)
    assert (gate.jobs, gate.outside, gate.converged) == (4, 1, False)


def test_more_checks_make_wider_intervals():
    row = Calibration({}, 1, "accuracy", 0.9, 0.01, 10)
    low, high = interval(row)
    assert (high - 0.9, 0.9 - low) == pytest.approx([4.7809 * 0.01 * 1.1**0.5] * 2, rel=1e-4)
    assert interval(row, 20)[1] > high


def test_a_share_near_one_may_fall_further_than_it_may_rise():
    row = Calibration({}, 1, "accuracy", 5.0, 0.5, 10, "log odds")
    low, high = interval(row)
    middle = 1 / (1 + np.exp(-5.0))
    assert 0.9 < low < middle < high < 1
    assert middle - low > 3 * (high - middle)
    (check,) = checked({"accuracy": low - 1e-6}, [row])
    assert not check.passed


def test_a_healthy_job_lies_outside_as_seldom_as_promised():
    """Ten seeds give the calibration, an eleventh is judged: 0.1% of 20,000 draws fail."""
    generator = np.random.default_rng(1)
    outside = 0
    for draw in generator.normal(size=(20_000, 11)):
        row = Calibration({}, 1, "m", float(draw[:10].mean()), float(draw[:10].std(ddof=1)), 10)
        low, high = interval(row)
        outside += not low <= draw[10] <= high
    assert 8 <= outside <= 34  # 20 +- 3 standard deviations


def test_too_few_seeds_are_left_out_and_named():
    found, (few,) = calibrated(learned(*range(9)))
    assert (found.rows, few.seeds, few.epochs) == ((), 9, 3)


def test_jobs_of_unlike_data_or_settings_give_no_calibration():
    one = a_measurement([[1.0, 0.1]])
    other = a_measurement([[1.0, 0.1]], digests={"data": digest("other")})
    records = [a_record(a_job(seed=seed), each) for seed, each in enumerate((one, other))]
    jobs = measured_jobs(a_run(records).shares)
    with pytest.raises(RequestError, match="one set of data"):
        calibrate(
            jobs,
            DESCRIPTION.outline,
            by=("model",),
            requires={},
            metrics={"train_loss": "plain"},
        )
    with pytest.raises(RequestError, match="differs from the jobs"):
        calibrated(learned(1), requires={"model": "linear"})


def planted(**changes):
    """Return the reference with a calibration of one cell: accuracy 0.98 +- 0.001."""
    rows = tuple(
        Calibration({"model": "mlp", "optimizer": "adam"}, 2, metric, 0.98, 0.001, 10)
        for metric in ("train_accuracy", "test_accuracy")
    )
    found = Calibrations(
        rows=rows,
        dataset="mnist",
        data_digest=digest("data"),
        requires={"batch_size": 128},
        date="2026-11-25",
        machine="planted",
        versions={"keras": "3.10.0"},
    )
    return dataclasses.replace(published_2020(), calibrations=dataclasses.replace(found, **changes))


def quality(accuracy, reference, **job):
    fields = {"model": "mlp", "optimizer": "adam", "epochs": 2, **job}
    measured = a_measurement([[1.0, 0.1]] * fields["epochs"])
    metrics = {**measured.final.metrics, "train_accuracy": accuracy, "test_accuracy": accuracy}
    ended = measured.final.model_copy(update={"metrics": metrics})
    measured = measured.model_copy(update={"evaluations": (ended,)})
    runs = [a_run([a_record(a_job(**fields), measured)])]
    report = build_report(runs, DESCRIPTION.outline, reference)
    (table,) = (table for table in report.tables if table.name == "quality")
    (row,) = (row for row in table.rows if row["n"])
    return row, table.notes, analyse(runs, DESCRIPTION.outline, reference)


def test_the_report_names_the_machine_that_trains_wrong_and_by_which_figure():
    row, notes, results = quality(0.9, planted())
    assert (row["converged"], row["jobs_outside"]) == (False, 1)
    (sentence,) = [note for note in notes if "wrong, so its speed" in note]
    assert sentence.startswith("lab trains mlp adam 2 ep wrong, so its speed is not ranked there")
    assert "accuracy is 0.9000, and healthy jobs end between 0.97" in sentence
    assert len(results.wrong) == 1


def test_the_report_says_why_a_job_is_not_judged():
    assert quality(0.98, planted())[0]["converged"] is True
    row, _, results = quality(0.9, planted(), batch_size=64)
    assert (row["converged"], row["converged_reason"]) == (None, "batch 64")
    assert results.wrong == ()
    row, *_ = quality(0.9, planted(), epochs=3)
    assert row["converged_reason"] == "this job or number of epochs was not calibrated"
    row, *_ = quality(0.9, dataclasses.replace(planted(), calibrations=None))
    assert row["converged"] is None


@pytest.mark.parametrize(("mean", "holds"), [(0.977, True), (0.9, False)])
def test_published_figures_are_judged_by_the_same_intervals(mean, holds):
    reference = planted()
    rows = tuple(
        dataclasses.replace(row, mean=mean, sd=0.002) for row in reference.calibrations.rows
    )
    row, *_ = quality(0.98, planted(rows=rows))
    assert row["published_holds"] is holds


def test_a_machine_that_trains_wrong_is_fast_but_not_ranked():
    def run(label, accuracy, step_s):
        records = []
        for seed in (1, 2):
            measured = a_measurement([[10 * step_s, *[step_s] * 9], [step_s] * 10])
            metrics = {"train_accuracy": accuracy, "test_accuracy": accuracy}
            ended = measured.final.model_copy(update={"metrics": metrics})
            measured = measured.model_copy(update={"evaluations": (ended,)})
            job = a_job(model="mlp", optimizer="adam", seed=seed)
            records.append(a_record(job, measured, label=label, run_id=label))
        return a_run(records)

    runs = [run("good", 0.98, 0.1), run("fair", 0.98, 0.11), run("broken", 0.5, 0.001)]
    results = analyse(runs, DESCRIPTION.outline, planted())
    assert set(results.headline.names) == {"good", "fair"}
    step = {one.group.machine: one.times.step_mean.value for one in results.groups}
    assert step["broken"] == pytest.approx(0.001)
    report = build_report(runs, DESCRIPTION.outline, planted())
    (wrong,) = (one.text for one in report.remarks if one.kind == "wrong")
    assert wrong.startswith("broken (mlp adam 2 ep); its speed does not count there")
    assert "broken" not in report.verdict[0]
    assert "broken trains mlp adam 2 ep wrong" in " ".join(
        note for table in report.tables for note in table.notes if table.name == "quality"
    )
    ungated = analyse(runs, DESCRIPTION.outline, published_2020())
    assert set(ungated.headline.names) == {"good", "fair", "broken"}
