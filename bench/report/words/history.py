"""The sentences of the command `history`."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.words.comparison import QUANTITIES
from bench.report.words.lists import and_list
from bench.report.words.sureness import Bracket, bracketed, share
from bench.text import counted

#: What the bracket of a sitting holds.
NOTE = (
    "A speed is relative to the machine's mean over its sittings, so 1.10 means a tenth faster "
    "than usual. Its bracket (95%) holds the noise between the jobs of the sitting alone."
)

#: Why a sitting has no speed.
NO_SPEED = "no job counts"


def title(name: str, by: str, sittings: int, jobs: int, first: str, last: str) -> str:
    """Return what is shown: the machine, the quantity, and the times."""
    when = f"on {first}" if first == last else f"from {first} to {last}"
    return (
        f"{name} by {QUANTITIES[by].name}: {counted(sittings, 'sitting')} with "
        f"{counted(jobs, 'job')}, {when} (UTC)"
    )


def one_sitting(name: str) -> str:
    """Return that a single sitting shows no change."""
    return f"{name} has one sitting, so there is nothing that could have changed yet."


def no_change(name: str, margin: float) -> str:
    """Return that no change of speed is sure."""
    return (
        f"No change of more than {share(margin)} between two sittings of {name} in a row is sure."
    )


def changed(before: str, after: str, ratio: Bracket, differs: bool) -> str:
    """Return how the speed changed from one sitting to the next one.

    `differs` says whether the records show something that changed too.
    """
    moved = "rose" if ratio.estimate > 1 else "fell"
    what = (
        "What changed, most telling first:" if differs else "The records show nothing that changed."
    )
    return (
        f"From {before} to {after} the speed {moved}: {after} is {bracketed(ratio)} times as fast. "
        f"{what}"
    )


def more_changes(shown: int, every: int) -> str:
    """Return that only the largest changes are shown."""
    return f"These are the largest {shown} of {every} changes; all of them: --json"


def setup_changed(second: str, names: Sequence[str]) -> str:
    """Return that the machine's setup changed, and in which facts."""
    return f"The setup changed with {second}: {and_list(list(names))}."


def setups_without_a_common_job(first: str, second: str) -> str:
    """Return that the two sides of a change cannot be compared."""
    return f"{first.capitalize()} and {second} have no kind of job in common."
