"""The times of records: UTC, in ISO 8601."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bench.clock import utc_now, utc_today


def test_the_time_is_utc_to_the_millisecond_and_the_date_is_its_date():
    before, today, after = utc_now(), utc_today(), utc_now()
    assert datetime.fromisoformat(before).utcoffset() == timedelta(0)
    assert before.endswith("+00:00") and len(before.partition(".")[2]) == len("123+00:00")
    assert before[:10] <= today <= after[:10]
    assert date.fromisoformat(today).isoformat() == today
