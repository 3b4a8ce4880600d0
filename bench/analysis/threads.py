"""What more threads give on one machine: speed-up and efficiency by cell, and where they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.cells import Cell, Group, groups, median
from bench.analysis.columns import Frame
from bench.analysis.effects import Effects, Timing, fit_effects
from bench.analysis.machines import Machine
from bench.analysis.pooling import MeasuredJob
from bench.analysis.priors import table_prior
from bench.analysis.ranks import holm
from bench.analysis.ratios import Finding, Ratio, within_sitting
from bench.analysis.sittings import RECORD_KEY, RecordKey, Sitting, key_of, sittings
from bench.analysis.warmup import steady_epochs
from bench.spec.description import Outline

#: The axis that is added to a cell while the counts of threads are fitted together.
_THREADS = "threads asked"


@dataclass(frozen=True)
class ThreadPoint:
    """A cell with one number of threads, on one machine.

    `step_s` is the mean step, freed from the effects of sittings. `speedup` is the speed over that
    with the fewest threads, and `beside` the speed over the fastest of all smaller numbers of
    threads; both are None for the fewest threads. `finding` says what `beside` shows among all
    numbers of the cell. `cpus` is how many CPUs a job kept busy in its steady epochs.
    """

    threads: int
    jobs: int
    step_s: float
    speedup: Ratio | None
    beside: Ratio | None
    finding: Finding | None
    cpus: float | None


@dataclass(frozen=True)
class ThreadScaling:
    """A cell that a host measured with several numbers of threads, the fewest first."""

    host: str
    cell: Cell
    points: tuple[ThreadPoint, ...]

    @property
    def base(self) -> ThreadPoint:
        """The fewest threads."""
        return self.points[0]

    @property
    def fastest(self) -> ThreadPoint:
        """The number of threads with the shortest mean step."""
        return min(self.points, key=lambda point: -_log(point.speedup))

    @property
    def jobs(self) -> int:
        """The number of jobs."""
        return sum(point.jobs for point in self.points)

    @property
    def slower(self) -> tuple[ThreadPoint, ...]:
        """The points with more threads than the fastest one."""
        return self.points[self.points.index(self.fastest) + 1 :]

    @property
    def costs_from(self) -> int | None:
        """The number of threads from which more threads cost; None if none is shown to."""
        costing = (one.threads for one in self.slower if one.finding is Finding.SLOWER)
        return next(costing, None)

    def efficiency(self, point: ThreadPoint) -> float:
        """Return the speed-up of a point over how many times as many threads it took."""
        times = 1.0 if point.speedup is None else point.speedup.times
        return times * self.base.threads / point.threads


@dataclass(frozen=True)
class _Row:
    """A job of a host; `cell` holds its threads too."""

    cell: Cell
    sitting: Sitting
    seconds: float
    cpus: float | None
    disturbed: bool


def thread_scalings(
    final: Frame,
    measured: Sequence[MeasuredJob],
    machines: Sequence[Machine],
    outline: Outline,
) -> tuple[ThreadScaling, ...]:
    """Return every cell of every host that was measured with several numbers of threads.

    `final` holds the final rows of the frame of jobs. All cells and threads of a host are fitted
    together, so that a sitting's effect, which slows all of them alike, drops out of a speed-up.
    A disturbed job counts only if its cell has no quiet job.
    """
    entries = {machine.key: machine for machine in machines if machine.threads is not None}
    asked: dict[str, set[int]] = {}
    for entry in entries.values():
        asked.setdefault(entry.host, set()).add(entry.threads.asked if entry.threads else 0)
    several = {key for key, entry in entries.items() if len(asked[entry.host]) > 1}
    if not several:
        return ()
    final = final.where("machine_key", several.__contains__)
    measured = [job for job in measured if job.machine_key in several]
    rows: dict[str, list[_Row]] = {}
    for entry, row in _rows(final, measured, entries, outline):
        rows.setdefault(entry.host, []).append(row)
    facts = {entry.host: entry.facts for entry in entries.values()}
    found: list[ThreadScaling] = []
    for host, all_rows in rows.items():
        quiet = {row.cell for row in all_rows if not row.disturbed}
        kept = [row for row in all_rows if not row.disturbed or row.cell not in quiet]
        cells = _by_cell(kept)
        if any(len(by_threads) > 1 for by_threads in cells.values()):
            timings = [Timing(row.cell, row.sitting, row.seconds) for row in kept]
            fit = fit_effects(timings, table_prior(facts[host]))
            found += [
                ThreadScaling(host, cell, _points(cell, by_threads, fit))
                for cell, by_threads in cells.items()
                if len(by_threads) > 1
            ]
    return tuple(found)


def _rows(
    final: Frame,
    measured: Sequence[MeasuredJob],
    entries: Mapping[str, Machine],
    outline: Outline,
) -> Iterator[tuple[Machine, _Row]]:
    """Yield each job whose mean step is known, with the machine that it ran on."""
    when, cpus = sittings(measured), _cpus(measured)
    names = {key: entry.name for key, entry in entries.items()}
    for group, frame in groups(final, outline, names):
        entry = entries[group.machine_key]
        cell = _with_threads(group, entry)
        for step_s, flag, *who in frame.rows(("step_mean_s", "flag", *RECORD_KEY)):
            if step_s is not None and step_s > 0:
                key = tuple(who)
                yield entry, _Row(cell, when[key], step_s, cpus[key], flag == "disturbed")


def _with_threads(group: Group, entry: Machine) -> Cell:
    assert entry.threads is not None, "only machines that measured a job have groups"
    return replace(group.cell, axes=(*group.cell.axes, (_THREADS, entry.threads.asked)))


def _cpus(measured: Sequence[MeasuredJob]) -> dict[RecordKey, float | None]:
    """Return how many CPUs each job kept busy in its steady epochs."""
    found: dict[RecordKey, float | None] = {}
    for job in measured:
        epochs = steady_epochs(job.measurement.epochs)
        wall_s = sum(epoch.wall_s for epoch in epochs)
        found[key_of(job)] = sum(epoch.cpu_s for epoch in epochs) / wall_s if wall_s else None
    return found


def _by_cell(rows: Sequence[_Row]) -> dict[Cell, dict[int, list[_Row]]]:
    """Return the rows by cell and by threads, the fewest threads first."""
    found: dict[Cell, dict[int, list[_Row]]] = {}
    for row in sorted(rows, key=lambda one: _threads(one.cell)):
        *axes, _ = row.cell.axes
        by_threads = found.setdefault(replace(row.cell, axes=tuple(axes)), {})
        by_threads.setdefault(_threads(row.cell), []).append(row)
    return found


def _threads(cell: Cell) -> int:
    return int(cell.axes[-1][1])


def _points(
    cell: Cell, by_threads: Mapping[int, Sequence[_Row]], fit: Effects
) -> tuple[ThreadPoint, ...]:
    """Return the points of a cell; the comparisons of its points are one family (Holm)."""
    alone = {
        threads: replace(fit, cells={cell: fit.cells[rows[0].cell]})
        for threads, rows in by_threads.items()
    }
    base, *more = by_threads
    best = base
    beside: dict[int, Ratio] = {}
    for threads in more:
        beside[threads] = within_sitting(alone[threads], alone[best])
        best = threads if beside[threads].log > 0 else best
    sure = dict(zip(more, holm([one.p_value for one in beside.values()]), strict=True))
    points = []
    for threads, rows in by_threads.items():
        own = beside.get(threads)
        points.append(
            ThreadPoint(
                threads=threads,
                jobs=len(rows),
                step_s=math.exp(alone[threads].cells[cell].mean),
                speedup=None if own is None else within_sitting(alone[threads], alone[base]),
                beside=own,
                finding=None if own is None else own.finding(sure=sure[threads]),
                cpus=median(row.cpus for row in rows),
            )
        )
    return tuple(points)


def _log(speedup: Ratio | None) -> float:
    return 0.0 if speedup is None else speedup.log
