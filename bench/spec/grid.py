"""What was asked for: jobs, grids of jobs, and the order in which they run."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.errors import RequestError


class Frozen(BaseModel):
    """A strict, immutable pydantic model: an unknown key is an error, a change is a new object."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class JobSpec(Frozen):
    """One seeded training run. It names no hardware: the same job goes to every machine."""

    model: str
    optimizer: str
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=128, ge=1)
    seed: int = Field(default=1234, ge=0)
    loop: str = "fit"
    precision: str = "float32"
    backend: str = "tensorflow"
    dataset: str = Field(description="the resolved dataset: mnist or synthetic, never auto")
    as_published: bool = Field(
        default=False, description="reproduce the 2020 slip: the MLP's test pixels divided by 225"
    )
    read_off: tuple[int, ...] = Field(
        default=(), description="epochs after which the model is evaluated with the clock stopped"
    )
    repeat: int = Field(default=0, ge=0)

    @property
    def job_id(self) -> str:
        """A readable name (fields at their defaults left out) and a digest of every field."""
        digest = hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()
        marks = {
            "batch_size": f"b{self.batch_size}",
            "loop": self.loop,
            "precision": self.precision,
            "backend": self.backend,
            "repeat": f"r{self.repeat}",
        }
        fields = type(self).model_fields
        unusual = [
            mark for name, mark in marks.items() if getattr(self, name) != fields[name].default
        ]
        name = [self.model, self.optimizer, f"e{self.epochs}", f"s{self.seed}", *unusual]
        return "-".join([*name, digest[:8]])


#: Grid axes in the order in which they are expanded: (plural key of a sub-grid, field of JobSpec).
AXES: tuple[tuple[str, str], ...] = (
    ("models", "model"),
    ("optimizers", "optimizer"),
    ("epochs", "epochs"),
    ("batch_sizes", "batch_size"),
    ("seeds", "seed"),
    ("loops", "loop"),
    ("precisions", "precision"),
    ("backends", "backend"),
)


#: Whole numbers as a grid names them; `yes` and 1.5 are none.
Count = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0)]


class SubGrid(Frozen):
    """A small full product of axes; a grid is a union of such products."""

    models: tuple[str, ...] = Field(min_length=1)
    optimizers: tuple[str, ...] = Field(min_length=1)
    epochs: tuple[Count, ...] = Field(min_length=1)
    batch_sizes: tuple[Count, ...] = Field(default=(128,), min_length=1)
    seeds: tuple[Seed, ...] = Field(default=(1234,), min_length=1)
    loops: tuple[str, ...] = Field(default=("fit",), min_length=1)
    precisions: tuple[str, ...] = Field(default=("float32",), min_length=1)
    backends: tuple[str, ...] = Field(default=("tensorflow",), min_length=1)
    read_off: tuple[Count, ...] = ()
    repeats: int = Field(default=1, ge=1, le=1000)


class GridSpec(Frozen):
    """A named set of jobs."""

    name: str = Field(min_length=1)
    about: str = ""
    subgrids: tuple[SubGrid, ...] = Field(min_length=1)


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def parse_grid(document: Any, origin: str, choices: Mapping[str, Sequence[str]]) -> GridSpec:
    """Return the grid that `document` (parsed YAML) describes.

    `choices` maps an axis (`models`, ...) to the values that the workload knows.
    Raises RequestError naming the offending key and value.
    """
    if not isinstance(document, Mapping):
        raise RequestError(
            f"grid {origin} is not a mapping with the keys name and subgrids",
            seen=type(document).__name__,
            next_step="see docs/grids.md for an example",
        )
    document = {**document, "subgrids": _listed(document.get("subgrids"))}
    try:
        grid = GridSpec.model_validate(document)
    except ValidationError as error:
        raise _explained(error, origin) from None
    for number, sub in enumerate(grid.subgrids):
        check_choices(sub.model_dump(), choices, f"grid {origin}, subgrids[{number}]")
        _check_read_off(sub, f"grid {origin}, subgrids[{number}]")
    return grid


