"""How much a machine's sittings are believed to differ before it shows so itself.

The sources are taken in this order: the machine's own sittings (from six on, `effects` gives the
prior no weight), other machines of its type in the journals, and a dated table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bench.analysis.effects import OWN_SITTINGS, Effects, Prior
from bench.record.facts import MachineFacts

#: Classes of machines whose sittings differ alike.
Class = Literal["bare metal", "laptop", "virtual machine", "shared or burstable"]


@dataclass(frozen=True)
class PriorRow:
    """The believed standard deviation of log times between sittings of one class of machine.

    `assumed` says that only a few sittings of a few machines stand behind it.
    """

    machine: Class
    spread: float
    date: str
    assumed: bool


#: The dated table. A row is `assumed` until sittings of several machines of its class were
#: measured over days; docs/statistics.md holds what was measured so far.
PRIORS: Mapping[Class, PriorRow] = {
    row.machine: row
    for row in (
        PriorRow("bare metal", 0.02, "2026-11-25", True),
        PriorRow("laptop", 0.04, "2026-11-25", True),
        PriorRow("virtual machine", 0.05, "2026-11-25", True),
        PriorRow("shared or burstable", 0.10, "2026-11-25", True),
    )
}

#: Beginnings of the names of instance types that share their CPUs or run on credits. Sources: the
#: providers' pages on burstable (AWS T, Azure B) and shared-core (Google e2-, f1-, g1-) machines.
SHARED_TYPES = (
    *("t2.", "t3.", "t3a.", "t4g."),
    *("f1-micro", "g1-small", "e2-micro", "e2-small", "e2-medium"),
    *("Standard_B", "standard_b"),
)

#: Degrees of freedom that other machines' sittings must give before they replace the table, and
#: the most that they count.
LEAST_DF, MOST_WEIGHT = 3.0, 5.0


def class_of(facts: MachineFacts) -> Class:
    """Return the class of a machine; an unknown one is taken for a virtual machine."""
    kind = facts.cloud_instance_type or facts.firmware_instance_type or ""
    if kind.startswith(SHARED_TYPES):
        return "shared or burstable"
    if facts.virtualisation == "none" and "metal" not in kind and facts.cloud_provider:
        return "virtual machine"  # some clouds hide their hypervisor
    if facts.virtualisation != "none":
        return "virtual machine"
    return "laptop" if facts.has_battery else "bare metal"


def table_prior(facts: MachineFacts) -> Prior:
    """Return what the table says of a machine."""
    row = PRIORS[class_of(facts)]
    return Prior(row.spread, source=f"{row.machine}, {row.date}", assumed=row.assumed)


@dataclass(frozen=True)
class Told:
    """What sittings tell of their spread: a sum of squares and its degrees of freedom."""

    squares: float = 0.0
    degrees: int = 0

    def __add__(self, other: Told) -> Told:
        """Return what both tell together."""
        return Told(self.squares + other.squares, self.degrees + other.degrees)

    def without(self, other: Told) -> Told:
        """Return what is told without a part."""
        return Told(max(self.squares - other.squares, 0.0), self.degrees - other.degrees)


def told_by(effects: Effects) -> Told:
    """Return what the sittings of one machine tell; a single sitting tells nothing.

    The noise of the jobs is subtracted, so the spread is of the sittings alone.
    """
    own = effects.count - 1
    if own < 1:
        return Told()
    noise = effects.job_variance * effects.count / max(effects.jobs, 1)
    return Told(max(sum(u * u for u in effects.sittings.values()) - own * noise, 0.0), own)


def prior_of(told: Told, kind: str) -> Prior | None:
    """Return the prior for a machine of the type `kind`; None if too little is told."""
    if told.degrees < LEAST_DF:
        return None
    return Prior(
        spread=(told.squares / told.degrees) ** 0.5,
        weight=min(float(told.degrees), MOST_WEIGHT),
        source=f"other machines of the type {kind}",
        assumed=False,
    )


class TypePriors:
    """What machines of one type tell about the sittings of each other.

    A machine's own sittings are no part of its own prior.
    """

    def __init__(self, known: Iterable[tuple[MachineFacts, Effects]]) -> None:
        self._types: dict[str, Told] = {}
        self._machines: dict[tuple[str, str], Told] = {}
        for facts, effects in known:
            kind = type_of(facts)
            if kind is not None:
                told, key = told_by(effects), (kind, facts.machine_id)
                self._types[kind] = self._types.get(kind, Told()) + told
                self._machines[key] = self._machines.get(key, Told()) + told

    def of(self, facts: MachineFacts, sittings: int) -> Prior | None:
        """Return the prior of a machine with so many sittings; None if the others tell nothing."""
        kind = type_of(facts)
        if kind is None or sittings >= OWN_SITTINGS:
            return None
        own = self._machines.get((kind, facts.machine_id), Told())
        return prior_of(self._types.get(kind, Told()).without(own), kind)


def type_of(facts: MachineFacts) -> str | None:
    """Return the type of a machine, None if it is unknown."""
    return facts.cloud_instance_type or facts.firmware_instance_type or facts.machine_type
