"""A cell is what jobs share if they are replicates of each other; frames are grouped by cells."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.columns import Frame
from bench.spec.axes import Axis, Value
from bench.spec.description import Outline
from bench.spec.job import JobSpec

#: Prefixes of the columns of axes and metrics in a frame; the workload chooses the rest.
AXIS, METRIC = "axis.", "metric."


@dataclass(frozen=True)
class Cell:
    """What pooled jobs share: a value for each axis, the epochs and the data.

    `axes` are pairs of name and value; an axis without a known value is absent.
    """

    axes: tuple[tuple[str, Value], ...]
    epochs: int
    dataset: str
    data_digest: str | None

    def __post_init__(self) -> None:
        """Work out the hash once: a report looks cells up a hundred times for each job."""
        parts = (self.axes, self.epochs, self.dataset, self.data_digest)
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        """Return the hash of the fields."""
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a copy in another process from the fields: texts have other hashes there."""
        return Cell, (self.axes, self.epochs, self.dataset, self.data_digest)

    def value(self, axis: str) -> Value | None:
        """Return the value of the axis called `axis`, None if it is unknown."""
        for name, value in self.axes:
            if name == axis:
                return value
        return None


@dataclass(frozen=True)
class Kind:
    """A kind of job, within which machines are compared: separating axes' values and a dataset."""

    values: tuple[Value | None, ...]
    dataset: str


@dataclass(frozen=True, slots=True)
class Group:
    """The pooled jobs of one cell on one machine; `more` holds further columns of the group."""

    machine: str
    machine_key: str
    cell: Cell
    more: tuple[Any, ...] = ()


def axis_value(job: JobSpec, axis: Axis) -> Value | None:
    """Return the value of an axis in a job; the axis's default if the job holds none."""
    return job.axes.get(axis.name, axis.default)


@functools.lru_cache(maxsize=2**14)
def cell_of(job: JobSpec, epochs: int, data_digest: str | None, outline: Outline) -> Cell:
    """Return the cell of a job after `epochs` epochs on the data with this digest.

    Equal jobs have one cell, which is made once: each of them is asked for its cell ten times.
    """
    return Cell(known_axes(job, outline), epochs, job.dataset, data_digest)


def known_axes(job: JobSpec, outline: Outline) -> tuple[tuple[str, Value], ...]:
    """Return the names and values of the axes that are known of a job."""
    own = job.axes
    return tuple(
        [
            (axis.name, value)
            for axis in outline.axes
            if (value := own.get(axis.name, axis.default)) is not None
        ]
    )


def in_order(cells: Iterable[Cell], outline: Outline) -> list[Cell]:
    """Return cells in the order in which tables show them; an unknown value comes last."""
    axes = (*heading_axes(outline), *column_axes(outline), *unmarked_axes(outline))
    heading = len(heading_axes(outline))

    def key(cell: Cell) -> tuple[tuple[bool, Any], ...]:
        values: list[Any] = [cell.value(axis.name) for axis in axes]
        values = [*values[:heading], cell.epochs, *values[heading:], cell.dataset, cell.data_digest]
        return tuple((value is None, value) if value is not None else (True, 0) for value in values)

    return sorted(cells, key=key)


@functools.lru_cache(maxsize=64)
def heading_axes(outline: Outline) -> tuple[Axis, ...]:
    """Return the axes whose values are a job's heading."""
    return tuple(axis for axis in outline.axes if axis.always_marked)


@functools.lru_cache(maxsize=64)
def column_axes(outline: Outline) -> tuple[Axis, ...]:
    """Return the axes that are columns of their own."""
    return tuple(axis for axis in outline.axes if axis.mark and not axis.always_marked)


@functools.lru_cache(maxsize=64)
def unmarked_axes(outline: Outline) -> tuple[Axis, ...]:
    """Return the axes that never appear in a job's name."""
    return tuple(axis for axis in outline.axes if not axis.mark and not axis.always_marked)


@functools.lru_cache(maxsize=64)
def separating_axes(outline: Outline) -> tuple[Axis, ...]:
    """Return the axes that separate: machines are ranked for each of their values."""
    return tuple(axis for axis in outline.axes if axis.separates)


