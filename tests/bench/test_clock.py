"""The times of records (UTC, in ISO 8601), and the clock that counts a computer's sleep."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from bench import clock
from bench.clock import since_boot_s, utc_now, utc_today


def test_the_time_is_utc_to_the_millisecond_and_the_date_is_its_date():
    before, today, after = utc_now(), utc_today(), utc_now()
    assert datetime.fromisoformat(before).utcoffset() == timedelta(0)
    assert before.endswith("+00:00") and len(before.partition(".")[2]) == len("123+00:00")
    assert before[:10] <= today <= after[:10]
    assert date.fromisoformat(today).isoformat() == today


@pytest.mark.parametrize(
    ("clocks", "counts_sleep"),
    [
        ({"CLOCK_BOOTTIME": 7, "CLOCK_MONOTONIC": 1}, 7),
        ({"CLOCK_MONOTONIC": 6, "CLOCK_UPTIME_RAW": 8}, 6),
    ],
    ids=["Linux", "macOS"],
)
def test_a_wait_takes_the_clock_of_its_system_that_counts_sleep(monkeypatch, clocks, counts_sleep):
    """The clocks of both systems are planted, because no test can send a computer to sleep."""

    class Time:
        @staticmethod
        def clock_gettime(number):
            return 100.0 + number

        @staticmethod
        def monotonic():
            return 0.0

    for name, number in clocks.items():
        monkeypatch.setattr(Time, name, number, raising=False)
    monkeypatch.setattr(clock, "time", Time)
    assert since_boot_s() == 100.0 + counts_sleep
