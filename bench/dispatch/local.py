"""Runs jobs on this machine without Ray: the double of every other dispatcher."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from bench.child.launch import LaunchSpec
from bench.child.process import run_child
from bench.dispatch.events import Event, events_of
from bench.probe.machine import probe
from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord


class InlineDispatcher:
    """Starts each job's child from this very process."""

    name = "inline"

    def __init__(self) -> None:
        self._items: Generator[Mapping[str, Any] | JobRecord, None, None] | None = None

    def __enter__(self) -> InlineDispatcher:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._items is not None:
            self._items.close()  # ends the job that is running, if there is one

    def machine(self, packages: Sequence[str]) -> MachineFacts:
        """Return the facts of this machine."""
        return probe(packages)

    def run(self, launches: Sequence[LaunchSpec]) -> Iterator[Event]:
        """Run `launches` one after another."""
        for launch in launches:
            self._items = run_child(launch)
            yield from events_of(launch, self._items)
