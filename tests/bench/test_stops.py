"""Signals that end the program: when they are raised, and what the user and the shell see."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import stops

ROOT = Path(__file__).resolve().parents[2]

#: Says when the handlers are there, and waits for a signal in the midst of an import.
SLOW_IMPORT = """
import sys, types, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "bench.app.main":
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from mnist_bench import cli
sys.exit(cli.main())
"""


def ended(work, sent=signal.SIGTERM):
    """Return the exit code of guarded work, and how often the user was told."""
    told = []
    code = stops.guarded(lambda: work(sent), lambda: told.append("interrupted"))
    return code, len(told)


def send(number):
    signal.raise_signal(number)


@pytest.mark.parametrize("number", stops.INTERRUPTS)
def test_each_signal_ends_the_work_and_is_told_once(number):
    def work(sent):
        send(sent)
        raise AssertionError("the work goes on")

    assert ended(work, number) == (130, 1)


def test_an_error_that_a_signal_causes_counts_as_the_end_that_was_asked_for():
    def work(sent):
        try:
            send(sent)
        except KeyboardInterrupt:
            raise AttributeError("a module that is half imported") from None

    assert ended(work) == (130, 1)


def test_a_signal_that_the_work_swallows_still_decides_the_exit_code():
    def work(sent):
        try:
            send(sent)
        except KeyboardInterrupt:
            return 0

    assert ended(work) == (130, 0)


def test_an_error_without_a_signal_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        ended(lambda sent: 1 // 0)


def test_a_deferred_signal_is_only_counted_and_a_second_one_asks_to_hurry():
    seen = []

    def work(sent):
        with stops.deferred():
            seen.append((stops.arrived(), stops.hurried()))
            send(sent)
            seen.append((stops.arrived(), stops.hurried()))
            send(sent)
            seen.append((stops.arrived(), stops.hurried()))
        return 0

    assert ended(work) == (130, 0)
    assert seen == [(False, False), (True, False), (True, True)]


def test_the_signal_after_the_most_that_a_work_outlasts_ends_it():
    passed = []

    def work(sent):
        with stops.deferred(most=2):
            for number in range(3):
                send(sent)
                passed.append(number)
        return 0

    assert ended(work) == (130, 1)
    assert passed == [0, 1]


def test_the_first_signal_that_is_not_deferred_is_raised_whatever_its_number():
    passed = []

    def work(sent):
        with stops.deferred():
            send(sent)
        passed.append("the first is only counted")
        try:
            send(sent)
        finally:
            passed.append("the second ends the work")
        passed.append("the work goes on")
        return 0

    assert ended(work) == (130, 1)
    assert passed == ["the first is only counted", "the second ends the work"]


def test_the_second_signal_does_not_cut_off_the_way_to_the_end_but_the_third_does():
    passed = []

    def work(sent):
        try:
            send(sent)
        finally:
            send(sent)
            passed.append("the second is only counted")
            send(sent)
            passed.append("the third is only counted")

    assert ended(work) == (130, 1)
    assert passed == ["the second is only counted"]


def test_a_signal_that_arrives_while_the_user_is_told_of_the_first_leaves_no_traceback():
    told = []

    def interrupted():
        for number in stops.INTERRUPTS:
            send(number)
        told.append("interrupted")

    assert stops.guarded(lambda: send(signal.SIGTERM), interrupted) == 130
    assert told == ["interrupted"]


def test_a_signal_of_one_work_is_not_seen_by_the_next():
    ended(lambda sent: send(sent))
    assert not stops.arrived()
    assert ended(lambda sent: 0) == (0, 0)


def test_handlers_are_put_back_and_ignored_signals_stay_ignored(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        seen = []

        def work(sent):
            send(signal.SIGHUP)
            seen.append(signal.getsignal(signal.SIGHUP))
            return 0

        handlers = [signal.getsignal(one) for one in stops.INTERRUPTS]
        assert ended(work) == (0, 0)
        assert seen == [signal.SIG_IGN]
        assert [signal.getsignal(one) for one in stops.INTERRUPTS] == handlers
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_end_the_work_again_after_a_library_has_put_its_handlers_in_place_of_ours():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:

        def work(sent):
            signal.signal(signal.SIGTERM, lambda *what: None)
            stops.handle_again()
            send(signal.SIGHUP)  # it was ignored before
            assert not stops.arrived()
            send(sent)

        assert ended(work) == (130, 1)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", stops.INTERRUPTS)
def test_a_signal_in_the_midst_of_the_imports_of_a_command_ends_it_in_order(number):
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_IMPORT, "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        assert process.stderr.read() == "interrupted: nothing was measured\n"
    assert process.returncode == 130


def test_an_interrupt_that_crosses_an_exec_on_its_way_ends_with_130_and_not_with_the_signal():
    """Python would end itself with SIGINT after a plain KeyboardInterrupt that did so."""
    source = (
        "import sys\nfrom bench import stops\n"
        "TEXT = 'import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)'\n"
        "sys.exit(stops.guarded(lambda: exec(TEXT), lambda: None, last=True))"
    )
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, check=False)
    assert done.returncode == 130
