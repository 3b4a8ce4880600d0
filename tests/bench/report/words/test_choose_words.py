"""The words of a choice: chances as simple fractions, and times."""

from __future__ import annotations

import pytest

from bench.report.words.choose import about, duration, spent


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (3 / 3.5, "about 6 in 7"),
        (0.5, "about 1 in 2"),
        (0.66, "about 2 in 3"),
        (10 / 10.5, "about 17 in 18"),
        (0.083, "about 1 in 11"),
        (0.999, "more than 99 in 100"),
        (0.001, "less than 1 in 100"),
    ],
)
def test_a_chance_is_a_simple_fraction_within_a_point(chance, words):
    assert about(chance) == words


def test_a_limit_reads_as_it_was_typed_and_a_time_has_two_digits():
    assert [duration(seconds) for seconds in (90, 1800, 7200, 6.5)] == [
        "90 s",
        "30 min",
        "2 h",
        "6.5 s",
    ]
    assert [spent(seconds) for seconds in (16.93, 119, 270, 9000)] == [
        "17 s",
        "120 s",
        "4.5 min",
        "2.5 h",
    ]
