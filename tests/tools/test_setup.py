"""tools/setup.sh installs what is pinned, does no needless work and mends what was cut off."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SHELL_TOOLS = ["cat", "dirname", "id", "ls", "mktemp", "mv", "rm", "sed", "sh", "tail", "tr"]

#: Bodies of shell scripts that stand in for a Python.
BROKEN_SHIM = "echo 'pyenv: python: command not found' >&2; exit 127"
TOO_OLD = "echo 'is 3.9.18'"
REAL = f"exec '{sys.executable}' \"$@\""

#: Stands in for pip in the sandbox's .venv: notes each call; PIP_DOES says how it ends.
FAKE_PIP = """
import os, pathlib, signal, sys
with open(pathlib.Path(sys.prefix).parent / "pip-calls", "a") as calls:
    print(*sys.argv[1:], file=calls)
does = os.environ.get("PIP_DOES")
if does == "fail":
    sys.exit("the index burned down")
if does == "find nothing":  # as pip does with PIP_NO_INDEX=1
    sys.exit("ERROR: No matching distribution found for setuptools")
if does == "die":
    os.kill(os.getppid(), signal.SIGKILL)
"""


class Sandbox:
    """A project folder with the real set-up script, a bare .venv and a fake pip in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stamp = root / ".venv" / "setup-stamp"

    def make(self) -> Sandbox:
        """Fill the folder."""
        (self.root / "tools").mkdir(parents=True)
        for name in ("tools/setup.sh", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.root / name)
        venv.create(self.root / ".venv", symlinks=True)
        pip = self.site / "pip"
        pip.mkdir()
        (pip / "__init__.py").touch()
        (pip / "__main__.py").write_text(FAKE_PIP, encoding="utf-8")
        return self

    @property
    def site(self) -> Path:
        """The folder of the packages in the sandbox's .venv."""
        return next((self.root / ".venv").glob("lib/*/site-packages"))

    def add_package(self, name: str, *, torn: bool = False) -> None:
        """Put a package of one file into .venv; a torn one's record tells another size."""
        (self.site / f"{name}.py").write_text("x = 1\n", encoding="utf-8")
        info = self.site / f"{name}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        size = 999 if torn else 6
        (info / "RECORD").write_text(f"{name}.py,,{size}\n", encoding="utf-8")

    def set_up(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run the set-up script with a bare environment."""
        return subprocess.run(
            ["sh", "tools/setup.sh", *arguments],
            cwd=self.root,
            env={"PATH": f"{Path(sys.executable).parent}:{os.defpath}", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def pip_calls(self) -> list[str]:
        """Return what pip was called with since the last time that this was asked."""
        calls = self.root / "pip-calls"
        lines = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return lines


@pytest.fixture
def sandbox(tmp_path) -> Sandbox:
    """A sandbox in a folder with a space in its name, never set up before."""
    return Sandbox(tmp_path / "a project").make()


@pytest.fixture
def ready(sandbox) -> Sandbox:
    """A sandbox that has been set up with the test extra."""
    assert sandbox.set_up("test").returncode == 0
    sandbox.pip_calls()
    return sandbox


def test_set_up_installs_the_build_backend_and_then_the_project_with_its_pins(sandbox):
    answer = sandbox.set_up("test")
    assert answer.returncode == 0, answer.stderr
    backend, project = sandbox.pip_calls()
    assert backend.endswith("-c constraints.txt setuptools")
    assert project.endswith("-c constraints.txt --no-build-isolation -e .[report,test]")


def test_set_up_again_calls_no_pip_and_says_nothing(ready):
    for arguments in (["test"], []):
        answer = ready.set_up(*arguments)
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert ready.pip_calls() == []


def test_a_checkout_that_only_touches_times_reinstalls_nothing(ready):
    for name in ("pyproject.toml", "constraints.txt", "tools/setup.sh"):
        os.utime(ready.root / name)
    assert ready.set_up("test").returncode == 0
    assert ready.pip_calls() == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "tools/setup.sh"])
def test_a_change_of_what_decides_the_install_installs_anew(ready, name):
    with (ready.root / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert ready.set_up("test").returncode == 0
    assert len(ready.pip_calls()) == 2


def test_a_package_installed_or_removed_by_hand_is_mended(ready):
    ready.add_package("stray")
    assert ready.set_up("test").returncode == 0
    assert len(ready.pip_calls()) == 2
    assert ready.set_up("test").returncode == 0
    assert ready.pip_calls() == []


def test_a_further_extra_is_added_and_the_former_ones_stay(sandbox):
    for extras in ([], ["test"], ["gpu"]):
        assert sandbox.set_up(*extras).returncode == 0
    targets = [call.split()[-1] for call in sandbox.pip_calls()[1::2]]
    assert targets == [".[report]", ".[report,test]", ".[report,gpu,test]"]
    assert sandbox.set_up("test").returncode == 0
    assert sandbox.pip_calls() == []


def test_an_extra_that_is_not_there_ends_with_2(sandbox):
    answer = sandbox.set_up("tset")
    assert answer.returncode == 2
    assert "'tset'" in answer.stderr


def test_every_extra_of_the_project_can_be_installed(sandbox):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in extras["optional-dependencies"]:
        assert sandbox.set_up(extra).returncode == 0, extra


def test_an_install_that_fails_shows_its_log_and_is_tried_again(ready):
    (ready.root / "constraints.txt").write_text("ray==1\n", encoding="utf-8")
    answer = ready.set_up("test", PIP_DOES="fail")
    assert answer.returncode == 1
    assert "the index burned down" in answer.stderr
    assert str(ready.root / ".venv/setup.log") in answer.stderr
    assert not ready.stamp.exists()
    ready.pip_calls()
    assert ready.set_up("test").returncode == 0
    assert len(ready.pip_calls()) == 2


def test_only_where_pip_finds_no_package_the_way_without_a_network_is_named(sandbox):
    for does, named in (("find nothing", True), ("fail", False)):
        answer = sandbox.set_up(PIP_DOES=does)
        assert answer.returncode == 1
        assert ("docs/how-to/offline.md" in answer.stderr) == named
    assert (ROOT / "docs/how-to/offline.md").exists()


def test_a_set_up_that_was_killed_leaves_no_stamp_and_is_done_again(sandbox):
    assert sandbox.set_up("test", PIP_DOES="die").returncode < 0
    assert not sandbox.stamp.exists()
    sandbox.pip_calls()
    assert sandbox.set_up("test").returncode == 0
    assert len(sandbox.pip_calls()) == 2


@pytest.mark.parametrize("damage", ["torn package", "no pip", "no python"])
def test_a_half_made_venv_is_made_anew(sandbox, tmp_path, damage):
    if damage == "torn package":
        sandbox.add_package("half", torn=True)
    elif damage == "no pip":
        shutil.rmtree(sandbox.site / "pip")
    else:
        (sandbox.root / ".venv/bin/python").unlink()
    maker = tmp_path / "python"
    maker.write_text(f"#!/bin/sh\nif [ $1 = -m ]; then echo $* >made; exit 9; fi\n{REAL}\n")
    maker.chmod(0o755)
    answer = sandbox.set_up(PYTHON=str(maker))
    assert not (sandbox.root / ".venv").exists()
    assert (sandbox.root / "made").read_text() == "-m venv .venv\n"
    assert answer.returncode == 1
    assert "incomplete" in answer.stderr


def test_where_there_is_no_venv_a_real_one_is_made(sandbox):
    shutil.rmtree(sandbox.root / ".venv")
    # Its pip is the real one, which finds no package here: the install after it must fail.
    answer = sandbox.set_up(PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert (sandbox.root / ".venv/bin/python").exists()
    assert "Making .venv with Python" in answer.stderr
    assert answer.returncode == 1
    assert str(sandbox.root / ".venv/setup.log") in answer.stderr
    assert "setuptools" in answer.stderr


def test_two_set_ups_at_once_install_once(sandbox):
    command = ["sh", "tools/setup.sh", "test"]
    path = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    both = [subprocess.Popen(command, cwd=sandbox.root, env=path) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert len(sandbox.pip_calls()) == 2


# --- which Python it takes ---------------------------------------------------------------------


@pytest.fixture
def pythons(sandbox, tmp_path):
    """Return a call that runs `--which-python` with only the given fake Pythons on the PATH."""
    shutil.rmtree(sandbox.root / ".venv")
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in SHELL_TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))

    def which(scripts: dict[str, str], **environment: str) -> subprocess.CompletedProcess:
        for name, body in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
            (folder / name).chmod(0o755)
        return sandbox.set_up("--which-python", **{"PATH": str(folder), **environment})

    return which


def test_shims_that_fail_and_pythons_that_do_not_fit_are_passed_over(pythons):
    answer = pythons({"python3": TOO_OLD, "python3.13": BROKEN_SHIM, "python3.12": REAL})
    assert answer.stdout.split()[0] == "python3.12"
    assert answer.returncode == 0


def test_the_first_that_fits_is_taken(pythons):
    answer = pythons({"python3": REAL, "python3.12": REAL})
    assert answer.stdout.split()[0] == "python3"


def test_where_none_fits_one_message_says_what_was_seen_and_needed(pythons):
    answer = pythons({"python3": TOO_OLD, "python3.13": BROKEN_SHIM})
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    for part in ("3.11 to 3.13", "python3 is 3.9.18", "python3.13 does not run"):
        assert part in answer.stderr


def test_a_named_python_is_the_only_one_tried(pythons, tmp_path):
    named = tmp_path / "my python"
    named.write_text(f"#!/bin/sh\n{REAL}\n", encoding="utf-8")
    named.chmod(0o755)
    assert pythons({"python3": TOO_OLD}, PYTHON=str(named)).stdout.startswith(str(named))
    answer = pythons({"python3": REAL}, PYTHON="python3.99")
    assert answer.returncode == 2
    assert "python3.99" in answer.stderr


def test_the_set_up_script_and_the_project_name_the_same_oldest_python():
    script = (ROOT / "tools/setup.sh").read_text(encoding="utf-8")
    (oldest,) = re.findall(r"^OLDEST=(\d+)", script, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">=3.{oldest}"


# --- the Makefile ------------------------------------------------------------------------------


def test_make_alone_prints_the_help_and_does_nothing(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    answer = subprocess.run(
        ["make"], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    for target in ("run", "test", "test-fast", "setup", "lint", "clean"):
        assert f"make {target} " in answer.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]
