"""How a workload describes itself: its axes, its quality metrics, and published figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from bench import units

#: A value of an axis. JSON and YAML hold each of them as it is.
Value = bool | int | float | str

#: The word on the command line and in grids that stands for every available value of an axis.
ALL = "all"


@dataclass(frozen=True)
class Axis:
    """One thing in which the jobs of a workload differ, such as a model or a batch size.

    `plural` is the key in a grid and, with dashes, the option on the command line. An axis without
    a `default` must be named by every grid. `mark` writes a value in a job's name (`b{}` gives
    `b512`); an axis without a mark never appears there. `always_marked` puts the value first in
    every name and in the title of a job in the report.
    `separates`: machines are ranked for each value of the axis, such as for each model.
    `is_batch`: the value is the number of samples in a step, so a sweep over it shows a step's
    fixed cost. `sets_ceiling`: the machine's own ceilings are measured anew for each value.
    `pools_ceiling`: of those values, the fastest one gives the machine's ceilings. Such an axis
    chooses what does the work, such as a library, and not what the work is, such as a precision.
    `available` returns the values that the word `all` stands for on this machine; a journal does
    not keep it.
    """

    name: str
    type: Literal["str", "int", "float", "bool"] = "str"
    default: Value | None = None
    choices: tuple[Value, ...] = ()
    least: int | None = None
    plural: str = ""
    mark: str = "{}"
    heading: str = ""
    meaning: str = ""
    always_marked: bool = False
    separates: bool = False
    is_batch: bool = False
    sets_ceiling: bool = False
    pools_ceiling: bool = False
    available: Annotated[Callable[[], tuple[Value, ...]] | None, Field(exclude=True)] = field(
        default=None, compare=False
    )

    @property
    def key(self) -> str:
        """The key of the axis in a grid."""
        return self.plural or f"{self.name}s"

    @property
    def title(self) -> str:
        """The heading of the axis in a table."""
        return self.heading or self.name.replace("_", " ")

    @property
    def known(self) -> tuple[Value, ...]:
        """The values that a grid may name; empty if every value of the type is allowed."""
        return (*self.choices, ALL) if self.choices and self.available else self.choices


@dataclass(frozen=True)
class Metric:
    """A figure of quality that a workload reports, such as an accuracy.

    `measured` says when it is reported: at the end of each epoch, at each evaluation, or both.
    `short` is the heading within a table of metrics. `scored` marks the figure that the progress
    line shows and that two machines are compared by. `targets` are values worth reaching: the
    report says what a training takes until it reaches each of them. `training` names the metric
    that says the same of the data that were trained on, which shows overfitting. `digits` are the
    digits after the point; None stands for three significant digits. `least` and `most` are the
    values between which it lies, such as 0 and 1 for a share; None stands for no such value.
    """

    name: str
    better: Literal["higher", "lower"]
    measured: Literal["epoch", "evaluation", "both"] = "evaluation"
    unit: str = ""
    short: str = ""
    meaning: str = ""
    digits: int | None = 4
    scored: bool = False
    targets: tuple[float, ...] = ()
    training: str = ""
    least: float | None = None
    most: float | None = None

    def possible(self, value: float) -> bool:
        """Say whether the metric can have a value."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )

    @property
    def title(self) -> str:
        """The metric's name in words."""
        return self.name.replace("_", " ")

    def shown(self, value: float | None) -> str:
        """Return a value as people read it, without its unit."""
        if value is None or self.digits is None:
            return units.significant(value)
        return f"{value:.{self.digits}f}"

    def reaches(self, value: float | None, target: float) -> bool:
        """Say whether `value` is as good as `target`, or better; None is never good."""
        if value is None:
            return False
        return value >= target if self.better == "higher" else value <= target


