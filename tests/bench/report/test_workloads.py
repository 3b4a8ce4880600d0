"""A report shows the axes and metrics of its own workload, and is of one workload alone."""

from __future__ import annotations

import json
import re

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation, facts, rows, steady_run
from reporting import build_report, report_of

from bench.errors import RequestError
from bench.record.ceilings import Ceilings, CopyRate, MatmulRate, WorkCount
from bench.report.data import summary_json
from bench.report.markdown import render
from bench.spec.axes import Axis, Metric
from bench.spec.description import Description
from bench.spec.job import make_job
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

PRODUCTS = Description(
    name="products",
    title="Products of matrices",
    axes=(
        Axis("size", "int", 256, mark="n{}", always_marked=True, meaning="rows of a matrix"),
        Axis("dtype", default="float32", separates=True, sets_ceiling=True, meaning="of numbers"),
        Axis("kind", default="dense", meaning="an axis whose name means something else in rows"),
        Axis("count", "int", 8, mark="c{}", is_batch=True, meaning="products in a step"),
    ),
    metrics=(
        Metric("residual", "lower", "both", unit="1", meaning="the largest error", digits=3),
        Metric("rank_share", "higher", scored=True, meaning="share of full rank"),
    ),
)
CEILINGS = Ceilings(
    matmul=(MatmulRate(size=256, flops_per_s=100e9),),
    copy_rates=(CopyRate(size_bytes=2**20, bytes_per_s=10e9),),
    took_s=1.0,
)


def product_run(label, step_s, *, counts=(8, 16), **axes):
    """Return a run of jobs without data, whose steps grow with the number of products."""
    records = []
    for place, count in enumerate(counts):
        job = make_job(PRODUCTS.axes, {"count": count, **axes}, epochs=2, seed=1)
        metrics = {"residual": 0.001, "rank_share": 1.0}
        measured = a_measurement(
            [[step_s * count] * 10] * 2,
            evaluations=[an_evaluation(2, 9.0, metrics=metrics)],
            digests={"data": "", "initial_weights": None, "batch_order": None},
            work=WorkCount(flops=10**8 * count, bytes=10**6, working_set_bytes=2**21),
            ceilings=None if place else CEILINGS,
            versions={"numpy": "2.1"},
        )
        epochs = [
            epoch.model_copy(update={"metrics": {"residual": 0.5}}) for epoch in measured.epochs
        ]
        measured = measured.model_copy(update={"epochs": tuple(epochs)})
        machine = facts(machine_id=label * 16, packages={"numpy": "2.1"})
        records.append(a_record(job, measured, label=label, machine=machine, run_id=f"run-{label}"))
    return a_run(
        records, workload=PRODUCTS.outline, dataset="none", command="bench run", data_digest=""
    )


@pytest.fixture(scope="module")
def report():
    runs = [product_run("a", 0.001), product_run("b", 0.002)]
    return build_report(runs, DESCRIPTION.outline, published_2020())


def test_the_tables_show_the_workload_s_own_axes_and_metrics(report):
    (first, *_) = rows(report, "capacity")
    assert first["job"] == "n256 2 ep"
    assert (first["size"], first["dtype"], first["count"]) == (256, "float32", 8)
    assert (first.get("kind"), first["axis_kind"]) == (None, "dense")
    (quality, *_) = rows(report, "quality")
    assert (quality["residual"], quality["rank_share"]) == (0.001, 1.0)
    assert rows(report, "epochs")[0]["residual"] == 0.5
    headings = {column.heading for table in report.tables for column in table.columns}
    assert {"dtype", "count", "residual", "rank share"} <= headings
    assert "data" not in headings


def test_an_axis_that_separates_takes_the_place_of_the_model():
    runs = [
        product_run(label, step_s, dtype=dtype)
        for label, step_s in (("a", 0.001), ("b", 0.002))
        for dtype in ("float32", "float64")
    ]
    runs = [
        a_run(
            [record.model_copy(update={"run_id": f"run-{place}"}) for record in run.records],
            workload=PRODUCTS.outline,
        )
        for place, run in enumerate(runs)
    ]
    report = build_report(runs, DESCRIPTION.outline)
    assert {row["jobs"] for row in rows(report, "ranking")} == {"all", "float32", "float64"}
    assert report.verdict[0].startswith("Train on a: 2.00 times as fast as b")
    assert any(text.startswith("With float64: a is 2.00 times as fast") for text in report.details)


