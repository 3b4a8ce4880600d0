"""The script for a CUDA machine: it runs bare of most packages, and says what it lacks.

No GPU is to be had where the suite runs: the script is rehearsed with the CPU in the GPU's place.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_bench.backends import is_installed

SCRIPT = Path(__file__).resolve().parent / "gpu_check.py"

#: Put on a child's path, this makes Python find no package of these names.
BLOCK = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: (
    None if name.split(".")[0] in {names!r} else found(name, package)
)
"""


def check(folder: Path, *arguments: str, without: tuple[str, ...] = ()):
    """Run the script in `folder`, as on a machine that has no package of the names `without`."""
    (folder / "sitecustomize.py").write_text(BLOCK.format(names=set(without)), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        # torch.compile would start a pool of processes, each of which imports PyTorch
        env={**os.environ, "PYTHONPATH": str(folder), "TORCHINDUCTOR_COMPILE_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path):
    done = check(tmp_path, "--backends", "tensorflow")
    assert done.returncode == 2
    assert "no CUDA device is visible" in done.stderr
    assert not (tmp_path / "reports").exists()


def test_a_package_that_it_cannot_do_without_is_named(tmp_path):
    done = check(tmp_path, without=("keras", "psutil"))
    assert done.returncode == 2
    assert "keras, psutil cannot be imported" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--loops", "compild"], "unknown loop compild"),
        (["--backends", "tensorflow", "--loops", "inductor"], "has no loop inductor"),
        (["--curves", "gone.json"], "gone.json is not a file"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_measured(options, said, tmp_path):
    done = check(tmp_path, "--rehearse", *options)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not is_installed("torch"), reason="PyTorch is an extra, EXTRAS=torch")
def test_it_runs_without_tensorflow_ray_and_the_packages_of_the_report(tmp_path):
    absent = ("tensorflow", "ray", "jax", "pandas", "scipy", "tabulate")
    grid = tmp_path / "grid.yaml"
    grid.write_text("name: one\nsubgrids:\n  - {models: cnn, optimizers: adam, epochs: 1}\n")
    options = ["--rehearse", "--backends", "torch", "--grid", str(grid), "--images", "640"]
    options += ["--loops", "fit,compiled"]
    done = check(tmp_path, *options, without=absent)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "reports" / "gpu_check.json").read_text())
    assert document["agrees"] and document["rehearsal_on_cpu"]
    assert {(row["loop"], row["model"]) for row in document["jobs"]} == {
        (loop, "cnn") for loop in ("fit", "compiled")
    }
    assert all(row["step_p10_ms"] > 0 and row["flops_per_s"] > 0 for row in document["jobs"])
    assert [row["ceilings"] is not None for row in document["jobs"]] == [True, False]
    assert document["by_ray"] == {"step_p10_ms": None, "reason": "Ray is not installed"}

    first = {row["loop"]: row for row in document["jobs"]}["fit"]
    first["cpu_losses"] = [loss * 2 for loss in first["cpu_losses"]]
    (tmp_path / "earlier.json").write_text(json.dumps({**document, "jobs": [first]}))
    options += ["--curves", "earlier.json", "--loops", "compiled", "--out", "again.json"]
    done = check(tmp_path, *options, without=absent)
    assert done.returncode == 1, done.stdout + done.stderr
    (row,) = json.loads((tmp_path / "again.json").read_text())["jobs"]
    assert row["cpu_losses"] == first["cpu_losses"] and not row["agrees"]
