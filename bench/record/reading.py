"""Reads journals: one line after the other, so that a journal may be read while it is written."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import StoreError
from bench.record.assembly import Assembly, Placed
from bench.record.lift import Lift
from bench.record.lines import RunHeader
from bench.record.parsing import damaged, document_of, is_header, validated
from bench.record.pool import Pool
from bench.record.run import Run
from bench.record.seal import whole_parts
from bench.record.text_lines import TextLine, text_lines


def read_run(path: Path, pool: Pool | None = None, run_id: str | None = None) -> Run:
    """Return the run that the journal at `path` holds.

    If journals were joined, that is the run with the id `run_id`, or the last one. Raises
    StoreError as `read_runs` does.
    """
    runs = read_runs(path, pool)
    return next((run for run in runs if run.header.run_id == run_id), runs[-1])


def read_runs(path: Path, pool: Pool | None = None) -> tuple[Run, ...]:
    """Return the runs that the file at `path` holds: one, or several if journals were joined.

    Journals that are read with one `pool` share the parts that they have in common. A line that
    does not count is named in `warnings`. Raises StoreError if the file does not exist, if it holds
    no readable header, or if its schema is newer.
    """
    reading = _Reading(path, pool or Pool())
    for line in text_lines(path):
        reading.take(line)
    return reading.runs()


def read_header(path: Path) -> RunHeader:
    """Return the first readable header of a journal, without reading what follows it.

    Raises StoreError as `read_runs` does.
    """
    problem: StoreError | None = None
    for line in text_lines(path):
        try:
            document, _ = document_of(line, path)
            if is_header(document):
                if document["schema_version"] == 1:
                    document = _lifted(Lift(), document, path, line.number)[0]
                header: RunHeader = validated(document, path, line.number, Pool())
                return header
        except StoreError as error:
            problem = problem or error
    raise problem or _no_header(path)


class _Reading:
    """Reads the lines of one file. Lines of schema 1 wait for the end: one explains another."""

    def __init__(self, path: Path, pool: Pool) -> None:
        self._path, self._pool = path, pool
        self._assembly = Assembly(path)
        self._old: dict[int, dict[str, Any]] = {}
        self._problem: StoreError | None = None

    def take(self, line: TextLine) -> None:
        """Take a line, or name it if it is damaged."""
        try:
            self._take(line)
        except StoreError as error:
            self._problem = self._problem or error
            self._assembly.damaged(line.number, self._found_in(line, error))

    def runs(self) -> tuple[Run, ...]:
        """Return the runs of the lines. Raises the first error if there is no header."""
        self._take_old()
        runs = self._assembly.runs()
        if not runs:
            raise self._problem or _no_header(self._path)
        return runs

    def _take(self, line: TextLine) -> None:
        document, seal = document_of(line, self._path)
        if document["schema_version"] == 1:
            self._old[line.number] = document
            return
        typed = validated(document, self._path, line.number, self._pool)
        count = seal.count if seal else None
        self._assembly.take(Placed(typed, line.number, hash(line.text), count))

    def _found_in(self, line: TextLine, error: StoreError) -> str:
        """Return what is wrong with a damaged line, after taking the whole lines in it."""
        place = f"{self._path.name}, line {line.number}"
        whole = 0
        for part in whole_parts(line.text):
            with contextlib.suppress(StoreError):
                if part != line.text:
                    self._take(TextLine(line.number, part))
                    whole += 1
        if whole:
            return f"{place} is damaged, but whole lines in it count ({whole})"
        if not line.ended and line.number > 1:
            return f"{place} is only half there: a run is writing it, or it was cut off"
        return self._words(error)

    def _words(self, error: StoreError) -> str:
        problem = error.problem.replace(str(self._path), self._path.name)
        return f"{problem}: the line does not count"

    def _take_old(self) -> None:
        """Take the lines of schema 1."""
        lift = Lift.of(self._old.values())
        jobs: dict[Any, Any] = {}  # by run
        for number, document in self._old.items():
            try:
                for lifted in _lifted(lift, document, self._path, number, jobs):
                    typed = validated(lifted, self._path, number, self._pool)
                    place = Placed(typed, number, hash((number, type(typed))))
                    self._assembly.take(place)
            except StoreError as error:
                self._problem = self._problem or error
                self._assembly.damaged(number, self._words(error))


def _lifted(
    lift: Lift,
    document: Mapping[str, Any],
    path: Path,
    number: int,
    jobs: dict[Any, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return what a line of schema 1 is now: a line, or a header and its machine.

    `jobs` holds the jobs of the headers before it, by run. Raises StoreError if a key is missing.
    """
    try:
        if not is_header(document):
            return [lift.line(document, (jobs or {})[document["run_id"]])]
        header, own = lift.header(document)
    except (AttributeError, KeyError, TypeError) as error:
        raise damaged(path, number, f"no key {error}") from error
    if jobs is not None:
        jobs[header["run_id"]] = header["jobs"]
    return [header] if own is None else [header, own]


def _no_header(path: Path) -> StoreError:
    return damaged(path, 1, "no line is a header")
