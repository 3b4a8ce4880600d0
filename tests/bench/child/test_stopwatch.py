"""The stopwatch of a job: a clock that can be stopped, and the steps and epochs that it times."""

from __future__ import annotations

import time

import pytest

from bench.child.stopwatch import EpochTimer, StoppableClock


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


def an_epoch(act):
    """Let `act` use a timer; return the one epoch that it timed."""
    taken, waits = [], []
    timer = EpochTimer(1, lambda: waits.append(1), taken.append)
    act(timer)
    (epoch,) = taken
    return epoch, len(waits)


def test_every_step_has_its_time_and_the_device_is_waited_for_before_a_clock_is_read():
    def act(timer):
        with timer:
            for pause_s in (0.05, 0.01, 0.03):
                time.sleep(pause_s)
                timer.step()
            timer.report(loss=0.5)

    epoch, waits = an_epoch(act)
    assert epoch.metrics == {"loss": 0.5}
    assert waits == 4  # three steps and the end
    assert epoch.step_s[0] > epoch.step_s[2] > epoch.step_s[1] >= 0.01
    assert epoch.step_s.sum() <= epoch.ended - epoch.started


def test_steps_of_one_launch_share_its_time():
    def act(timer):
        time.sleep(0.04)
        timer.step(4)
        timer.end()

    epoch, _ = an_epoch(act)
    assert len(epoch.step_s) == 4
    assert len(set(epoch.step_s)) == 1
    assert 0.01 <= epoch.step_s[0] < 0.02


def test_a_compilation_belongs_to_the_first_step_alone():
    def act(timer):
        time.sleep(0.05)
        timer.apart()
        timer.step(2)
        timer.end()

    epoch, _ = an_epoch(act)
    assert epoch.step_s[0] >= 0.05
    assert epoch.step_s[1] < 0.05


def test_what_passed_outside_the_device_s_own_stamps_belongs_to_the_first_step():
    def act(timer):
        time.sleep(0.05)
        timer.stamped([100.0, 100.01, 100.03])
        timer.end()

    epoch, _ = an_epoch(act)
    assert epoch.step_s[1] == pytest.approx(0.02)
    assert epoch.step_s.sum() == pytest.approx(epoch.ended - epoch.started)


def test_what_follows_a_stop_is_not_the_epoch_s_time():
    def act(timer):
        timer.step()
        timer.stop()
        time.sleep(0.05)
        timer.end()

    epoch, _ = an_epoch(act)
    assert epoch.ended - epoch.started < 0.05


def test_an_epoch_that_fails_is_not_noted():
    taken = []
    with pytest.raises(ZeroDivisionError), EpochTimer(1, lambda: None, taken.append):
        raise ZeroDivisionError
    assert taken == []
