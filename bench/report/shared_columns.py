"""What several tables share: the columns and values of a job, of its metrics, and of intervals."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.analysis.cells import (
    Cell,
    Group,
    Kind,
    column_axes,
    heading_axes,
    kind_of,
    separating_axes,
    unmarked_axes,
)
from bench.analysis.estimates import Estimate
from bench.analysis.intervals import Interval
from bench.record.conditions import Interference
from bench.report.column import Column
from bench.report.words import gate, notes
from bench.report.words.lists import and_list
from bench.spec.axes import Axis, Metric
from bench.spec.description import Outline
from bench.spec.job import NO_DATA

if TYPE_CHECKING:
    from bench.analysis.ranks import RankSet
    from bench.analysis.ratios import Ratio
    from bench.analysis.results import GroupResult, Results

#: Significant digits of a metric that has no fixed number of decimals.
SIGNIFICANT = 3

#: The bases of a speed beside a published machine, the most telling basis first.
BASES = ("total", "epoch", None)

#: The `source` of a measured row.
MEASURED = "measured"

MACHINE = Column("machine", "machine", width=28)

#: Keys that have a meaning in rows; an axis or a metric with such a name gets a prefix.
RESERVED = frozenset(
    {
        *("machine", "source", "machine_key", "machine_id", "kind", "job", "epochs", "job_epochs"),
        *("dataset", "data_digest", "n", "seed", "repeat", "label", "run_id", "job_id", "attempt"),
        *("placed_by", "epoch", "disturbed", "device", "against", "basis", "conclusion"),
        *("total_s", "epoch_s", "train_s", "wall_s", "cpu_s", "first_step_s", "rss_bytes"),
        *("step_flops", "step_bytes", "regime", "peak_bytes", "joules", "tolerance", "price"),
        *("threads", "speedup", "efficiency", "finding", "fastest", "cpus_used"),
        *("seeds", "evaluated", "best_epoch", "lost", "worse_seeds", "gap_at_best", "gap_at_end"),
        *Interference.model_fields,
    }
)


@dataclass(frozen=True)
class Naming:
    """The keys of rows that hold the axes and metrics of a workload."""

    outline: Outline

    def axis(self, name: str) -> str:
        """Return the key of an axis: its name, unless that has another meaning in rows."""
        return f"axis_{name}" if name in RESERVED else name

    def metric(self, name: str) -> str:
        """Return the key of a metric: its name, unless that has another meaning in rows."""
        taken = name in RESERVED or any(axis.name == name for axis in self.outline.axes)
        return f"metric_{name}" if taken else name


def source_of(year: str) -> str:
    """Return the `source` of a published row."""
    return f"published {year}, rounded"


@functools.lru_cache(maxsize=2**14)
def cell_row(cell: Cell, outline: Outline, epochs: str = "epochs") -> Mapping[str, Any]:
    """Return the part of a row that describes a cell; `epochs` is the key of its epochs.

    Rows of all machines share it.
    """
    naming, known = Naming(outline), dict(cell.axes)

    def values(axes: tuple[Axis, ...]) -> dict[str, Any]:
        return {naming.axis(axis.name): known.get(axis.name) for axis in axes}

    return MappingProxyType(
        {
            **values(heading_axes(outline)),
            epochs: cell.epochs,
            **values(column_axes(outline)),
            "dataset": cell.dataset,
            **values(unmarked_axes(outline)),
            "data_digest": cell.data_digest,
            "job": job_text(cell, outline),
        }
    )


def recipe_row(recipe: Cell, outline: Outline) -> dict[str, Any]:
    """Return the part of a row that describes a training of any number of epochs."""
    row = cell_row(recipe, outline)
    return {key: value for key, value in row.items() if key not in ("job", "epochs")}


def job_text(cell: Cell, outline: Outline) -> str:
    """Return the name of a job: its heading, its epochs (`15 ep`), and true unmarked axes."""
    values = [
        axis.mark.format(value)
        for axis in heading_axes(outline)
        if (value := cell.value(axis.name)) is not None
    ]
    more = [f"({axis.title})" for axis in unmarked_axes(outline) if cell.value(axis.name) is True]
    return " ".join([*values, f"{cell.epochs} ep", *more])


def kind_text(kind: Kind, results: Results) -> str:
    """Return a kind of job in words; with its dataset unless that needs no mention."""
    axes = separating_axes(results.outline)
    known = [
        (axis, value) for axis, value in zip(axes, kind.values, strict=True) if value is not None
    ]
    values = " ".join((axis.mark or "{}").format(value) for axis, value in known)
    if kind.dataset == _usual_dataset(results):
        return values or "all jobs"
    return f"{values} on {kind.dataset} data".strip()


def _usual_dataset(results: Results) -> str:
    """Return the dataset that needs no mention: the one of the reference, or the only one."""
    if results.reference is not None:
        return results.reference.dataset
    names = results.sameness.datasets
    return names[0] if len(names) == 1 else NO_DATA


def group_row(group: Group, outline: Outline, epochs: str = "epochs") -> dict[str, Any]:
    """Return the head of a measured group's row."""
    return {
        "machine": group.machine,
        "source": MEASURED,
        "machine_key": group.machine_key,
        **cell_row(group.cell, outline, epochs),
    }


