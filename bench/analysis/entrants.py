"""The named sides of a comparison with their fits."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.analysis.contenders import Contender, Quantity, contenders
from bench.analysis.cost import machine_price
from bench.analysis.effects import Effects
from bench.analysis.gate import CellGate, cell_gates, wrong_cells
from bench.analysis.machines import machines
from bench.analysis.pooling import MeasuredJob
from bench.analysis.sittings import instances, key_of, sittings
from bench.errors import RequestError
from bench.record.price import Price
from bench.spec.axes import Calibrations
from bench.spec.description import Outline


@dataclass(frozen=True)
class Side:
    """One of the things that are compared: its name and its measured jobs.

    If `instance_type` is set, the side stands for all instances of a type and not for a machine.
    A side `grows` with further sittings, unless it is one run or journal.
    """

    name: str
    jobs: tuple[MeasuredJob, ...]
    instance_type: str | None = None
    grows: bool = True

    @property
    def instances(self) -> int:
        """The number of machines that the jobs ran on."""
        return len({job.record.machine.machine_id for job in self.jobs})

    @property
    def is_type(self) -> bool:
        """Whether the claim is about a type, with its instances as units in place of sittings."""
        return self.instance_type is not None and self.instances > 1

    @property
    def sittings(self) -> int:
        """The number of sittings on all machines."""
        return len(set(sittings(self.jobs).values()))


@dataclass(frozen=True)
class Entrant:
    """A side with its fits; `wrong` holds the kinds of job that it trains wrong."""

    side: Side
    contender: Contender
    wrong: tuple[CellGate, ...] = ()

    @property
    def name(self) -> str:
        """The side's name."""
        return self.side.name

    @property
    def sitting_s(self) -> float:
        """The mean duration of a sitting, in seconds."""
        return statistics.fmean(one.seconds for one in set(sittings(self.side.jobs).values()))

    @property
    def price(self) -> Price:
        """The price of the machine on which the last job ran."""
        last = self.side.jobs[-1]
        return machine_price(last.share, last.record.machine)

    def fit(self, by: Quantity) -> Effects:
        """Return the fit of a quantity. Raises RequestError if no job gave it."""
        found = self.contender.effects.get(by)
        if found is None:
            raise RequestError(
                f"the jobs of {self.name} hold no figure for --by {by}",
                seen=f"figures for {', '.join(self.contender.effects) or 'nothing'}",
                next_step="choose another --by",
            )
        return found


def donors_of(
    sides: Sequence[Side], known: Iterable[MeasuredJob], outline: Outline
) -> tuple[Contender, ...]:
    """Return the machines of the sides and of the `known` jobs, each job counted once.

    They inform the prior of a machine of their type, as they do in the report.
    """
    jobs = (job for side in sides for job in side.jobs)
    every = tuple({key_of(job): job for job in itertools.chain(jobs, known)}.values())
    return contenders(every, machines((), every), outline)


def entrants(
    sides: Sequence[Side],
    outline: Outline,
    *,
    donors: Sequence[Contender] | None = None,
    calibrations: Calibrations | None = None,
) -> tuple[Entrant, ...]:
    """Return the sides with their fits. All jobs of a side are pooled, whatever their machine.

    The `donors` inform the prior; by default they are the machines of the sides. Kinds of job that
    a side trains wrong count for nothing; `calibrations` say which ones. A side that trains all of
    them wrong is left out of several sides. Raises RequestError if a side has no measured job, or
    if no two sides are left; of a single side, if it trains everything wrong.
    """
    empty = [side.name for side in sides if not side.jobs]
    if empty:
        raise RequestError(
            f"{empty[0]} has no measured job",
            next_step="measure it first: {program} run",
        )
    if donors is None:
        donors = donors_of(sides, (), outline)
    found = [_entrant(side, outline, donors, calibrations) for side in sides]
    kept = tuple(one for one in found if one is not None)
    if len(kept) < min(2, len(sides)):
        wrong = next(side.name for side, one in zip(sides, found, strict=True) if one is None)
        raise RequestError(
            f"{wrong} trains every kind of job wrong, so its speed is not compared",
            seen="a metric that is not finite, or outside of what healthy jobs end with",
            next_step="name the other machines, and see why with: {program} report",
        )
    return kept


def _entrant(
    side: Side,
    outline: Outline,
    donors: Sequence[Contender],
    calibrations: Calibrations | None,
) -> Entrant | None:
    """Return a side with its fits; None if it trains every kind of job wrong."""
    pooled = [job.pooled_as(side.name) for job in side.jobs]
    named = [replace(machine, name=side.name) for machine in machines((), pooled)]
    gates = cell_gates(pooled, {side.name: side.name}, calibrations, outline)
    wrong = wrong_cells(gates)
    found = contenders(
        pooled,
        named,
        outline,
        counts=lambda *cell: cell not in wrong,
        donors=() if side.is_type else donors,  # they tell of sittings and not of instances
        units=instances if side.is_type else sittings,
    )
    if not found:
        return None
    return Entrant(side, found[0], tuple(gate for gate in gates if gate.wrong))
