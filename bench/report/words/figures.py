"""The titles, the sentences under the figures, and the texts within them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.best_model import BestModel
from bench.report.words.lists import and_list
from bench.spec.axes import Metric
from bench.spec.job import NO_DATA
from bench.text import counted
from bench.units import significant

#: The two sentences under a figure.
HowToRead = tuple[str, str]

BRACKETS = "The line is the bracket for another day (95 %), and a thin mark stands for each sitting"


NOT_WANTED = "This report has no figures, because it was written with --no-figures."


def missing(packages: Sequence[str]) -> str:
    """Return why a report has no figures."""
    are = "is" if len(packages) == 1 else "are"
    return (
        f"This report has no figures, because {and_list(list(packages))} {are} not installed. "
        f"To install what is missing of the extra `report`: pip install {' '.join(packages)}."
    )


def speed_title(baseline: str) -> str:
    """Return the title of the figure of speeds."""
    return f"Speed relative to {baseline}"


def speed_how(baseline: str) -> HowToRead:
    """Return how to read the figure of speeds."""
    return (
        f"A dot is how many times as fast a machine is as {baseline}, and the fastest machine "
        "stands first.",
        f"{BRACKETS}; if brackets overlap widely, the order of the machines may be another one.",
    )


def speed_alt(machines: int, baseline: str, slowest: str, speed: str) -> str:
    """Return what the figure of speeds shows."""
    return (
        f"Speed of {counted(machines, 'machine')} relative to {baseline}, with brackets: "
        f"{slowest} is last with {speed}."
    )


def published_title(machine: str) -> str:
    """Return the title of the figure of speeds if they are relative to a published machine."""
    return f"Speed relative to the {machine}"


def published_how(machine: str) -> HowToRead:
    """Return how to read speeds that are relative to a published machine."""
    return (
        f"A dot is how many times as fast a job was here as on the {machine}, whose times were "
        "published.",
        f"{BRACKETS}; the bracket also covers the spread and the rounding of the published times.",
    )


def published_alt(jobs: int, machine: str, low: str, high: str) -> str:
    """Return what the figure shows if speeds are relative to a published machine."""
    return (
        f"Speed of {counted(jobs, 'job')} relative to the {machine}, with brackets: "
        f"from {low} to {high}."
    )


def not_shown(shown: int, all_: int) -> str:
    """Return that a chart shows some of its rows only."""
    return f"The first {shown} of {all_}; the tables hold all of them"


def others(count_: int) -> str:
    """Return the name of the machines that a chart does not tell apart."""
    return counted(count_, "other machine")


EPOCH = "epoch"
MS_A_STEP = "ms a step"
THREADS = "threads"
SPEEDUP = "speed-up"
SAMPLES = "samples a second"

STEPS_TITLE = "Milliseconds a step, epoch by epoch"
STEPS_HOW = (
    "A line is the mean step of each epoch on one machine, which is the epoch's time over its "
    "steps.",
    "The first epoch also traces and compiles; a later rise shows that the machine was disturbed "
    "or slowed itself down.",
)

MEMORY_TITLE = "Resident memory at the end of each epoch"
MEMORY_HOW = (
    "A line is the memory that the job's process holds at the end of each epoch on one machine.",
    "A line that keeps rising shows that the training holds on to memory.",
)

#: The two lines of a machine in the figure of quality, the solid one first.
QUALITY_PARTS = ("evaluation", "training data")


def quality_title(metric: str, *, beside: bool) -> str:
    """Return the title of the figure of quality; `beside` if it shows the training data too."""
    return f"{metric.capitalize()} by epoch{', beside the training data' if beside else ''}"


def quality_how(metric: str) -> HowToRead:
    """Return how to read the figure of quality."""
    return (
        f"A solid line is the {metric} at the evaluations, and a dashed line is the same metric of "
        "the data that were trained on.",
        "If the dashed line goes on getting better while the solid one does not, the network "
        "overfits; unlike machines should lie on each other.",
    )


THROUGHPUT_TITLE = "Throughput by batch size"
THROUGHPUT_HOW = (
    "A line is how many samples a second one machine trains with as a step gets more of them.",
    "The shape of a point says what limits the step; a line that rises steeply is bound by the "
    "fixed cost of a step, and a flat line has reached what the machine can do.",
)
#: What limits a step, in the order of the legend.
NO_REGIME = "limit not known"
REGIMES = ("overhead-bound", "memory-bound", "compute-bound", NO_REGIME)

THREADS_TITLE = "Speed-up by number of threads"
THREADS_HOW = (
    "A line is how many times as fast a job is with more threads than with the fewest, and a "
    "bracket holds within these sittings.",
    "The dotted line is a speed-up in proportion to the threads; a line that falls shows that "
    "more threads cost time.",
)


def panels_alt(title: str, jobs: Sequence[str], machines: int) -> str:
    """Return what a figure with a panel for each job shows."""
    return f"{title}: {and_list(list(jobs))} on {counted(machines, 'machine')}."


def throughput_alt(jobs: Sequence[str], machines: int) -> str:
    """Return what the figure of throughput shows."""
    return (
        f"Samples a second by batch size: {and_list(list(jobs))} on {counted(machines, 'machine')}."
    )


def threads_alt(jobs: Sequence[str], hosts: int, best: str) -> str:
    """Return what the figure of threads shows."""
    return (
        f"Speed-up by number of threads: {and_list(list(jobs))} on {counted(hosts, 'machine')}; "
        f"the largest speed-up is {best}."
    )


SPREAD_TITLE = "Spread of the time of a step"
SPREAD_HOW = (
    "A bar holds the middle half of the steady steps of a machine, the white mark is the median, "
    "and the thin line goes from the fast 5 % to the slow 5 %.",
    "The dot is the time that 99 % of the steps stay under; a long line to the right shows pauses.",
)

PHASES_TITLE = "Where the time of a job goes"
PHASES_HOW = (
    "A bar is one job from the start of its process to its end, with the median of each phase.",
    "A long first phase pays off only in long trainings; the first step also traces and compiles.",
)
#: What each phase of a job is called, in the order of time.
PHASES = {
    "import_s": "imports",
    "set_up_s": "data and set-up",
    "first_step_s": "first step (compiles)",
    "steps_s": "all other steps",
    "evaluation_s": "evaluation",
    "rest_s": "start and end of the process",
}
SECONDS = "seconds"

COST_TITLE = "Dollars against time to a target"
COST_HOW = (
    "A point is one machine with one recipe: the time until the training reaches the "
    "target, with its bracket, and what 1,000 such trainings cost.",
    "The ringed points on the dashed line are the best choices: every other point is slower and "
    "no cheaper than one of them.",
)
SECONDS_TO_TARGET = "seconds to the target"
DOLLARS = "US dollars of 1,000 trainings"


def cost_alt(targets: Sequence[str], machines: int, best: int) -> str:
    """Return what the figure of cost shows."""
    return (
        f"Dollars against seconds until {and_list(list(targets))} on "
        f"{counted(machines, 'machine')}; {counted(best, 'best choice')}."
    )


NETWORK_HOW = (
    "A box is a layer: its kind, the shape of its output for one sample, and its trained "
    "parameters on the right.",
    "Data flow from the top to the bottom; a grey box has no parameters.",
)


def parameters(total: int) -> str:
    """Return how many parameters a network has."""
    return f"{total:,} parameters"


def network_alt(title: str, kinds: Sequence[str], total: int) -> str:
    """Return what the picture of a network shows."""
    return f"{title}, from the top: {', '.join(kinds)}; {parameters(total)}."


CONFUSION_TITLE = "Confusion matrix of the best model"
TRUE = "true class"
PREDICTED = "predicted class"


def confusion_whose(recipe: str, machine: str) -> str:
    """Return whose confusion matrix it is."""
    return f"{recipe} on {machine}"


def confusion_how(metric: Metric, best: BestModel, dataset: str) -> HowToRead:
    """Return how to read the confusion matrix, and how the model was chosen."""
    extreme = "highest" if metric.better == "higher" else "lowest"
    data = "" if dataset == NO_DATA else f" on {dataset}"
    added = f"; the counts of its {best.jobs} trainings are added up" if best.jobs > 1 else ""
    return (
        "A row holds the samples of one true class, and a column the samples for which the model "
        "predicted one class; a darker cell holds more samples, on a logarithmic scale, and an "
        "empty one holds none.",
        f"Of all models that were measured{data}, this one has the {extreme} mean "
        f"{metric.title} over its repeats ({significant(best.score, 4)}){added}.",
    )


def confusion_alt(
    whose: str, right: int, samples: int, mistake: tuple[str, str, int] | None
) -> str:
    """Return what the confusion matrix shows; `mistake` is the true, the predicted and a count."""
    shown = f"Confusion matrix of {whose}: {right:,} of {samples:,} samples are predicted right"
    if mistake is None:
        return f"{shown}."
    true, predicted, times = mistake
    return (
        f"{shown}, and the most frequent mistake is {predicted} in place of {true} "
        f"({counted(times, 'sample')})."
    )
