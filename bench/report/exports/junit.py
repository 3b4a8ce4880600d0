"""The jobs of all runs as a JUnit file: a suite for each machine of a run, a test case a job.

Sources of the format: the schema of Apache Ant's JUnit task and the one of Jenkins' xUnit plug-in,
which agree on what is written here.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from bench import __version__, units
from bench.analysis.cells import Cell
from bench.analysis.failures import Unmeasured
from bench.analysis.pooling import MeasuredJob
from bench.analysis.results import Results
from bench.analysis.sittings import RecordKey, key_of, record_key
from bench.clock import seconds_between
from bench.record.failure import (
    DISK_FULL,
    DISPATCH,
    HOST_LOST,
    IMPOSSIBLE,
    INTERRUPTED,
    NO_BACKEND,
    NO_DATA,
    NO_GPU,
    OUT_OF_MEMORY,
    Failure,
)
from bench.record.lines import JobRecord
from bench.record.share import Share
from bench.report.shared_columns import job_text
from bench.report.words import gate, phrases

#: Reasons that lie with the machine or the way to it. They are errors; a job that ran and did not
#: end well is a failure.
ERRORS = frozenset(
    {
        HOST_LOST,
        DISPATCH,
        NO_GPU,
        NO_BACKEND,
        NO_DATA,
        DISK_FULL,
        INTERRUPTED,
        OUT_OF_MEMORY,
        IMPOSSIBLE,
    }
)

#: What became of a job that did not fail and was not measured, by the element that says so.
ELEMENTS: Mapping[str, str] = {
    "not run": "error",
    "unavailable": "error",
    "skipped": "skipped",
    "no time": "skipped",
}

#: The type of the failure of a job whose metrics say that it trained wrong.
TRAINED_WRONG = "trained wrong"

#: Characters that XML 1.0 cannot hold.
NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_file(results: Results) -> str:
    """Return the file. A job counts by its last measurement, or else by its last failure."""
    wrong = _wrong(results)
    jobs = {key_of(job): job for job in results.measured}
    root = ET.Element("testsuites", name=_xml(results.outline.name))
    for share in results.shares:
        root.append(_suite(share, results, jobs, wrong))
    for gone in (one for one in results.unmeasured if one.job_id is None):
        root.append(_unavailable(gone, results))
    for suite in root:
        _count(suite, list(suite.iter("testcase")))
    _count(root, list(root.iter("testcase")))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(
    share: Share,
    results: Results,
    jobs: Mapping[RecordKey, MeasuredJob],
    wrong: Mapping[tuple[str, Cell], str],
) -> ET.Element:
    header, facts = share.header, share.facts
    suite = ET.Element(
        "testsuite",
        name=_xml(f"{share.label} {header.run_id}"),
        hostname=_xml(share.label),
        timestamp=_timestamp(header.started_at),
    )
    properties = ET.SubElement(suite, "properties")
    told = {
        "workload": results.outline.name,
        "run": header.run_id,
        "grid": header.grid,
        "dataset": header.dataset,
        "machine_id": facts.machine_id,
        "cpu_model": facts.cpu_model,
        "os": facts.os,
        "bench_version": __version__,
    }
    for name, value in told.items():
        if value is not None:
            ET.SubElement(properties, "property", name=name, value=_xml(value))
    last: dict[str, JobRecord] = {}
    for record in share.records:
        known = last.get(record.job_id)
        if known is None or record.measurement is not None or known.failure is not None:
            last[record.job_id] = record
    for job_id, record in last.items():
        case = _case(suite, share.label, job_id, results, _seconds(record))
        job = jobs.get(record_key(record))
        if record.failure is not None:
            _failed(case, record.failure)
        elif job is not None:
            text = wrong.get((job.machine_key, job.cell(results.outline)))
            if text is not None:
                _told(case, "failure", TRAINED_WRONG, text, text)
        ET.SubElement(case, "system-out").text = _xml("" if job is None else _figures(job))
    for one in _missing(results.unmeasured, share, last):
        case = _case(suite, share.label, one.job_id or "", results, 0.0)
        text = phrases.why_unmeasured(one)
        _told(case, ELEMENTS[one.outcome], one.outcome, text, text)
    return suite


def _missing(
    found: Sequence[Unmeasured], share: Share, last: Mapping[str, JobRecord]
) -> Iterator[Unmeasured]:
    """Yield the jobs of a share that have no record."""
    for one in found:
        here = (one.label, one.run_id) == (share.label, share.header.run_id)
        if here and one.outcome in ELEMENTS and one.job_id not in last:
            yield one


def _unavailable(one: Unmeasured, results: Results) -> ET.Element:
    suite = ET.Element("testsuite", name=_xml(f"{one.label} {one.run_id}"))
    case = _case(suite, one.label, "the machine is available", results, 0.0)
    text = phrases.why_unmeasured(one)
    _told(case, ELEMENTS[one.outcome], one.outcome, text, text)
    return suite


def _case(
    suite: ET.Element, label: str, job_id: str, results: Results, seconds: float
) -> ET.Element:
    return ET.SubElement(
        suite,
        "testcase",
        classname=_xml(f"{results.outline.name}.{label}"),
        name=_xml(job_id),
        time=f"{seconds:.3f}",
    )


def _failed(case: ET.Element, failure: Failure) -> None:
    element = "error" if failure.reason in ERRORS else "failure"
    parts = [failure.message, f"Next: {failure.why.advice}.", failure.traceback, failure.log_tail]
    text = "\n\n".join(part for part in parts if part)
    _told(case, element, failure.reason, f"{failure.reason}: {failure.message}", text)


def _told(case: ET.Element, element: str, kind: str, message: str, text: str) -> None:
    said = ET.SubElement(case, element, message=_xml(" ".join(message.split())))
    if element != "skipped":
        said.set("type", kind)
        said.text = _xml(text)


def _figures(job: MeasuredJob) -> str:
    """Return the figures of a job in a line."""
    final, step_s = job.measurement.final, job.steady["step_mean_s"]
    told = [
        f"total {units.seconds(final.total_s)} s",
        f"mean step {units.significant(step_s and 1000 * step_s)} ms",
        *(f"{name} {units.significant(value, 4)}" for name, value in final.metrics.items()),
    ]
    conditions = job.record.conditions
    if conditions is not None and conditions.whole is not None:
        told.append(", ".join((conditions.whole.flag, *conditions.whole.causes)))
    return "; ".join(told)


def _wrong(results: Results) -> dict[tuple[str, Cell], str]:
    """Return a sentence for each cell that a machine trains wrong."""
    metrics = {metric.name: metric for metric in results.outline.metrics}
    return {
        (one.group.machine_key, one.group.cell): gate.wrong(
            one.gate, job_text(one.group.cell, results.outline), metrics
        )
        for one in results.groups
        if one.gate.wrong
    }


def _count(element: ET.Element, cases: Sequence[ET.Element]) -> None:
    """Write how many of the cases of an element failed, and the seconds of all."""
    element.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _seconds(record: JobRecord) -> float:
    return max(0.0, seconds_between(record.started_at, record.ended_at))


def _timestamp(text: str) -> str:
    """Return a time in UTC as the schemas ask for it, without its zone."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _xml(text: str) -> str:
    """Return `text` with `?` for each character that XML cannot hold."""
    return NOT_XML.sub("?", text)
