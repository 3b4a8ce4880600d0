"""The wheel and the source archive are whole, and the wheel works without the source tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "mnist_bench")

#: What a build reads, and folders that must not get into what is built.
SOURCES = (*PACKAGES, "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "tests", "tools")


@dataclass(frozen=True)
class Built:
    """The two files of a release."""

    wheel: Path
    archive: Path

    @property
    def in_wheel(self) -> set[str]:
        """The names of the files of the wheel."""
        return set(zipfile.ZipFile(self.wheel).namelist())

    @property
    def in_archive(self) -> set[str]:
        """The names of the files of the source archive, without its own folder."""
        with tarfile.open(self.archive) as archive:
            return {one.name.partition("/")[2] for one in archive if one.isfile()}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    """Build a copy of the tree as `make dist` does: the archive, and the wheel from the archive."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source)
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (archive,) = target.glob("*-py3-none-any.whl"), target.glob("*.tar.gz")
    return Built(wheel, archive)


def files_of_the_packages() -> set[str]:
    found = (path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_every_module_and_data_file_and_the_licence(built):
    files = files_of_the_packages()
    assert {"bench/prices.csv", "mnist_bench/grids/smoke.yaml"} < files
    assert files - built.in_wheel == set()
    assert any(name.endswith("/licenses/LICENSE") for name in built.in_wheel)


def test_the_wheel_holds_nothing_but_the_packages(built):
    names = {name for name in built.in_wheel if ".dist-info/" not in name}
    assert names - files_of_the_packages() == set()


def test_the_archive_holds_what_builds_the_wheel_and_no_test_or_tool(built):
    names = {name for name in built.in_archive if ".egg-info/" not in name}
    beside = {"pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "PKG-INFO", "setup.cfg"}
    assert names == files_of_the_packages() | beside


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The `mnist-bench` of an environment that holds the wheel alone, beside packages of this one.

    A path file lends it the packages, which would take minutes to install. Path files of this
    environment are not read there, so the source tree, which one of them names, is not found.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q"]
    words += ["--no-deps", "--no-index", str(built.wheel)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "mnist-bench"


@pytest.fixture(scope="module")
def environment(mnist_file) -> dict[str, str]:
    """The variables of the commands: nothing leads to the source tree, nothing is downloaded."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**own, "MNIST_BENCH_DATA": str(mnist_file or ""), "MNIST_BENCH_OFFLINE": "1"}


def test_the_program_is_that_of_the_wheel(installed, environment, tmp_path):
    done = subprocess.run(
        [installed.with_name("python"), "-c", "import bench, mnist_bench; print(bench.__file__)"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(installed.parents[1])


def test_a_run_outside_of_the_source_tree_measures_and_writes_its_report(
    installed, environment, tmp_path
):
    words = ["run", "--grid", "smoke", "--models", "mlp", "--epochs", "1", "--dispatch", "inline"]
    done = subprocess.run(
        [installed, *words, "--repeat-disturbed", "0"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout
    assert "1 of 1 jobs measured, 0 failed" in done.stdout
    report = (tmp_path / "reports" / "summary.md").read_text(encoding="utf-8")
    assert report.startswith("# Compute-capacity annex: MNIST training")
    assert str(ROOT) not in done.stdout + report
    page = (tmp_path / "reports" / "summary.html").read_text(encoding="utf-8")
    assert "Compute-capacity annex" in page
