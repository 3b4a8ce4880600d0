"""Measured sittings of one machine: all pairs of them compared, and their spread."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brackets import half_of
from shares import Table, percent
from worlds import rng_of

from bench.analysis.cells import Cell
from bench.analysis.comparison import Comparison, compare
from bench.analysis.effects import Effects
from bench.analysis.entrants import Side, entrants
from bench.analysis.pooling import MeasuredJob, measured_jobs
from bench.analysis.ranks import rankings
from bench.analysis.ratios import ratio, within_sitting
from bench.analysis.self_comparison import SelfComparison, compare_with_itself
from bench.analysis.sittings import span_hours
from bench.clock import minute
from bench.record.journal import find_journals, read_run
from bench.record.run import Run, merged
from bench.spec.description import Outline

#: Sittings a side of random splits, and how many splits of each size are compared.
SIDES, SPLITS = (2, 3, 6, 10), 200


@dataclass(frozen=True)
class Series:
    """Sittings of one machine in the order of time, and all pairs of them compared."""

    outline: Outline
    pairs: SelfComparison

    @property
    def jobs(self) -> tuple[tuple[MeasuredJob, ...], ...]:
        """The jobs of each sitting that count."""
        return tuple(part.side.jobs for part in self.pairs.parts)

    @property
    def fits(self) -> list[Effects]:
        """The fit of the mean step of each sitting."""
        return [part.fit("step") for part in self.pairs.parts]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that some sitting measured."""
        return tuple(self.pairs.whole.fit("step").cells)

    def measured(self, *cells: Cell) -> list[Effects]:
        """The fits of the sittings that measured all of these cells."""
        return [fit for fit in self.fits if all(cell in fit.cells for cell in cells)]

    def split(self, first: Sequence[int], second: Sequence[int]) -> Comparison:
        """Return how two groups of sittings compare, as if they were two machines."""
        sides = [
            Side(name, tuple(job for place in places for job in self.jobs[place]))
            for name, places in (("a", first), ("b", second))
        ]
        return compare(entrants(sides, self.outline))


def complete_runs(folder: Path) -> list[Run]:
    """Return the complete runs of a folder of journals, the oldest first. Exits if it has none."""
    runs = [run for run in map(read_run, find_journals(folder)) if run.complete]
    if not runs:
        raise SystemExit(f"{folder} holds no journal of a complete run")
    return runs


def series(folder: Path) -> Series:
    """Return the sittings in a folder, each a complete run of the same machine."""
    runs = complete_runs(folder)
    outline = runs[0].header.workload
    whole = Side("machine", tuple(measured_jobs(merged(runs))))
    return Series(outline, compare_with_itself(whole, outline))


def thread_table(folder: Path) -> Table:
    """Return how the labels of a folder's journals compare, in each kind of job and in the mean."""
    runs = complete_runs(folder)
    labels = sorted({run.header.label for run in runs})
    jobs = measured_jobs(merged(runs))
    sides = [Side(name, tuple(job for job in jobs if job.record.label == name)) for name in labels]
    fits = {one.name: one.fit("step") for one in entrants(sides, runs[0].header.workload)}
    cells = dict.fromkeys(cell for fit in fits.values() for cell in fit.cells)
    ranked = [(_name(cell), rankings(fits, among=[cell])) for cell in cells]
    ranked.append(("mean over all kinds", rankings(fits)))
    facts, began = runs[0].records[0].machine, runs[0].header.started_at
    return Table(
        "threads",
        f"Measured {began[:10]} on {facts.cpu_model}, {facts.usable_cpus:g} CPUs; {len(runs)} "
        f"sittings of {len(runs[0].records)} jobs. Pairs of one kind of job are a family (Holm).",
        ("kind of job", "first", "second", "sittings", "first is as fast as", "finding"),
        tuple(
            (
                kind,
                pair.first,
                pair.second,
                f"{pair.ratio.sittings[0]}, {pair.ratio.sittings[1]}",
                f"{bounds.estimate:.3f} ({bounds.low:.3f} to {bounds.high:.3f})",
                "told apart" if pair.finding.apart else pair.finding.value,
            )
            for kind, found in ranked
            for ranking in found
            for pair in ranking.pairs
            for bounds in [pair.ratio.interval()]
        ),
    )


