"""How old a price is, in words; a price that is older than a year is marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.clock import days_between
from bench.record.price import Price
from bench.report.words.lists import and_list
from bench.text import counted

#: A price that is older is marked.
OLD_DAYS = 366

#: Months are counted from this many days on, and years are not counted.
_MONTHS_FROM, _DAYS_A_MONTH = 60, 30.44

#: What is said of a price without a date.
UNDATED = "no date is known"


def is_old(date: str | None, day: str) -> bool:
    """Say whether a price of a date is older than a year on a day."""
    days = None if date is None else days_between(date, day)
    return days is not None and days > OLD_DAYS


def age(date: str | None, day: str) -> str | None:
    """Return the age of a price on a day: `12 days`, `4 months`; None if its date is unknown."""
    days = None if date is None else days_between(date, day)
    if days is None:
        return None
    months = days >= _MONTHS_FROM
    number = round(days / _DAYS_A_MONTH) if months else days
    marked = ", over a year: check it" if is_old(date, day) else ""
    return f"{counted(number, 'month' if months else 'day')}{marked}"


def dated(price: Price, day: str) -> str:
    """Return a price's date with its age: `2026-07-20, 4 months old`; today's date stands alone."""
    if price.date is None:
        return UNDATED
    days = days_between(price.date, day)
    if days == 0:
        return price.date
    if days is None:
        return f"{price.date}, of unknown age"
    old = age(price.date, day) or ""
    number, _, mark = old.partition(", ")
    return f"{price.date}, {number} old{mark and f', {mark}'}"


def warnings(prices: Sequence[Price], day: str) -> Iterator[str]:
    """Yield which prices are older than a year on a day, and which have no date."""
    known = [price for price in prices if price.usd_per_hour is not None]
    old = sorted({price.date for price in known if price.date and is_old(price.date, day)})
    if old:
        yield (
            f"Prices of {and_list(old)} are older than a year on {day}. Check them, and give the "
            "right ones with --price."
        )
    undated = sorted({price.source for price in known if not price.date and price.source})
    if undated:
        yield f"No date was given for the price from {and_list(undated)}, so its age is unknown."
