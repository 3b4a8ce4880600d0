"""The answer of the command `choose` as a report: the sentence, the machines, the excluded ones."""

from __future__ import annotations

from typing import Any

from bench.analysis.choose import Candidate, Choice
from bench.analysis.rent_or_buy import RentOrBuy
from bench.clock import utc_today
from bench.report.column import Column, Report, Table
from bench.report.shared_columns import MACHINE, bounded, recipe_row
from bench.report.words import choose as words
from bench.report.words import prices, reach
from bench.spec.description import Outline

_RANKED = (
    Column("rank", "rank", "name", "machines of one rank show no difference in chance"),
    MACHINE,
    Column("chance_text", "chance", meaning="of one more training that reaches the target in time"),
    Column("training", "training", meaning="the machine's best training"),
    Column("epochs", "epochs", meaning="trained until the median seed reaches the target"),
    Column("time", "s [95 %]", meaning="mean seconds of that training, over many days"),
    Column("usd", "USD", "number", "dollars of that training", unit="USD", better="lower"),
    Column("price_date", "price as of", meaning="since when the price of an hour is known"),
)
_EXCLUDED = (MACHINE, Column("reason", "reason"))


def choice_report(
    choice: Choice, outline: Outline, bought: tuple[RentOrBuy, ...] = (), day: str | None = None
) -> Report:
    """Return the report of a choice; `bought` says when owning a machine pays.

    `day` is the day on which prices have their age; None: today.
    """
    day = day or utc_today()
    ranked = tuple(_ranked(choice, outline))
    excluded = tuple(
        {
            "machine": one.machine,
            "why": one.why.name.lower(),
            "reason": words.excluded(one, choice, outline),
        }
        for one in choice.excluded
    )
    priced = [one.price for group in choice.groups for one in group]
    told = (words.NOTE, *prices.warnings(priced, day))
    tables = [Table("ranking", "Machines", _RANKED, ranked, told)] if ranked else []
    if excluded:
        tables.append(Table("excluded", "Excluded machines", _EXCLUDED, excluded))
    return Report(
        title=words.title(choice.wish, choice.metric),
        verdict=(*words.verdict(choice, outline), *map(words.rent_or_buy, bought)),
        tables=tuple(tables),
    )


def _ranked(choice: Choice, outline: Outline) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for group in choice.groups:
        rank = len(rows) + 1
        rows += [_row(rank, candidate, outline) for candidate in group]
    return rows


def _row(rank: int, found: Candidate, outline: Outline) -> dict[str, Any]:
    there, cell = found.reached, found.reached.recipe
    low, high = there.median
    time = None if high is None else found.pace.interval(low, high)
    more_than_s = None if time else found.pace.seconds(there.trained)
    return {
        "rank": rank,
        "machine": found.machine,
        "machine_key": found.machine_key,
        "chance": found.chance,
        "chance_text": words.chance(found),
        "training": reach.recipe(cell, outline),
        **recipe_row(cell, outline),
        "seeds_reached": there.reached,
        "seeds_trained": there.seeds,
        "epochs": reach.epochs(there),
        "epochs_low": low,
        "epochs_high": high,
        "time": reach.seconds(there, time, more_than_s),
        **bounded("time", time, "s"),
        "time_more_than_s": more_than_s,
        "limit_s": found.limit_s,
        "usd": found.usd,
        "usd_per_hour": found.price.usd_per_hour,
        "price_source": found.price.source,
        "price_date": found.price.date,
    }
