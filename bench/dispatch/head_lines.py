"""What the driver on a cluster's head tells its follower: how it is written, and read elsewhere.

Each line is MARK and a JSON object with one key: `line` (a line of the journal), `event` (a job
started or got on) or `end` (an Outcome).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field

from bench.dispatch.events import Event
from bench.dispatch.outcome import Outcome
from bench.errors import OutsideError
from bench.outside.documents import parse_object, shaped
from bench.record.journal import parse_line
from bench.record.lines import JobRecord, MachineEntry, OutOfTime
from bench.record.parsing import NAMES
from bench.spec.frozen import Frozen

MARK = "@bench "

#: The lines of a journal that a head writes: it only measures.
HeadLine = JobRecord | MachineEntry | OutOfTime


class _ToldEvent(Frozen):
    """An event that is no line of the journal."""

    kind: Literal["started", "progress"]
    job_id: str
    host: str
    detail: dict[str, Any] = Field(default_factory=dict)


def said(**told: Any) -> str:
    """Return the line that tells one thing."""
    return MARK + json.dumps(told)


def end_line(outcome: Outcome) -> str:
    """Return the last line that a follower reads."""
    return said(end=outcome.model_dump(mode="json"))


def read_told(text: str, run_id: str) -> HeadLine | Event | Outcome:
    """Return what a line tells, after its MARK.

    Raises OutsideError if it is not understood, or if it is a line of another run.
    """
    told = parse_object(text)
    for what, read in READ.items():
        if what in told:
            try:
                return read(told[what], run_id)
            except OutsideError as error:
                raise OutsideError(f"its {what}: {error.what}") from error
    raise OutsideError("it holds neither a line nor an event nor an end")


def _read_line(document: Any, run_id: str) -> HeadLine:
    if not isinstance(document, dict):
        raise OutsideError("it is not a JSON object")
    line = parse_line(document)
    if not isinstance(line, HeadLine):
        raise OutsideError(f"a head does not write {NAMES[type(line)]}")
    if line.run_id != run_id:
        raise OutsideError("it is of another run")
    return line


def _read_event(document: Any, run_id: str) -> Event:
    event = shaped(_ToldEvent, document)
    return Event(event.kind, event.job_id, event.detail, host=event.host)


def _read_end(document: Any, run_id: str) -> Outcome:
    return shaped(Outcome, document)


#: What a line may tell, and what reads it.
READ: Mapping[str, Callable[[Any, str], HeadLine | Event | Outcome]] = {
    "line": _read_line,
    "event": _read_event,
    "end": _read_end,
}
