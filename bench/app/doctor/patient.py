"""What the checks of the doctor look at: this machine, a workload, and what the user named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from bench.child.workload import Workload, load_workload
from bench.cluster.config import ClusterFile, read_cluster_file
from bench.probe.root import HOST, Root
from bench.probe.timekeeping import is_synchronised
from bench.spec.request import DoctorRequest, Program


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Patient:
    """Everything that a check may look at.

    `root` holds the files of the machine. `now` and `is_synchronised` read its clock, and whether
    the clock follows a time server (None: unknown).
    """

    request: DoctorRequest
    program: Program
    root: Root = HOST
    now: Callable[[], datetime] = _now
    is_synchronised: Callable[[], bool | None] = is_synchronised

    @cached_property
    def workload(self) -> Workload:
        """The workload that is asked about. Raises RequestError if it cannot be imported."""
        return load_workload(self.request.workload)

    @cached_property
    def cluster_file(self) -> ClusterFile | None:
        """The cluster file that the user named; None if there is none. Raises RequestError."""
        named = self.request.cluster.file
        return None if named is None else read_cluster_file(named)
