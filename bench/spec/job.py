"""A job: one seeded run of a workload, with a value for each of the workload's axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from bench.spec.axes import Axis, Value
from bench.spec.frozen import Frozen, digest_of

#: A value of an axis, of exactly the type that was written.
AxisValue = StrictBool | StrictInt | StrictFloat | StrictStr

#: When a job is evaluated: at its end, or after every epoch, with the clock stopped.
When = Literal["end", "every"]

#: Name of the dataset of a workload that reads no data.
NO_DATA = "none"


#: The seed of jobs for which none was asked.
DEFAULT_SEED = 1234


class JobSpec(Frozen):
    """One seeded run of a workload. It names no hardware: the same job goes to every machine."""

    # Journals hold jobs too, and must stay readable, so no number has an upper limit here: those
    # of `bench.spec.limits` hold for what is asked for.

    name: str = Field(description="readable: the values that tell the job from others of its grid")
    axes: Annotated[dict[str, AxisValue], Field(description="a value for each axis, by its name")]
    epochs: int = Field(ge=1)
    seed: int = Field(default=DEFAULT_SEED, ge=0)
    dataset: str = Field(default=NO_DATA, description="the resolved dataset, never `auto`")
    read_off: tuple[int, ...] = Field(
        default=(),
        description="epochs after which the job is evaluated with the clock stopped; each is a row "
        "of the report",
    )
    repeat: int = Field(default=0, ge=0)
    threads: int | None = Field(
        default=None, ge=1, description="None: as many as the machine has usable CPUs"
    )
    evaluate: When = Field(
        default="end",
        description="every: after every epoch, with the clock stopped, for the curves of metrics",
    )
    again: int = Field(
        default=0,
        ge=0,
        description="how often the same job had run before, disturbed each time; 0: planned",
    )

    def __hash__(self) -> int:
        """Return the hash of the name: jobs of unlike values have unlike names in a grid."""
        return hash(self.name)

    @cached_property
    def job_id(self) -> str:
        """The job's name and a digest of every field but the name.

        The digest covers the axes and the other fields side by side, as the first version's flat
        job did. It leaves out later fields that have their default, so that the job of an old
        journal keeps its id.
        """
        fields = {**self.axes, **self.model_dump(mode="json", exclude={"name", "axes"})}
        for name in ("threads", "evaluate", "again"):
            if getattr(self, name) == type(self).model_fields[name].default:
                del fields[name]
        return f"{self.name}-{digest_of(fields)[:8]}"

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> JobSpec:
        """Return a copy with changes, which works out an id of its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("job_id", None)
        return copied

    @property
    def evaluated_after(self) -> tuple[int, ...]:
        """The epochs before the last one after which the job is evaluated."""
        before_the_end = range(1, self.epochs)
        if self.evaluate == "every":
            return tuple(before_the_end)
        return tuple(epoch for epoch in before_the_end if epoch in self.read_off)

    @property
    def original(self) -> JobSpec:
        """The job that this one runs again; the job itself if it runs for the first time."""
        return self._run_for(0) if self.again else self

    def once_more(self) -> JobSpec:
        """Return the same job as it runs again after this one was disturbed."""
        return self._run_for(self.again + 1)

    def replicate(self, repeat: int) -> JobSpec:
        """Return the same job as the repeat with this number."""
        name = self.name.removesuffix(f"-r{self.repeat}") if self.repeat else self.name
        return self.model_copy(update={"name": f"{name}-r{repeat}", "repeat": repeat})

    def _run_for(self, again: int) -> JobSpec:
        name = self.name.removesuffix(_mark(self.again)) + _mark(again)
        return self.model_copy(update={"name": name, "again": again})


def _mark(again: int) -> str:
    return f"-again{again}" if again else ""


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
    evaluate: When = "end",
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
        evaluate=evaluate,
    )
