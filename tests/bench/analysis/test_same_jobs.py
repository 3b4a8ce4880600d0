"""Whether repeats and jobs in common were equal work, and what the report says about it."""

from __future__ import annotations

import dataclasses

import pytest
from builders import a_job, a_measurement, a_record, a_run, digest, facts
from reporting import build_report

from bench.analysis.same_jobs import Equality, counterparts
from bench.report.words import sameness as words
from bench.spec.axes import Agreement
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

AGREEMENTS = (
    Agreement("train_loss", 0.1, {"precision": "bfloat16"}),
    Agreement("train_loss", 0.01, across_devices=0.2),
)
REFERENCE = dataclasses.replace(published_2020(), agreements=AGREEMENTS)
CURVE = (0.5, 0.3, 0.2)


def a_result(curve=CURVE, weights="w", device="cpu", threads=None, **digests):
    """Return a measurement whose loss follows `curve`, with the named digests."""
    steps = [[1.0, 0.1]] + [[0.1, 0.1]] * (len(curve) - 1)
    told = {name: digest(value) for name, value in digests.items()}
    measured = a_measurement(steps, digests=told, device=device)
    epochs = tuple(
        epoch.model_copy(update={"metrics": {"train_loss": loss}})
        for epoch, loss in zip(measured.epochs, curve, strict=True)
    )
    (last,) = measured.evaluations
    ended = None if weights is None else digest(weights)
    evaluations = (last.model_copy(update={"weights_digest": ended}),)
    changes = {"epochs": epochs, "evaluations": evaluations}
    if threads is not None:
        changes["threads"] = measured.threads.model_copy(update={"asked": threads})
    return measured.model_copy(update=changes)


def on(label, *results, machine=None, **job):
    """Return the run of `label`: one job for each result, with seeds in order."""
    fields = {"model": "mlp", "epochs": len(CURVE), **job}
    records = [
        a_record(a_job(seed=seed, **fields), result, label=label, machine=machine, run_id=label)
        for seed, result in enumerate(results)
    ]
    return a_run(records)


def repeated(*results, **job):
    fields = {"model": "mlp", "epochs": len(CURVE), **job}
    records = [a_record(a_job(repeat=n, **fields), one) for n, one in enumerate(results)]
    return a_run(records)


def table_of(*runs):
    report = build_report(runs, DESCRIPTION.outline, REFERENCE)
    return next(table for table in report.tables if table.name == "sameness")


def analysed(*runs):
    from bench.analysis.results import analyse

    return analyse(runs, DESCRIPTION.outline, REFERENCE).sameness


def only(*runs):
    (found,) = analysed(*runs).jobs
    return found


def test_identical_repeats_are_identical():
    found = only(repeated(a_result(), a_result(), a_result()))
    assert (found.second, found.jobs, found.equality) == (None, 1, Equality.IDENTICAL)


def test_repeats_with_other_final_weights_are_told_by_backend():
    backends = {"tensorflow": ("one", "one"), "torch": ("one", "two")}
    records = [
        a_record(
            a_job(model="mlp", epochs=3, backend=backend, repeat=number), a_result(weights=name)
        )
        for backend, names in backends.items()
        for number, name in enumerate(names)
    ]
    found = only(a_run(records))
    assert (found.final_weights.same, found.final_weights.told) == (1, 2)
    assert [dict(way)["backend"] for way in found.unlike] == ["torch"]
    (sentence,) = [note for note in table_of(a_run(records)).notes if "did not end" in note]
    assert "1 of 2 repeated jobs" in sentence
    assert "(torch: 1 of 1)" in sentence
    assert "Identical: fit, float32, tensorflow." in sentence


def test_repeats_of_two_runs_count_together():
    one, two = repeated(a_result(weights="one")), repeated(a_result(weights="two"))
    later = dataclasses.replace(
        two,
        header=two.header.model_copy(update={"run_id": "later"}),
        records=tuple(r.model_copy(update={"run_id": "later"}) for r in two.records),
    )
    assert only(one, later).final_weights.same == 0


def test_a_job_that_was_read_off_after_each_epoch_counts_once():
    measured = a_result()
    evaluations = tuple(
        measured.final.model_copy(update={"epochs": epochs}) for epochs in (1, 2, 3)
    )
    measured = measured.model_copy(update={"evaluations": evaluations})
    assert only(repeated(measured, measured)).jobs == 1


