"""Many jobs of one backend in one child process, for tests that ask only what the jobs compute.

A run gives every job a process of its own; most of a short job's time is then the framework's
import. Run as a script, this file reads a job description a line and answers with a record a line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from types import TracebackType

from bench.child.job import run_launch
from bench.child.launch import LaunchSpec, child_environment
from bench.record.lines import JobRecord
from mnist_bench.description import DESCRIPTION
from mnist_bench.settings import settings_of


class Batch:
    """A child process that runs one job after another; all of them must have one backend.

    JAX compiles a function that several of them have only once.
    """

    def __init__(self, first: LaunchSpec, parent: Mapping[str, str] = os.environ) -> None:
        self._compiled = tempfile.TemporaryDirectory(prefix="bench-compiled-")
        self._child = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **child_environment(parent, first, DESCRIPTION),
                "JAX_COMPILATION_CACHE_DIR": self._compiled.name,
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
                "TORCHINDUCTOR_COMPILE_THREADS": "1",  # without a pool that imports PyTorch too
            },
        )

    def run(self, launch: LaunchSpec) -> JobRecord:
        """Run a job in the child and return its record."""
        assert self._child.stdin and self._child.stdout
        self._child.stdin.write(launch.model_dump_json() + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, f"the child of the batch ended with {self._child.wait()}"
        return JobRecord.model_validate_json(line)

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.kill()
        self._child.communicate()
        self._compiled.cleanup()


def main() -> None:
    """Answer until the input ends. What a framework prints goes to the error output."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    loaded: set[str] = set()
    for line in sys.stdin:
        launch = LaunchSpec.model_validate_json(line)
        print(run_launch(launch, lambda event: None).model_dump_json(), file=answers)
        backend = settings_of(launch.job).backend
        if backend not in loaded:
            loaded.add(backend)
            _keep_loaded(backend)


def _keep_loaded(name: str) -> None:
    """Let further jobs find the framework as it is: PyTorch sets its threads only once."""
    from mnist_bench.backends import backend

    backend(name).load = lambda threads: None  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
