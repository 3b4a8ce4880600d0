"""The age of a price in words, and the mark of a price that is older than a year."""

from __future__ import annotations

import pytest

from bench.record.price import Price
from bench.report.words.prices import age, dated, is_old, warnings

DAY = "2026-11-26"


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("2026-11-26", "0 days"),
        ("2026-11-25", "1 day"),
        ("2026-12-24", "0 days"),
        ("2026-10-01", "56 days"),
        ("2026-07-20", "4 months"),
        ("2025-11-26", "12 months"),
        ("2025-11-24", "12 months, over a year: check it"),
        ("2025-01", "23 months, over a year: check it"),
        ("2026", "11 months"),
        ("November 2026", None),
        (None, None),
    ],
)
def test_an_age_is_in_days_and_then_in_months_and_over_a_year_is_marked(date, words):
    assert age(date, DAY) == words


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("2026-11-26", "2026-11-26"),
        ("2026-07-20", "2026-07-20, 4 months old"),
        ("2025-01", "2025-01, 23 months old, over a year: check it"),
        ("November 2026", "November 2026, of unknown age"),
        (None, "no date is known"),
    ],
)
def test_a_date_stands_with_its_age(date, words):
    assert dated(Price(1.0, "x", date), DAY) == words


def test_a_price_of_a_year_ago_to_the_day_is_not_old():
    assert not is_old("2025-11-26", DAY)
    assert is_old("2025-11-24", DAY)
    assert not is_old(None, DAY)


def test_the_report_is_told_of_old_and_of_undated_prices_alone():
    fresh, old = Price(1.0, "list", "2026-07-20"), Price(1.0, "list", "2025-01")
    unknown, undated = Price(None, reason="none"), Price(1.0, "prices.yaml")
    assert list(warnings([fresh, unknown], DAY)) == []
    assert list(warnings([fresh, old, old, undated], DAY)) == [
        "Prices of 2025-01 are older than a year on 2026-11-26. Check them, and give the right "
        "ones with --price.",
        "No date was given for the price from prices.yaml, so its age is unknown.",
    ]