def ceiling_axes(outline: Outline) -> tuple[Axis, ...]:
    """Return the axes for each of whose values a machine has ceilings of its own."""
    return tuple(axis for axis in outline.axes if axis.sets_ceiling and not axis.pools_ceiling)


def pooled_axes(outline: Outline) -> tuple[Axis, ...]:
    """Return the axes over whose values a machine's ceilings are pooled: the fastest one counts."""
    return tuple(axis for axis in outline.axes if axis.pools_ceiling)


def batch_axis(outline: Outline) -> Axis | None:
    """Return the axis that is the number of samples in a step, None if there is none."""
    return next((axis for axis in outline.axes if axis.is_batch), None)


def kind_of(cell: Cell, outline: Outline) -> Kind:
    """Return the kind of job that a cell belongs to."""
    return Kind(tuple(cell.value(axis.name) for axis in separating_axes(outline)), cell.dataset)


def cell_columns(outline: Outline, epochs: str = "epochs") -> tuple[str, ...]:
    """Return the columns of a frame that make a cell, in the order in which groups are sorted.

    `epochs` names the column of the cell's epochs.
    """
    heading, columns, unmarked = (
        tuple(AXIS + axis.name for axis in axes)
        for axes in (heading_axes(outline), column_axes(outline), unmarked_axes(outline))
    )
    return (*heading, epochs, *columns, "dataset", *unmarked, "data_digest")


def groups(
    frame: Frame,
    outline: Outline,
    names: Mapping[str, str],
    *,
    epochs: str = "epochs",
    more: Sequence[str] = (),
) -> Iterator[tuple[Group, Frame]]:
    """Yield each group with the rows pooled in it, machine by machine.

    `names` holds the machines' names by key, in the order of the groups. The rows of a group also
    agree in the columns `more`.
    """
    columns = [*cell_columns(outline, epochs), *more]
    parts: dict[tuple[Any, ...], dict[str, list[int]]] = {}
    rows = zip(frame.places, frame["machine_key"], frame.rows(columns), strict=True)
    for place, key, values in rows:
        parts.setdefault(values, {}).setdefault(key, []).append(place)

    def order(values: tuple[Any, ...]) -> list[tuple[bool, Any]]:
        return [(True, 0) if one is None else (False, one) for one in values]

    found: dict[str, list[tuple[Group, list[int]]]] = {key: [] for key in names}
    for values in sorted(parts, key=order):
        told: dict[str, Any] = dict(zip(columns, values, strict=True))
        axes = tuple(
            (axis.name, value)
            for axis in outline.axes
            if (value := told[AXIS + axis.name]) is not None
        )
        cell = Cell(axes, told[epochs], told["dataset"], told["data_digest"])
        others = tuple(told[column] for column in more)
        for key, places in parts[values].items():
            found[key].append((Group(names[key], key, cell, others), places))
    for own in found.values():
        for group, places in own:
            yield group, Frame(frame.columns, places)


def median(values: Iterable[float | None]) -> float | None:
    """Return the median of the known values, None if none is known."""
    known = sorted([value for value in values if value is not None and value == value])
    middle, odd = divmod(len(known), 2)  # without what statistics.median checks, a million times
    if odd:
        return float(known[middle])
    return float((known[middle - 1] + known[middle]) / 2) if known else None


def mean(values: Iterable[float | None]) -> float | None:
    """Return the arithmetic mean of the known values, None if none is known."""
    known = [value for value in values if value is not None and value == value]
    return float(statistics.fmean(known)) if known else None


def whole_median(values: Iterable[float | None]) -> int | None:
    """Return the median of the known values as an integer, None if none is known."""
    found = median(values)
    return None if found is None else round(found)


def disturbed_count(rows: Frame) -> int | None:
    """Return how many rows are flagged `disturbed`, None if none was watched."""
    flags = rows["flag"]
    disturbed = flags.count("disturbed")
    return disturbed if disturbed or "quiet" in flags else None


def scaled(value: float | None, factor: float) -> float | None:
    """Return `value * factor`, None if it is unknown."""
    return None if value is None else value * factor
