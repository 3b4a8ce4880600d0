"""What `history` says: the table of a machine's sittings, its changes, and the history as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.differences import Difference
from bench.analysis.history import Change, History, PastSitting, SetupChange, span
from bench.clock import minute
from bench.report.column import Column, Table
from bench.report.compared import (
    FEW_DIFFERENCES,
    interval_document,
    plain_differences,
    told_differences,
)
from bench.report.pair_words import bracket_of, pair_sentence
from bench.report.words import history as words
from bench.report.words.comparison import QUANTITIES
from bench.report.words.facts import difference_name
from bench.report.words.sureness import Bracket, bracketed

#: At most so many changes of speed are shown; the JSON holds all of them.
MOST_CHANGES = 5


def sittings_table(found: History) -> Table:
    """Return one row for each sitting: when it was, and how fast."""
    quantity = QUANTITIES[found.by]
    changed = {change.after.number: change for change in found.changes}
    rows = tuple(_row(one, changed.get(one.number)) for one in found.sittings)
    first, last = (minute(found.sittings[place].sitting.began_at) for place in (0, -1))
    jobs = sum(len(one.jobs) for one in found.sittings)
    return Table(
        name="history",
        title=words.title(found.name, found.by, len(found.sittings), jobs, first, last),
        columns=(
            Column("sitting", "sitting", "name"),
            Column("began", "began (UTC)"),
            Column("jobs", "jobs", "name"),
            Column("disturbed", "disturbed"),
            Column("seconds", f"{quantity.name}, {quantity.unit}", "number", scale=quantity.factor),
            Column("speed", "speed (mean = 1)", why="why"),
            Column("change", "changed", absent=("is_same", "")),
        ),
        rows=rows,
        notes=(words.NOTE,),
    )


def paragraphs(found: History) -> list[tuple[str, list[str]]]:
    """Return what follows the table: paragraphs, each with the list under it."""
    if len(found.sittings) < 2:
        return [(words.one_sitting(found.name), [])]
    told = [(_setup_sentence(one), _lines(one.differences, *_names(one))) for one in found.setups]
    if not found.changes:
        return [*told, (words.no_change(found.name, found.margin), [])]
    largest = sorted(found.changes, key=lambda one: -abs(one.ratio.log))[:MOST_CHANGES]
    for change in sorted(largest, key=lambda one: one.after.number):
        names = (span([change.before]), span([change.after]))
        ratio = bracket_of(change.ratio)
        sentence = words.changed(*names, ratio, bool(change.differences))
        told.append((sentence, _lines(change.differences, *names)))
    if len(found.changes) > len(largest):
        told.append((words.more_changes(len(largest), len(found.changes)), []))
    return told


def document(found: History) -> dict[str, Any]:
    """Return a history as JSON can hold it."""
    return {
        "machine": found.name,
        "by": found.by,
        "margin": found.margin,
        "sittings": [_sitting(one) for one in found.sittings],
        "changes": [
            {
                "before": one.before.number,
                "after": one.after.number,
                "speed": interval_document(one.ratio.interval()),
                "differences": _differences(one),
            }
            for one in found.changes
        ],
        "setups": [
            {
                "before": [one.number for one in setup.first],
                "after": [one.number for one in setup.second],
                "differences": _differences(setup),
                "speed_on_another_day": _setup_speed(setup),
            }
            for setup in found.setups
        ],
    }


def _row(one: PastSitting, change: Change | None) -> dict[str, Any]:
    return {
        "sitting": one.number,
        "began": minute(one.sitting.began_at),
        "jobs": len(one.jobs),
        "disturbed": f"{one.disturbed} of {one.watched}" if one.watched else None,
        "seconds": one.seconds,
        "speed": None if one.speed is None else bracketed(Bracket.of(one.speed)),
        "why": words.NO_SPEED,
        "change": None if change is None else f"{100 * (change.ratio.times - 1):+.0f} %",
        "is_same": change is None,
    }


def _sitting(one: PastSitting) -> dict[str, Any]:
    return {
        "sitting": one.number,
        "run": one.sitting.run_id,
        "began_at": one.sitting.began_at,
        "ended_at": one.sitting.ended_at,
        "jobs": len(one.jobs),
        "watched": one.watched,
        "disturbed": one.disturbed,
        "seconds": one.seconds,
        "speed": None if one.speed is None else interval_document(one.speed),
    }


def _differences(one: Change | SetupChange) -> list[dict[str, Any]]:
    return plain_differences(one.differences, "before", "after")


def _lines(found: Sequence[Difference], first: str, second: str) -> list[str]:
    """Return differences in words, the most telling ones."""
    return told_differences(found, first, second, FEW_DIFFERENCES)


def _names(one: SetupChange) -> tuple[str, str]:
    return span(one.first), span(one.second)


def _setup_sentence(one: SetupChange) -> str:
    first, second = _names(one)
    head = words.setup_changed(second, list(dict.fromkeys(map(difference_name, one.differences))))
    if one.found is None:
        return f"{head} {words.setups_without_a_common_job(first, second)}"
    sentence = pair_sentence(one.found.leaders, one.found.margin, advise=False)
    return f"{head} {sentence[:1].upper()}{sentence[1:]}"


def _setup_speed(one: SetupChange) -> dict[str, Any] | None:
    if one.found is None:
        return None
    first, second = _names(one)
    pair = one.found.ranking.between(second, first)
    return None if pair is None else interval_document(pair.ratio.interval())
