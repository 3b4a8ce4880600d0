"""Times and metrics of a group of jobs, and the medians of an epoch and of memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.analysis.cells import METRIC, Cell, disturbed_count, median, whole_median
from bench.analysis.columns import Frame
from bench.analysis.contenders import COLUMNS, Contender, Quantity
from bench.analysis.estimates import Estimate, cell_time, time_of_jobs
from bench.analysis.intervals import geometric_mean
from bench.spec.description import Outline

#: The columns of memory that are pooled by their median.
MEMORY = (
    *("after_import_bytes", "after_data_bytes", "peak_bytes"),
    *("tree_rss_peak_bytes", "gpu_peak_bytes", "gpu_held_bytes"),
)


@dataclass(frozen=True, slots=True)
class GroupTimes:
    """The pooled times of a group in seconds: geometric means over `n` jobs, as on another day.

    If a job ended in this cell, jobs of more epochs that were read off here are no part of `n`, but
    `read_off` counts them. `disturbed` is None if no job was watched. `aside` counts the disturbed
    jobs that the estimates leave out, because a quiet job of the same cell was measured. `epoch` is
    the median steady epoch: the mean step times the jobs' own ratio of these two. A figure that is
    not an estimate is a median over the `n` jobs.
    """

    n: int
    read_off: int
    disturbed: int | None
    aside: int
    held_by_quota: int
    total: Estimate | None
    epoch: Estimate | None
    step_p10: Estimate | None
    step_median: Estimate | None
    step_mean: Estimate | None
    step_p95_s: float | None
    first_step_s: float | None
    train_s: float | None

    @property
    def jobs(self) -> int:
        """The number of jobs that the estimates rest on."""
        return self.n - self.aside


@dataclass(frozen=True, slots=True)
class EpochTimes:
    """Medians over the `n` jobs of a group in one epoch; metrics by name."""

    n: int
    disturbed: int | None
    wall_s: float | None
    step_p10_s: float | None
    step_median_s: float | None
    step_mean_s: float | None
    step_p95_s: float | None
    step_first_s: float | None
    cpu_s: float | None
    rss_bytes: int | None
    rss_peak_bytes: int | None
    foreign_cpus: float | None
    steal_share: float | None
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class GroupMemory:
    """Memory of whole jobs, medians over the `n` jobs of a group.

    `own_bytes` is the peak less the memory that the imported packages take.
    """

    n: int
    after_import_bytes: int | None
    after_data_bytes: int | None
    peak_bytes: int | None
    tree_rss_peak_bytes: int | None
    gpu_peak_bytes: int | None
    gpu_held_bytes: int | None
    own_bytes: int | None
    peak_source: str | None


def group_times(rows: Frame, cell: Cell, contender: Contender | None) -> GroupTimes:
    """Return the times of the jobs of a group, rows of the frame of jobs.

    `contender` is the machine with its fits; None if none of its jobs has a time.
    """
    final = rows.finals
    read_off = len(rows) - len(final) if final else 0
    rows = final or rows
    counted = _counted(rows)
    step = _estimate(counted, cell, contender, "step")
    per_epoch = geometric_mean(
        epoch_s / step_s
        for epoch_s, step_s in zip(counted["epoch_s"], counted["step_mean_s"], strict=True)
        if epoch_s and step_s and step_s > 0
    )
    return GroupTimes(
        n=len(rows),
        read_off=read_off,
        disturbed=disturbed_count(rows),
        aside=len(rows) - len(counted),
        held_by_quota=sum(rows["held_by_quota"]),
        total=_estimate(counted, cell, contender, "total"),
        epoch=step.times(per_epoch) if step is not None and per_epoch else None,
        step_p10=_estimate(counted, cell, contender, "p10"),
        step_median=_estimate(counted, cell, contender, "median"),
        step_mean=step,
        step_p95_s=median(rows["step_p95_s"]),
        first_step_s=median(rows["first_step_s"]),
        train_s=median(rows["train_s"]),
    )


def _counted(rows: Frame) -> Frame:
    """Return the rows that count: the disturbed ones only if there is no other."""
    return rows.where("flag", lambda flag: flag != "disturbed") or rows


def _estimate(
    rows: Frame, cell: Cell, contender: Contender | None, quantity: Quantity
) -> Estimate | None:
    """Return a time of the group from its machine's fit, None if no job gave it."""
    effects = None if contender is None else contender.fits(quantity)
    if effects is None:
        return None
    if cell in effects.cells and any(rows["is_final"]):
        return cell_time(effects, cell)
    known = [
        (time_s, run) for time_s, run in zip(rows[COLUMNS[quantity]], rows["run_id"], strict=True)
    ]
    times = [(time_s, run) for time_s, run in known if time_s is not None and time_s > 0]
    return time_of_jobs(effects, [time_s for time_s, _ in times], len({run for _, run in times}))


def group_metrics(rows: Frame, outline: Outline) -> dict[str, float | None]:
    """Return the median of each metric that is reported at an evaluation, by its name."""
    return {m.name: median(rows[METRIC + m.name]) for m in outline.evaluation_metrics}


def epoch_times(rows: Frame, outline: Outline) -> EpochTimes:
    """Return the medians of one epoch of a group, rows of the frame of epochs."""
    pairs = zip(rows["wall_s"], rows["steps"], strict=True)
    means_s = [wall_s / steps for wall_s, steps in pairs if steps > 0]
    return EpochTimes(
        n=len(rows),
        disturbed=disturbed_count(rows),
        wall_s=median(rows["wall_s"]),
        step_p10_s=median(rows["step_p10_s"]),
        step_median_s=median(rows["step_median_s"]),
        step_mean_s=median(means_s),
        step_p95_s=median(rows["step_p95_s"]),
        step_first_s=median(rows["step_first_s"]),
        cpu_s=median(rows["cpu_s"]),
        rss_bytes=whole_median(rows["rss_bytes"]),
        rss_peak_bytes=whole_median(rows["rss_peak_bytes"]),
        foreign_cpus=median(rows["foreign_cpus"]),
        steal_share=median(rows["steal_share"]),
        metrics={m.name: median(rows[METRIC + m.name]) for m in outline.epoch_metrics},
    )


def group_memory(rows: Frame) -> GroupMemory:
    """Return the memory of the jobs of a group; `rows` are final rows of the frame of jobs."""
    columns = {key: rows[key] for key in MEMORY}
    peaks, imports = columns["peak_bytes"], columns["after_import_bytes"]
    columns["tree_rss_peak_bytes"] = [  # samples may miss a short peak
        None if tree is None else max(tree, peak or 0)
        for tree, peak in zip(columns["tree_rss_peak_bytes"], peaks, strict=True)
    ]
    own = [
        None if peak is None or imported is None else peak - imported
        for peak, imported in zip(peaks, imports, strict=True)
    ]
    sources = {source for source in rows["peak_source"] if source is not None}
    return GroupMemory(
        n=len(rows),
        **{key: whole_median(values) for key, values in columns.items()},
        own_bytes=whole_median(own),
        peak_source=" ".join(sorted(sources)) or None,
    )
