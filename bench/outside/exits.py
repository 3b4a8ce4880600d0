"""Turns an end of the program that a user's own code asks for into an error with a next step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bench.errors import WorkloadError
from bench.text import type_and_line


@contextlib.contextmanager
def no_exit() -> Iterator[None]:
    """Turn `sys.exit` in a workload's code into a WorkloadError, so that it ends nothing."""
    try:
        yield
    except SystemExit as error:
        raise WorkloadError(
            "the workload's code ended the program",
            seen=type_and_line(error),
            next_step="let it raise an exception in place of sys.exit",
        ) from error
