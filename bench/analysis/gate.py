"""The convergence gate: which machines train fast but wrong, judged by calibrations over seeds.

All the checks of a cell together mark a healthy cell once in a thousand times. A report of a full
grid holds some tens of cells, so a healthy machine is marked in a few reports of a hundred at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.analysis.cells import Cell
from bench.analysis.pooling import MeasuredJob
from bench.analysis.prediction import Check, checked
from bench.analysis.reference import Unlike, first_unlike
from bench.record.measurement import Evaluation, Measurement
from bench.spec.axes import Calibration, Calibrations
from bench.spec.description import Outline

#: Why jobs are not judged.
NotJudged = Unlike | Literal["no calibration", "not calibrated", "other dataset", "other data"]


@dataclass(frozen=True, slots=True)
class CellGate:
    """How the jobs of one cell on one machine ended; read-offs count as jobs of their epochs.

    Of `jobs` jobs, `outside` lie outside of a prediction interval and `not_finite` hold a metric
    that is not finite. `worst` is the check that fails by most, or the closest one. `unknown` says
    why the metrics are not judged.
    """

    machine_key: str
    machine: str
    cell: Cell
    jobs: int
    outside: int
    not_finite: int
    worst: Check | None
    unknown: NotJudged | None

    @property
    def wrong(self) -> bool:
        """Whether the machine trains wrong in this cell, so that its speed is not ranked."""
        return bool(self.outside or self.not_finite)

    @property
    def converged(self) -> bool | None:
        """Whether every job ended as a healthy one does; None if that is not judged."""
        return False if self.wrong else None if self.unknown else True


#: A job as it was evaluated after some epochs.
_Ended = tuple[Measurement, Evaluation]


def converged(job: MeasuredJob, calibrations: Calibrations | None, outline: Outline) -> bool | None:
    """Return whether a job ended as a healthy one does; None if that is not judged.

    A job with a metric that is not finite did not, whatever was calibrated.
    """
    ended = [(job.measurement, job.measurement.final)]
    return _gate((job.machine_key, ""), job.cell(outline), ended, calibrations).converged


def cell_gates(
    measured: Iterable[MeasuredJob],
    names: Mapping[str, str],
    calibrations: Calibrations | None,
    outline: Outline,
) -> tuple[CellGate, ...]:
    """Return how the jobs of each cell of each machine ended; `names` are machines' by key."""
    cells: dict[tuple[str, Cell], list[_Ended]] = {}
    for job in measured:
        for evaluation in job.measurement.evaluations:
            cell = job.cell(outline, evaluation.epochs)
            cells.setdefault((job.machine_key, cell), []).append((job.measurement, evaluation))
    return tuple(
        _gate((key, names[key]), cell, ended, calibrations) for (key, cell), ended in cells.items()
    )


def wrong_cells(gates: Iterable[CellGate]) -> frozenset[tuple[str, Cell]]:
    """Return the machine's key and the cell wherever a machine trains wrong."""
    return frozenset((gate.machine_key, gate.cell) for gate in gates if gate.wrong)


def wrong_recipes(wrong: Iterable[tuple[str, Cell]]) -> frozenset[tuple[str, Cell]]:
    """Return the machine's key and the recipe (see `reach.recipe_of`) of each wrong cell.

    A job of more epochs passes through the states of a shorter one, so a machine that trains wrong
    for some number of epochs is trusted for no other number.
    """
    return frozenset((key, replace(cell, epochs=1)) for key, cell in wrong)


def longest(gates: Iterable[CellGate]) -> tuple[CellGate, ...]:
    """Return the gates without those of shorter read-offs of the same job and machine."""
    found: dict[tuple[str, Cell], CellGate] = {}
    for gate in gates:
        job = (gate.machine_key, replace(gate.cell, epochs=0))
        if job not in found or found[job].cell.epochs < gate.cell.epochs:
            found[job] = gate
    return tuple(found.values())


def why_not_judged(cell: Cell, calibrations: Calibrations | None) -> NotJudged | None:
    """Return why the jobs of a cell cannot be judged, None if they can."""
    if calibrations is None:
        return "no calibration"
    if cell.dataset != calibrations.dataset:
        return "other dataset"
    if calibrations.data_digest not in (None, cell.data_digest):
        return "other data"
    unlike = first_unlike(cell, calibrations.requires)
    if unlike is not None:
        return unlike
    return None if calibrations.of(dict(cell.axes), cell.epochs) else "not calibrated"


def _gate(
    machine: tuple[str, str],
    cell: Cell,
    ended: Sequence[_Ended],
    calibrations: Calibrations | None,
) -> CellGate:
    """Judge the jobs of one cell on one machine, which is given by its key and name."""
    unknown = why_not_judged(cell, calibrations)
    rows: tuple[Calibration, ...] = ()
    if calibrations is not None and unknown is None:
        rows = calibrations.of(dict(cell.axes), cell.epochs)
    finite = [evaluation for measured, evaluation in ended if _is_finite(measured, evaluation)]
    by_job = [checked(evaluation.metrics, rows, len(ended)) for evaluation in finite]
    return CellGate(
        *machine,
        cell=cell,
        jobs=len(ended),
        outside=sum(any(not check.passed for check in found) for found in by_job),
        not_finite=len(ended) - len(finite),
        worst=max((check for found in by_job for check in found), key=_excess, default=None),
        unknown=unknown,
    )


def _excess(check: Check) -> float:
    return check.excess


def _is_finite(measured: Measurement, evaluation: Evaluation) -> bool:
    """Say whether all metrics up to an evaluation are finite; a record keeps others as None."""
    epochs = (one.metrics for one in measured.epochs if one.epoch <= evaluation.epochs)
    return all(value is not None for one in (*epochs, evaluation.metrics) for value in one.values())
