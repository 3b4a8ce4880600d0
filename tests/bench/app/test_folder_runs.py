"""The runs of a folder that stand in one report, and the journals that do not, each with a note."""

from __future__ import annotations

import json

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts
from command_line import run_command
from sealing import changed, cut_last_record
from toy_runs import look_shortly, toy_words

from bench.app.folder_runs import runs_of
from bench.record.journal import Journal, find_journals
from bench.record.lines import SCHEMA_VERSION
from mnist_bench.description import DESCRIPTION

pytestmark = pytest.mark.slow

OUTLINE = DESCRIPTION.outline
MEASURED = a_measurement([[1.0, 0.01], [0.01, 0.01]], total_s=36.0)


def written(folder, name, *seeds, label="desk", planned=None, machine=None, **header):
    """Write the journal of a run of jobs of these seeds; return its path."""
    jobs = [a_job(seed=seed) for seed in seeds]
    machine = machine or facts()
    records = [a_record(job, MEASURED, label=label, run_id=name, machine=machine) for job in jobs]
    run = a_run(records, planned=planned, run_id=name, label=label, machine=machine, **header)
    journal = Journal(folder / f"{name}.jsonl")
    journal.create(run.header)
    for line in (*run.machines, *run.records):
        journal.append(line)
    return journal.path


def tables(out):
    return json.loads((out / "summary.json").read_text())


@pytest.fixture
def folder(tmp_path):
    """A folder of reports: two sittings, a damaged journal, and a journal of another workload."""
    journals = tmp_path / "reports" / "journals"
    written(journals, "20261101-a", 1)
    (journals / "20261102-torn.jsonl").write_text('{"schema_version": 2, "run')
    toy = written(journals, "20261103-toy", 2)
    changed(toy, lambda text: text.replace('"name":"mnist"', '"name":"toy"'))
    written(journals, "20261104-b", 1)
    return tmp_path / "reports"


def test_what_cannot_stand_beside_the_other_runs_is_left_out_with_its_reason(folder):
    found = runs_of(find_journals(folder / "journals"), OUTLINE)
    assert [run.header.run_id for run in found.runs] == ["20261101-a", "20261104-b"]
    torn, toy = found.left_out
    assert torn.name == "20261102-torn.jsonl"
    assert torn.reason.startswith("line 1 is not the header of a run (seen: ")
    assert (toy.name, toy.reason) == ("20261103-toy.jsonl", "it measured the workload toy")


def test_a_journal_of_a_newer_version_is_left_out_with_the_advice_to_update(folder):
    (newer,) = (folder / "journals").glob("*-b.jsonl")
    this = f'"schema_version":{SCHEMA_VERSION}'
    changed(newer, lambda text: text.replace(this, f'"schema_version":{SCHEMA_VERSION + 1}'))
    (left_out,) = runs_of([newer], OUTLINE).left_out
    assert f"(seen: {SCHEMA_VERSION + 1}); update this program" in left_out.reason


def test_a_journal_whose_axes_the_workload_does_not_have_is_left_out(folder):
    (other,) = (folder / "journals").glob("*-b.jsonl")
    changed(other, lambda text: text.replace('"optimizer":', '"solver":'))
    found = runs_of([other], OUTLINE)
    assert found.runs == ()
    assert "the axis 'solver', which mnist does not have" in found.left_out[0].reason


def test_without_a_workload_the_newest_journal_decides(folder):
    journals = find_journals(folder / "journals")
    found = runs_of(journals[:3])
    assert [run.header.run_id for run in found.runs] == ["20261103-toy"]
    assert [one.name for one in found.left_out] == ["20261101-a.jsonl", "20261102-torn.jsonl"]


