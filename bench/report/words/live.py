"""The words of the live page: what the run does now, and what the states of its jobs are."""

from __future__ import annotations

from collections.abc import Mapping

from bench import units
from bench.record.job_states import MachineStates, Phase, RunStates, State

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

NO_FIGURES = "There are no figures yet: the page makes them after a job, while none runs."

#: What the page says once the run answers no longer; the path of the report follows.
LOST = (
    "The run answers no longer: it has ended, or the link to it is down. At its end it writes "
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


def now(states: RunStates) -> str:
    """Return what the run does now, and how long it still takes."""
    number, of = states.sitting or (1, 1)
    text = PHASES[states.phase].format(number=number, of=of, begins_at=states.begins_at)
    if states.sitting and states.phase in ("measuring", "cluster"):
        text += f" This is sitting {number} of {of}."
    if states.left_s is not None:
        text += f" About {units.duration(states.left_s)} left."
    return text


def counts(machine: MachineStates) -> str:
    """Return how many jobs of a machine are in which state, or why it is unavailable."""
    if machine.reason:
        return f"unavailable: {machine.reason}"
    return ", ".join(f"{count} {state}" for state, count in machine.counts.items()) or "no jobs"


def figures(states: RunStates) -> str:
    """Return which jobs are in the figures."""
    if states.trouble:
        return f"The figures could not be made: {states.trouble}"
    if not states.figures:
        return NO_FIGURES
    jobs = "1 job" if states.figures_of == 1 else f"{states.figures_of} jobs"
    return f"The newest figures hold {jobs} of this run."


def lost(report: str) -> str:
    """Return what the page says once the run answers no longer."""
    return LOST.format(report=report)


def older_left_out(limit: int) -> str:
    """Return why the live page leaves out older journals."""
    return f"while the run goes on, the page holds only the newest {limit} records of this folder"