def check_choices(
    axes: Mapping[str, Any], choices: Mapping[str, Sequence[str]], where: str
) -> None:
    """Raise RequestError for the first value of `axes` that is not among its `choices`."""
    for axis, known in choices.items():
        for value in axes.get(axis) or ():
            if value not in known:
                raise RequestError(
                    f"{where}: unknown value for {axis}",
                    seen=repr(value),
                    next_step=f"use one of {', '.join(known)}",
                )


def override(grid: GridSpec, axes: Mapping[str, Sequence[Any]], repeats: int | None) -> GridSpec:
    """Return `grid` with the given axes in place of its own in every sub-grid.

    A sub-grid is about its models: where `models` are given, those that have none of them are
    left out, unless none has any. Read-offs past the last epoch of a replaced `epochs` axis are
    left out.
    """
    changed: dict[str, Any] = {key: tuple(values) for key, values in axes.items() if values}
    if repeats is not None:
        changed["repeats"] = repeats
    wanted = set(changed.get("models", ()))
    about = [sub for sub in grid.subgrids if wanted & set(sub.models)]
    subgrids = []
    for sub in about or grid.subgrids:
        fields = {**sub.model_dump(), **changed}
        longest = max(fields["epochs"])
        fields["read_off"] = tuple(epoch for epoch in fields["read_off"] if epoch < longest)
        subgrids.append(SubGrid.model_validate(fields))
    return grid.model_copy(update={"subgrids": tuple(subgrids)})


def expand(grid: GridSpec, dataset: str, as_published: bool = False) -> list[JobSpec]:
    """Return the jobs of `grid` in grid order, each once."""
    jobs: dict[str, JobSpec] = {}
    for sub in grid.subgrids:
        values = [getattr(sub, plural) for plural, _ in AXES]
        for combination in itertools.product(*values, range(sub.repeats)):
            fields = dict(zip([field for _, field in AXES], combination[:-1], strict=True))
            job = JobSpec(
                **fields,
                repeat=combination[-1],
                dataset=dataset,
                as_published=as_published,
                read_off=tuple(e for e in sub.read_off if e < fields["epochs"]),
            )
            jobs.setdefault(job.job_id, job)
    return list(jobs.values())


def shuffled(jobs: Iterable[JobSpec], order_seed: int) -> list[JobSpec]:
    """Return `jobs` in a seeded order, so that slow drift of a machine does not favour one kind.

    `random.Random.shuffle` is stable across Python versions for one seed; jobs are first sorted
    by id, so the order depends on the set of jobs alone.
    """
    ordered = sorted(jobs, key=lambda job: job.job_id)
    random.Random(order_seed).shuffle(ordered)
    return ordered


def _listed(subgrids: Any) -> Any:
    """Let a user write `models: mlp` for `models: [mlp]`."""
    if not isinstance(subgrids, list):
        return subgrids
    plural = {name for name, _ in AXES} | {"read_off"}
    return [
        {k: [v] if k in plural and not isinstance(v, list) else v for k, v in sub.items()}
        if isinstance(sub, Mapping)
        else sub
        for sub in subgrids
    ]


def _check_read_off(sub: SubGrid, where: str) -> None:
    bad = [epoch for epoch in sub.read_off if not 1 <= epoch <= max(sub.epochs)]
    if bad:
        raise RequestError(
            f"{where}: read_off names an epoch that no job reaches",
            seen=bad,
            next_step=f"use epochs from 1 to {max(sub.epochs)}",
        )


def _explained(error: ValidationError, origin: str) -> RequestError:
    problems = error.errors(include_url=False)
    # a misspelt key is also a missing one: name what the user wrote
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    model = SubGrid if key.startswith("subgrids.") else GridSpec
    known = ", ".join(model.model_fields)
    if first["type"] == "missing":
        return RequestError(f"grid {origin}: key {key!r} is missing", next_step="add it")
    step = f"known keys are {known}" if first["type"] == "extra_forbidden" else first["msg"]
    return RequestError(
        f"grid {origin}: key {key!r} is wrong", seen=repr(first["input"])[:80], next_step=step
    )
