"""The last catch: what is told of an exception that is none of ours."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import PROGRAM, run_command

from bench import stops
from bench.app.commands import schema
from bench.app.fault import lines_of


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


def interrupted_and_then(raising):
    """Return what a command does that counts a signal, and then goes on."""

    def work():
        with stops.deferred():
            signal.raise_signal(signal.SIGTERM)
            raising()

    return work


def test_an_error_after_a_signal_is_no_reason_to_lose_its_details(monkeypatch, capsys, tmp_path):
    def bug():
        raise ValueError("in the report")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(schema, "schema_text", interrupted_and_then(bug))
    assert run_command(["schema"]) == 130
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "interrupted: nothing was measured"
    assert said[1].startswith("note: a ValueError came after the signal")
    (details,) = tmp_path.rglob("*.txt")
    assert "in the report" in details.read_text()


def test_an_error_that_a_signal_causes_leaves_no_details(monkeypatch, capsys, tmp_path):
    def import_that_is_cut_off():
        try:
            raise stops.Interrupt
        except KeyboardInterrupt:
            raise AttributeError("a module that is half imported") from None

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(schema, "schema_text", interrupted_and_then(import_that_is_cut_off))
    assert run_command(["schema"]) == 130
    assert capsys.readouterr().err == "interrupted: nothing was measured\n"
    assert list(tmp_path.rglob("*.txt")) == []


def test_the_words_of_an_interrupt_say_what_was_done_by_then(monkeypatch, capsys):
    def measured():
        stops.from_now_on("what was measured is kept")
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(schema, "schema_text", measured)
    assert run_command(["schema"]) == 130
    assert capsys.readouterr().err == "interrupted: what was measured is kept\n"


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


@pytest.mark.parametrize("error", [ValueError("\x1b[31mbug"), OSError(28, "\x1b[31mfull")])
def test_details_that_cannot_be_written_follow_the_message(
    error, broken, capsys, monkeypatch, tmp_path
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    broken(error)
    assert run_command(["schema"]) == 1
    said = capsys.readouterr().err
    assert "could not be written (File exists) and follow" in said
    assert "Traceback (most recent call last)" in said
    assert "\x1b" not in said


def test_details_are_kept_without_a_temporary_folder_too(broken, capsys, monkeypatch, tmp_path):
    """A fake `gettempdir` fails as that of a system without a usable temporary folder does."""

    def none():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.gettempdir", none)
    broken(ValueError("bug"))
    assert run_command(["schema"]) == 1
    assert "ValueError" in details_in(capsys.readouterr().err)


def test_a_file_of_details_is_its_users_alone_and_no_link_leads_it_elsewhere(
    broken, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken(ValueError("bug"))
    names = set()
    for _ in range(2):
        assert run_command(["schema"]) == 1
        capsys.readouterr()
    for path in (tmp_path / "bench" / "faults").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        names.add(path.stem.rpartition("-")[2])
    assert len(names) == 2
    assert not any(name.isdecimal() for name in names)  # no number of a process, no time


def test_details_that_the_disk_takes_in_part_leave_no_file(broken, capsys, monkeypatch, tmp_path):
    """The fault is a limit on the size of files, set in a child: the system itself refuses."""
    caches = tmp_path / "cache"
    source = (
        "import resource, signal, sys; from bench.app import fault; "
        "from bench.spec.request import Program; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
        "print(*fault.lines_of(ValueError('bug'), ['run'], Program('p', 'w')), sep='\\n')"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(caches), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, env=environment, check=True
    )
    assert "could not be written (File too large) and follow" in done.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


class Speechless(Exception):
    """An exception that cannot say what is wrong."""

    def __str__(self):
        raise RuntimeError("no words")


def test_an_exception_that_cannot_be_told_is_told_by_its_type(broken, capsys):
    broken(Speechless())
    assert run_command(["schema"]) == 1
    assert "(seen: Speechless)" in capsys.readouterr().err


def test_only_a_run_is_said_to_go_on_and_details_are_to_be_looked_through(broken, capsys):
    kept = "What was measured is kept"
    broken(ValueError("bug"))
    assert run_command(["schema"]) == 1
    said = capsys.readouterr().err
    assert kept not in said
    assert "look through them before you send them" in said
    assert kept in lines_of(ValueError("bug"), ["run", "--list"], PROGRAM)[0]


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
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert len(said) < 1000
