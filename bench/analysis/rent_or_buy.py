"""From how many hours a year on an owned machine is cheaper than a rented one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.analysis.choose import Candidate, Choice
from bench.record.price import HOURS_A_YEAR


@dataclass(frozen=True)
class RentOrBuy:
    """From how many hours a year on an owned machine is cheaper than a rented one.

    `hours` are hours of the owned machine's training; None if a year has too few.
    """

    owned: str
    rented: str
    hours: float | None


def rent_or_buy(choice: Choice) -> tuple[RentOrBuy, ...]:
    """Return when each owned machine pays, beside the rented machine with the cheapest training."""
    able = [one for group in choice.groups for one in group if one.usd is not None]
    rented = [one for one in able if one.price.usd_per_year is None and one.usd]
    if not rented:
        return ()
    cheapest = min(rented, key=lambda one: one.usd or math.inf)
    return tuple(
        RentOrBuy(one.machine, cheapest.machine, _hours(one, cheapest))
        for one in able
        if one.price.usd_per_year is not None
    )


def _hours(owned: Candidate, rented: Candidate) -> float | None:
    """Return the hours of the owned machine whose trainings cost a year's price when rented."""
    assert owned.price.usd_per_year is not None and owned.seconds and rented.usd, "both have prices"
    hours = owned.price.usd_per_year / (rented.usd / owned.seconds * 3600)
    return hours if hours <= HOURS_A_YEAR else None
