"""All results of some runs of one workload, as typed objects from which a report is written."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.capacity import (
    EpochTimes,
    GroupMemory,
    GroupTimes,
    epoch_times,
    group_memory,
    group_metrics,
    group_times,
)
from bench.analysis.cells import Cell, Group, Kind, groups, kind_of
from bench.analysis.columns import Frame
from bench.analysis.conditions import (
    Disturbances,
    Looks,
    WatchedJob,
    disturbances,
    looks,
    unseen,
    watched_jobs,
)
from bench.analysis.contenders import Contender, contenders
from bench.analysis.cost import GroupCost, group_costs, why_no_energy
from bench.analysis.curves import Curve, curves
from bench.analysis.effects import Effects
from bench.analysis.failures import Unmeasured, unmeasured
from bench.analysis.frames import epochs_frame, jobs_frame
from bench.analysis.gate import CellGate, cell_gates, longest, wrong_cells, wrong_recipes
from bench.analysis.job_counts import JobCounts, counted_jobs
from bench.analysis.limits import GroupLimits, Roofline, roofline
from bench.analysis.machines import Machine, machines
from bench.analysis.pooling import MeasuredJob, measured_jobs
from bench.analysis.ranks import Ranking, rankings
from bench.analysis.reference import (
    MetricComparison,
    PublishedRun,
    Relative,
    comparison,
    published_runs,
    relatives,
)
from bench.analysis.sameness import Sameness, sameness
from bench.analysis.threads import ThreadScaling, thread_scalings
from bench.analysis.time_to_target import TimeToTarget, times_to_target
from bench.analysis.workload import workload_of
from bench.record.run import Run, merged
from bench.record.share import Share
from bench.spec.axes import Agreement, Calibrations, Reference
from bench.spec.description import Outline


@dataclass(frozen=True)
class GroupResult:
    """What is known of the jobs of one cell on one machine."""

    group: Group
    times: GroupTimes
    limits: GroupLimits
    relatives: tuple[Relative, ...]
    metrics: MetricComparison
    gate: CellGate


@dataclass(frozen=True)
class Results:
    """Everything that was measured, as typed results.

    `rankings` compare the mean steps of the `contenders` over all their common cells, and `by_kind`
    does so for each kind of job. `timed` are the contenders with the jobs that a machine trains
    wrong. `optimistic` holds the names of the machines on which some ceilings were measured only in
    disturbed jobs, so that shares may be too high.
    """

    outline: Outline
    reference: Reference | None
    shares: tuple[Share, ...]
    measured: tuple[MeasuredJob, ...]
    machines: tuple[Machine, ...]
    groups: tuple[GroupResult, ...]
    epochs: tuple[tuple[Group, EpochTimes], ...]
    memory: tuple[tuple[Group, GroupMemory], ...]
    costs: tuple[GroupCost, ...]
    timed: tuple[Contender, ...]
    contenders: tuple[Contender, ...]
    rankings: tuple[Ranking, ...]
    by_kind: Mapping[Kind, tuple[Ranking, ...]]
    targets: tuple[TimeToTarget, ...]
    threads: tuple[ThreadScaling, ...]
    curves: tuple[Curve, ...]
    published: tuple[PublishedRun, ...]
    sameness: Sameness
    watched: tuple[WatchedJob, ...]
    disturbances: Disturbances
    looks: Looks
    unseen: Mapping[str, tuple[str, ...]]
    no_energy: tuple[tuple[str, str], ...]
    unmeasured: tuple[Unmeasured, ...]
    counts: JobCounts
    optimistic: tuple[str, ...]

    @property
    def wrong(self) -> tuple[CellGate, ...]:
        """The jobs that a machine trains wrong: of a job and its read-offs, the longest."""
        return longest(result.gate for result in self.groups if result.gate.wrong)

    @property
    def measured_machines(self) -> tuple[Machine, ...]:
        """The machines on which a job was measured."""
        return tuple(machine for machine in self.machines if machine.jobs)

    @property
    def headline(self) -> Ranking | None:
        """The ranking of the most machines; None if no two machines have a cell in common."""
        found = next(iter(self.rankings), None)
        return found if found is not None and len(found.names) > 1 else None

    def contender(self, name: str) -> Contender:
        """Return the contender called `name`."""
        return self._contenders[name]

    @functools.cached_property
    def _contenders(self) -> Mapping[str, Contender]:
        return {one.name: one for one in self.contenders}

    @property
    def flaws(self) -> tuple[str, ...]:
        """The lines of the journals that do not count, each once, as the journals name them."""
        return tuple(dict.fromkeys(flaw for share in self.shares for flaw in share.warnings))

    @property
    def dataset_notes(self) -> dict[str, tuple[str, ...]]:
        """The notes on the data of some runs: the ids of the runs by note."""
        notes: dict[str, dict[str, None]] = {}
        for share in self.shares:
            if share.header.dataset_note:
                ids = notes.setdefault(share.header.dataset_note, {})
                ids[share.header.run_id] = None
        return {note: tuple(ids) for note, ids in notes.items()}


def analyse(runs: Sequence[Run], outline: Outline, reference: Reference | None = None) -> Results:
    """Return all results of `runs`.

    `outline` and `reference` are the program's own; `workload_of` says when they are used. Works
    for no run, for runs without a measurement, and for runs of unlike machines and data. Raises
    RequestError if the runs are of unlike workloads.
    """
    outline, reference = workload_of(runs, outline, reference)
    shares = merged(runs)
    measured = measured_jobs(shares)
    found = machines(shares, measured)
    names = {machine.key: machine.name for machine in found}
    epochs = _epochs(measured, names, outline)
    jobs = jobs_frame(measured, outline)
    final = jobs.finals
    watched, missing = watched_jobs(measured, names), unmeasured(runs, shares)
    rooflines = roofline(measured, jobs, outline)
    gates = cell_gates(measured, names, _calibrations(reference), outline)
    compared = functools.partial(contenders, measured, found, outline)
    wrong, timed = wrong_cells(gates), compared()
    running = compared(counts=lambda *cell: cell not in wrong) if wrong else timed
    fits = {one.name: fit for one in running if (fit := one.fits()) is not None}
    return Results(
        outline=outline,
        reference=reference,
        shares=tuple(shares),
        measured=measured,
        machines=found,
        groups=_group_results(jobs, rooflines, timed, gates, names, outline, reference),
        epochs=epochs,
        memory=tuple((one, group_memory(rows)) for one, rows in groups(final, outline, names)),
        costs=tuple(group_costs(final, measured, names, outline)),
        timed=timed,
        contenders=running,
        rankings=rankings(fits),
        by_kind=_rankings_by_kind(fits, outline),
        targets=times_to_target(running, measured, found, outline, wrong_recipes(wrong)),
        threads=thread_scalings(final, measured, found, outline),
        curves=curves(measured, names, outline),
        published=published_runs(reference, outline),
        sameness=sameness(jobs, measured, found, outline, _agreements(reference)),
        watched=watched,
        disturbances=disturbances(watched),
        looks=looks(shares),
        unseen=unseen(measured),
        no_energy=why_no_energy(measured),
        unmeasured=missing,
        counts=counted_jobs(shares, missing),
        optimistic=tuple(sorted(names[key] for key in rooflines.ceilings.disturbed)),
    )


def _calibrations(reference: Reference | None) -> Calibrations | None:
    return None if reference is None else reference.calibrations


def _agreements(reference: Reference | None) -> tuple[Agreement, ...]:
    return () if reference is None else reference.agreements


def _epochs(
    measured: Sequence[MeasuredJob], names: Mapping[str, str], outline: Outline
) -> tuple[tuple[Group, EpochTimes], ...]:
    """Return the times of each group in each epoch; the frame of all epochs is let go then."""
    frame = epochs_frame(measured, outline)
    found = groups(frame, outline, names, epochs="job_epochs", more=("epoch",))
    return tuple((group, epoch_times(rows, outline)) for group, rows in found)


def _rankings_by_kind(
    fits: Mapping[str, Effects], outline: Outline
) -> dict[Kind, tuple[Ranking, ...]]:
    """Return the rankings of the machines in each kind of job."""
    of_kind: dict[Kind, list[Cell]] = {}
    for cell in dict.fromkeys(cell for fit in fits.values() for cell in fit.cells):
        of_kind.setdefault(kind_of(cell, outline), []).append(cell)
    return {kind: rankings(fits, among=cells) for kind, cells in of_kind.items()}


def _group_results(
    jobs: Frame,
    rooflines: Roofline,
    timed: Sequence[Contender],
    gates: Sequence[CellGate],
    names: Mapping[str, str],
    outline: Outline,
    reference: Reference | None,
) -> tuple[GroupResult, ...]:
    results = []
    fitted = {one.machine.key: one for one in timed}
    gate_of = {(gate.machine_key, gate.cell): gate for gate in gates}
    for group, rows in groups(jobs, outline, names):
        cell = group.cell
        times = group_times(rows, cell, fitted.get(group.machine_key))
        metrics = group_metrics(rows, outline)
        results.append(
            GroupResult(
                group=group,
                times=times,
                limits=rooflines.of(group, rows, times.step_p10),
                relatives=relatives(cell, times.total, times.epoch, reference, outline),
                metrics=comparison(cell, len(rows), metrics, reference, outline),
                gate=gate_of[group.machine_key, cell],
            )
        )
    return tuple(results)
