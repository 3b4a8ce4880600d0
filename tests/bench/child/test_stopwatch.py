"""The stopwatch of a job: a clock that can be stopped, and the steps and epochs that it times."""

from __future__ import annotations

import time

import pytest

from bench.child.stopwatch import EpochTimer, StoppableClock
from bench.errors import WorkloadError


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
    assert (epoch.step_s >= (0.05, 0.01, 0.03)).all()  # a busy machine only makes pauses longer
    assert epoch.step_s.sum() <= epoch.ended - epoch.started


def test_steps_of_one_launch_share_its_time():
    def act(timer):
        time.sleep(0.04)
        timer.step(4)
        timer.end()

    epoch, _ = an_epoch(act)
    assert len(epoch.step_s) == 4
    assert len(set(epoch.step_s)) == 1
    assert epoch.step_s[0] >= 0.01
    assert epoch.step_s.sum() <= epoch.ended - epoch.started


def test_a_compilation_belongs_to_the_first_step_alone():
    def act(timer):
        time.sleep(0.05)
        timer.apart()
        timer.step(2)
        timer.end()

    epoch, waits = an_epoch(act)
    assert epoch.step_s[0] >= 0.05
    assert epoch.step_s[0] - epoch.step_s[1] >= 0.05
    assert waits == 3  # the set-up, the steps and the end


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
    assert time.perf_counter() - epoch.ended >= 0.05


def test_an_epoch_that_fails_is_not_noted():
    taken = []
    with pytest.raises(ZeroDivisionError), EpochTimer(1, lambda: None, taken.append):
        raise ZeroDivisionError
    assert taken == []


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        ([0.0, -5.0, 0.01], r"epoch 1 has stamps that do not rise \(seen: a step of -5 s\)"),
        ([0.0, float("nan"), 0.01], "do not rise"),
        ([0.0], r"fewer than two stamps \(seen: 1\)"),
        ([], r"fewer than two stamps \(seen: 0\)"),
        ([[0.0, 0.01]], "fewer than two stamps"),
    ],
)
def test_stamps_that_give_no_step_times_are_refused(stamps, message):
    with pytest.raises(WorkloadError, match=message):
        an_epoch(lambda timer: timer.stamped(stamps))


def test_stamps_in_another_unit_than_seconds_are_refused_as_they_span_more_than_the_epoch():
    def act(timer):
        timer.stamped([0.0, 500.0, 1000.0])
        timer.end()

    with pytest.raises(WorkloadError, match=r"span more time than it took \(seen: 1000 s of"):
        an_epoch(act)


@pytest.mark.parametrize("steps", [0, -1])
def test_less_than_one_step_is_refused(steps):
    with pytest.raises(WorkloadError, match=rf"less than one step \(seen: {steps}\)"):
        an_epoch(lambda timer: timer.step(steps))


@pytest.mark.parametrize(
    "acts",
    [
        (lambda timer: timer.step(), lambda timer: timer.stamped([0.0, 0.0])),
        (lambda timer: timer.stamped([0.0, 0.0]), lambda timer: timer.step()),
        (lambda timer: timer.stamped([0.0, 0.0]), lambda timer: timer.stamped([0.0, 0.0])),
    ],
)
def test_an_epoch_has_its_step_times_from_one_source(acts):
    timer = EpochTimer(1, lambda: None, lambda epoch: None)
    acts[0](timer)
    with pytest.raises(WorkloadError, match="step times already"):
        acts[1](timer)


@pytest.mark.parametrize("method", ["step", "apart", "stop"])
def test_a_clock_that_was_stopped_takes_no_more_times(method):
    timer = EpochTimer(1, lambda: None, lambda epoch: None)
    timer.stop()
    with pytest.raises(WorkloadError, match=rf"stopped its clock.*epoch\.{method}\(\)"):
        getattr(timer, method)()


@pytest.mark.parametrize("method", ["report", "end"])
def test_an_epoch_that_has_ended_takes_no_more_metrics_and_does_not_end_again(method):
    taken = []
    timer = EpochTimer(1, lambda: None, taken.append)
    timer.step()
    timer.end()
    with pytest.raises(WorkloadError, match=rf"ended already.*epoch\.{method}\(\)"):
        getattr(timer, method)(loss=1.0)
    assert len(taken) == 1
