"""What a workload says of itself, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.errors import WorkloadError
from bench.spec.axes import Axis, Metric, Reference
from bench.spec.drawing import Drawing
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec
from bench.spec.languages import Language

#: What every job has beside its axes. A job's id covers both side by side, so no axis may have the
#: name of a field, nor the key of a field in a grid.
RESERVED = frozenset({*JobSpec.model_fields, "seeds", "repeats", "about", "subgrids", "datasets"})


class Outline(Frozen):
    """What a journal keeps of a workload's description, so that it can be reported by itself."""

    name: str
    title: str
    axes: tuple[Axis, ...]
    metrics: tuple[Metric, ...] = ()
    caveat: str = ""

    def __hash__(self) -> int:
        """Return the hash of the name: a report looks the cells of its jobs up by their outline."""
        return hash(self.name)

    @property
    def scored(self) -> Metric | None:
        """The metric that the progress line shows and machines are compared by."""
        return next((metric for metric in self.metrics if metric.scored), None)

    def training_of(self, metric: Metric) -> Metric | None:
        """Return the metric that says the same as `metric` of the data that were trained on."""
        return next((one for one in self.evaluation_metrics if one.name == metric.training), None)

    @property
    def epoch_metrics(self) -> tuple[Metric, ...]:
        """The metrics that are reported at the end of each epoch."""
        return tuple(metric for metric in self.metrics if metric.measured != "evaluation")

    @property
    def evaluation_metrics(self) -> tuple[Metric, ...]:
        """The metrics that are reported at each evaluation."""
        return tuple(metric for metric in self.metrics if metric.measured != "epoch")


@dataclass(frozen=True)
class Description:
    """A workload as data; everything else in this program follows from it.

    `name` stands in journals, `title` in the report's heading. `grids` maps a grid's name to its
    document (parsed YAML) or to the path of its YAML file, from the shortest grid to the longest.
    `packages` are the distributions whose versions decide whether two machines may be pooled.
    `thread_variables` are set to the number of threads in a job's environment, `default_variables`
    to the value given unless the user set them, `fixed_variables` to the value given in any case;
    `recorded_variables` change speed and are recorded. `variable_families` are the beginnings of
    names, such as `NUMBA_`: of these, a job inherits only what is recorded or has a default.
    `sources` are the importable packages whose code runs in a job: they are digested, and sent to
    a cluster. `caveat` is the sentence that the first screen of a report ends with. `drawings` are
    pictures of what is trained. `reference` loads published figures; None if there are none.
    `translations` holds, for each language but English, the workload's own words by the English
    ones: its title, axes, metrics, meanings and caveat, and the names of its reference. `{}` in a
    phrase stands for any name.

    Raises WorkloadError if an axis has a reserved name or key or pools ceilings that it does not
    set, if two axes or two metrics have the same name, or if the training counterpart of a metric
    is unknown or has another better side.
    """

    name: str
    title: str
    axes: tuple[Axis, ...]
    metrics: tuple[Metric, ...] = ()
    grids: Mapping[str, Any] = field(default_factory=dict)
    default_epochs: int | None = None
    packages: tuple[str, ...] = ()
    thread_variables: tuple[str, ...] = ()
    default_variables: Mapping[str, str] = field(default_factory=dict)
    fixed_variables: Mapping[str, str] = field(default_factory=dict)
    recorded_variables: tuple[str, ...] = ()
    variable_families: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    caveat: str = ""
    drawings: tuple[Drawing, ...] = ()
    reference: Callable[[], Reference] | None = field(default=None, compare=False)
    translations: Mapping[Language, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for axis in self.axes:
            for word in (axis.name, axis.key):
                if word in RESERVED:
                    raise WorkloadError(
                        f"workload {self.name}: an axis has a name that every job uses",
                        seen=word,
                        next_step="give the axis another name or plural",
                    )
            if axis.pools_ceiling and not axis.sets_ceiling:
                raise WorkloadError(
                    f"workload {self.name}: an axis pools ceilings that it does not set",
                    seen=axis.name,
                    next_step="give the axis sets_ceiling=True too",
                )
        self._check_unlike("axes have the same name", (axis.name for axis in self.axes))
        self._check_unlike("axes have the same key", (axis.key for axis in self.axes))
        self._check_unlike("metrics have the same name", (metric.name for metric in self.metrics))

        for metric in self.metrics:
            self._check_training(metric)

    @property
    def published(self) -> Reference | None:
        """The published figures, None if there are none; they are read anew each time."""
        return None if self.reference is None else self.reference()

    def _check_training(self, metric: Metric) -> None:
        """Check that the training counterpart of `metric` can be compared with it."""
        counterpart = self.outline.training_of(metric)
        if metric.training and (counterpart is None or counterpart.better != metric.better):
            raise WorkloadError(
                f"workload {self.name}: the metric {metric.name} has no such training counterpart",
                seen=metric.training,
                next_step="name a metric of an evaluation that is better on the same side",
            )

    def _check_unlike(self, what: str, words: Iterable[str]) -> None:
        known: set[str] = set()
        for word in words:
            if word in known:
                raise WorkloadError(
                    f"workload {self.name}: two {what}", seen=word, next_step="rename one of them"
                )
            known.add(word)

    @property
    def outline(self) -> Outline:
        """What a journal keeps of this description."""
        return Outline(
            name=self.name,
            title=self.title,
            axes=self.axes,
            metrics=self.metrics,
            caveat=self.caveat,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The words that a command line may hold: grids, data sets, and the values of axes."""
        values = (str(value) for axis in self.axes for value in axis.known)
        keys = (word for axis in self.axes for word in (axis.key, axis.key.replace("_", "-")))
        return (self.name, *self.grids, *self.datasets, *self.packages, *values, *keys)

    def axis(self, name: str) -> Axis:
        """Return the axis called `name`. Raises KeyError if there is none."""
        return {axis.name: axis for axis in self.axes}[name]
