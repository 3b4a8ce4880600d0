"""A job: one seeded run of a workload, with a value for each of the workload's axes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from bench.spec.axes import Axis, Value
from bench.spec.frozen import Frozen, canonical_json

#: A value of an axis, of exactly the type that was written.
AxisValue = StrictBool | StrictInt | StrictFloat | StrictStr

#: Name of the dataset of a workload that reads no data.
NO_DATA = "none"


class JobSpec(Frozen):
    """One seeded run of a workload. It names no hardware: the same job goes to every machine."""

    name: str = Field(description="readable: the values that tell the job from others of its grid")
    axes: Annotated[dict[str, AxisValue], Field(description="a value for each axis, by its name")]
    epochs: int = Field(ge=1)
    seed: int = Field(default=1234, ge=0)
    dataset: str = Field(default=NO_DATA, description="the resolved dataset, never `auto`")
    read_off: tuple[int, ...] = Field(
        default=(), description="epochs after which the job is evaluated with the clock stopped"
    )
    repeat: int = Field(default=0, ge=0)
    threads: int | None = Field(
        default=None, ge=1, description="None: as many as the machine has usable CPUs"
    )

    @property
    def job_id(self) -> str:
        """The job's name and a digest of every field but the name.

        The digest covers the axes and the other fields side by side, as the first version's flat
        job did, and no number of threads that is None, so that the job of an old journal keeps its
        id.
        """
        own = {} if self.threads is None else {"threads": self.threads}
        return f"{self.name}-{self._digest(own)[:8]}"

    @property
    def work_id(self) -> str:
        """A digest of what the job computes: jobs that differ only in their threads share it."""
        return self._digest({})[:16]

    def _digest(self, own: Mapping[str, int]) -> str:
        """Return the digest of the axes and of all fields but name and threads, with `own`."""
        fields = self.model_dump(mode="json", exclude={"name", "axes", "threads"})
        values = {**self.axes, **fields, **own}
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()


def make_job(
    axes: Sequence[Axis],
    values: Mapping[str, Value],
    *,
    epochs: int,
    seed: int,
    dataset: str = NO_DATA,
    read_off: tuple[int, ...] = (),
    repeat: int = 0,
    threads: int | None = None,
) -> JobSpec:
    """Return the job with these `values`; an axis that they leave out has its default.

    Raises KeyError if a value is missing of an axis that has no default.
    """
    full = {
        axis.name: values[axis.name]
        if axis.name in values or axis.default is None
        else axis.default
        for axis in axes
    }
    unusual = [
        axis.mark.format(full[axis.name])
        for axis in axes
        if axis.mark and not axis.always_marked and full[axis.name] != axis.default
    ]
    named = [axis.mark.format(full[axis.name]) for axis in axes if axis.always_marked]
    more = [f"t{threads}"] if threads else []
    more += [f"r{repeat}"] if repeat else []
    return JobSpec(
        name="-".join([*named, f"e{epochs}", f"s{seed}", *unusual, *more]),
        axes=full,
        epochs=epochs,
        seed=seed,
        dataset=dataset,
        read_off=read_off,
        repeat=repeat,
        threads=threads,
    )
