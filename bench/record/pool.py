"""Parts that many lines of journals repeat: each is validated once, and all lines share it.

Every record holds the facts of its machine, and every machine ran the same jobs. If each line had
its own copy, a thousand machines would not fit into memory.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from bench.record.ceilings import WorkCount
from bench.record.confusion import Confusion
from bench.record.facts import MachineFacts, RuntimeFacts
from bench.record.measurement import Digests, ThreadFacts
from bench.spec.description import Outline
from bench.spec.job import JobSpec

#: The parts of each kind of line that are shared, by their path in the line.
SHARED: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("machine",): MachineFacts,
    ("job",): JobSpec,
    ("runtime",): RuntimeFacts,
    ("measurement", "threads"): ThreadFacts,
    ("measurement", "digests"): Digests,
    ("measurement", "work"): WorkCount,
    ("workload",): Outline,
}
#: The parts that are mostly those of the line before; each of their fields has one type, so that
#: equal values are the same values.
SAME = frozenset({MachineFacts, RuntimeFacts})
#: Texts of a line that repeat from record to record.
NAMES = ("run_id", "job_id", "label", "placed_by")


class Pool:
    """The parts that were seen so far. Equal parts become one object, which is immutable."""

    def __init__(self) -> None:
        self._known: dict[tuple[type[BaseModel], bytes], BaseModel] = {}
        self._last: dict[type[BaseModel], tuple[dict[str, Any], BaseModel]] = {}

    def filled(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Return a line's JSON object with its parts replaced; the object itself is used up.

        Raises ValidationError if a part is damaged.
        """
        document = dict(line)
        for (*path, name), model in SHARED.items():
            place = _at(document, path)
            if place is not None and isinstance(place.get(name), dict):
                place[name] = self._part(model, place[name])
        jobs = _list_of(document, "jobs")  # of a header; a machine's line holds only ids
        for number, job in enumerate(jobs):
            if isinstance(job, dict):
                jobs[number] = self._part(JobSpec, job)
        for evaluation in _list_of(_at(document, ("measurement",)), "evaluations"):
            if isinstance(evaluation, dict) and isinstance(evaluation.get("confusion"), dict):
                evaluation["confusion"] = self._part(Confusion, evaluation["confusion"])
        for name in NAMES:
            if type(document.get(name)) is str:
                document[name] = sys.intern(document[name])
        return document

    def _part(self, model: type[BaseModel], document: dict[str, Any]) -> BaseModel:
        last = self._last.get(model)
        if last is not None and last[0] == document:
            return last[1]
        key = (model, marshal.dumps(document, 2))  # version 2 depends on nothing but the values
        part = self._known.get(key)
        if part is None:
            part = self._known[key] = model.model_validate(document)
        if model in SAME:
            self._last[model] = (document, part)
        return part


def _list_of(place: dict[str, Any] | None, name: str) -> list[Any]:
    """Return a list of an object by its name; an empty one if there is none."""
    found: Any = (place or {}).get(name)
    return found if isinstance(found, list) else []


def _at(document: dict[str, Any], path: tuple[str, ...] | list[str]) -> dict[str, Any] | None:
    """Return the object at a path, None if there is none."""
    place = document
    for name in path:
        inner = place.get(name)
        if not isinstance(inner, dict):
            return None
        place = inner
    return place
