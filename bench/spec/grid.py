"""Grids of jobs: read from YAML, changed by the command line, expanded, and put into order."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, ValidationError, create_model

from bench.errors import RequestError
from bench.spec.axes import ALL, Axis, Value
from bench.spec.description import Description
from bench.spec.frozen import Frozen
from bench.spec.job import DEFAULT_SEED, NO_DATA, AxisValue, JobSpec, When, make_job
from bench.spec.limits import (
    EACH_ONCE,
    Count,
    Repeats,
    Seed,
    check_count,
    check_read_off,
    check_sizes,
)
from bench.spec.threads import thread_count
from bench.text import did_you_mean

#: A number of threads as a grid names it; None stands for the word `max`.
Threads = Annotated[int | None, PlainValidator(thread_count)]

#: The keys of every grid beside the axes: keys that take a list of values, and other keys.
LISTS = ("epochs", "seeds", "threads", "read_off")
SINGLE = ("evaluate", "repeats")

#: The Python type of each type that an axis may have.
TYPES: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}

#: Where a user finds an example of a grid.
EXAMPLE = "see docs/grids.md for an example"


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


def parse_grid(document: Any, origin: str, description: Description) -> GridSpec:
    """Return the grid that `document` (parsed YAML) describes.

    Raises RequestError with the offending key and value.
    """
    if not isinstance(document, Mapping):
        raise RequestError(
            f"grid {origin} is not a mapping with the keys name and subgrids",
            seen=type(document).__name__,
            next_step=EXAMPLE,
        )
    written = {**document, "subgrids": _listed(document.get("subgrids"), description)}
    model = _written_grid(description)
    try:
        grid = model.model_validate(written)
    except ValidationError as error:
        raise _explained(error, origin, description) from None
    subgrids = tuple(_as_subgrid(sub, description) for sub in grid.subgrids)
    for number, sub in enumerate(subgrids):
        place = f"grid {origin}, subgrids[{number}]"
        check_choices(sub.axes, description, place)
        check_read_off(sub.read_off, sub.epochs, place)
    return GridSpec(name=grid.name, about=grid.about, subgrids=subgrids)


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


def shuffled(jobs: Iterable[JobSpec], order_seed: int | str) -> list[JobSpec]:
    """Return `jobs` in a seeded order, so that slow drift of a machine does not favour one kind.

    `random.Random.shuffle` is stable across Python versions for one seed; jobs are first sorted
    by id, so the order depends on the set of jobs alone.
    """
    ordered = sorted(jobs, key=lambda job: job.job_id)
    random.Random(order_seed).shuffle(ordered)
    return ordered


def run_order(jobs: Iterable[JobSpec], order_seed: int, machine: str, run_id: str) -> list[JobSpec]:
    """Return `jobs` in the order in which a machine, named by its label, runs them in a run.

    Each machine and each run has another order, so the effect of a job's place in the order (a
    machine that warms up, a cache that fills) averages out over sittings. A run that is continued
    has the same order again.
    """
    return shuffled(jobs, f"{order_seed}/{machine}/{run_id}")


def _about(
    subgrids: Sequence[SubGrid], changes: GridChanges, description: Description
) -> Sequence[SubGrid]:
    for axis in description.axes:
        if axis.separates:
            wanted = set(changes.axes.get(axis.name, ()))
            chosen = [sub for sub in subgrids if wanted & set(sub.axes[axis.name])]
            subgrids = chosen or subgrids
    return subgrids


def _written_grid(description: Description) -> Any:
    """Return the pydantic model of a grid as it is written: the axes by their plural keys."""
    fields: dict[str, Any] = {axis.key: _written_axis(axis) for axis in description.axes}
    epochs: Any = ... if description.default_epochs is None else (description.default_epochs,)
    written = create_model(
        "WrittenSubGrid",
        __config__=ConfigDict(frozen=True, extra="forbid"),
        **fields,
        epochs=(tuple[Count, ...], Field(default=epochs, min_length=1)),
        seeds=(tuple[Seed, ...], Field(default=(DEFAULT_SEED,), min_length=1)),
        threads=(tuple[Threads, ...], Field(default=(None,), min_length=1)),
        read_off=(tuple[Count, ...], ()),
        evaluate=(When, "end"),
        repeats=(Repeats, 1),
    )
    return create_model(
        "WrittenGrid",
        __config__=ConfigDict(frozen=True, extra="forbid"),
        name=(str, Field(min_length=1)),
        about=(str, ""),
        subgrids=(tuple[written, ...], Field(min_length=1)),
    )


def _written_axis(axis: Axis) -> tuple[Any, Any]:
    kind: Any = TYPES[axis.type]
    value: Any = Annotated[kind, Field(strict=True, ge=axis.least)]
    default: Any = ... if axis.default is None else (axis.default,)
    return tuple[value, ...], Field(default=default, min_length=1)


def _as_subgrid(written: Any, description: Description) -> SubGrid:
    return SubGrid(
        axes={axis.name: getattr(written, axis.key) for axis in description.axes},
        epochs=written.epochs,
        seeds=written.seeds,
        threads=written.threads,
        read_off=written.read_off,
        evaluate=written.evaluate,
        repeats=written.repeats,
    )


def _listed(subgrids: Any, description: Description) -> Any:
    """Let a user write `seeds: 1` for `seeds: [1]`."""
    if not isinstance(subgrids, list):
        return subgrids
    plural = {axis.key for axis in description.axes} | {*LISTS}
    return [
        {k: [v] if k in plural and not isinstance(v, list) else v for k, v in sub.items()}
        if isinstance(sub, Mapping)
        else sub
        for sub in subgrids
    ]


def _explained(error: ValidationError, origin: str, description: Description) -> RequestError:
    problems = error.errors(include_url=False)
    # a misspelt key is also a missing one: name what the user wrote
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    inner = (*(axis.key for axis in description.axes), *LISTS, *SINGLE)
    known = inner if key.startswith("subgrids.") else tuple(GridSpec.model_fields)
    if first["type"] == "missing":
        return RequestError(f"grid {origin}: key {key!r} is missing", next_step="add it")
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(str(first["loc"][-1]), known)
        step = f"{hint}known keys are {', '.join(known)}"
    else:
        step = first["msg"].removeprefix("Value error, ")
    return RequestError(
        f"grid {origin}: key {key!r} is wrong", seen=repr(first["input"])[:80], next_step=step
    )
