"""Grids of jobs: changed by the command line, and expanded to the jobs that they stand for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from bench.errors import RequestError
from bench.spec.axes import ALL, Value
from bench.spec.description import Description
from bench.spec.frozen import Frozen
from bench.spec.job import DEFAULT_SEED, NO_DATA, AxisValue, JobSpec, When, make_job
from bench.spec.limits import (
    EACH_ONCE,
    Count,
    Repeats,
    Seed,
    check_count,
    check_sizes,
)
from bench.text import did_you_mean


class SubGrid(Frozen):
    """A small full product of values; a grid is a union of such products.

    `axes` holds the values by the name of the axis. A job is evaluated after the epochs of
    `read_off` too, with its clock stopped. In `threads`, None stands for `max`.
    """

    axes: dict[str, Annotated[tuple[AxisValue, ...], EACH_ONCE]]
    epochs: Annotated[tuple[Count, ...], EACH_ONCE] = Field(min_length=1)
    seeds: Annotated[tuple[Seed, ...], EACH_ONCE] = Field(default=(DEFAULT_SEED,), min_length=1)
    threads: Annotated[tuple[int | None, ...], EACH_ONCE] = Field(default=(None,), min_length=1)
    read_off: Annotated[tuple[Count, ...], EACH_ONCE] = ()
    evaluate: When = "end"
    repeats: Repeats = 1


class GridSpec(Frozen):
    """A named set of jobs."""

    name: str = Field(min_length=1)
    about: str = ""
    subgrids: tuple[SubGrid, ...] = Field(min_length=1)


@dataclass(frozen=True)
class GridChanges:
    """What the command line puts in place of a grid's own values; empty or None: unchanged.

    `axes` holds values by the name of the axis. In `threads`, None stands for `max`.
    """

    axes: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    epochs: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    threads: tuple[int | None, ...] = ()
    evaluate: When | None = None
    repeats: int | None = None


def check_choices(
    values: Mapping[str, Sequence[Value]], description: Description, place: str
) -> None:
    """Raise RequestError for the first value, by axis name, that its axis does not know."""
    for axis in description.axes:
        for value in values.get(axis.name, ()):
            if axis.known and value not in axis.known:
                words = [str(one) for one in axis.known]
                hint = did_you_mean(str(value), words)
                raise RequestError(
                    f"{place}: unknown value for {axis.key}",
                    seen=repr(value),
                    next_step=f"{hint}use one of {', '.join(words)}",
                )


def override(grid: GridSpec, changes: GridChanges, description: Description) -> GridSpec:
    """Return `grid` with the values of `changes`, which are checked, in every sub-grid.

    A sub-grid is about the values of a separating axis, such as its models: if such values are
    given, sub-grids that have none of them are left out, unless no sub-grid has any. If the epochs
    are replaced, read-offs from the last epoch on are left out.
    """
    subgrids = []
    for sub in _about(grid.subgrids, changes, description):
        epochs = changes.epochs or sub.epochs
        subgrids.append(
            SubGrid(
                axes={**sub.axes, **{name: v for name, v in changes.axes.items() if v}},
                epochs=epochs,
                seeds=changes.seeds or sub.seeds,
                threads=changes.threads or sub.threads,
                read_off=tuple(epoch for epoch in sub.read_off if epoch < max(epochs)),
                evaluate=changes.evaluate or sub.evaluate,
                repeats=changes.repeats or sub.repeats,
            )
        )
    return grid.model_copy(update={"subgrids": tuple(subgrids)})


def with_available(grid: GridSpec, description: Description) -> GridSpec:
    """Return `grid` with the word `all` replaced by the values that are available here."""
    subgrids = []
    for sub in grid.subgrids:
        axes = {
            axis.name: axis.available()
            if axis.available and ALL in sub.axes[axis.name]
            else sub.axes[axis.name]
            for axis in description.axes
        }
        subgrids.append(sub.model_copy(update={"axes": axes}))
    return grid.model_copy(update={"subgrids": tuple(subgrids)})


def expand(grid: GridSpec, description: Description, dataset: str = NO_DATA) -> list[JobSpec]:
    """Return the jobs of `grid` in grid order, each once. Raises RequestError for too many."""
    check_sizes([(_count(sub), len(sub.read_off)) for sub in grid.subgrids])
    jobs: dict[str, JobSpec] = {}
    for sub in grid.subgrids:
        values = [sub.axes[axis.name] for axis in description.axes]
        numbers = itertools.product(sub.epochs, sub.seeds, sub.threads, range(sub.repeats))
        for chosen, (epochs, seed, threads, repeat) in itertools.product(
            itertools.product(*values), tuple(numbers)
        ):
            job = make_job(
                description.axes,
                {axis.name: value for axis, value in zip(description.axes, chosen, strict=True)},
                epochs=epochs,
                seed=seed,
                dataset=dataset,
                read_off=tuple(epoch for epoch in sub.read_off if epoch < epochs),
                repeat=repeat,
                threads=threads,
                evaluate=sub.evaluate if epochs > 1 else "end",
            )
            jobs.setdefault(job.job_id, job)
        check_count(len(jobs))
    return list(jobs.values())


def _count(sub: SubGrid) -> int:
    lists = (*sub.axes.values(), sub.epochs, sub.seeds, sub.threads)
    return math.prod(map(len, lists)) * sub.repeats


def _about(
    subgrids: Sequence[SubGrid], changes: GridChanges, description: Description
) -> Sequence[SubGrid]:
    for axis in description.axes:
        if axis.separates:
            wanted = set(changes.axes.get(axis.name, ()))
            chosen = [sub for sub in subgrids if wanted & set(sub.axes[axis.name])]
            subgrids = chosen or subgrids
    return subgrids
