"""Why a job gave no measurement: a closed list of reasons, each with advice to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import field_validator

from bench.spec.frozen import Frozen


@dataclass(frozen=True)
class Reason:
    """A reason for a failure: its name, what the user can do, and whether the job is tried again.

    `again`: the same command tries the job again, on a cluster if the cluster is up. `attempts`:
    how often the job is tried by one call of the command.
    """

    name: str
    advice: str
    again: bool = False
    attempts: int = 1

    @property
    def most(self) -> int:
        """After how many failures for this reason a run is done with a job: those of two calls."""
        return CALLS * self.attempts if self.again else 1


#: In so many calls of the command a job may fail for the same reason. A third call would hardly end
#: in another way, and a job that always fails must not keep a run open for good.
CALLS = 2

#: Reasons that other modules give.
NO_GPU = "no GPU visible"
CRASH, EXCEPTION, TIME_LIMIT, DISPATCH = "crash", "exception", "time limit", "dispatch"
OUT_OF_MEMORY, DISK_FULL, INTERRUPTED = "out of memory", "disk full", "interrupted"
DIVERGED, WRONG_DIGEST, IMPOSSIBLE = "diverged", "wrong digest", "impossible time"
NO_DATA = "data unreadable"
HOST_LOST, NO_BACKEND = "host lost", "backend missing"

#: Every reason that a record may give.
REASONS: Mapping[str, Reason] = {
    reason.name: reason
    for reason in (
        Reason(
            EXCEPTION, "read its traceback in summary.json; the job itself raised it", again=True
        ),
        Reason(
            CRASH,
            "read the end of its log; try other versions of the packages that it names",
            again=True,
        ),
        Reason(
            OUT_OF_MEMORY,
            "free memory on the machine, raise the limit of its control group, or leave the job "
            "out there",
            again=True,
        ),
        Reason(TIME_LIMIT, "raise --job-timeout, or leave the job out on this machine", again=True),
        Reason(
            DIVERGED,
            "lower the learning rate, or leave the job out: with its seed it always ends like this",
        ),
        Reason(WRONG_DIGEST, "delete the file that the message names: it is made anew", again=True),
        Reason(
            NO_DATA,
            "let nothing delete the file that the message names while the run goes on",
            again=True,
        ),
        Reason(
            IMPOSSIBLE,
            "keep the machine awake, and let nothing set its clock while jobs run",
            again=True,
            attempts=3,
        ),
        Reason(
            HOST_LOST,
            "check that the machine is up; the same command runs the missing jobs",
            again=True,
        ),
        Reason(DISPATCH, "check the machine by hand: Ray could not run the job there", again=True),
        Reason(NO_BACKEND, "install the package that the message names", again=True),
        Reason(
            NO_GPU,
            "check `nvidia-smi -L` on the machine, and that the backend's GPU build is installed",
            again=True,
        ),
        Reason(DISK_FULL, "free space on the disk that the message names", again=True),
        Reason(INTERRUPTED, "give the same command again", again=True),
    )
}

#: Names that reasons had in earlier versions.
FORMER: Mapping[str, str] = {"lost": HOST_LOST}


#: The most characters of a failure's message that stand in one line with other texts.
SUMMARY_LETTERS = 160


class Failure(Frozen):
    """Why a job gave no measurement; `reason` is a key of REASONS."""

    reason: str
    message: str
    exception: str | None = None
    traceback: str | None = None
    log_tail: str | None = None

    @field_validator("reason")
    @classmethod
    def _is_known(cls, reason: str) -> str:
        reason = FORMER.get(reason, reason)
        if reason not in REASONS:
            raise ValueError(f"{reason!r} is not one of {', '.join(REASONS)}")
        return reason

    @property
    def summary(self) -> str:
        """The first line of the message, cut if it is long."""
        return next(iter(self.message.splitlines()), "")[:SUMMARY_LETTERS]

    @property
    def why(self) -> Reason:
        """The row of REASONS that `reason` names."""
        return REASONS[self.reason]
