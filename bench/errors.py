"""The exception tree: each error says what was wrong, the value seen, and the next step.

BenchError
├── RequestError      the request itself is wrong (exit code 2)
│   ├── DataError     the dataset is unavailable or not the expected one
│   └── OutsideError  a text from outside is not what it should be
├── OutputError       the results cannot be written
├── StoreError        a journal cannot be read
├── DispatchError     jobs cannot be placed on a machine
├── DeviceError       a machine lacks a device that it was declared to have
├── ClockError        the times of a job are impossible
├── DivergedError     a training ended in numbers that are not finite
└── WorkloadError     a workload breaks the rules of the meter
"""

from __future__ import annotations

from bench.text import printable, shortened

#: The next step of a request that needs a measured job and found none.
MEASURE_FIRST = "measure first: {program} run"


class BenchError(Exception):
    """Base of every error that this project raises on purpose.

    `what` says what was wrong, `seen` is the offending value, and `next_step` says what to do. As a
    text, the error is one line without control and direction characters, and what it quotes is cut
    if it is long.
    """

    def __init__(self, what: str, *, seen: object = None, next_step: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.seen = seen
        self.next_step = next_step

    @property
    def problem(self) -> str:
        """What was wrong, with the value seen and without the next step."""
        return self.what if self.seen is None else f"{self.what} (seen: {self.seen})"

    def __str__(self) -> str:
        seen = "" if self.seen is None else f" (seen: {shortened(str(self.seen))})"
        step = "" if self.next_step is None else f". Next: {self.next_step}"
        return printable(" ".join(f"{shortened(self.what)}{seen}{step}".splitlines()))


class RequestError(BenchError):
    """The request itself is wrong: nothing was measured."""


class DataError(RequestError):
    """The dataset is unavailable, or it is not the expected one."""


class OutsideError(RequestError, ValueError):
    """A text from outside (a file, a line, a word) is not what it should be.

    Whoever asked for the text knows what it is for, and raises an error of its own that says so.
    """


class OutputError(BenchError):
    """The results cannot be written. (A full disk is not a wrong request.)"""


class StoreError(BenchError):
    """A journal cannot be read."""


class DispatchError(BenchError):
    """Jobs cannot be placed on a machine."""


class DeviceError(BenchError):
    """A machine lacks a device that it was declared to have. Its job runs on no other device."""


class ClockError(BenchError):
    """A job's times are impossible: the machine slept, its clock was set, or a time is below 0."""


class DivergedError(BenchError):
    """A training ended in numbers that are not finite."""


class WorkloadError(BenchError):
    """A workload breaks the rules of the meter."""
