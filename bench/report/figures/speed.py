"""The figure of speeds: every machine relative to the baseline, with brackets and sittings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis.contenders import Quantity
from bench.analysis.effects import Effects
from bench.analysis.reference import Relative
from bench.analysis.results import GroupResult, Results
from bench.report.figures.chart import FRAME, MOST_ROWS, ROW, axis_of, domain, spec_of
from bench.report.figures.figure import Figure
from bench.report.figures.labels import label, labels
from bench.report.figures.theme import ACCENT, QUIET
from bench.report.pair_words import bracket_of
from bench.report.shared_columns import job_text
from bench.report.words import figures as words
from bench.report.words import phrases
from bench.report.words.sureness import Bracket, rounded

if TYPE_CHECKING:
    import altair as alt

NAME = "speed"

#: The most sittings of a row that have a mark; the newest ones.
MOST_SITTINGS = 40


@dataclass(frozen=True)
class _Row:
    """One dot: its name, the speed with its bracket, and the effects of its sittings."""

    name: str
    speed: Bracket
    more: Mapping[str, Any]
    effects: Effects | None
    is_baseline: bool = False


def speed_figure(results: Results) -> Figure | None:
    """Return the speeds of the machines; those of jobs beside a published machine if it is one."""
    ranking = results.headline
    if ranking is None:
        return _beside_published(results)
    baseline = label(ranking.names[0])
    rows = [row for name in ranking.names if (row := _machine(name, results)) is not None]
    shown = rows[:MOST_ROWS]
    last = shown[-1]
    return Figure(
        name=NAME,
        title=words.speed_title(baseline),
        spec=_spec(shown, words.speed_title(baseline), len(rows)),
        how_to_read=words.speed_how(baseline),
        alt=words.speed_alt(len(shown), baseline, label(last.name), _text(last.speed)),
    )


def _machine(name: str, results: Results) -> _Row | None:
    """Return a machine of the headline; None if it shares no cell with the fastest one."""
    ranking = results.headline
    assert ranking is not None, "speed_figure() looked"
    baseline, effects = ranking.names[0], results.contender(name).fits()
    rank = ranking.ranks[name]
    more: dict[str, Any] = {"rank_first": rank.first, "rank_last": rank.last}
    if name == baseline:
        return _Row(name, Bracket(1.0, None, None), more, effects, is_baseline=True)
    pair = ranking.between(name, baseline)
    if pair is None:
        return None
    more["finding"] = phrases.FINDINGS[pair.finding]
    return _Row(name, bracket_of(pair.ratio), more, effects)


def _beside_published(results: Results) -> Figure | None:
    """Return the speeds of jobs relative to the first published machine; None if there is none."""
    if results.reference is None or not results.reference.machines:
        return None
    machine = results.reference.machines[0]
    rows = sorted(_jobs(results, machine.key), key=lambda row: -row.speed.estimate)[:MOST_ROWS]
    if not rows:
        return None
    return Figure(
        name=NAME,
        title=words.published_title(machine.name),
        spec=_spec(rows, words.published_title(machine.name), len(rows)),
        how_to_read=words.published_how(machine.name),
        alt=words.published_alt(
            len(rows), machine.name, _text(rows[-1].speed), _text(rows[0].speed)
        ),
    )


def _jobs(results: Results, machine: str) -> Iterator[_Row]:
    """Yield each group of jobs that has a speed relative to a published machine."""
    several = len(results.measured_machines) > 1
    for result in results.groups:
        found = next((one for one in result.relatives if one.machine == machine), None)
        fits = _fits(result, found, results)
        if found is None or found.speed is None or fits is None:
            continue
        group = result.group
        job = job_text(group.cell, results.outline)
        yield _Row(
            f"{group.machine}: {job}" if several else job,
            Bracket.of(found.speed.interval()),
            {"basis": found.basis},
            fits,
        )


def _fits(result: GroupResult, found: Relative | None, results: Results) -> Effects | None:
    """Return the fit that a group's speed rests on; None if its jobs only passed through here."""
    quantity: Quantity = "total" if found is not None and found.basis == "total" else "step"
    machine = next((one for one in results.contenders if one.name == result.group.machine), None)
    fits = None if machine is None else machine.fits(quantity)
    return fits if fits is not None and result.group.cell in fits.cells else None


def _text(speed: Bracket) -> str:
    estimate, *bounds = rounded(speed)
    return f"{estimate}x [{', '.join(bounds)}]" if bounds else f"{estimate}x"


def _rows(rows: list[_Row]) -> Iterator[dict[str, Any]]:
    """Yield the chart's data: a row for each bracket, and one for each mark of a sitting."""
    shown = labels(row.name for row in rows)
    for row in rows:
        head = {"label": shown[row.name], "machine": row.name}
        for sitting, effect in _newest(row.effects):
            yield {**head, "part": "sitting", "speed": row.speed.estimate * math.exp(-effect)} | {
                "sitting": getattr(sitting, "began_at", None)
            }
        yield {
            **head,
            "part": "bracket",
            "speed": row.speed.estimate,
            "low": row.speed.low,
            "high": row.speed.high,
            "text": _text(row.speed),
            "is_baseline": row.is_baseline,
            **row.more,
        }


def _newest(effects: Effects | None) -> list[tuple[Any, float]]:
    """Return the newest sittings with their effects; none if there is one only."""
    if effects is None or effects.count < 2:
        return []
    found = sorted(effects.sittings.items(), key=lambda one: getattr(one[0], "began_at", ""))
    return found[-MOST_SITTINGS:]


def _spec(found: list[_Row], title: str, all_: int) -> dict[str, Any]:
    import altair as alt

    rows = list(_rows(found))
    ends = domain(
        [1.0, *(row["speed"] for row in rows)],
        [row.get(key) for row in rows for key in ("low", "high")],
    )
    scale, axis = axis_of(ends, "times as fast")
    x = alt.X("speed:Q", scale=scale, axis=axis)
    order = list(dict.fromkeys(row["label"] for row in rows))
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False))
    subtitle = words.not_shown(len(found), all_) if all_ > len(found) else ""
    return spec_of(
        alt.layer(*_layers(x, y)).properties(
            width=FRAME,
            height=alt.Step(ROW),
            title=alt.Title(title, subtitle=subtitle),
        ),
        NAME,
        rows,
    )


def _layers(x: alt.X, y: alt.Y) -> list[alt.Chart]:
    import altair as alt

    brackets = alt.Chart().transform_filter("datum.part === 'bracket'")
    sittings = alt.Chart().transform_filter("datum.part === 'sitting'")
    one = alt.Chart().transform_filter("datum.is_baseline")
    return [
        alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4], aria=False).encode(x=alt.XDatum(1)),
        sittings.mark_tick(
            color=QUIET, opacity=0.7, thickness=1.5, height=14, clip=True, aria=False
        ).encode(x=x, y=y),
        brackets.mark_rule(color=ACCENT, strokeWidth=3, clip=True, aria=False).encode(
            x=alt.X("low:Q"), x2="high:Q", y=y
        ),
        brackets.mark_point(color=ACCENT, filled=True, size=70, opacity=1).encode(
            x=x, y=y, description="text:N", tooltip=["machine:N", "text:N"]
        ),
        one.mark_point(color=ACCENT, filled=False, size=150, strokeWidth=2, aria=False).encode(
            x=x, y=y
        ),
        brackets.mark_text(align="left", aria=False).encode(
            x=alt.value(FRAME + 12), y=y, text="text:N"
        ),
    ]
