"""How much a machine's sittings are believed to differ before it shows so itself.

The sources are taken in this order: the machine's own sittings (from six on, `effects` gives the
prior no weight), other machines of its type in the journals, and a dated table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bench.analysis.effects import Effects, Prior
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


def type_prior(alike: Iterable[Effects], kind: str) -> Prior | None:
    """Return what the sittings of other machines of one type show; None if they show too little.

    The noise of the jobs is subtracted, so the spread is of the sittings alone.
    """
    squares = degrees = 0.0
    for effects in alike:
        own = effects.count - 1
        if own < 1:
            continue
        noise = effects.job_variance * effects.count / max(effects.jobs, 1)
        squares += max(sum(u * u for u in effects.sittings.values()) - own * noise, 0.0)
        degrees += own
    if degrees < LEAST_DF:
        return None
    return Prior(
        spread=(squares / degrees) ** 0.5,
        weight=min(degrees, MOST_WEIGHT),
        source=f"other machines of the type {kind}",
        assumed=False,
    )
