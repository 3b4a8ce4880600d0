"""The annex answers which machine to train on, beside the figures of 2020."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from builders import (
    MIB,
    a_job,
    a_measurement,
    a_record,
    a_run,
    cnn_run,
    digest,
    facts,
    rows,
    steady_run,
)
from reporting import notes, report_of, said, table

from bench.record.failure import Failure
from bench.record.lines import MachineEntry
from bench.report.data import summary_json
from bench.report.markdown import render
from bench.report.shared_columns import source_of
from mnist_bench.reference import published_2020

TABLES = {
    *("machines", "capacity", "epochs", "quality", "memory", "failures"),
    *("reproduce", "ranking", "sittings", "comparison", "limits", "conditions", "cost"),
    *("targets", "sameness", "overview"),
}
PUBLISHED = source_of("2020")
JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]


def capacity(report, epochs):
    return next(
        row
        for row in rows(report, "capacity")
        if row["epochs"] == epochs and row["source"] == "measured"
    )


def test_the_summary_holds_exactly_the_agreed_tables_as_lists_of_rows():
    document = json.loads(summary_json(report_of([cnn_run()])))
    assert set(document) == TABLES | {"about", "verdict", "columns", "notes"}
    assert all(isinstance(row, dict) for table in document.values() for row in table)


def test_speed_by_total_is_the_published_total_over_ours():
    row = capacity(report_of([cnn_run(total_s=100.0)]), 15)
    assert row["speed_vs_laptop_2020"] == pytest.approx(2.816055396)
    assert row["speed_vs_vm_2020"] == pytest.approx(1.693195705)
    assert row["relative_basis"] == "total"
    assert row["speed_vs_laptop_2020_low"] < 2.5
    assert row["speed_vs_laptop_2020_high"] > 3.2


def test_a_read_off_is_compared_by_epoch():
    row = capacity(report_of([cnn_run(epoch_s=5.0)]), 2)
    assert row["total_s"] == pytest.approx(30.0)
    assert row["relative_basis"] == "epoch"
    assert row["speed_vs_laptop_2020"] == pytest.approx(18.76 / 5, rel=0.01)
    assert row["speed_vs_laptop_2020_low"] < 3.2
    assert row["epoch_low_s"] < 5.0 < row["epoch_high_s"]


def test_the_epoch_is_the_median_steady_one_and_the_mean_step_is_of_all_steady_ones():
    steps_s = [[0.5, 0.1], *[[0.05, 0.05]] * 3]
    records = []
    for seed, slow_s in ((1, 0.1), (2, 0.7)):
        measured = a_measurement(steps_s, walls_s=(0.6, 0.1, 0.1, slow_s))
        records.append(a_record(a_job(epochs=4, seed=seed), measured))
    row = capacity(report_of([a_run(records)]), 4)
    assert row["epoch_s"] == pytest.approx(0.1)
    assert row["step_mean_ms"] == pytest.approx(1000 * (0.3 / 6 * 0.9 / 6) ** 0.5)


def test_jobs_that_were_read_off_are_not_counted_where_other_jobs_ended():
    """One job ends after two epochs; five of fifteen epochs were read off there."""
    short = a_record(a_job(), a_measurement([[1.0, 0.01]] * 2, digests={"data": digest("mnist")}))
    report = report_of([a_run([short]), cnn_run(seeds=(1, 2, 3, 4, 5), label="lab")])
    (row,) = [row for row in rows(report, "capacity") if row.get("read_off") == 5]
    assert (row["epochs"], row["n"]) == (2, 1)
    assert capacity(report, 15)["n"] == 5
    quality = [row for row in rows(report, "quality") if row["n"] == 6]
    assert [row["epochs"] for row in quality] == [2]


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({"batch_size": 64}, "batch size is not 128"),
        ({"loop": "eager"}, "loop is not fit"),
        ({"precision": "bfloat16"}, "precision is not float32"),
        ({"optimizer": "sgd"}, "no time was published"),
    ],
)
def test_an_unlike_job_has_no_relative_speed_and_a_reason(job, reason):
    report = report_of([cnn_run(job=job)])
    row = capacity(report, 15)
    assert row["speed_vs_laptop_2020"] is None
    assert reason in row["relative_reason"]
    assert reason in notes(report, "capacity")


def test_published_runs_stand_in_the_capacity_table_and_are_marked():
    report = report_of([cnn_run()])
    old = {row["machine"]: row for row in rows(report, "capacity") if row["source"] == PUBLISHED}
    assert set(old) == {run.label for run in published_2020().runs}
    laptop, cloud = old["2020 laptop, published"], old["2020 VM, published"]
    assert laptop["total_s"] == pytest.approx(281.6055396001605)
    assert cloud["total_s"] == pytest.approx(169.31957054138184)
    assert laptop["epoch_s"] == pytest.approx(18.76, rel=0.01)  # 19 s and 40 ms a step
    assert cloud["epoch_s"] == pytest.approx(10.8, rel=0.01)  # 11 s and 23 ms a step
    assert cloud["speed_vs_laptop_2020"] == pytest.approx(281.6055396 / 169.3195705)
    machines = [row for row in rows(report, "machines") if row["source"] == PUBLISHED]
    assert [row["machine"] for row in machines] == ["2020 laptop (Zenbook)", "2020 VM (AWS)"]
    assert all(row["cpu_model"] is None for row in machines)


def test_people_see_published_epochs_of_measured_groups_only():
    report = report_of([cnn_run()])
    epochs = table(report, "epochs")
    assert sum(row["source"] == PUBLISHED for row in epochs.rows) == 60
    assert {row["model"] for row in epochs.shown} == {"cnn"}
    assert sum(row["source"] == PUBLISHED for row in epochs.shown) == 3


def test_people_read_the_milliseconds_of_a_step_epoch_by_epoch_in_one_row_for_each_job():
    epochs = table(report_of([cnn_run()]), "epochs")
    assert [column.heading for column in epochs.read[-15:]] == [str(n) for n in range(1, 16)]
    cells = {
        row["machine"]: [column.text(row) for column in epochs.read[-15:]] for row in epochs.shown
    }
    assert cells["lab"] == ["10000", *["3000"] * 14]
    assert cells["2020 laptop, published"][:4] == ["27", "43", "41", "41"]


def test_a_short_job_stands_beside_the_first_epochs_of_the_published_one():
    epochs = table(report_of([steady_run("lab", 0.01, jobs=JOBS)]), "epochs")
    assert [column.heading for column in epochs.read[-2:]] == ["1", "2"]
    laptop = next(row for row in epochs.shown if row["machine"] == "2020 laptop, published")
    assert [column.text(laptop) for column in epochs.read[-2:]] == ["27", "43"]


def test_accuracy_stands_beside_the_twelve_published_rows():
    found = rows(report_of([cnn_run()]), "quality")
    assert sum(row["published_test_accuracy"] is not None for row in found) == 12
    (row,) = (row for row in found if row["n"] and row["epochs"] == 15)
    assert row["train_accuracy_difference"] == pytest.approx(0.995 - 0.9957500100135803)
    assert row["test_accuracy_difference"] == pytest.approx(0.99 - 0.9918000102043152)


def test_synthetic_accuracy_is_not_judged_and_not_subtracted():
    found = rows(report_of([cnn_run(job={"dataset": "synthetic"})]), "quality")
    (row,) = (row for row in found if row["n"] and row["epochs"] == 15)
    assert (row["converged"], row["converged_reason"]) == (None, "synthetic data")
    assert row["test_accuracy_difference"] is None


def test_rows_that_reproduce_the_slip_are_marked():
    job = {"model": "mlp", "optimizer": "adam"}
    for as_published, mark in ((True, "both: reproduced"), (False, "2020 only")):
        run = cnn_run(job={**job, "as_published": as_published})
        measured = [row for row in rows(report_of([run]), "quality") if row["n"]]
        assert {row["test_slip"] for row in measured} == {mark}


def test_a_measured_group_that_was_not_published_is_a_row_too():
    run = a_run([a_record(a_job(epochs=3), a_measurement([[1.0, 0.1]] * 3))])
    (row,) = (row for row in rows(report_of([run]), "quality") if row["n"])
    assert row["published_test_accuracy"] is None
    assert row["published_reason"] == "nothing was published for this job"


def test_memory_is_in_bytes_and_the_own_share_is_peak_less_import():
    (row,) = rows(report_of([cnn_run()]), "memory")
    assert (row["peak_bytes"], row["own_bytes"]) == (700 * MIB, 300 * MIB)
    assert (row["host_total_bytes"], row["limit_bytes"]) == (8192 * MIB, None)
    page = render(report_of([cnn_run()]))
    assert "memory limit MiB: none" in page


def test_every_table_says_that_synthetic_data_took_mnists_place():
    note = "synthetic data, because MNIST could not be had"
    run = cnn_run(job={"dataset": "synthetic"}, dataset="synthetic", dataset_note=note)
    report = report_of([run])
    assert all(note in " ".join(table.notes) for table in report.tables)
    assert [one.kind for one in report.remarks if note in one.text] == ["data"]


def test_failed_jobs_and_jobs_not_run_are_rows_and_are_counted():
    measured = a_record(JOBS[0], a_measurement([[1.0, 0.1], [0.1, 0.1]]))
    failed = a_record(JOBS[1], Failure(reason="time limit", message="600 s", log_tail="a\nb\n"))
    report = report_of([a_run([measured, failed], planned=JOBS)])
    found = rows(report, "failures")
    assert [row["reason"] for row in found] == ["time limit", "not run"]
    assert found[0]["log_last_line"] == "b"
    assert "1 job (time limit 1); 1 not run (see Failures)." in said(report)
    assert "1 of 3 jobs were measured; failed: 1, not run: 1 (see Failures)." in report.details


def test_an_unavailable_machine_is_a_row_with_its_reason():
    gone = MachineEntry(run_id="run-1", label="arm", reason="no quota")
    run = cnn_run()
    (row,) = rows(report_of([replace(run, machines=(*run.machines, gone))]), "failures")
    assert (row["label"], row["job_id"]) == ("arm", None)
    assert (row["reason"], row["message"]) == ("unavailable", "no quota")


def test_unlike_versions_under_one_label_are_two_machines_with_a_note():
    newer = facts(packages={"keras": "3.12.0"})
    runs = [
        steady_run("lab", 0.01, jobs=JOBS, run_id="old"),
        steady_run("lab", 0.01, jobs=JOBS, run_id="new", machine=newer),
    ]
    report = report_of(runs)
    names = [row["machine"] for row in rows(report, "machines") if row["source"] == "measured"]
    assert names == ["lab", "lab [2]"]
    assert "keras is 3.10.0 and 3.12.0" in notes(report, "machines")


def test_versions_that_differ_between_machines_are_said_where_they_are_compared():
    runs = [
        steady_run("desk", 0.01, jobs=JOBS),
        steady_run("rack", 0.01, jobs=JOBS, machine=facts(machine_id="r" * 16, python="3.12.1")),
    ]
    note = notes(report_of(runs), "comparison")
    assert "Python is not the same everywhere: 3.11.7 on desk; 3.12.1 on rack." in note
    assert "keras is not the same" not in note
    assert "not the same everywhere" not in notes(report_of(runs[:1]), "comparison")


def test_a_journal_that_is_given_twice_counts_once():
    run = cnn_run()
    once, twice = report_of([run]), report_of([run, run])
    assert [r["n"] for r in rows(twice, "capacity")] == [r["n"] for r in rows(once, "capacity")]
    assert notes(twice, "comparison") == notes(once, "comparison")
    assert any("twice and count once" in str(row) for row in rows(twice, "reproduce"))


def test_the_reproduce_table_names_the_journal_without_its_folder():
    report = report_of([cnn_run()], commands=["mnist-bench report"])
    found = [(row["name"], row["value"]) for row in rows(report, "reproduce")]
    assert ("journal", "run-1.jsonl") in found
    assert ("report command", "mnist-bench report") in found
    assert ("command", "python -m mnist_bench.run --grid small") in found
    assert not any("/private/home" in str(value) for _, value in found)


def test_a_hostile_machine_cannot_add_markup_to_the_page():
    machine = facts(cpu_model="<img src=x>", unknown={"cpu_base_hz": "[x](http://evil)"})
    run = steady_run("ho|st\n# `big`", 0.01, jobs=JOBS, machine=machine)
    page = render(report_of([run]))
    assert "<img" not in page
    assert "[x](" not in page
    assert "`big`" not in page.replace(r"\`", "")
    assert "\n# \\`big" not in page
