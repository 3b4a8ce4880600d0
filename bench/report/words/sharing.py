"""What the command `share` says: what was written, removed and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.record.scrub import Kind
from bench.report.words.lists import and_list
from bench.text import counted

#: What each kind of removed values is called, in the order in which the user is told. Each has a
#: noun for one value and one for several.
REMOVED: Mapping[Kind, tuple[str, str]] = {
    "ids": ("id of a machine, host or boot", "ids of machines, hosts and boots"),
    "serials": ("serial of a GPU", "serials of GPUs"),
    "runs": ("id of a run or series", "ids of runs and series"),
    "labels": ("label", "labels"),
    "host names": ("host name", "host names"),
    "commands": ("command line", "command lines"),
    "data sources": ("source of the data", "sources of the data"),
    "grids": ("name of a grid of your own", "names of grids of your own"),
    "variables": ("value of an environment variable", "values of environment variables"),
    "processes": ("foreign process", "foreign processes"),
    "clusters": ("name of a cluster or host type", "names of clusters and host types"),
    "paths": ("version or build fact with a path", "versions and build facts with paths"),
    "kernels": ("build name of a kernel", "build names of kernels"),
    "prices": ("source of a price or rule of another machine", "sources and rules of prices"),
    "failures": (
        "message, traceback, log or exception of failed jobs",
        "messages, tracebacks, logs and exceptions of failed jobs",
    ),
    "reasons": (
        "reason why a fact is unknown, or a job or machine was left out",
        "reasons why a fact is unknown, or a job or machine was left out",
    ),
    "notes": ("note or finding in words", "notes and findings in words"),
    "lines": ("unreadable line", "unreadable lines"),
}

#: Kinds that are replaced by something that stands for them in this share alone.
REPLACED: tuple[Kind, ...] = ("ids", "serials", "runs", "labels", "grids", "variables", "paths")

#: What stays in a shared journal that a reader might want to know.
KEPT = (
    "Kept: all times, metrics and digests; what the hardware and its operating system are; "
    "versions of packages; cloud provider, region and instance type; prices; the times of day "
    "(UTC)."
)


def removed(found: Mapping[Kind, set[str]]) -> list[str]:
    """Return a line for each kind of values that were removed or replaced."""
    return [
        f"{counted(len(found[kind]), *nouns)}{' (replaced)' if kind in REPLACED else ''}"
        for kind, nouns in REMOVED.items()
        if found.get(kind)
    ]


def labels_kept(labels: Sequence[str]) -> str:
    """Return which labels stand in the shared journals, and how to change them."""
    own = "label" if len(labels) == 1 else "labels"
    return f"The {own} {and_list(list(labels))} can be read; --as NAME replaces a label."


def tells(label: str, what: str) -> str:
    """Return a warning that a label holds a name of this machine."""
    return f"warning: the label {label} holds {what}; --as NAME replaces it"


def written(journals: int, records: int, machines: int) -> str:
    """Return what was written."""
    return (
        f"{counted(journals, 'journal')} with {counted(records, 'record')} of "
        f"{counted(machines, 'machine')}, to be read with: report"
    )
