"""Converts lines of schema 1 to the current schema.

In schema 1, a job held the values of its axes among its other fields, metrics stood among times,
and the header held what is now the line of the machine on which the command was typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.spec.frozen import digest_of

#: Fields of a job that are not axes.
JOB_FIELDS = ("epochs", "seed", "dataset", "read_off", "repeat")
#: Fields of an epoch and of an evaluation that are not metrics.
EPOCH_FIELDS = frozenset(
    {
        *("epoch", "started_s", "wall_s", "cpu_s", "steps", "rss_bytes"),
        *("step_first_s", "step_p10_s", "step_median_s", "step_p95_s"),
    }
)
#: A field of conditions that there was for some hours only.
EPOCH_PEAKS = "rss_peak_by_epoch_bytes"
EVALUATION_FIELDS = frozenset({"epochs", "evaluate_s", "total_s", "weights_digest"})
#: Length of the digest at the end of a job's id.
DIGEST_LETTERS = 8


@dataclass(frozen=True)
class Lift:
    """Converts the lines of one journal from schema 1 to schema 2.

    `names` holds the readable part of each job's id, by the digest at the end of the id. Only
    the journal's own lines show how schema 1 wrote that part.
    """

    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Any]]) -> Lift:
        """Return the lift for a journal, given its lines after the header."""
        ids = [job_id for line in lines for job_id in _ids(line)]
        return cls({job_id[-DIGEST_LETTERS:]: job_id[: -DIGEST_LETTERS - 1] for job_id in ids})

    def header(self, line: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the header, and the line of the own machine.

        That line is None if the header's machine only ran the driver.
        """
        header = {**line, "schema_version": 2}
        machine, look = header.pop("machine"), header.pop("look", None)
        was_measured, skipped = header.pop("measured", True), header.pop("skipped", ())
        skips = self._skips(skipped)
        given = [self._job(job) for job in line["jobs"]]
        header["jobs"] = [*given, *(skip["job"] for skip in skips)]
        if not was_measured:
            return header, None
        entry = {
            "entry": "machine",
            "schema_version": 2,
            "run_id": line["run_id"],
            "label": line["label"],
            "own": True,
            "machine": machine,
            "jobs": [_id(job) for job in given],
            "skipped": skips,
            "look": look,
        }
        return header, entry

    def line(self, line: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a line after the header; `jobs` are the jobs of the converted header.

        If a machine's line lists no jobs, the machine was given all of them.
        """
        if line.get("entry") == "machine":
            given = line.get("jobs")
            if given is None:
                given = [_id(job) for job in jobs] if line.get("machine") else ()
            skips = self._skips(line.get("skipped", ()))
            return {**line, "schema_version": 2, "skipped": skips, "jobs": given}
        if line.get("entry") == "site":
            rest = {key: value for key, value in line.items() if key != "site"}
            return {**rest, "schema_version": 2, "entry": "cluster", "cluster": line["site"]}
        measurement, conditions = line.get("measurement"), line.get("conditions")
        if conditions is not None:  # the first journals held peaks of memory that nothing reads
            conditions = {key: value for key, value in conditions.items() if key != EPOCH_PEAKS}
        return {
            **line,
            "schema_version": 2,
            "conditions": conditions,
            "job": self._job(line["job"]),
            "measurement": None if measurement is None else _measurement(measurement),
        }

    def _skips(self, skips: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**skip, "job": self._job(skip["job"])} for skip in skips]

    def _job(self, job: Mapping[str, Any]) -> dict[str, Any]:
        axes = {key: value for key, value in job.items() if key not in JOB_FIELDS}
        fields = {key: job[key] for key in JOB_FIELDS if key in job}
        name = self.names.get(_digest({**axes, **fields}), "-".join(map(str, axes.values())))
        return {"name": name, "axes": axes, **fields}


def _ids(line: Mapping[str, Any]) -> list[str]:
    """Return the job ids that a line names."""
    named = line.get("jobs") if line.get("entry") == "machine" else [line.get("job_id")]
    return [job_id for job_id in named or () if isinstance(job_id, str)]


def _id(job: Mapping[str, Any]) -> str:
    fields = {key: job[key] for key in JOB_FIELDS if key in job}
    return f"{job['name']}-{_digest({**job['axes'], **fields})}"


def _digest(fields: Mapping[str, Any]) -> str:
    return digest_of(fields)[:DIGEST_LETTERS]


def _measurement(old: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in old.items() if key != "framework"}
    return {
        **rest,
        "versions": old["framework"],
        "epochs": [_with_metrics(epoch, EPOCH_FIELDS) for epoch in old["epochs"]],
        "evaluations": [_with_metrics(one, EVALUATION_FIELDS) for one in old["evaluations"]],
    }


def _with_metrics(old: Mapping[str, Any], times: frozenset[str]) -> dict[str, Any]:
    """Return an epoch or an evaluation with all fields that are not in `times` under `metrics`."""
    kept = {key: value for key, value in old.items() if key in times}
    metrics = {key: value for key, value in old.items() if key not in times}
    return {**kept, "metrics": metrics}
