"""What the training loops share: a clock that can be stopped, and steps from stamps."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mnist_bench.loops import StoppableClock, split_steps


def test_what_happens_while_the_clock_is_stopped_is_left_out():
    clock = StoppableClock()
    assert clock.without(lambda: time.sleep(0.2) or "result") == "result"
    left_out_s = time.perf_counter() - clock.origin - clock.elapsed()
    assert left_out_s >= 0.2 - 0.01


def test_a_clock_goes_on_after_an_action_that_fails():
    clock = StoppableClock()
    with pytest.raises(ZeroDivisionError):
        clock.without(lambda: 1 / 0)
    before = clock.elapsed()
    time.sleep(0.01)
    assert clock.elapsed() > before
    assert clock.stopped_s > 0


def test_steps_are_the_differences_of_their_stamps():
    np.testing.assert_allclose(split_steps([10.5, 10.75, 12.0], 10.0), [0.5, 0.25, 1.25])
    assert split_steps([], 10.0).size == 0
