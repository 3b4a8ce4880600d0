"""Clocks that disagree, and times that cannot be: no such time becomes a measurement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import a_measurement
from pydantic import ValidationError

from bench.child.clocks import Clocks, Reading, check_times
from bench.errors import ClockError
from bench.record.measurement import PackedTimes

AT = Reading(counter_s=100.0, raw_s=90.0, day_s=1e9, cpu_s=5.0, sleep_s=7.0)


def later(passed_s=10.0, **more):
    """Return a reading some time after AT; `more` is added to its clocks."""
    clocks = {name: getattr(AT, name) + passed_s for name in ("counter_s", "raw_s", "day_s")}
    now = replace(AT, **clocks)
    return replace(now, **{name: getattr(now, name) + value for name, value in more.items()})


def checked(now, monkeypatch):
    clocks = Clocks()
    monkeypatch.setattr(clocks, "_last", AT)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    clocks.check("in epoch 3", now)


@pytest.mark.parametrize(
    "now",
    [
        later(),
        later(cpu_s=20.0),
        later(day_s=0.5),
        later(day_s=-0.5),
        later(3600, day_s=3.0),
        later(3600, raw_s=1.8),
        replace(later(raw_s=3.0), raw_s=None),
    ],
    ids=["quiet", "two CPUs", "a step", "back", "a long drift", "ntpd's slew", "no such clock"],
)
def test_clocks_that_agree_are_right(now, monkeypatch):
    checked(now, monkeypatch)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (later(sleep_s=40.0, day_s=40.0), r"slept in epoch 3 \(seen: 40.0 s\)"),
        (later(day_s=3600.0), r"clock was set in epoch 3 \(seen: by \+3600.0 s\)"),
        (later(day_s=-7200.0), r"clock was set in epoch 3 \(seen: by -7200.0 s\)"),
        (later(raw_s=0.83), r"clock was slewed in epoch 3 \(seen: by -0.8 s\)"),
        (later(raw_s=-0.83), r"clock was slewed in epoch 3 \(seen: by \+0.8 s\)"),
        (later(-5.0, day_s=0.0), "cannot be right in epoch 3"),
        (later(cpu_s=30.0), "cannot be right in epoch 3"),
    ],
)
def test_a_sleep_a_jump_and_an_impossible_clock_are_named(now, words, monkeypatch):
    with pytest.raises(ClockError, match=words):
        checked(now, monkeypatch)


def test_a_jump_is_told_of_the_look_that_saw_it_alone(monkeypatch):
    clocks = Clocks()
    monkeypatch.setattr(clocks, "_last", AT)
    with pytest.raises(ClockError):
        clocks.check("in epoch 1", later(day_s=3600.0))
    clocks.check("in epoch 2", later(11.0, day_s=3600.0))


@pytest.mark.parametrize(
    ("wall_s", "steps"),
    [(0.0, [0.1]), (-1.0, [0.1]), (np.nan, [0.1]), (1.0, [0.1, np.nan]), (1.0, [0.2, -0.1])],
)
def test_times_of_an_epoch_that_cannot_be_are_an_error(wall_s, steps):
    with pytest.raises(ClockError, match="the times of epoch 2 are impossible"):
        check_times(2, wall_s, np.array(steps))


@pytest.mark.parametrize("value", [-0.5, 0.0, float("nan"), float("inf")])
@pytest.mark.parametrize("place", ["wall_s", "total_s", "train_s"])
def test_a_line_with_a_time_that_cannot_be_is_no_measurement(place, value):
    good = a_measurement([[0.5, 0.25, 0.25]]).model_dump()
    where = {"wall_s": good["epochs"][0], "total_s": good["evaluations"][0], "train_s": good}
    where[place][place] = value
    with pytest.raises(ValidationError, match=place):
        type(a_measurement([[0.5, 0.25, 0.25]])).model_validate(good)


@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test_packed_times_that_cannot_be_are_refused(value):
    with pytest.raises(ValidationError, match="not all finite and 0 or more"):
        PackedTimes.pack([0.1, value])
