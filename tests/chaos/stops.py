"""Faults that end or stop a process: the driver, what holds Ray, Ray's own, the job's child."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

import psutil

from tests.chaos import checks
from tests.chaos.lab import Lab, Started
from tests.chaos.moments import MOMENTS, started_until

#: Moments at which a job's child or Ray is at work.
AT_WORK = ("the first job", "a later job")


def signalled(lab: Lab, chance: random.Random, number: int, times: int = 1) -> Iterator[str]:
    """Send a signal to the command at any moment; it must end with 130, or as it would anyway."""
    command = started_until(lab, chance.choice(list(MOMENTS)), chance)
    was_over = command.is_over
    for _ in range(times):
        _send(command, number)
        time.sleep(0.2)
    command.wait()
    all_said = was_over or "\njournal: " in command.text  # the signal may come after the last word
    yield from checks.ended(command, *((0, 130) if all_said else (130,)))
    yield from resumed(lab)


def everyone_terminated(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Send SIGTERM to every process of the run at once, as a service manager does."""
    command = started_until(lab, chance.choice(AT_WORK), chance)
    for process in (*command.look_below(), psutil.Process(command.process.pid)):
        _quietly(process, signal.SIGTERM)
    command.wait()
    yield from checks.ended(command, 0, 130)
    yield from resumed(lab)


def killed(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Kill the command at any moment."""
    command = started_until(lab, chance.choice(list(MOMENTS)), chance)
    _send(command, signal.SIGKILL)
    command.wait()
    yield from checks.ended(command, -signal.SIGKILL, 0)
    yield from resumed(lab)


def stopped_and_killed(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Stop everything below the command and then kill the command."""
    command = started_until(lab, chance.choice(AT_WORK), chance)
    for process in command.look_below():
        if "keeper" not in " ".join(_words(process)):
            _quietly(process, signal.SIGSTOP)
    _send(command, signal.SIGKILL)
    command.wait()
    yield from checks.ended(command, -signal.SIGKILL, 0)
    yield from resumed(lab)


def stopped_for_a_while(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Stop the command for a second or two; it goes on."""
    command = started_until(lab, chance.choice(list(MOMENTS)), chance)
    _send(command, signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 2))
    _send(command, signal.SIGCONT)
    command.wait()
    yield from checks.ended(command, 0)
    yield from settled(lab)


def part_hit(lab: Lab, chance: random.Random, name: str, number: int) -> Iterator[str]:
    """Send a signal to one process of the run while jobs run; the run measures all the same."""
    command = started_until(lab, chance.choice(AT_WORK), chance)
    part = command.called(name)
    if part is not None:
        _quietly(part, number)
    command.wait()
    yield from checks.ended(command, 0, 1)
    yield from resumed(lab)


def child_stopped(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Stop a job's child for a while: its times cannot be, so it is measured again."""
    command = started_until(lab, chance.choice(AT_WORK), chance)
    child = command.called("bench.child.entry")
    if child is not None:
        _quietly(child, signal.SIGSTOP)
        time.sleep(chance.uniform(0.4, 1))
        _quietly(child, signal.SIGCONT)
    command.wait()
    yield from checks.ended(command, 0)
    yield from settled(lab)


def resumed(lab: Lab, failures: int = 0) -> Iterator[str]:
    """Yield what is wrong before and after the same command is given again."""
    yield from checks.nothing_left(lab)
    before, reported = checks.whole_lines(lab), checks.is_reported(lab)
    lab.environment.clear()
    again = lab.finish()
    yield from (f"the same command: {wrong}" for wrong in checks.ended(again, int(failures > 0)))
    yield from checks.past_unchanged(lab, before)
    if len(lab.journals) > max(1, len(before)) and not reported:
        yield "the same command measured everything anew"
    yield from settled(lab, failures)


def settled(lab: Lab, failures: int = 0) -> Iterator[str]:
    """Yield what is wrong when all is done."""
    yield from checks.all_accounted(lab, failures, journals=len(lab.journals) or 1)
    yield from checks.report_renders(lab)
    yield from checks.nothing_left(lab)


def _send(command: Started, number: int) -> None:
    if not command.is_over:
        os.kill(command.process.pid, number)


def _quietly(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
