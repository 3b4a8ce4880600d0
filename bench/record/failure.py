"""Why a job gave no measurement: a closed list of reasons, each with advice to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import field_validator

from bench.spec.frozen import Frozen


@dataclass(frozen=True)
class Reason:
    """A reason for a failure: its name, what the user can do, and whether a retry makes sense."""

    name: str
    advice: str
    retry: bool


#: The reason of a job whose machine does not show the GPU that it was declared to have.
NO_GPU = "no GPU visible"

#: Every reason that a record may give. The scheduler retries a lost job on the same machine.
REASONS: Mapping[str, Reason] = {
    reason.name: reason
    for reason in (
        Reason("exception", "read its traceback in summary.json; the job itself raised it", False),
        Reason(
            "crash", "read the end of its log; free some memory if the system ran out of it", False
        ),
        Reason("time limit", "raise --job-timeout, or leave the job out on this machine", False),
        Reason(
            "lost", "check that the machine is up; the same command runs the missing jobs", True
        ),
        Reason("dispatch", "check the machine by hand: Ray could not run the job there", False),
        Reason(
            NO_GPU,
            "check `nvidia-smi -L` on the machine, and that the backend's GPU build is installed",
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

    @property
    def why(self) -> Reason:
        """The row of REASONS that `reason` names."""
        return REASONS[self.reason]
