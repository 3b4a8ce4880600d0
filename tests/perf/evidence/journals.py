"""Measured sittings of one machine: all pairs of them compared, and their spread."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shares import Table, percent
from worlds import rng_of

from bench.analysis.cells import Cell
from bench.analysis.contenders import Contender, contenders
from bench.analysis.effects import Effects, Timing, fit_effects
from bench.analysis.frames import jobs_frame
from bench.analysis.machines import machines
from bench.analysis.pooling import measured_jobs
from bench.analysis.priors import table_prior
from bench.analysis.ranks import rankings
from bench.analysis.ratios import Finding, noise_floor, ratio, within_sitting
from bench.analysis.sittings import span_hours
from bench.record.facts import MachineFacts
from bench.record.journal import find_journals, read_run
from bench.record.run import Run, merged

APART = (Finding.FASTER, Finding.SLOWER)

#: Sittings a side of random splits, and how many splits of each size are compared.
SIDES, SPLITS = (2, 3, 6, 10), 200


@dataclass(frozen=True)
class Series:
    """Sittings of one machine, each as a machine of its own, in the order of time."""

    sittings: tuple[Contender, ...]
    facts: MachineFacts

    @property
    def hours(self) -> float:
        """The hours from the first sitting's start to the last one's end."""
        return span_hours(one for contender in self.sittings for one in contender.sittings)

    @property
    def fits(self) -> list[Effects]:
        """The fit of the mean step of each sitting."""
        return [contender.effects["step"] for contender in self.sittings]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that every sitting measured."""
        fits = self.fits
        return tuple(cell for cell in fits[0].cells if all(cell in fit.cells for fit in fits))


def series(folder: Path) -> Series:
    """Return the complete runs of a folder, each under a label of its own."""
    runs = [run for run in map(read_run, find_journals(folder)) if run.complete]
    labelled = [run.relabelled(f"sitting {number:02}") for number, run in enumerate(runs, 1)]
    return Series(_contenders(labelled), labelled[0].records[0].machine)


def _contenders(runs: Sequence[Run]) -> tuple[Contender, ...]:
    shares, outline = merged(runs), runs[0].header.workload
    measured = measured_jobs(shares)
    frame = jobs_frame(measured, outline)
    final = frame[frame["is_final"].astype(bool)]
    return contenders(final, measured, machines(shares, measured), outline)


def thread_table(folder: Path) -> Table:
    """Return how the machines of a folder's journals compare, as one family."""
    runs = [run for run in map(read_run, find_journals(folder)) if run.complete]
    found = _contenders(runs)
    ranking = rankings({contender.name: contender.effects["step"] for contender in found})[0]
    facts, began = runs[0].records[0].machine, runs[0].header.started_at
    return Table(
        "threads",
        f"Measured {began[:10]} on {facts.cpu_model}, {facts.usable_cpus:g} CPUs; {len(runs)} "
        f"sittings of {len(runs[0].records)} jobs. All pairs are one family (Holm).",
        ("first", "second", "sittings", "first is as fast as", "finding"),
        tuple(
            (
                pair.first,
                pair.second,
                f"{pair.ratio.sittings[0]}, {pair.ratio.sittings[1]}",
                f"{bounds.estimate:.3f} ({bounds.low:.3f} to {bounds.high:.3f})",
                "told apart" if pair.finding in APART else pair.finding.value,
            )
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
    jobs = sum(fit.jobs for fit in found.fits)
    aside = sum(contender.aside for contender in found.sittings)
    disturbed = sum(contender.disturbed for contender in found.sittings)
    first = min(one.began_at for contender in found.sittings for one in contender.sittings)
    return (
        f"{len(found.sittings)} sittings within {found.hours:.1f} hours from "
        f"{first[:16].replace('T', ' ')} UTC on {found.facts.cpu_model}, "
        f"{found.facts.usable_cpus:g} CPUs; {jobs} jobs count, {disturbed} of them disturbed; "
        f"{aside} more disturbed jobs count for nothing."
    )


def _pair_rows(found: Series) -> Iterator[tuple[str, ...]]:
    pairs = list(itertools.combinations(found.fits, 2))
    kinds = [("all cells", found.cells), *((_name(cell), (cell,)) for cell in found.cells)]
    for name, cells in kinds:
        apart = sum(ratio(*pair, cells).finding() in APART for pair in pairs)
        here = sum(within_sitting(*pair, cells).finding() in APART for pair in pairs)
        yield name, str(len(pairs)), _of(apart, len(pairs)), _of(here, len(pairs))


def _of(hits: int, pairs: int) -> str:
    return f"{hits} ({percent(hits / pairs)})" if pairs else "n/a"


def _split_rows(found: Series) -> Iterator[tuple[str, ...]]:
    count, rng = len(found.sittings), rng_of(11)
    halves = [*range(count)]
    known = {"first half, second half": [(halves[: count // 2], halves[count // 2 :])]}
    known["odd, even"] = [(halves[::2], halves[1::2])]
    for side in SIDES:
        if 2 * side <= count:
            drawn = [rng.permutation(count)[: 2 * side].tolist() for _ in range(SPLITS)]
            known[f"{side}, {side} at random"] = [(one[:side], one[side:]) for one in drawn]
    for name, splits in known.items():
        shown = [_split(found, *split) for split in splits]
        apart = sum(is_apart for is_apart, _ in shown)
        half = statistics.median(half for _, half in shown)
        yield name, str(len(shown)), _of(apart, len(shown)), percent(math.expm1(half))


def _split(found: Series, first: Sequence[int], second: Sequence[int]) -> tuple[bool, float]:
    """Return whether two groups of sittings are called different, and half of the bracket."""
    (ranking,) = rankings({"a": _pooled(found, first), "b": _pooled(found, second)})
    (pair,) = ranking.pairs
    high = pair.ratio.interval().high
    assert high is not None
    return pair.finding in APART, math.log(high) - pair.ratio.log


def _pooled(found: Series, places: Sequence[int]) -> Effects:
    """Return the fit of some sittings as those of one machine; each cell counts once a sitting."""
    timings = [
        Timing(cell, place, math.exp(effect.mean))
        for place in places
        for cell, effect in found.fits[place].cells.items()
    ]
    return fit_effects(timings, table_prior(found.facts))


def _spread_rows(found: Series) -> Iterator[tuple[str, ...]]:
    for cell in found.cells:
        logs = [fit.cells[cell].mean for fit in found.fits]
        yield _name(cell), f"{1000 * math.exp(statistics.fmean(logs)):.3g}", *_spread(logs)
    logs = [statistics.fmean(fit.cells[cell].mean for cell in found.cells) for fit in found.fits]
    yield "mean over all cells", "", *_spread(logs)
    floor = noise_floor(_pooled(found, range(len(found.fits))))
    yield "noise floor of one sitting a side", "", percent(math.expm1(floor)), ""


def _spread(logs: Sequence[float]) -> tuple[str, str]:
    spread = statistics.stdev(logs) if len(logs) > 1 else math.nan
    return percent(spread), f"{math.exp(max(logs) - min(logs)):.3f}"


def _name(cell: Cell) -> str:
    """Return the axes of a cell that a reader needs."""
    named: Mapping[str, object] = dict(cell.axes)
    words = [str(named[axis]) for axis in ("model", "optimizer") if axis in named]
    return " ".join([*words, f"{cell.epochs} ep"])
