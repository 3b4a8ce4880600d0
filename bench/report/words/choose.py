"""The words of the command `choose`: the best machine, its chance, and why others are excluded."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.analysis.choose import ALIKE, Candidate, Choice, Exclusion, Why, Wish
from bench.analysis.rent_or_buy import RentOrBuy
from bench.report.words.lists import and_list
from bench.report.words.reach import epochs, part, recipe
from bench.report.words.sureness import dollars
from bench.spec.axes import Metric
from bench.spec.description import Outline
from bench.text import counted
from bench.units import significant

#: A chance is written as a fraction that is at most this far from it.
_NEAR = 0.01

#: No chance is written as more or less certain than this.
_MOST = 100

#: A machine is recommended from this chance on.
_LIKELY = 0.5

NOTE = (
    "The chance is that one more training, with a seed that was not seen yet, reaches the target "
    "within the limits on another day. It adds up over the epochs that the seeds of all machines "
    "needed: the chance of so many epochs times the chance that they end in time. Half a seed that "
    "never reaches the target is added to the seeds seen. Within "
    f"{100 * ALIKE:.0f} points of chance no difference is shown; then dollars decide."
)


def title(wish: Wish, metric: Metric) -> str:
    """Return what was asked for, as a title."""
    limits = []
    if wish.deadline_s is not None:
        limits.append(f"within {duration(wish.deadline_s)}")
    if wish.budget_usd is not None:
        limits.append(f"for at most {significant(wish.budget_usd)} USD")
    return " ".join([f"Reach {goal(wish, metric)}", *limits])


def goal(wish: Wish, metric: Metric) -> str:
    """Return the target in words: `test accuracy 0.98`."""
    return f"{metric.title} {wish.target:g}{metric.unit and f' {metric.unit}'}"


def duration(seconds: float) -> str:
    """Return a limit as a user would type it: `90 s`, `30 min`, `2 h`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def spent(seconds: float) -> str:
    """Return an estimated time: `12 s`, `4.5 min`, `2.1 h`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{significant(seconds / size, 2)} {unit}"
    return f"{significant(seconds, 2)} s"


def about(chance: float) -> str:
    """Return a chance as a simple fraction: `about 6 in 7`."""
    if chance > 1 - 1 / _MOST:
        return f"more than {_MOST - 1} in {_MOST}"
    if chance < 1 / _MOST:
        return f"less than 1 in {_MOST}"
    for whole in range(2, _MOST + 1):
        hits = round(chance * whole)
        if 0 < hits < whole and abs(hits / whole - chance) <= _NEAR and math.gcd(hits, whole) == 1:
            return f"about {hits} in {whole}"
    return f"about {round(chance * _MOST)} in {_MOST}"


def chance(candidate: Candidate) -> str:
    """Return the chance with the number of seeds that it rests on."""
    return f"{about(candidate.chance)} ({counted(candidate.reached.seeds, 'seed')})"


def verdict(choice: Choice, outline: Outline) -> list[str]:
    """Return the answer in sentences."""
    best = choice.best
    if best is None:
        return ["No machine qualifies. The table says why."]
    names = [one.machine for one in choice.groups[0]]
    wanted, training = goal(choice.wish, choice.metric), recipe(best.reached.recipe, outline)
    said = [
        f"Train {training} on {best.machine}: the chance to reach {wanted} is {chance(best)}. "
        f"{_median(best)}"
        if best.chance >= _LIKELY
        else f"No machine is likely to reach {wanted} within the limits. The best chance is "
        f"{chance(best)}, with {training} on {best.machine}. {_median(best)}"
    ]
    if len(names) > 1:
        said.append(
            f"No difference in chance is shown between {and_list(names)}, so "
            f"{_order(choice.groups[0])} decides."
        )
    return said


def _median(best: Candidate) -> str:
    """Return what the median training takes."""
    if best.seconds is None:
        trained = best.reached.trained
        least = spent(best.pace.seconds(trained))
        return f"The median training takes more than {least} (more than {trained} epochs)."
    cost = "" if best.usd is None else f" and {dollars(best.usd)} USD"
    return f"The median training takes {spent(best.seconds)}{cost} ({epochs(best.reached)} epochs)."


def _order(alike: Sequence[Candidate]) -> str:
    return "time" if all(one.usd is None for one in alike) else "the price of a training"


def excluded(found: Exclusion, choice: Choice, outline: Outline) -> str:
    """Return why a machine is excluded."""
    wanted = goal(choice.wish, choice.metric)
    if found.why is Why.NOT_MEASURED:
        data = choice.wish.dataset
        on = f"on {data} data " if data else ""
        return f"the journals hold no measured job {on}of the kind that was asked for"
    if found.why is Why.TRAINS_WRONG:
        return (
            "it trains wrong: its jobs end outside of the calibrated range, or with a metric that "
            "is not finite"
        )
    if found.why is Why.NO_METRIC:
        return f"no evaluation of its jobs shows the {choice.metric.title}"
    if found.why is Why.NO_PRICE:
        assert found.price is not None, "the price holds the reason"
        return f"there is a budget, but no price: {found.price.reason}"
    if found.most is not None:
        hits = part(found.most.reached, found.most.seeds)
        name = recipe(found.most.recipe, outline)
        more = "; more epochs or another training may reach it"
        more = "" if found.why is Why.RARELY_REACHED else more
        trained = f"{counted(found.most.trained, 'epoch')} of {name}"
        return f"{hits} seeds reached {wanted} in {trained}{more}"
    assert found.best is not None, "it was too slow or too dear with its best training"
    return _too_much(found, found.best, choice.wish, outline)


def _too_much(found: Exclusion, best: Candidate, wish: Wish, outline: Outline) -> str:
    hits = best.reached.reached
    seed = "the one seed" if hits == 1 else f"the quickest of {hits} seeds"
    time = f"{seed} of {recipe(best.reached.recipe, outline)} needs {spent(best.least_s)}"
    if found.why is Why.TOO_SLOW:
        assert wish.deadline_s is not None, "a deadline was too short"
        return f"{time}; the deadline is {duration(wish.deadline_s)}"
    hourly = best.price.usd_per_hour
    assert hourly is not None, "a budget was too small"
    usd = hourly * best.least_s / 3600
    return (
        f"{time}, which is {dollars(usd)} USD at {significant(hourly)} USD an hour; the "
        f"budget is {significant(wish.budget_usd)} USD"
    )


def rent_or_buy(found: RentOrBuy) -> str:
    """Return from how many hours a year on buying a machine pays."""
    if found.hours is None:
        return (
            f"Renting {found.rented} is cheaper than owning {found.owned}, however many hours a "
            "year it trains."
        )
    return (
        f"Rent or buy: owning {found.owned} is cheaper than renting {found.rented} if "
        f"{found.owned} trains for more than {significant(found.hours)} hours a year, without "
        "electricity and idle rent."
    )
