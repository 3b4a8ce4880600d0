"""What happens in a run, as the scheduler tells it to whoever writes and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.record.lines import JobRecord, MachineEntry


@dataclass(frozen=True)
class Event:
    """Something that happened on a host of the run.

    `started`: the host began a job. `progress`: the job got on, as `detail` says. `record`: the
    job's record is here. `machine`: the host told what it is, or is unavailable. `note`: the
    `text` in `detail` is a sentence for the user. `host` is the host's name; THIS_MACHINE (empty)
    stands for the machine on which the command was typed.
    """

    kind: Literal["started", "progress", "record", "machine", "note"]
    job_id: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    record: JobRecord | None = None
    machine: MachineEntry | None = None
    host: str = ""

    @property
    def failed(self) -> bool:
        """Whether it is the record of a job that failed."""
        return self.record is not None and self.record.failure is not None
