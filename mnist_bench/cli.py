"""The console command `mnist-bench`: checks the Python, then runs a subcommand."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from mnist_bench import requirements

#: The name of the command, and the workload that is measured if the user names no other.
NAME, WORKLOAD = "mnist-bench", "mnist_bench.workload:WORKLOAD"


def main(argv: Sequence[str] | None = None, typed: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 0 all measured, 1 some failed, 2 bad request.

    Without `argv`, the command line of this process is run, and nothing comes after it. `typed` is
    the whole command as the user typed it, if it is not `mnist-bench` and `argv`.
    """
    requirements.exit_if_python_is_too_old()
    from bench import stops  # the first import: from here on, a signal ends the command in order

    if argv is None:
        _find_modules_of_the_working_folder()
    words = list(sys.argv[1:] if argv is None else argv)
    return stops.guarded(
        lambda: _run(words, typed or [NAME, *words]), _say_interrupted, last=argv is None
    )


def _run(words: Sequence[str], typed: Sequence[str]) -> int:
    try:
        from bench.app.main import main as run_command
        from bench.spec.request import Program

        return run_command(words, Program(NAME, WORKLOAD, tuple(typed)))
    except ImportError as error:
        from bench import stops

        if stops.arrived():
            raise  # an import that was cut off
        if (error.name or "").partition(".")[0] in ("bench", "mnist_bench"):
            return _tell_fault(error, words, typed)
        print(requirements.missing_package(error), file=sys.stderr)
        return 2


def _tell_fault(error: ImportError, words: Sequence[str], typed: Sequence[str]) -> int:
    """Tell a fault of ours: a module that is missing, as after half an update."""
    try:
        from bench.app.fault import lines_of
        from bench.spec.request import Program
    except ImportError:
        raise error from None  # too much is missing to say more than the traceback
    program = Program(NAME, WORKLOAD, tuple(typed))
    print(*lines_of(error, words, program), sep="\n", file=sys.stderr)
    return 1


def _say_interrupted() -> None:
    from bench import stops

    print(f"interrupted: {stops.words()}", file=sys.stderr)


def module(name: str, command: str | None = None) -> int:
    """Do the same for `python -m NAME`, which stands for the subcommand `command` if it is given.

    Return the exit code.
    """
    _leave_out_working_folder()
    words = sys.argv[1:]
    sys.argv[1:] = words if command is None else [command, *words]
    return main(None, ["python", "-m", name, *words])


def _leave_out_working_folder() -> None:
    """Import nothing from the working folder in the place of ours: `python -m` puts it first."""
    own, here = os.path.dirname(os.path.dirname(os.path.realpath(__file__))), sys.path[0]
    if sys.flags.safe_path or os.path.realpath(here) in (own, os.path.dirname(sys.executable)):
        return
    del sys.path[0]


def _find_modules_of_the_working_folder() -> None:
    """Find a workload's module in the working folder, behind all other folders.

    Our own `bench` is imported by now, so that a folder of this name there is none of it. Python is
    asked to leave the working folder out by -P and PYTHONSAFEPATH.
    """
    with contextlib.suppress(OSError):  # the folder may have been deleted
        here = os.getcwd()
        if not sys.flags.safe_path and here not in sys.path:
            sys.path.append(here)