def sitting_tables(folder: Path) -> Iterator[Table]:
    """Yield the tables of the sittings in a folder: pairs, larger groups, and the spread."""
    found = series(folder)
    where = _where(found)
    yield Table(
        "pairs",
        f"{where} Each pair of sittings is compared as two machines of one sitting each.",
        ("compared", "pairs", "called different", "called different by brackets of these sittings"),
        tuple(_pair_rows(found)),
    )
    yield Table(
        "splits",
        f"{where} Groups of sittings are compared as two machines, over all cells; random groups "
        f"are drawn {SPLITS} times.",
        ("groups", "comparisons", "called different", "half-width, median"),
        tuple(_split_rows(found)),
    )
    yield Table(
        "spread",
        where,
        (
            *("cell", "mean step, ms", "spread between sittings (standard deviation of logs)"),
            "slowest to fastest sitting",
        ),
        tuple(_spread_rows(found)),
    )


def _where(found: Series) -> str:
    sittings = [one for part in found.pairs.parts for one in part.contender.sittings]
    jobs = sum(fit.jobs for fit in found.fits)
    whole = found.pairs.whole.contender
    lost = whole.sittings_aside
    none = f" {lost} more sittings had disturbed jobs only." if lost else ""
    facts = found.jobs[0][0].record.machine
    began = minute(min(one.began_at for one in sittings))
    return (
        f"{len(found.jobs)} sittings within {span_hours(sittings):.1f} hours from {began} UTC on "
        f"{facts.cpu_model}, {facts.usable_cpus:g} CPUs; {jobs} jobs count, {whole.disturbed} of "
        f"them disturbed; {whole.aside} more disturbed jobs count for nothing.{none}"
    )


def _pair_rows(found: Series) -> Iterator[tuple[str, ...]]:
    pairs = found.pairs.comparisons
    here = sum(one.within(one.leaders).finding().apart for one in pairs)
    yield (
        "all cells",
        str(len(pairs)),
        _of(len(found.pairs.different), len(pairs)),
        _of(here, len(pairs)),
    )
    for cell in found.cells:
        both = list(itertools.combinations(found.measured(cell), 2))
        speeds = [ratio(first, second, [cell]) for first, second in both]
        near = [within_sitting(first, second, [cell]) for first, second in both]
        counts = [sum(one.finding().apart for one in kind) for kind in (speeds, near)]
        yield _name(cell), str(len(speeds)), *(_of(count, len(speeds)) for count in counts)


def _of(hits: int, pairs: int) -> str:
    return f"{hits} ({percent(hits / pairs)})" if pairs else "n/a"


def _split_rows(found: Series) -> Iterator[tuple[str, ...]]:
    count, rng = len(found.jobs), rng_of(11)
    order = [*range(count)]
    known = {"first half, second half": [(order[: count // 2], order[count // 2 :])]}
    known["odd, even"] = [(order[::2], order[1::2])]
    for side in SIDES:
        if 2 * side <= count:
            drawn = [rng.permutation(count)[: 2 * side].tolist() for _ in range(SPLITS)]
            known[f"{side}, {side} at random"] = [(one[:side], one[side:]) for one in drawn]
    for name, splits in known.items():
        shown = [found.split(*split).leaders for split in splits]
        apart = sum(pair.finding.apart for pair in shown)
        half = statistics.median(half_of(pair.ratio) for pair in shown)
        yield name, str(len(shown)), _of(apart, len(shown)), percent(math.expm1(half))


def _spread_rows(found: Series) -> Iterator[tuple[str, ...]]:
    for cell in found.cells:
        logs = [fit.cells[cell].mean for fit in found.measured(cell)]
        yield _name(cell), f"{1000 * math.exp(statistics.fmean(logs)):.3g}", *_spread(logs)
    complete = found.measured(*found.cells)
    logs = [statistics.fmean(fit.cells[cell].mean for cell in found.cells) for fit in complete]
    yield "mean over all cells", "", *_spread(logs)
    yield "noise floor of one sitting a side", "", percent(math.expm1(found.pairs.floor)), ""


def _spread(logs: Sequence[float]) -> tuple[str, str]:
    spread = statistics.stdev(logs) if len(logs) > 1 else math.nan
    return percent(spread), f"{math.exp(max(logs) - min(logs)):.3f}"


def _name(cell: Cell) -> str:
    """Return the axes of a cell that a reader needs."""
    named: Mapping[str, object] = dict(cell.axes)
    words = [str(named[axis]) for axis in ("model", "optimizer") if axis in named]
    return " ".join([*words, f"{cell.epochs} ep"])
