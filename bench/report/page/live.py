"""The page that a run serves while it goes on, and the states that the page asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bench.record.job_states import IDLE, MachineStates, RunStates
from bench.report.page.html import safe
from bench.report.words import live as words

#: Where the page asks for the states; it stands beside the page.
STATES = "states.json"

#: The letter of a job that a machine does not have.
ABSENT = "-"


@dataclass(frozen=True)
class Served:
    """What a served page knows beside the report: `report` is the path that the run writes last.

    `figures` counts how often its figures were made, and `poll_s` are the seconds between two
    questions for the states.
    """

    session: str
    report: str
    poll_s: float
    figures: int = 0

    @property
    def content(self) -> dict[str, Any]:
        """What the page's script works with."""
        return {
            "session": self.session,
            "figures": self.figures,
            "poll_s": self.poll_s,
            "states": STATES,
            "lost": words.lost(self.report),
            "follow": words.FOLLOW,
            "follow_cost": words.FOLLOW_COST,
        }


def section() -> str:
    """Return the part of the page that the script fills with the states."""
    return (
        '<section id="live" aria-label="The run">'
        f"<noscript><p>{words.NO_SCRIPT}</p></noscript></section>\n"
    )


def states_json(states: RunStates) -> bytes:
    """Return the states as JSON.

    `jobs` are the names of all jobs. A machine has a letter for each of them, which `letters`
    explains; a dash stands for a job that the machine does not have. `notes` are by the number of
    the job.
    """
    names = list(dict.fromkeys(job for machine in states.machines for job in machine.jobs))
    document = {
        "session": states.session,
        "phase": states.phase,
        "now": words.now(states),
        "idle": states.phase in IDLE,
        "report": states.report,
        "figures": states.figures,
        "figures_of": states.figures_of,
        "about_figures": words.figures(states),
        "letters": {letter: state for state, letter in words.LETTERS.items()},
        "jobs": names,
        "machines": [_machine(machine, names) for machine in states.machines],
    }
    return json.dumps(safe(document), separators=(",", ":")).encode()


def _machine(machine: MachineStates, names: list[str]) -> dict[str, Any]:
    found = [machine.jobs.get(name) for name in names]
    return {
        "name": machine.name,
        "counts": words.counts(machine),
        "now": machine.now,
        "states": "".join(ABSENT if job is None else words.LETTERS[job.state] for job in found),
        "notes": {str(place): job.note for place, job in enumerate(found) if job and job.note},
    }
