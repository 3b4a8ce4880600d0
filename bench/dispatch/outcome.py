"""How a cluster's share of a run ended: typed for programs, and in words for the journal."""

from __future__ import annotations

from enum import Enum

from bench.spec.frozen import Frozen


class Ending(Enum):
    """The ways in which a share may end.

    DONE: every job has its record. STOPPED: the share was stopped before its end, such as by a
    limit. FAILED: the driver on the head failed, or it ended without a last word. GONE: the cluster
    was taken down before the end.
    """

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    GONE = "gone"


class Outcome(Frozen):
    """How a share ended, and why if it did not end well."""

    ending: Ending
    reason: str = ""

    @property
    def is_done(self) -> bool:
        """Whether every job has its record."""
        return self.ending is Ending.DONE

    @property
    def words(self) -> str:
        """The outcome as the journal keeps it."""
        if self.ending is Ending.DONE:
            return "done"
        return f"failed: {self.reason}" if self.ending is Ending.FAILED else self.reason


#: The outcome of a share whose jobs all have their records.
DONE = Outcome(ending=Ending.DONE)
