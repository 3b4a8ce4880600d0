"""The page that a run serves while it goes on, and the states that the page asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bench.record.job_states import IDLE, MachineStates, RunStates
from bench.report.page.html import safe, text
from bench.report.words import live as words
from bench.report.words.page import page_book
from bench.report.words.phrasebook import Phrasebook
from bench.spec.languages import Language

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
    language: Language = "en"

    @property
    def content(self) -> dict[str, Any]:
        """What the page's script works with."""
        book = page_book(self.language)
        return {
            "session": self.session,
            "figures": self.figures,
            "poll_s": self.poll_s,
            "states": STATES,
            "lost": words.lost(self.report, book),
            "follow": book.said(words.FOLLOW),
            "follow_cost": book.said(words.FOLLOW_COST),
        }


def section(language: Language) -> str:
    """Return the part of the page that the script fills with the states."""
    book = page_book(language)
    return (
        f'<section id="live" aria-label="{text(book.said(words.THE_RUN))}">'
        f"<noscript><p>{text(book.said(words.NO_SCRIPT))}</p></noscript></section>\n"
    )


def states_json(states: RunStates, language: Language = "en") -> bytes:
    """Return the states as JSON, with texts in a language.

    `jobs` are the names of all jobs. A machine has a letter for each of them, which `letters`
    explains; a dash stands for a job that the machine does not have. `notes` are by the number of
    the job.
    """
    book = page_book(language)
    names = list(dict.fromkeys(job for machine in states.machines for job in machine.jobs))
    document = {
        "session": states.session,
        "phase": states.phase,
        "now": words.now(states, book),
        "idle": states.phase in IDLE,
        "report": states.report,
        "figures": states.figures,
        "figures_of": states.figures_of,
        "about_figures": words.figures(states, book),
        "letters": {letter: book.said(state) for state, letter in words.LETTERS.items()},
        "jobs": names,
        "machines": [_machine(machine, names, book) for machine in states.machines],
    }
    return json.dumps(safe(document), separators=(",", ":")).encode()


def _machine(machine: MachineStates, names: list[str], book: Phrasebook) -> dict[str, Any]:
    found = [machine.jobs.get(name) for name in names]
    return {
        "name": machine.name,
        "counts": words.counts(machine, book),
        "now": machine.now,
        "states": "".join(ABSENT if job is None else words.LETTERS[job.state] for job in found),
        "notes": {str(place): job.note for place, job in enumerate(found) if job and job.note},
    }
