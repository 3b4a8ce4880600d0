"""The command line as tests give it: the real program in this process."""

from __future__ import annotations

from bench.app.main import main
from bench.spec.request import Program

#: The program as its users type it.
PROGRAM = Program("mnist-bench", "mnist_bench.workload:WORKLOAD")


def run_command(words: list[str]) -> int:
    """Run the command that `words` name; return its exit code."""
    return main(words, PROGRAM)
