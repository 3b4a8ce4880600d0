"""A grid as a user writes it in YAML: its keys follow from the axes of the workload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, ValidationError, create_model

from bench.errors import RequestError
from bench.spec.axes import Axis
from bench.spec.description import Description
from bench.spec.grid import GridSpec, SubGrid, check_choices
from bench.spec.job import DEFAULT_SEED, When
from bench.spec.limits import Count, Repeats, Seed, check_read_off
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
