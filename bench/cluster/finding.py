"""What is found to be missing or open in a cluster, and whether `cluster prepare` mends it."""

from __future__ import annotations

from dataclasses import dataclass

PREPARE = "`{program} cluster prepare` closes it"


@dataclass(frozen=True)
class Finding:
    """One thing that is missing or open; `prepared` if `cluster prepare` closes it."""

    what: str
    prepared: bool = False

    @property
    def sentence(self) -> str:
        """The finding with the next step, if the next step is a command of this program."""
        return f"{self.what}; {PREPARE}" if self.prepared else self.what