@dataclass(frozen=True)
class ReferenceMachine:
    """A machine whose published figures stand beside the measured ones.

    `key` names it in rows (`laptop_2020`), `name` in headings (`2020 laptop`), `label` in tables.
    `facts` holds what was published of it, by field of MachineFacts or of its threads.
    """

    key: str
    name: str
    label: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferenceRun:
    """The published times of one job on one machine: epoch seconds and step milliseconds.

    `label` names the run in tables. Figures by epoch are in the order of the epochs. `total_s` is
    None if it was not published. `epoch_metrics` holds metrics by epoch, by the metric's name.
    """

    machine: str
    label: str
    axes: Mapping[str, Value]
    epochs: int
    epoch_s: tuple[float, ...]
    step_ms: tuple[float, ...]
    total_s: float | None = None
    epoch_metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferenceResult:
    """The published metrics of one job.

    `caveat_axis` names a boolean axis that reproduces a known slip of the published figure; None
    if there is none.
    """

    axes: Mapping[str, Value]
    epochs: int
    metrics: Mapping[str, float]
    caveat_axis: str | None = None


@dataclass(frozen=True)
class Agreement:
    """How far the curves of one job may lie apart on two machines and still be the same job.

    `within` is the relative difference of `metric` at the end of any epoch. `requires` holds the
    axes' values of the jobs that the agreement is about. `across_devices` takes the place of
    `within` if one job trained on another kind of device, where random draws may differ.
    """

    metric: str
    within: float
    requires: Mapping[str, Value] = field(default_factory=dict)
    across_devices: float | None = None


#: The scale on which a metric is spread about evenly over seeds.
Scale = Literal["plain", "log odds"]


@dataclass(frozen=True)
class Calibration:
    """A metric after `epochs` epochs, over `n` healthy jobs that differ in their seed alone.

    `axes` holds the values that the jobs shared and that change the metric. `mean` and `sd`, the
    sample's standard deviation (divisor n - 1), are on the `scale`: of the metric itself, or of its
    log odds, which suits a share near 0 or 1.
    """

    axes: Mapping[str, Value]
    epochs: int
    metric: str
    mean: float
    sd: float
    n: int
    scale: Scale = "plain"


@dataclass(frozen=True)
class Calibrations:
    """The calibrations of a workload, where they come from, and which jobs they apply to.

    They apply to jobs on the data of `data_digest` whose axes have the values of `requires`; other
    axes do not change what a job learns. `date` is the day of the last job, `machine` the machine
    in words.
    """

    rows: tuple[Calibration, ...]
    dataset: str
    data_digest: str | None
    requires: Mapping[str, Value]
    date: str
    machine: str
    versions: Mapping[str, str]

    def of(self, axes: Mapping[str, Value | None], epochs: int) -> tuple[Calibration, ...]:
        """Return the calibrations of a job, one for each metric; none if it was not calibrated."""
        return tuple(
            row
            for row in self.rows
            if row.epochs == epochs
            and all(axes.get(name) == value for name, value in row.axes.items())
        )


@dataclass(frozen=True)
class Reference:
    """Published figures of a workload, and the values under which a job is comparable with them.

    `requires` holds the axes' values under which times are comparable. `results_by` names the axes
    that tell one result from another. `rounding_s` is half of the last digit of the published epoch
    seconds. `caveat` explains `caveat_axis`. Of `agreements`, the first one that is about a job
    counts. Measured and published metrics are judged by `calibrations`.
    """

    year: str
    dataset: str
    requires: Mapping[str, Value]
    rounding_s: float
    machines: tuple[ReferenceMachine, ...]
    runs: tuple[ReferenceRun, ...]
    results: tuple[ReferenceResult, ...]
    source: str
    note: str
    rounding_ms: float = 0.0
    steps: int | None = None
    spread: float = 0.05
    results_by: tuple[str, ...] = ()
    caveat: str = ""
    caveat_heading: str = "caveat"
    memory_note: str = ""
    agreements: tuple[Agreement, ...] = ()
    calibrations: Calibrations | None = None
