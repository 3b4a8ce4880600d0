"""Times and dollars as a user types them."""

from __future__ import annotations

import re

import click
import pytest

from bench.app.amounts import Dollars, Duration, Percent


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("30 min", 1800),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("2d", 172800),
        ("30", 1800),
    ],
)
def test_a_time_is_read_with_its_unit_and_a_plain_number_as_minutes(text, seconds):
    assert Duration()(text) == seconds


@pytest.mark.parametrize("text", ["m", "5 bananas", "1h30", "30minutes", "0s", "-5m", ""])
def test_a_time_without_a_known_unit_is_refused_with_an_example(text):
    with pytest.raises(click.BadParameter, match="30m"):
        Duration()(text)


@pytest.mark.parametrize(
    ("text", "share"), [("3%", 0.03), ("0.03", 0.03), ("0.1", 0.1), ("0.1%", 0.001), ("200%", 2)]
)
def test_a_share_is_read_in_per_cent_or_as_a_number_below_1(text, share):
    assert Percent()(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["3", "1", "0", "0%", "-1%", "few", "nan", "inf%"])
def test_a_share_that_could_be_read_in_two_ways_is_refused_with_an_example(text):
    with pytest.raises(click.BadParameter, match=re.escape("write 3% or 0.03")):
        Percent()(text)


@pytest.mark.parametrize(
    ("text", "usd"), [("5usd", 5), ("0.40", 0.4), ("$5", 5), ("5 USD", 5), ("1 dollar", 1)]
)
def test_dollars_are_read_with_or_without_their_word(text, usd):
    assert Dollars()(text) == usd


@pytest.mark.parametrize("text", ["5 bananas", "5eur", "usd", "-5", "0", "nan", "1e3000"])
def test_another_currency_is_refused_with_an_example(text):
    with pytest.raises(click.BadParameter, match="5usd"):
        Dollars()(text)
