"""The last catch: what is told of an exception that is none of ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import run_command

from bench.app.commands import schema


@pytest.fixture
def broken(monkeypatch):
    """Let the command `schema` raise an exception; it stands for a fault in any command."""

    def raising(error):
        def fail():
            raise error

        monkeypatch.setattr(schema, "schema_text", fail)

    return raising


def details_in(message: str) -> str:
    return Path(re.search(r"details are in (\S+\.txt)", message)[1]).read_text()


def test_a_fault_of_ours_is_said_to_be_one_and_its_details_lie_in_a_file(
    broken, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken(ValueError("a \x1b[31mbug\nof ours"))
    assert run_command(["schema"]) == 1
    said = capsys.readouterr().err
    assert "this is a fault of mnist-bench" in said
    assert "ValueError: a U+001B[31mbug" in said
    assert "report it" in said
    assert "Traceback" not in said
    assert said.count("\n") == 1
    details = details_in(said)
    assert str(tmp_path) in said
    assert "Traceback (most recent call last)" in details
    assert "ValueError" in details


def test_what_the_system_refuses_is_not_called_a_fault_of_ours(
    broken, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken(OSError(28, "No space left on device"))
    assert run_command(["schema"]) == 1
    said = capsys.readouterr().err
    assert "the system refused" in said
    assert "No space left on device" in said
    assert "fault" not in said.replace("faults", "").replace("bench-fault", "")


def test_details_that_cannot_be_written_follow_the_message(broken, capsys, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    broken(ValueError("bug"))
    assert run_command(["schema"]) == 1
    said = capsys.readouterr().err
    assert "could not be written" in said
    assert "Traceback (most recent call last)" in said


def test_memory_that_is_all_taken_and_endless_recursion_are_caught_too(broken, capsys):
    for error in (MemoryError(), RecursionError("too deep")):
        broken(error)
        assert run_command(["schema"]) == 1
        assert type(error).__name__ in capsys.readouterr().err


@pytest.mark.parametrize("word", ["B\udcfcro", "x" * 40_000])
def test_a_word_of_the_command_line_that_cannot_be_kept_is_a_wrong_request(word, capsys):
    assert run_command(["run", "--list", "--label", word]) == 2
    assert capsys.readouterr().err.startswith("error: word 4 of the command line")


@pytest.mark.parametrize(
    "words", [["--no-such\x1b[31m"], ["--list", "--grid", "\x1b[31m\u202ered"]]
)
def test_no_error_prints_a_control_character(capsys, words):
    assert run_command(["run", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert {"\x1b", "\u202e"} & set(said) == set()


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        *(["history", "--out", LONG], ["report", LONG], ["report", "--out", LONG]),
        *(["compare", LONG, "desk"], ["machines", "diff", "here", LONG]),
        *(["export", "--format", "junit", LONG], ["share", "--out", "x.jsonl", LONG]),
        *(["choose", "--accuracy", "0.9", "--out", LONG], ["run", "--list", "--grid", LONG]),
        *(["run", "--list", "--data", LONG], ["run", "--list", "--price", LONG]),
        *(["run", "--list", "--workload", LONG], ["run", "--list", "--workload", f"{LONG}.py"]),
        ["cluster", "check", LONG],
    ],
    ids=lambda words: " ".join(words).replace(LONG, "LONG"),
)
def test_a_name_that_the_system_refuses_to_look_at_is_a_wrong_request(
    words, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    assert run_command(words) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--job-timeout", "9" * 400), ("--order-seed", "9" * 400), ("--epochs", "9" * 30)),
        *(("--seeds", str(2**32)), ("--repeats", "1001"), ("--minutes", "1e308")),
        *(("--threads", "9" * 5000), ("--gap", "9" * 400 + "h"), ("--price", "1e999")),
        *(("--max-usd", "inf"), ("--wait-quiet", "9" * 400), ("--batch-sizes", "9" * 30)),
    ],
)
def test_a_number_that_nothing_can_hold_is_a_wrong_request(
    option, value, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    words = ["run", "--list", "--dataset", "synthetic", option, value]
    assert run_command(words) == 2
    assert capsys.readouterr().err.startswith("error: ")