def test_report_without_journals_takes_every_sitting_and_names_what_it_leaves_out(folder, capsys):
    assert run_command(["report", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    assert (
        "note: the report leaves out 20261102-torn.jsonl: line 1 is not the header of a run" in said
    )
    assert "note: the report leaves out 20261103-toy.jsonl: it measured the workload toy\n" in said
    (row,) = (row for row in tables(folder)["capacity"] if row["source"] == "measured")
    assert row["n"] == 2
    assert "This report leaves out 20261103-toy.jsonl" in (folder / "summary.md").read_text()


def test_a_folder_that_is_named_is_read_like_the_folder_of_reports(folder, tmp_path, capsys):
    out = str(tmp_path / "again")
    assert run_command(["report", str(folder), "--out", out, "--label", "box"]) == 0
    assert "leaves out 20261102-torn.jsonl" in capsys.readouterr().out
    measured = {row["machine"] for row in tables(tmp_path / "again")["machines"]}
    assert "box" in measured
    assert "desk" not in measured


def test_a_journal_that_is_named_must_be_readable(folder, capsys):
    torn = folder / "journals" / "20261102-torn.jsonl"
    assert run_command(["report", str(torn), "--out", str(folder)]) == 2
    assert "line 1 is not the header of a run" in capsys.readouterr().err


def test_a_folder_without_a_readable_journal_is_an_error_that_says_why(tmp_path, capsys):
    journals = tmp_path / "journals"
    journals.mkdir()
    (journals / "x.jsonl").write_text("{}\n")
    assert run_command(["report", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert f"no journal in {journals} can be read (seen: x.jsonl: line 1: this version" in error


def test_each_folder_takes_one_label_and_one_label_cannot_name_two_machines(
    folder, tmp_path, capsys
):
    rack = tmp_path / "rack"
    written(rack, "20261105-c", 1, label="node", machine=facts(machine_id="n" * 16))
    words = ["report", str(folder), str(rack), "--out", str(tmp_path / "r")]
    assert run_command([*words, "--label", "left", "--label", "right"]) == 0
    assert {"left", "right"} <= {row["machine"] for row in tables(tmp_path / "r")["machines"]}
    assert run_command([*words, *(["--label", "x"] * 3)]) == 2
    assert "3 labels, 2 journals or folders" in capsys.readouterr().err
    written(rack, "20261106-d", 1, label="desk")
    assert run_command([*words, "--label", "left", "--label", "right"]) == 2
    assert "one --label cannot name several machines" in capsys.readouterr().err


def test_one_machine_under_two_labels_is_pointed_out(tmp_path):
    out = tmp_path / "r"
    written(out / "journals", "a", 1, label="desk")
    written(out / "journals", "b", 1, label="box")
    assert run_command(["report", "--out", str(out)]) == 0
    notes = " ".join(note["text"] for note in tables(out)["notes"])
    assert "desk and box have one machine id. If they are one machine, give it one" in notes


def test_jobs_that_an_older_run_misses_are_not_run_and_name_their_run(tmp_path):
    out = tmp_path / "r"
    written(out / "journals", "a", 1, planned=[a_job(seed=1), a_job(seed=2)])
    written(out / "journals", "b", 1, 2)
    assert run_command(["report", "--out", str(out)]) == 1
    (row,) = tables(out)["failures"]
    assert (row["run_id"], row["reason"]) == ("a", "not run")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Give a run of two toys in one folder; return code and output."""
    look_shortly(monkeypatch)
    words = [*toy_words(tmp_path, "reports", "[1, 2]"), "--repeat-disturbed", "0"]
    return lambda *more: (run_command([*words, *more]), capsys.readouterr().out)


def test_the_same_command_again_adds_a_sitting_and_reports_both(run, folder):
    """The folder also holds runs of another workload, and a journal that cannot be read."""
    for sittings in (1, 2):
        code, output = run()
        assert code == 0, output
        assert "2 of 2 jobs measured, 0 failed" in output
        assert output.count("note: the report leaves out") == 4
        (row,) = tables(folder)["capacity"]
        assert row["n"] == 2 * sittings
    assert len(find_journals(folder / "journals")) == 6


def test_an_older_run_that_was_cut_off_does_not_change_the_exit_code(run, tmp_path):
    run()
    (path,) = find_journals(tmp_path / "reports/journals")
    cut_last_record(path)
    code, output = run("--fresh")
    assert code == 0, output
    (row,) = tables(tmp_path / "reports")["failures"]
    assert (row["run_id"], row["reason"]) == (path.stem, "not run")


def test_a_bare_price_holds_for_all_sittings_of_the_machine(run, tmp_path):
    run("--price", "0.5")
    run("--price", "0.75")
    (row,) = tables(tmp_path / "reports")["cost"]
    assert (row["machine"], row["n"], row["usd_per_hour"]) == ("desk", 4, 0.75)


def test_what_all_runs_have_in_common_is_told_once(tmp_path):
    out = tmp_path / "r"
    for number in range(20):
        written(out / "journals", f"run-{number:02}", 1)
    assert run_command(["report", "--out", str(out)]) == 0
    page = (out / "summary.md").read_text().partition("## To reproduce")[2].partition("##")[0]
    assert page.count("data digest") == 1
    assert page.count("journal ") >= 20
    assert len([line for line in page.splitlines() if line.startswith("| run-")]) == 20
    assert sum(row["name"] == "keras version" for row in tables(out)["reproduce"]) == 20


def test_report_in_spanish_has_spanish_headings_and_english_keys(folder, capsys):
    assert run_command(["report", "--lang", "es", "--out", str(folder)]) == 0
    page = (folder / "summary.md").read_text()
    assert page.startswith("# Anexo de capacidad de cómputo: entrenamiento con MNIST\n")
    assert "## Capacidad de cómputo" in page
    assert "## Compute capacity" not in page
    assert "step_mean_ms" in tables(folder)["capacity"][0]
    assert tables(folder)["about"][0]["language"] == "es"
    assert run_command(["report", "--out", str(folder)]) == 0
    assert "## Compute capacity" in (folder / "summary.md").read_text()


def test_a_language_that_no_report_is_in_is_refused(folder, capsys):
    assert run_command(["report", "--lang", "fr", "--out", str(folder)]) == 2
    assert "use one of en, es" in capsys.readouterr().err


def test_a_run_reports_in_the_language_that_it_is_told(run, tmp_path):
    run("--lang", "es")
    page = (tmp_path / "reports" / "summary.md").read_text()
    assert "**Medido**: " in page
    assert "## Cómo reproducirlo" in page
