"""The titles, the sentences under the figures, and the texts within them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.words.lists import and_list
from bench.report.words.sureness import count

#: The two sentences under a figure.
HowToRead = tuple[str, str]

BRACKETS = "The line is the bracket for another day (95 %), and a thin mark stands for each sitting"


def missing(packages: Sequence[str]) -> str:
    """Return why a report has no figures."""
    are = "is" if len(packages) == 1 else "are"
    return (
        f"This report has no figures, because {and_list(list(packages))} {are} not installed. "
        'The extra `report` installs them: pip install -e ".[report]".'
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
        f"Speed of {count(machines, 'machine')} relative to {baseline}, with brackets: "
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
        f"Speed of {count(jobs, 'job')} relative to the {machine}, with brackets: "
        f"from {low} to {high}."
    )


def not_shown(shown: int, all_: int) -> str:
    """Return that a chart shows some of its rows only."""
    return f"The first {shown} of {all_}; the tables hold all of them"
