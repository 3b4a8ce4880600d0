"""The same command does what is missing and nothing else, and says why it starts anew."""

from __future__ import annotations

import json

import pytest
from command_line import run_command
from sealing import cut_last_record, documents
from toy_runs import look_shortly, toy_words

from bench.record.folder import begun
from bench.record.journal import find_journals, read_run

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Give a run of two toys in one folder; return code and output."""
    look_shortly(monkeypatch)
    words = [*toy_words(tmp_path, "reports", "[1, 2]"), "--repeat-disturbed", "0"]

    def run_toys(*more):
        code = run_command([*words, *more])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run_toys


@pytest.fixture
def out(tmp_path):
    return tmp_path / "reports"


def journals(out):
    return find_journals(out / "journals")


def test_a_run_whose_report_could_not_be_written_only_writes_the_report(run, out):
    """A run that was killed between its last record and its report leaves the same journal."""
    (out / "summary.md").mkdir(parents=True)
    code, said = run()
    assert code == 1
    assert f"cannot write {out / 'summary.md'}" in said
    (out / "summary.md").rmdir()
    (path,) = journals(out)
    assert documents(path)[-1]["entry"] == "record"
    code, said = run()
    assert code == 0, said
    assert f"going on with {path.name}: every job has a record, and only the report" in said
    assert "2 of 2 jobs measured, 0 failed" in said
    assert (out / "summary.md").is_file()
    assert journals(out) == [path]
    assert len(read_run(path).records) == 2
    run()
    assert len(journals(out)) == 2, "a finished run is followed by another sitting"


def test_the_last_sitting_of_a_series_gets_its_report_too(run, out):
    words = ("--sittings", "2", "--gap", "1s")
    run(*words)
    last = journals(out)[-1]
    last.write_bytes(b"".join(last.read_bytes().splitlines(keepends=True)[:-1]))
    code, said = run(*words)
    assert code == 0, said
    assert "only the report is missing" in said
    assert len(journals(out)) == 2


@pytest.fixture
def run_failing(tmp_path, monkeypatch, capsys):
    """Give a run of a toy that works and of one that always fails; return what it said."""
    look_shortly(monkeypatch)
    words = [*toy_words(tmp_path, "reports"), "--repeat-disturbed", "0"]
    grid = tmp_path / "toys.yaml"
    grid.write_text(grid.read_text().replace("models: ok", "models: [ok, raise]"))

    def run_both(*more):
        assert run_command([*words, *more]) == 1
        return capsys.readouterr().out

    return run_both


def records_of_each(out):
    """Return the number of records of each run, in the order of the runs."""
    return [len(read_run(path).records) for path, _ in begun(journals(out))]


def test_a_job_that_always_fails_is_tried_once_more_and_keeps_no_sitting_away(run_failing, out):
    run_failing()
    assert "going on with" in run_failing()
    assert records_of_each(out) == [3]
    run_failing()
    assert records_of_each(out) == [3, 2], "a finished run is followed by another sitting"
    assert "note:" not in run_failing(), "the job fails as in the run before: the run is over"
    assert records_of_each(out) == [3, 2, 2]


def test_a_series_whose_job_always_fails_is_complete_and_followed_by_another(run_failing, out):
    words = ("--sittings", "2", "--gap", "1s")
    run_failing(*words)
    assert "going on" not in run_failing(*words)
    assert records_of_each(out) == [2, 2, 2, 2]


def test_a_plan_that_changed_says_what_differs(run, out):
    run()
    (path,) = journals(out)
    cut_last_record(path)
    _, said = run("--order-seed", "5", "--label", "box")
    assert (
        f"note: {path.name} was cut off, but it is another request, which differs in --label (it "
        "was desk, and now is box); the seed of the order (it was 0, and now is 5): this run"
    ) in said
    assert len(journals(out)) == 2


def test_a_damaged_line_is_named_by_the_run_and_the_report_and_its_job_is_measured_again(run, out):
    run()
    (path,) = journals(out)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"train_s":', b'"train_s":1')
    path.write_bytes(b"".join(lines))
    code, said = run()
    assert code == 0, said
    flaw = f"{path.name}, line 4 is damaged (seen: its checksum does not fit its text)"
    assert f"note: {flaw}" in said
    assert flaw in " ".join((out / "summary.md").read_text().split())
    notes = json.loads((out / "summary.json").read_text())["notes"]
    assert any(note["text"].startswith(flaw) for note in notes)
    assert journals(out) == [path]
    assert len(read_run(path).records) == 2
    assert path.read_bytes().startswith(b"".join(lines)), "no line of the past was changed"


def test_a_run_whose_machine_line_is_damaged_goes_on_and_writes_the_line_again(run, out):
    run()
    (path,) = journals(out)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"own":true', b'"own":false')
    path.write_bytes(b"".join(lines[:4]))
    code, said = run()
    assert code == 0, said
    found = read_run(path)
    assert (len(found.records), found.rebuilt, found.finished) == (2, frozenset(), True)


def test_a_run_goes_on_although_the_clock_was_set_back(run, out):
    """The run that was cut off has an older name than the finished one before it."""
    run()
    first = journals(out)[0]
    run()
    second = journals(out)[1]
    cut_last_record(second)
    earlier = second.with_name(f"20200101T000000Z-{second.name[17:]}")
    second.rename(earlier)
    code, said = run()
    assert code == 0, said
    assert f"going on with {earlier.name}" in said
    assert journals(out) == [earlier, first]
