"""The console command `mnist-bench`: checks the Python, then runs a subcommand."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mnist_bench import requirements

#: The name of the command, and the workload that is measured if the user names no other.
NAME, WORKLOAD = "mnist-bench", "mnist_bench.workload:WORKLOAD"


def main(argv: Sequence[str] | None = None, typed: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 0 all measured, 1 some failed, 2 bad request.

    `typed` is the whole command as the user typed it, if it is not `mnist-bench` and `argv`.
    """
    requirements.exit_if_python_is_too_old()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        from bench.app.main import main as run_command
        from bench.spec.request import Program

        return run_command(words, Program(NAME, WORKLOAD, tuple(typed or [NAME, *words])))
    except ImportError as error:
        if (error.name or "").startswith(("bench", "mnist_bench")):
            raise  # a mistake of our own, whose traceback is needed
        print(requirements.missing_package(error), file=sys.stderr)
        return 2


def module(name: str, command: str | None = None) -> int:
    """Do the same for `python -m NAME`, which stands for the subcommand `command` if it is given.

    Return the exit code.
    """
    words = sys.argv[1:]
    argv = words if command is None else [command, *words]
    return main(argv, ["python", "-m", name, *words])
