"""The entry points: where a workload's module is looked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parents[1]

#: What an installed console script is: its own folder comes first in the path.
SCRIPT = "import sys\nfrom mnist_bench.cli import main\nsys.exit(main())\n"


@pytest.mark.parametrize("entry", ["script", "-m"])
def test_a_workloads_module_in_the_working_folder_is_found_and_no_bench_there(entry, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mnist-bench").write_text(SCRIPT)
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(TESTS / "tiny_workload.py", here / "my_module.py")
    (here / "bench.py").write_text('raise SystemExit("my own benchmark")\n')
    program = (
        [str(tmp_path / "bin" / "mnist-bench")] if entry == "script" else ["-m", "mnist_bench"]
    )
    words = ["run", "--list", "--local-only", "--workload", "my_module:WORKLOAD"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    done = subprocess.run(
        [sys.executable, *program, *words],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
