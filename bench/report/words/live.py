"""The words of the live page: what the run does now, and what the states of its jobs are.

`book` has the words of the page in its language; the default is English.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench import units
from bench.record.job_states import MachineStates, Phase, RunStates, State
from bench.report.words.phrasebook import ENGLISH, HOLE, Phrasebook

#: What the run does, as a sentence. The figures of a pause are put in.
PHASES: Mapping[Phase, str] = {
    "starting": "The run is getting ready: it looks whether this machine is quiet.",
    "measuring": "The run goes on.",
    "cluster": "This machine is done, and the cluster still measures.",
    "reporting": "All jobs are done, and the report is being written.",
    "pause": "This machine rests until sitting {number} of {of} begins at {begins_at}.",
    "ended": "The run has ended.",
}

#: The states of jobs, each with the letter that stands for it in a row of boxes.
LETTERS: Mapping[State, str] = {
    "waiting": "w",
    "running": "r",
    "measured": "m",
    "disturbed": "d",
    "failed": "f",
    "skipped": "s",
    "left out": "o",
}

#: The heading of the part of the page.
THE_RUN = "The run"

NO_FIGURES = "There are no figures yet: the page makes them after a job, while none runs."

#: What the page says once the run no longer answers; the path of the report follows.
LOST = (
    "The run no longer answers: it has ended, or the link to it is down. At its end it writes "
    "{report}."
)

#: What a reader without JavaScript sees.
NO_SCRIPT = "The states of the jobs need JavaScript. Reload this page to see newer figures."

#: The switch that lets the page show new figures by itself, and what that costs.
FOLLOW = "show new figures by themselves"
FOLLOW_COST = (
    "Drawing them takes about a second of CPU time in this browser. Leave the switch off if this "
    "browser runs on the machine that is measured: a job may count as disturbed."
)


def now(states: RunStates, book: Phrasebook = ENGLISH) -> str:
    """Return what the run does now, and how long it still takes."""
    number, of = states.sitting or (1, 1)
    said = [PHASES[states.phase].format(number=number, of=of, begins_at=states.begins_at)]
    if states.sitting and states.phase in ("measuring", "cluster"):
        said.append(f"This is sitting {number} of {of}.")
    if states.left_s is not None:
        said.append(f"About {units.duration(states.left_s)} left.")
    return " ".join(map(book.said, said))


def counts(machine: MachineStates, book: Phrasebook = ENGLISH) -> str:
    """Return how many jobs of a machine are in which state, or why it is unavailable."""
    if machine.reason:
        return book.said("unavailable: {}").replace(HOLE, machine.reason)  # as it was told
    found = [_counted(count, state, book) for state, count in machine.counts.items()]
    return ", ".join(found) or book.said("no jobs")


def _counted(count: int, state: State, book: Phrasebook) -> str:
    """Return a number of jobs in a state; a single job may have a phrase of its own."""
    return book.phrases.get(f"{count} {state}") or f"{count} {book.said(state)}"


def figures(states: RunStates, book: Phrasebook = ENGLISH) -> str:
    """Return which jobs are in the figures."""
    if states.trouble:
        return book.said("The figures could not be made: {}").replace(HOLE, states.trouble)
    if not states.figures:
        return book.said(NO_FIGURES)
    if states.figures_of == 1:
        return book.said("The newest figures hold 1 job of this run.")
    return book.said(f"The newest figures hold {states.figures_of} jobs of this run.")


def lost(report: str, book: Phrasebook = ENGLISH) -> str:
    """Return what the page says once the run no longer answers."""
    return book.said(LOST.format(report=report))


def older_left_out(limit: int) -> str:
    """Return why the live page leaves out older journals."""
    return f"while the run goes on, the page holds only the newest {limit} records of this folder"
