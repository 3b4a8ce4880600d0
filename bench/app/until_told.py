"""Adds sittings of two sides until they are told apart: repeats the runs that measured them."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.analysis.entrants import Side
from bench.analysis.ratios import Finding
from bench.analysis.slowdown import SittingPairs
from bench.errors import RequestError
from bench.record.run import Run

#: Options of `run` with a value that a repeated run does not take over: one call is one sitting.
SERIES = ("--sittings", "--gap", "--out")

#: Does one run, given the words after `run`; returns its exit code.
Measure = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Recipe:
    """How the newest sitting of some sides was measured: the words after `run`.

    `machine_id` is the machine on which the command was typed; None if it measured only others.
    """

    words: tuple[str, ...]
    command: str
    machine_id: str | None
    label: str


@dataclass(frozen=True)
class Stop:
    """When enough was seen: a limit of `--fail-if-slower`, or else the margin; and the time."""

    margin: float
    limit: float | None
    max_s: float

    def told(self, pairs: SittingPairs) -> bool:
        """Say whether the pairs of sittings answer the question."""
        if self.limit is not None:
            return pairs.slower_than(self.limit) is not None
        return pairs.finding(self.margin) is not Finding.OPEN


def recipes(sides: Sequence[Side], runs: Sequence[Run]) -> tuple[Recipe, ...]:
    """Return the commands that measure one more sitting of each side, each once.

    Raises RequestError if a side is a run or a journal, to which no sitting can be added, or if the
    command of its run cannot be read.
    """
    by_id = {run.header.run_id: run for run in runs}
    found: dict[tuple[str, str | None], Recipe] = {}
    for side in sides:
        newest = max(side.jobs, key=lambda job: job.share.header.started_at)
        run = by_id.get(newest.record.run_id)
        if run is None or not side.grows:
            raise RequestError(
                f"{side.name} is a run or a journal, to which no sitting can be added",
                next_step="name machines by their labels to use --until-told",
            )
        recipe = _recipe(run)
        found.setdefault((recipe.command, recipe.machine_id), recipe)
    return tuple(found.values())


def elsewhere(found: Sequence[Recipe], here: str) -> tuple[Recipe, ...]:
    """Return the recipes that were typed on another machine than `here`."""
    return tuple(one for one in found if one.machine_id not in (None, here))


def repeat(
    found: Sequence[Recipe],
    look: Callable[[], SittingPairs],
    measure: Measure,
    stop: Stop,
    say: Callable[[SittingPairs], None],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Measure in turn until the pairs of sittings tell the sides apart; return the exit code.

    The order alternates (A B, B A), so that a drift of the machine hits both sides alike. A round
    begins only if a round like the last one fits into the time. Returns 1 if the sides were not
    told apart, and the code of a run that was refused or interrupted.
    """
    began, longest_s, order = clock(), 0.0, list(found)
    pairs = look()
    while not stop.told(pairs):
        if clock() - began + longest_s >= stop.max_s:
            return 1
        round_began = clock()
        for recipe in order:
            code = measure(recipe.words)
            if code not in (0, 1):
                return code
        order.reverse()
        longest_s = max(longest_s, clock() - round_began)
        before, pairs = len(pairs.logs), look()
        if len(pairs.logs) == before:  # nothing was added, and nothing would be
            return 1
        say(pairs)
    return 0


def _recipe(run: Run) -> Recipe:
    words = shlex.split(run.header.command)
    starts = [n for n, word in enumerate(words) if word == "run" or word.endswith(".run")]
    if not starts:
        raise RequestError(
            f"the command of the run {run.header.run_id} cannot be repeated",
            seen=run.header.command,
            next_step="give the command of the run again, then compare",
        )
    own = run.own
    return Recipe(
        words=tuple(_without_series(words[starts[0] + 1 :])),
        command=run.header.command,
        machine_id=None if own is None else own.facts.machine_id,
        label=run.header.label,
    )


def _without_series(words: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in SERIES:
            skip = True
        elif not word.startswith(tuple(f"{option}=" for option in SERIES)):
            kept.append(word)
    return kept