def test_without_repeats_or_digests_the_report_says_that_nothing_was_tested():
    assert any(
        "No job was repeated on lab" in note for note in table_of(on("lab", a_result())).notes
    )
    silent = repeated(a_result(weights=None), a_result(weights=None))
    assert any("state no digest of their final" in note for note in table_of(silent).notes)


def test_jobs_with_equal_starts_and_close_curves_are_the_same_job():
    near = a_result(curve=(0.5, 0.3, 0.2005), weights="other")
    found = only(on("a", a_result()), on("b", near))
    assert found.equality is Equality.WITHIN
    assert found.worst.gap.greatest == pytest.approx(0.0005 / 0.2005)
    assert (found.worst.gap.greatest_at, found.first_parted) == (3, None)


def test_the_first_epoch_beyond_the_tolerance_and_the_differing_fact_are_named():
    far = a_result(curve=(0.5, 0.31, 0.19), weights="other")
    wide = facts(instruction_sets=("AVX2", "FMA", "AVX512F"), memory_total_bytes=2**36)
    runs = on("a", a_result(), a_result()), on("b", a_result(), far, machine=wide)
    found = only(*runs)
    assert (found.equality, found.parted, found.jobs) == (Equality.PARTED, 1, 2)
    assert (found.first_parted, found.worst.seed) == (2, 1)
    assert [one.fact for one in found.differences] == ["instruction_sets"]
    table = table_of(*runs)
    (row,) = table.rows
    assert (row["machine"], row["against"], row["first_parted"]) == ("b", "a", 2)
    assert row["same_end"] == "1 of 2"
    (sentence,) = [note for note in table.notes if "in common part" in note]
    assert "b and a: the curves of 1 of 2 jobs in common part, first in epoch 2" in sentence
    assert "instruction sets (with AVX512F and without)" in sentence


def test_the_tolerance_is_that_of_the_precision_and_of_the_devices():
    far = a_result(curve=(0.5, 0.3, 0.21), weights="other")
    assert only(on("a", a_result()), on("b", far)).equality is Equality.PARTED
    lax = {"precision": "bfloat16"}
    assert only(on("a", a_result(), **lax), on("b", far, **lax)).equality is Equality.WITHIN
    on_gpu = far.model_copy(update={"device": "gpu"})
    assert only(on("a", a_result()), on("b", on_gpu)).equality is Equality.WITHIN


def test_another_start_or_other_data_is_told_before_curves():
    order = a_result(batch_order="other", weights="other")
    assert only(on("a", a_result()), on("b", order)).equality is Equality.OTHER_START
    data = a_result(curve=(9.0, 9.0, 9.0), data="other", weights="other")
    found = only(on("a", a_result()), on("b", data))
    assert (found.equality, found.worst) == (Equality.OTHER_DATA, None)


def test_a_curve_that_is_not_finite_on_one_machine_alone_parts():
    lost = a_result(curve=(0.5, None, 0.2), weights="other")
    runs = on("a", a_result()), on("b", lost)
    assert only(*runs).first_parted == 2
    (row,) = table_of(*runs).rows
    assert (row["gap_percent"], row["gap_reason"]) == (None, words.NOT_FINITE)


def test_without_a_tolerance_nothing_is_judged():
    from bench.analysis.results import analyse

    far = a_result(curve=(0.5, 0.3, 0.21), weights="other")
    runs = on("a", a_result()), on("b", far)
    (found,) = analyse(runs, DESCRIPTION.outline).sameness.jobs
    assert found.equality is Equality.UNKNOWN
    assert found.worst.gap.greatest == pytest.approx(0.01 / 0.21)


def test_threads_are_named_if_they_alone_differ():
    one = on("a", a_result(threads=1))
    two = on("b", a_result(threads=2, curve=(0.5, 0.3, 0.25), weights="other"))
    assert [one.fact for one in only(one, two).differences] == ["threads_asked"]


def test_many_machines_are_each_compared_once_and_identical_ones_share_a_row():
    runs = [on(f"vm-{number}", a_result()) for number in range(40)]
    assert len(analysed(*runs).jobs) == 39
    (row,) = table_of(*runs).shown
    assert row["machine"] == "vm-1 and 38 more"


def test_a_machine_without_a_job_in_common_with_the_first_is_compared_with_another():
    works = {"a": {1}, "b": {2, 3}, "c": {1, 2}, "d": {9}, "e": {3}}
    assert list(counterparts(works)) == [("a", "c"), ("c", "b"), ("e", "b")]
