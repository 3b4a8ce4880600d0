"""Why a job gave no measurement: a closed list of reasons, each with what the user can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import field_validator

from bench.spec.frozen import Frozen


@dataclass(frozen=True)
class Reason:
    """A reason of a failure: its name, what the user can do, and whether a retry makes sense."""

    name: str
    advice: str
    retry: bool


#: Every reason that a record may give. A lost job is retried on the same machine by the scheduler.
REASONS: Mapping[str, Reason] = {
    reason.name: reason
    for reason in (
        Reason("exception", "read the traceback in summary.json; the job raised it itself", False),
        Reason("crash", "read the last lines of its log; free memory if the system ran out", False),
        Reason("time limit", "raise --job-timeout, or leave the job out on this machine", False),
        Reason("lost", "check that the machine is up; the same command runs what is missing", True),
        Reason("dispatch", "check the machine by hand; Ray could not run the job there", False),
        Reason(
            "no GPU visible",
            "check `nvidia-smi -L` on the machine, and that the GPU build of the backend is there",
            False,
        ),
    )
}


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
        if reason not in REASONS:
            raise ValueError(f"{reason!r} is not one of {', '.join(REASONS)}")
        return reason
