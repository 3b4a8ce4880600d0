"""The short texts of cells: findings, sources, and the reasons why a figure is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.analysis.ceilings import Ceiling
from bench.analysis.failures import Unmeasured
from bench.analysis.limits import Limits
from bench.analysis.ratios import Finding
from bench.analysis.reference import Relative, Unlike
from bench.dispatch.labels import PRICE_LABEL
from bench.spec.axes import Axis

#: The text of a finding in the table of comparisons.
FINDINGS: Mapping[Finding, str] = {
    Finding.FASTER: "faster",
    Finding.SLOWER: "slower",
    Finding.EQUAL: "equal",
    Finding.OPEN: "open",
}
#: Why the limits of a group are unknown.
LIMITS = {
    "held by quota": "its CPU quota pauses it, which is no overhead of a step",
    "work not counted": "the journal counts no work or no steady step",
    "no ceilings": "no ceilings were measured for this kind of job",
}
#: Which figure carries the slip of the published one.
CAVEATS = {"none": "none", "measured": "ours", "both": "both: reproduced"}

#: Why published figures are not judged.
NOT_PUBLISHED = "nothing was published for this job"
NOT_CALIBRATED = "not calibrated"
#: Why a published row is not judged as a machine.
NOT_MEASURED = "not measured"

#: The source of a price that the run recorded of a cluster's node without naming one.
NODE_PRICE = f"the cluster's label {PRICE_LABEL}"

#: The message of a job without a record in the table of failures.
NOT_RUN = "planned, but the journal holds no record of it"


def why_unmeasured(found: Unmeasured) -> str:
    """Return why a job that did not fail was not measured, or why a machine was unavailable."""
    if found.outcome == "no time":
        minutes = "the minutes" if found.minutes is None else f"the {found.minutes:g} minutes"
        return f"left out: it did not fit into {minutes} of the run (--minutes)"
    return found.why or NOT_RUN


def regime(limits: Limits) -> str:
    """Return what limits a step, and whether that is uncertain."""
    return f"{limits.regime} (near the limit)" if limits.near else limits.regime


def reached_by(ceiling: Ceiling) -> str | None:
    """Return which values of the pooled axes reached a ceiling; None if no axis is pooled."""
    return ", ".join(str(value) for value in ceiling.by if value is not None) or None


def speed_range(low: float, high: float) -> str:
    """Return the least and the greatest of some speeds."""
    least, most = f"{low:.2f}", f"{high:.2f}"
    return f"{least}x" if least == most else f"{least} to {most}x"


def unlike(found: Unlike) -> str:
    """Return in which axis a job differs from the published jobs."""
    return f"{found.axis.replace('_', ' ')} is not {found.required}"


def relative_unknown(found: Relative, heading: Sequence[Axis]) -> str | None:
    """Return why a speed beside a published machine is unknown."""
    if isinstance(found.unknown, Unlike):
        return unlike(found.unknown)
    if found.unknown == "not published":
        return f"no time was published for this {' and '.join(axis.title for axis in heading)}"
    return "no epoch time was measured" if found.unknown else None
