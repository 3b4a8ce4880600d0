"""The figures as OpenMetrics: gauges with the machine and the job's axes as labels, no timestamps.

A sample has no timestamp of its own: the reader would take it for the time of a scrape. When a
machine was last measured is a gauge. Source of the format: the OpenMetrics specification 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.analysis.capacity import GroupTimes
from bench.analysis.cells import Cell
from bench.analysis.estimates import Estimate
from bench.analysis.results import GroupResult, Results
from bench.report.rows import plain
from bench.report.shared_columns import Naming

#: How every name begins.
PREFIX = "bench_"

#: A sample: its labels and its value.
Sample = tuple[Mapping[str, Any], float]


@dataclass(frozen=True)
class Family:
    """Samples of one name. The name ends in the unit, if there is one, as the format asks."""

    name: str
    help: str
    samples: Sequence[Sample]
    unit: str = ""
    type: str = "gauge"

    @property
    def lines(self) -> Iterator[str]:
        """The lines of the family; none if it has no sample."""
        if not self.samples:
            return
        name = f"{PREFIX}{self.name}"
        yield f"# TYPE {name} {self.type}"
        if self.unit:
            yield f"# UNIT {name} {self.unit}"
        yield f"# HELP {name} {_escaped(self.help)}"
        end = "_info" if self.type == "info" else ""
        for labels, value in self.samples:
            told = ",".join(f'{key}="{_escaped(text)}"' for key, text in _texts(labels))
            yield f"{name}{end}{{{told}}} {float(value)!r}"


@dataclass(frozen=True)
class TimeFamily:
    """A time of a kind of job: its name before the unit, its meaning, and how it is read."""

    name: str
    help: str
    read: Callable[[GroupTimes], Estimate | None]


#: The times with a bracket: each gives three families.
TIMES = (
    TimeFamily("step_mean", "seconds of the steady epochs over their steps", lambda t: t.step_mean),
    TimeFamily("step_p10", "the fast tenth of the steady steps", lambda t: t.step_p10),
    TimeFamily("epoch", "the median steady epoch", lambda t: t.epoch),
    TimeFamily("job", "the whole training as a user waits for it", lambda t: t.total),
)


def openmetrics_text(results: Results) -> str:
    """Return the exposition, which ends with `# EOF`."""
    lines = [line for family in _families(results) for line in family.lines]
    return "\n".join([*lines, "# EOF", ""])


def _families(results: Results) -> Iterator[Family]:
    yield _machines(results)
    for time in TIMES:
        yield from _bracketed(time, results)
    yield Family(
        "first_step_seconds",
        "the first step, which traces and compiles (median of the jobs)",
        _of_groups(results, lambda one: one.times.first_step_s),
        "seconds",
    )
    yield from _metrics(results)
    yield from _memory(results)
    yield from _speeds(results)
    yield from _counts(results)
    yield Family(
        "last_job_timestamp_seconds",
        "when the machine's last job ended, as seconds since 1970 (UTC)",
        _last_jobs(results),
        "seconds",
    )


def _bracketed(time: TimeFamily, results: Results) -> Iterator[Family]:
    """Yield the estimate of a time and its bounds of 95 % for another day."""
    found = [
        (_labels(one, results), estimate.interval())
        for one in results.groups
        if (estimate := time.read(one.times)) is not None
    ]
    ends = (("", "geometric mean over jobs and sittings"), ("_low", "lower bound of 95 %"))
    for end, meaning in (*ends, ("_high", "upper bound of 95 %")):
        read = {"": "estimate", "_low": "low", "_high": "high"}[end]
        samples = [(labels, getattr(bounds, read)) for labels, bounds in found]
        help_ = f"{time.help}: {meaning}, on another day"
        yield Family(f"{time.name}{end}_seconds", help_, _known(samples), "seconds")


def _metrics(results: Results) -> Iterator[Family]:
    for metric in results.outline.evaluation_metrics:
        yield Family(
            f"metric_{_name(metric.name)}",
            f"{metric.meaning or metric.title} (median of the jobs)",
            _known(
                [
                    (_labels(one, results), one.metrics.metrics.get(metric.name))
                    for one in results.groups
                ]
            ),
        )


def _memory(results: Results) -> Iterator[Family]:
    for name, attribute, meaning in (
        ("memory_peak_bytes", "peak_bytes", "resident memory of the job's process"),
        ("gpu_memory_peak_bytes", "gpu_peak_bytes", "memory of the GPU that the job used"),
    ):
        samples = [
            (_group_labels(group.machine, group.cell, results), getattr(memory, attribute))
            for group, memory in results.memory
        ]
        yield Family(name, f"peak of the {meaning} (median of the jobs)", _known(samples), "bytes")


def _speeds(results: Results) -> Iterator[Family]:
    ranking = results.headline
    if ranking is None:
        return
    first = ranking.names[0]
    found = [
        ({"machine": name, "baseline": first}, pair.ratio.interval())
        for name in ranking.names
        if (pair := ranking.between(name, first)) is not None
    ]
    for end, read in (("", "estimate"), ("_low", "low"), ("_high", "high")):
        yield Family(
            f"speed{end}_ratio",
            f"how many times as fast as the baseline, over all common kinds of job: {read}, "
            "on another day",
            _known([(labels, getattr(bounds, read)) for labels, bounds in found]),
            "ratio",
        )


def _counts(results: Results) -> Iterator[Family]:
    jobs: dict[tuple[str, str], int] = {}
    for one in results.measured:
        key = (one.record.label, "measured")
        jobs[key] = jobs.get(key, 0) + 1
    for gone in results.unmeasured:
        if not gone.measured_later and gone.job_id is not None:
            key = (gone.label, gone.outcome.replace(" ", "_"))
            jobs[key] = jobs.get(key, 0) + 1
    samples = [({"label": label, "outcome": what}, float(n)) for (label, what), n in jobs.items()]
    yield Family("jobs", "jobs by what became of them, with repeats", samples)
    disturbed: dict[str, int] = {}
    for watched in results.watched:
        disturbed[watched.machine] = disturbed.get(watched.machine, 0) + watched.is_disturbed
    counted = [({"machine": name}, float(n)) for name, n in disturbed.items()]
    yield Family("jobs_disturbed", "measured jobs that something disturbed", counted)
    sittings = [({"machine": one.name}, float(len(one.sittings))) for one in results.contenders]
    yield Family("sittings", "runs in one boot at one time of day", sittings)


def _machines(results: Results) -> Family:
    samples = []
    for one in results.machines:
        facts = one.facts
        told = {
            "machine": one.name,
            "label": one.label,
            "machine_id": facts.machine_id,
            "workload": results.outline.name,
            "cpu_model": facts.cpu_model,
            "logical_cores": facts.logical_cores,
            "instance_type": facts.cloud_instance_type,
            "gpu": ", ".join(gpu.model or "unknown" for gpu in facts.gpus or ()) or None,
        }
        samples.append((told, 1.0))
    return Family("machine", "what a machine is", samples, type="info")


def _last_jobs(results: Results) -> list[Sample]:
    names = {machine.key: machine.name for machine in results.machines}
    last: dict[str, float] = {}
    for job in results.measured:
        ended = datetime.fromisoformat(job.record.ended_at).timestamp()
        name = names[job.machine_key]
        last[name] = max(ended, last.get(name, ended))
    return [({"machine": name}, ended) for name, ended in last.items()]


def _of_groups(results: Results, read: Callable[[GroupResult], float | None]) -> list[Sample]:
    return _known([(_labels(one, results), read(one)) for one in results.groups])


def _labels(one: GroupResult, results: Results) -> dict[str, Any]:
    return _group_labels(one.group.machine, one.group.cell, results)


def _group_labels(machine: str, cell: Cell, results: Results) -> dict[str, Any]:
    naming = Naming(results.outline)
    axes = {_name(naming.axis(name)): value for name, value in cell.axes}
    data = {"dataset": cell.dataset, "data_digest": cell.data_digest and cell.data_digest[:8]}
    return {"machine": machine, **axes, "epochs": cell.epochs, **data}


def _known(samples: Sequence[tuple[Mapping[str, Any], Any]]) -> list[Sample]:
    """Return the samples whose value is known and finite."""
    return [(labels, value) for labels, found in samples if (value := plain(found)) is not None]


def _texts(labels: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the labels that are known, as texts; a boolean reads as in JSON."""
    return [
        (key, str(value).lower() if isinstance(value, bool) else str(value))
        for key, value in labels.items()
        if value is not None
    ]


def _name(text: str) -> str:
    """Return `text` as a name: letters, digits and underscores, with no digit first."""
    name = re.sub(r"[^a-zA-Z0-9_]", "_", text)
    return f"_{name}" if name[:1].isdigit() else name


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
