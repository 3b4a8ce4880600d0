"""Which machine to train on: the chance of reaching a target within a deadline and a budget."""

from __future__ import annotations

import enum
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.cells import Cell, unmarked_axes
from bench.analysis.contenders import contenders
from bench.analysis.gate import cell_gates, wrong_cells, wrong_recipes
from bench.analysis.machines import Machine, machines
from bench.analysis.pace import Pace, by_machine, paces
from bench.analysis.pooling import MeasuredJob, measured_jobs
from bench.analysis.reach import Reached, reached, recipes
from bench.analysis.time_to_target import latest_prices
from bench.analysis.workload import workload_of
from bench.errors import RequestError
from bench.record.price import Price
from bench.record.run import Run, merged
from bench.spec.axes import Metric, Reference
from bench.spec.description import Outline

#: How much of a seed's K is moved to K - 1, left at K, and moved to K + 1, because the seeds that
#: were seen are few.
SMOOTHING = ((-1, 0.2), (0, 0.6), (1, 0.2))

#: Machines whose chances differ by less than this show no difference.
ALIKE = 0.05

#: A machine with a smaller chance is excluded.
LEAST_CHANCE = 0.05


@dataclass(frozen=True)
class Wish:
    """What is asked for: a target of the scored metric, and limits of time and dollars if any.

    `asked` holds the values of axes that count, by the axis's name. Other axes are free, except
    that an axis that never appears in a job's name keeps its default. Only jobs on `dataset` count,
    if it is named.
    """

    target: float
    deadline_s: float | None = None
    budget_usd: float | None = None
    asked: Mapping[str, Sequence[object]] = field(default_factory=dict)
    dataset: str | None = None

    def limit_s(self, price: Price) -> float:
        """Return the seconds that a training may take; a budget is a deadline at the price."""
        limits = [math.inf if self.deadline_s is None else self.deadline_s]
        if self.budget_usd is not None and price.usd_per_hour:
            limits.append(self.budget_usd / price.usd_per_hour * 3600)
        return min(limits)

    def is_for(self, recipe: Cell, outline: Outline) -> bool:
        """Say whether trainings by a recipe count."""
        unmarked = (axis for axis in unmarked_axes(outline) if axis.default is not None)
        asked = {**{axis.name: (axis.default,) for axis in unmarked}, **self.asked}
        return self.dataset in (None, recipe.dataset) and all(
            recipe.value(axis) in values for axis, values in asked.items()
        )


class Why(enum.Enum):
    """Why a machine is excluded."""

    NOT_MEASURED = "no job that was asked for was measured"
    TRAINS_WRONG = "it trains wrong"
    NO_METRIC = "no job reports the metric"
    NEVER_REACHED = "no seed reached the target"
    RARELY_REACHED = "few seeds reached the target"
    NO_PRICE = "there is a budget, but no price"
    TOO_SLOW = "the deadline is too short"
    TOO_DEAR = "the budget is too small"


@dataclass(frozen=True)
class Candidate:
    """One recipe on one machine, and its chance; `limit_s` is infinite if nothing limits it."""

    machine: str
    machine_key: str
    reached: Reached
    pace: Pace
    price: Price
    limit_s: float
    chance: float

    @property
    def seconds(self) -> float | None:
        """The seconds at the median K; None if at most half of the seeds reached the target."""
        high = self.reached.median[1]
        return None if high is None else self.pace.seconds(high)

    @property
    def least_s(self) -> float:
        """The seconds of the seed that reached the target first."""
        return self.pace.seconds(min(self.reached.chances))

    @property
    def usd(self) -> float | None:
        """The dollars at the median K."""
        hourly = self.price.usd_per_hour
        return None if hourly is None or self.seconds is None else hourly * self.seconds / 3600


@dataclass(frozen=True)
class Exclusion:
    """A machine that does not qualify, and why; `best` is its best candidate if there is one."""

    machine: str
    why: Why
    best: Candidate | None = None
    price: Price | None = None
    most: Reached | None = None


@dataclass(frozen=True)
class Choice:
    """The machines that qualify, in groups that show no difference, and the excluded ones."""

    wish: Wish
    metric: Metric
    groups: tuple[tuple[Candidate, ...], ...]
    excluded: tuple[Exclusion, ...]

    @property
    def best(self) -> Candidate | None:
        """The machine to choose; None if no machine qualifies."""
        return self.groups[0][0] if self.groups else None


def choice_of(
    runs: Sequence[Run], wish: Wish, outline: Outline, reference: Reference | None = None
) -> tuple[Choice, Outline]:
    """Return the choice among the machines of `runs`, and the outline of their workload.

    `outline` and `reference` are the program's own. The reference's calibrations say which machines
    train wrong, and these are excluded. Raises RequestError if the runs are of unlike workloads, or
    if no metric of the workload is scored.
    """
    outline, reference = workload_of(runs, outline, reference)
    if outline.scored is None:
        raise RequestError(
            f"the workload {outline.name} has no scored metric, so there is no target to reach",
            next_step="mark a metric of its description with scored=True",
        )
    shares = merged(runs)
    measured = measured_jobs(shares)
    found = machines(shares, measured)
    names = {machine.key: machine.name for machine in found}
    calibrations = None if reference is None else reference.calibrations
    wrong = wrong_recipes(wrong_cells(cell_gates(measured, names, calibrations, outline)))
    wanted = {
        recipe: [job for job in alike if (job.machine_key, recipe) not in wrong]
        for recipe, alike in recipes(measured, outline).items()
        if wish.is_for(recipe, outline)
    }
    by_key = by_machine(paces(contenders(measured, found, outline), measured, outline))
    prices = latest_prices(measured)
    return choose(wish, outline.scored, found, wanted, by_key, prices, wrong), outline


