"""Runs jobs on this machine without Ray: the double of every other dispatcher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.dispatch import Event, events_of
from bench.launch import LaunchSpec
from bench.probe import probe
from bench.process import run_child
from bench.record import MachineFacts


class InlineDispatcher:
    """Starts each job's child from this very process."""

    name = "inline"

    def __enter__(self) -> InlineDispatcher:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def machine(self, packages: Sequence[str]) -> MachineFacts:
        """Return the facts of this machine."""
        return probe(packages)

    def run(self, launches: Sequence[LaunchSpec]) -> Iterator[Event]:
        """Run `launches` one after another."""
        for launch in launches:
            yield from events_of(launch, run_child(launch))
