"""The package's calibration: its file, what it judges, and the script that renews it."""

from __future__ import annotations

import importlib.util
import json
import math
import statistics
from pathlib import Path

import pytest
from builders import a_job, a_measurement, a_record, digest, facts
from sealing import write_sealed

from bench.analysis.prediction import interval
from bench.record.lines import MachineEntry, RunHeader
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import calibration, published_2020

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(1234, 1244)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("calibrate", ROOT / "tools" / "calibrate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_journal(folder, seeds, accuracy=lambda seed: 0.97 + 1e-4 * (seed % 10), **job):
    """Write a journal of an MLP job of two epochs for each of `seeds`."""
    jobs = [a_job(model="mlp", seed=seed, **job) for seed in seeds]
    header = RunHeader(
        run_id="run",
        workload=DESCRIPTION.outline,
        request_digest=digest("request"),
        command="planted",
        grid="calibration",
        label="lab",
        dataset="mnist",
        dataset_source="planted",
        data_digest=digest("data"),
        order_seed=0,
        started_at="2026-11-25T10:00:00Z",
        jobs=tuple(jobs),
    )
    entry = MachineEntry(
        run_id="run", label="lab", own=True, machine=facts(), jobs=tuple(j.job_id for j in jobs)
    )
    lines = [header, entry]
    for one in jobs:
        measured = a_measurement([[1.0, 0.1], [0.1, 0.1]])
        metrics = {**measured.final.metrics, "test_accuracy": accuracy(one.seed)}
        ended = measured.final.model_copy(update={"metrics": metrics})
        lines.append(
            a_record(one, measured.model_copy(update={"evaluations": (ended,)}), run_id="run")
        )
    return write_sealed(folder / "journal.jsonl", lines)


def test_every_series_of_the_package_rests_on_ten_seeds_or_more():
    found = published_2020().calibrations
    assert found.rows
    assert min(row.n for row in found.rows) >= 10
    assert {row.metric for row in found.rows} == set(calibration.METRICS)
    for row in found.rows:
        low, high = interval(row)
        assert 0.8 < low < high < 1


def test_the_published_mlp_results_are_those_of_a_healthy_job():
    """The test images of 2020 were divided by 225: that moves an accuracy less than a seed does."""
    reference = published_2020()
    judged = 0
    for result in reference.results:
        for row in reference.calibrations.of(result.axes, result.epochs):
            low, high = interval(row, 2)
            assert low <= result.metrics[row.metric] <= high, (result, row)
            judged += 1
    assert judged >= 12


def test_a_document_keeps_every_figure():
    found = calibration.calibrations()
    assert calibration.from_document(calibration.to_document(found)) == found


def test_the_script_writes_means_and_deviations_by_epoch(tmp_path, script, monkeypatch, capsys):
    target = tmp_path / "calibration.json"
    monkeypatch.setattr(script, "TARGET", target)
    journal = write_journal(tmp_path, SEEDS)
    assert script.main([str(journal)]) == 0
    assert "2 series from 10 jobs" in capsys.readouterr().out
    found = calibration.from_document(json.loads(target.read_text(encoding="utf-8")))
    (row,) = (row for row in found.rows if row.metric == "test_accuracy")
    assert (row.axes, row.epochs, row.n) == ({"model": "mlp", "optimizer": "adam"}, 2, 10)
    odds = [math.log(share / (1 - share)) for share in (0.97 + 1e-4 * n for n in range(10))]
    assert row.scale == "log odds"
    assert row.mean == pytest.approx(statistics.fmean(odds), abs=1e-6)
    assert row.sd == pytest.approx(statistics.stdev(odds), abs=1e-6)
    assert (found.date, found.data_digest) == ("2026-11-01", digest("data"))


def test_the_script_leaves_out_what_has_too_few_seeds(tmp_path, script, monkeypatch, capsys):
    target = tmp_path / "calibration.json"
    monkeypatch.setattr(script, "TARGET", target)
    script.main([str(write_journal(tmp_path, range(9)))])
    assert "left out" in capsys.readouterr().out
    assert json.loads(target.read_text(encoding="utf-8"))["series"] == []


def test_the_script_refuses_jobs_that_are_not_calibrated(tmp_path, script, monkeypatch, capsys):
    monkeypatch.setattr(script, "TARGET", tmp_path / "calibration.json")
    assert script.main([str(write_journal(tmp_path, SEEDS, batch_size=64))]) == 2
    assert "batch_size 64" in capsys.readouterr().err
