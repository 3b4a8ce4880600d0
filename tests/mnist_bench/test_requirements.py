"""A Python or a package that is too old is named in one message, with exit code 2."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mnist_bench import requirements

ROOT = Path(__file__).resolve().parents[2]
CHECK = "from mnist_bench import requirements; requirements.exit_if_unfit(); print('fit')"


def run_check(python: str | Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the check as a program would, from the project's root, with no other environment."""
    return subprocess.run(
        [str(python), *options, "-c", CHECK],
        cwd=ROOT,
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def find_old_python(version: str) -> str | None:
    """Return an interpreter of exactly `version` ("3.6") that runs, from the PATH or pyenv."""
    shims = [shutil.which(f"python{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = pyenv.glob(f"versions/{version}.*/bin/python")
    for candidate in [*sorted(map(str, installed)), *filter(None, shims)]:
        say = "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"
        answer = subprocess.run([candidate, "-c", say], capture_output=True, text=True, timeout=60)
        if answer.returncode == 0 and answer.stdout == version:
            return candidate
    return None


def dependencies_of_project() -> dict[str, str]:
    """Return name -> least version, as pyproject.toml lists them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [re.fullmatch(r"([a-z-]+)>=([0-9.]+)", line) for line in project["dependencies"]]
    assert all(found), project["dependencies"]
    return dict(match.groups() for match in found)


def test_the_table_of_minimums_equals_the_dependencies_of_the_project():
    assert dependencies_of_project() == requirements.MINIMUMS


def test_the_oldest_python_equals_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = ".".join(map(str, requirements.OLDEST_PYTHON))
    assert project["requires-python"] == f">={oldest}"


def test_the_python_that_runs_the_tests_is_fit():
    assert requirements.check() == []


def test_on_an_old_python_nothing_else_is_looked_up():
    def find_version(name: str) -> str:
        raise AssertionError(f"looked up {name}")

    assert requirements.problems((3, 10, 13, "final", 0), find_version) == [
        "Python 3.11 or newer is needed (seen: 3.10.13)"
    ]


def test_every_missing_or_old_package_is_named_with_what_was_seen():
    installed = {**requirements.MINIMUMS, "keras": "2.15.0", "ray": None}
    assert requirements.problems((3, 11), installed.get) == [
        f"keras {requirements.MINIMUMS['keras']} or newer is needed (seen: 2.15.0)",
        f"ray {requirements.MINIMUMS['ray']} or newer is needed (seen: not installed)",
    ]


@pytest.mark.parametrize(
    ("seen", "minimum", "fits"),
    [
        ("3.10", "3.10", True),
        ("3.10.0", "3.10", True),
        ("3.9.9", "3.10", False),
        ("3.11.0rc1", "3.10", True),
        ("3.10rc1", "3.10", True),
        ("10.0", "9.9.9", True),
        ("2.21.0+cpu.4", "2.21", True),
        ("unknown", "0.1", False),
    ],
)
def test_versions_compare_by_their_numbers(monkeypatch, seen, minimum, fits):
    monkeypatch.setattr(requirements, "MINIMUMS", {"keras": minimum})
    assert (requirements.problems((3, 13), lambda name: seen) == []) is fits


def test_the_message_goes_to_the_stream_and_the_exit_code_is_2(monkeypatch):
    monkeypatch.setattr(requirements, "check", lambda: ["ray 9 or newer is needed (seen: 1)"])
    stream, codes = io.StringIO(), []
    requirements.exit_if_unfit(stream, codes.append)
    assert codes == [2]
    assert stream.getvalue().startswith("error: ray 9 or newer is needed (seen: 1)\n")
    assert "make setup" in stream.getvalue()
    assert f"{sys.executable} -m pip install -c constraints.txt -e ." in stream.getvalue()


def test_a_fit_python_says_nothing_and_goes_on():
    answer = run_check(sys.executable)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "fit\n", "")


def test_an_older_package_in_the_way_ends_with_2_and_names_it(tmp_path):
    info = tmp_path / "keras-3.0.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.0.5\n")
    answer = run_check(sys.executable, PYTHONPATH=str(tmp_path))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.splitlines()[0].endswith("or newer is needed (seen: 3.0.5)")
    assert "keras" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_python_without_the_packages_ends_with_2_and_names_them_all():
    answer = run_check(sys.executable, "-S")
    assert answer.returncode == 2
    missing = [line for line in answer.stderr.splitlines() if "not installed" in line]
    assert len(missing) == len(requirements.MINIMUMS)


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.9", "3.10"])
def test_a_real_old_python_is_told_that_alone(version):
    python = find_old_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    answer = run_check(python)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"error: Python 3.11 or newer is needed (seen: {version}.")
    assert len(answer.stderr.splitlines()) == 2


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.9"])
@pytest.mark.parametrize("module", ["mnist_bench", "mnist_bench.run", "mnist_bench.report"])
def test_every_front_door_tells_a_real_old_python(module, version):
    python = find_old_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    command = [python, "-B", "-m", module, "--help"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith("error: Python 3.11 or newer is needed"), answer.stderr
