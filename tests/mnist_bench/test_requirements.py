"""A Python that is too old, or a package that is missing, is named in one line with exit code 2."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mnist_bench import cli, requirements

ROOT = Path(__file__).resolve().parents[2]


def test_the_oldest_python_equals_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = ".".join(map(str, requirements.OLDEST_PYTHON))
    assert project["requires-python"] == f">={oldest}"


def test_an_old_python_is_told_the_next_step_with_exit_code_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    with pytest.raises(SystemExit) as ended:
        cli.main(["schema"])
    assert ended.value.code == 2
    assert capsys.readouterr() == (
        "",
        "error: Python 3.11 or newer is needed (seen: 3.10.13). "
        "Next: type `make setup`, then use .venv/bin/python\n",
    )


@pytest.mark.parametrize("module", ["mnist_bench", "mnist_bench.run", "mnist_bench.report"])
def test_every_entry_point_names_a_missing_package_in_one_line(module):
    """`-S` leaves out the installed packages."""
    command = [sys.executable, "-S", "-m", module, "--help"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stderr.startswith("error: package ")
    assert "make setup" in answer.stderr


@pytest.mark.parametrize("where", ["bench.app.main.main", "bench.app.commands.schema.schema_text"])
def test_a_package_that_a_subcommand_misses_is_named(monkeypatch, capsys, where):
    monkeypatch.setattr(where, lambda *_: __import__("no_such.part"))
    assert cli.main(["schema"]) == 2
    assert capsys.readouterr().err.startswith("error: package no_such is missing or too old")


def test_an_import_that_fails_within_the_project_is_told_as_a_fault_of_ours(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("bench.app.main.main", lambda argv, program: __import__("bench.none"))
    assert cli.main(["schema"]) == 1
    text = capsys.readouterr().err
    assert text.startswith("error: this is a fault of mnist-bench")
    assert "No module named 'bench.none'" in text
    (details,) = tmp_path.rglob("*.txt")
    assert "Traceback" in details.read_text()


def test_if_too_much_of_the_project_is_missing_the_traceback_is_shown(monkeypatch):
    monkeypatch.setattr("bench.app.main.main", lambda argv, program: __import__("bench.none"))
    monkeypatch.setitem(sys.modules, "bench.app.fault", None)
    with pytest.raises(ModuleNotFoundError, match=r"bench\.none"):
        cli.main(["schema"])
