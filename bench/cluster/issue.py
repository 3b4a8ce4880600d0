"""What is found to be missing or open in a cluster, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass

PREPARE = "`{program} cluster prepare` closes it"


@dataclass(frozen=True)
class Issue:
    """One thing that is missing or open; `prepared` if `cluster prepare` closes it.

    `cure` is what else mends it: a command, if there is one. `stops` says that a run on the cluster
    would fail because of it.
    """

    what: str
    prepared: bool = False
    cure: str | None = None
    stops: bool = False

    @property
    def sentence(self) -> str:
        """The issue with the next step, if one is known."""
        step = PREPARE if self.prepared else self.cure
        return f"{self.what}; {step}" if step else self.what