def test_an_axis_that_is_a_batch_is_swept_and_one_that_sets_ceilings_keys_them(report):
    found = [row for row in rows(report, "limits") if row["machine"] == "a"]
    assert [row["regime_basis"] for row in found] == ["batch sweep"] * 2
    assert [row["overhead_ms"] for row in found] == pytest.approx([0, 0], abs=1e-9)
    other = product_run("a", 0.001, dtype="float64", counts=(8, 16))
    other = [record.model_copy(update={"run_id": "2"}) for record in other.records[1:]]
    mixed = build_report(
        [product_run("a", 0.001), a_run(other, workload=PRODUCTS.outline)], PRODUCTS.outline
    )
    shares = {row["dtype"]: row["ceiling_share"] for row in rows(mixed, "limits")}
    assert shares["float32"] is not None
    assert shares["float64"] is None


def test_a_workload_that_pools_no_ceilings_has_no_columns_of_own_ones(report):
    (limits,) = (table for table in report.tables if table.name == "limits")
    assert not [column.key for column in limits.columns if column.key.startswith("own_")]
    assert {row["ceiling_by"] for row in limits.rows} == {None}
    assert all(row["own_ceiling_share"] == row["ceiling_share"] for row in limits.rows)


def test_nothing_of_another_workload_stands_in_the_report(report):
    text = render(report) + summary_json(report)
    words = ("mnist", "keras", "tensorflow", "cnn", "mlp", "optimizer", "2020", "accuracy_")
    assert [word for word in words if word in text.lower()] == []
    assert not re.search(r'"[a-z_]*published[a-z_]*":', text)
    document = json.loads(summary_json(report))
    assert "relative_basis" not in document["capacity"][0]


def test_a_workload_without_metrics_has_no_table_of_quality():
    bare = PRODUCTS.outline.model_copy(update={"metrics": ()})
    run = product_run("a", 0.001)
    header = run.header.model_copy(update={"workload": bare})
    report = build_report([type(run)(run.path, header, run.records, machines=run.machines)], bare)
    assert "quality" not in {table.name for table in report.tables}
    assert "Quality" not in render(report)


def test_runs_of_unlike_workloads_are_refused_with_both_names():
    ours = steady_run("lab", 0.01, jobs=[a_job()])
    with pytest.raises(RequestError, match=r"mnist \(run-lab.jsonl\) and products \(run-a.jsonl\)"):
        report_of([ours, product_run("a", 0.001)])


def test_a_job_with_axes_of_another_workload_is_refused_with_both_names():
    run = product_run("a", 0.001)
    old = type(run)(
        run.path,
        run.header.model_copy(update={"workload": None}),
        run.records,
        machines=run.machines,
    )
    cause = "run-a.jsonl is not a journal of the workload mnist .*'size', which mnist does not have"
    with pytest.raises(RequestError, match=cause):
        report_of([old])


def test_a_job_that_lacks_an_axis_without_a_default_is_refused():
    wanted = Axis("shape", meaning="an axis that every job must name")
    other = PRODUCTS.outline.model_copy(update={"axes": (*PRODUCTS.axes, wanted)})
    run = product_run("a", 0.001)
    header = run.header.model_copy(update={"workload": other})
    with pytest.raises(RequestError, match="no value of the axis 'shape'"):
        build_report([type(run)(run.path, header, run.records, machines=run.machines)], other)


def test_a_journal_that_names_no_workload_is_of_the_program_s_own():
    run = a_run([a_record(a_job(), a_measurement([[1.0, 0.1]] * 2))], workload=None)
    assert rows(report_of([run]), "capacity")[0]["job"] == "cnn adam 2 ep"