def choose(
    wish: Wish,
    metric: Metric,
    known: Sequence[Machine],
    wanted: Mapping[Cell, Sequence[MeasuredJob]],
    by_key: Mapping[str, Mapping[Cell, Pace]],
    prices: Mapping[str, Price],
    wrong: Collection[tuple[str, Cell]] = (),
) -> Choice:
    """Return the machines by their chance of reaching the target within the limits.

    `wanted` holds the jobs of each recipe that counts, of all machines that do not train it
    `wrong` together. `by_key` holds paces by machine and recipe, and `prices` by machine. A machine
    stands for its best recipe among the recipes that it does not train wrong.
    """
    found = {recipe: reached(recipe, jobs, metric, wish.target) for recipe, jobs in wanted.items()}
    outcomes: list[Candidate | Exclusion] = []
    for machine in known:
        own = {cell: pace for cell, pace in by_key.get(machine.key, {}).items() if cell in found}
        right = {cell: pace for cell, pace in own.items() if (machine.key, cell) not in wrong}
        if own and not right:
            outcomes.append(Exclusion(machine.name, Why.TRAINS_WRONG))
        else:
            outcomes.append(_best(machine, right, found, prices.get(machine.key), wish))
    return Choice(
        wish,
        metric,
        equal_groups([one for one in outcomes if isinstance(one, Candidate)]),
        tuple(one for one in outcomes if isinstance(one, Exclusion)),
    )


def _best(
    machine: Machine,
    own: Mapping[Cell, Pace],
    found: Mapping[Cell, Reached | None],
    price: Price | None,
    wish: Wish,
) -> Candidate | Exclusion:
    """Return the best recipe of a machine, or why the machine is excluded."""
    if not own or price is None:
        return Exclusion(machine.name, Why.NOT_MEASURED)
    known = [(there, pace) for cell, pace in own.items() if (there := found[cell]) is not None]
    if not known:
        return Exclusion(machine.name, Why.NO_METRIC)
    able = [(there, pace) for there, pace in known if there.reached]
    if not able:
        most = max((there for there, _ in known), key=lambda there: (there.trained, there.seeds))
        return Exclusion(machine.name, Why.NEVER_REACHED, most=most)
    if wish.budget_usd is not None and price.usd_per_hour is None:
        return Exclusion(machine.name, Why.NO_PRICE, price=price)
    return _best_in_time(machine, able, price, wish)


def _best_in_time(
    machine: Machine, able: Sequence[tuple[Reached, Pace]], price: Price, wish: Wish
) -> Candidate | Exclusion:
    """Return the best of the recipes that reached the target, or why their chances are small."""
    limit_s = wish.limit_s(price)
    candidates = [
        Candidate(
            machine.name,
            machine.key,
            there,
            pace,
            price,
            limit_s,
            chance_within(there, pace, limit_s),
        )
        for there, pace in able
    ]
    best = equal_groups(candidates)[0][0]
    if best.chance >= LEAST_CHANCE:
        return best
    quickest = min(candidates, key=lambda one: one.least_s)
    if chance_within(best.reached, best.pace, math.inf) < LEAST_CHANCE:
        return Exclusion(machine.name, Why.RARELY_REACHED, most=best.reached)
    late = wish.deadline_s is not None and limit_s >= wish.deadline_s
    return Exclusion(machine.name, Why.TOO_SLOW if late else Why.TOO_DEAR, quickest, price)


def chance_within(there: Reached, pace: Pace, limit_s: float) -> float:
    """Return the chance that one more training reaches the target within `limit_s`.

    It is the sum over K of the chance of K times the chance that K epochs end in time.
    """
    return sum(
        share * pace.chance(epochs, limit_s) for epochs, share in epoch_chances(there).items()
    )


def epoch_chances(there: Reached) -> dict[int, float]:
    """Return the chance that one more seed reaches the target first after so many epochs.

    Each K that was seen is spread to its neighbours; epoch 1 has no epoch before it. The chances
    add up to less than 1 (see `Reached.predicted`).
    """
    chances: dict[int, float] = {}
    for epochs, share in there.predicted.items():
        for step, part in SMOOTHING:
            moved = max(epochs + step, 1)
            chances[moved] = chances.get(moved, 0.0) + share * part
    return chances


def equal_groups(candidates: Sequence[Candidate]) -> tuple[tuple[Candidate, ...], ...]:
    """Return candidates by chance; candidates within `ALIKE` of a group's best stand by dollars."""
    left = sorted(candidates, key=lambda one: -one.chance)
    found = []
    while left:
        alike = [one for one in left if left[0].chance - one.chance < ALIKE]
        left = left[len(alike) :]
        found.append(tuple(sorted(alike, key=_cost)))
    return tuple(found)


def _cost(candidate: Candidate) -> tuple[float, float]:
    usd, seconds = candidate.usd, candidate.seconds
    return (math.inf if usd is None else usd, math.inf if seconds is None else seconds)