def published_row(
    label: str, machine_key: str | None, source: str, cell: Cell, outline: Outline, **keys: str
) -> dict[str, Any]:
    """Return the head of a published row."""
    head = {"machine": label, "source": source, "machine_key": machine_key}
    return {**head, **cell_row(cell, outline, **keys)}


def group_columns(results: Results) -> tuple[Column, ...]:
    """Return the columns that name the machine and the job of a row."""
    outline, naming = results.outline, Naming(results.outline)
    told = [axis.title for axis in heading_axes(outline)]
    job = Column("job", "job", meaning=and_list([*told, "epochs"]))
    axes = [
        Column(
            naming.axis(axis.name),
            axis.title,
            "text" if axis.type in ("str", "bool") else "name",
            meaning=axis.meaning,
            foldable=True,
        )
        for axis in column_axes(outline)
    ]
    return (MACHINE, job, *axes, *dataset_columns(results))


def dataset_columns(results: Results) -> tuple[Column, ...]:
    """Return the column of the dataset; no column if no job reads data."""
    if all(name == NO_DATA for name in results.sameness.datasets):
        return ()
    return (Column("dataset", "data", meaning="the dataset", foldable=True),)


def metric_column(metric: Metric, naming: Naming, **changes: Any) -> Column:
    """Return the column of a metric."""
    fields: dict[str, Any] = {
        "key": naming.metric(metric.name),
        "heading": metric.title,
        "form": "number" if metric.digits is None else "decimal",
        "meaning": metric.meaning,
        "unit": metric.unit,
        "better": metric.better,
        "digits": SIGNIFICANT if metric.digits is None else metric.digits,
    }
    return Column(**{**fields, **changes})


def warnings(results: Results) -> tuple[str, ...]:
    """Return the notes of every table: which runs used other data than the user asked for."""
    of_all = {share.header.run_id for share in results.shares}
    return tuple(
        notes.data(note, () if set(ids) == of_all else ids)
        for note, ids in results.dataset_notes.items()
    )


def nothing_compared(results: Results) -> str:
    """Return why no machine is compared with another one."""
    return notes.ONE_MEASURED if len(results.measured_machines) < 2 else notes.NONE_IN_COMMON


def trained_wrong(results: Results) -> tuple[str, ...]:
    """Return a sentence for each job that a machine trains wrong."""
    metrics = {metric.name: metric for metric in results.outline.metrics}
    return tuple(
        gate.wrong(one, job_text(one.cell, results.outline), metrics) for one in results.wrong
    )


def rank_text(rank: RankSet, to: str = "to") -> str:
    """Return `1` or `1 to 3`; `to` is the word between two ranks."""
    return str(rank.first) if rank.first == rank.last else f"{rank.first} {to} {rank.last}"


def telling(results: Results) -> list[GroupResult]:
    """Return the most telling group of each machine and kind of job.

    A group tells more if it stands beside a published total, then by its epochs and its jobs. The
    groups of a machine are in this order too.
    """
    best: dict[tuple[str, Kind], GroupResult] = {}
    place = {machine.key: number for number, machine in enumerate(results.machines)}
    for result in sorted(results.groups, key=_weight):
        kind = kind_of(result.group.cell, results.outline)
        best.setdefault((result.group.machine_key, kind), result)
    return sorted(best.values(), key=lambda result: place[result.group.machine_key])


def _weight(result: GroupResult) -> tuple[int, int, int]:
    basis = next((one.basis for one in result.relatives if one.basis), None)
    return (BASES.index(basis), -result.group.cell.epochs, -result.times.n)


def bounded(
    name: str, found: Estimate | Ratio | Interval | None, unit: str = "", factor: float = 1.0
) -> dict[str, float | None]:
    """Return an estimate with its bounds, multiplied by `factor`, as three values of a row.

    The estimate's key is `name_unit`; `bound_keys` gives the keys of its bounds.
    """
    key, keys = f"{name}_{unit}" if unit else name, bound_keys(name, unit)
    if found is None:
        return dict.fromkeys((key, *keys))
    bounds = found if isinstance(found, Interval) else found.interval()
    scaled = bounds.times(factor)
    return {key: scaled.estimate, keys[0]: scaled.low, keys[1]: scaled.high}


def bound_keys(name: str, unit: str = "") -> tuple[str, str]:
    """Return the keys of the bounds of the interval called `name`."""
    end = f"_{unit}" if unit else ""
    return f"{name}_low{end}", f"{name}_high{end}"
