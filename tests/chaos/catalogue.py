"""The kinds of faults as rows: a name, how often it comes, the words of the command, the fault."""

from __future__ import annotations

import functools
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos import damage, links, stops, surroundings
from tests.chaos.lab import Lab

#: Makes a fault in a lab, and yields what does not hold after it.
Fault = Callable[[Lab, random.Random], Iterator[str]]

INLINE, RAY = ("--dispatch", "inline"), ("--dispatch", "ray")
SHORT_LIMIT = ("--job-timeout", "20")


@dataclass(frozen=True)
class Kind:
    """A kind of fault; it comes `times` in a hundred."""

    name: str
    times: int
    fault: Fault
    words: Sequence[str] = INLINE
    models: str = "ok"


def _signal(number: int, times: int = 1) -> Fault:
    return functools.partial(stops.signalled, number=number, times=times)


def _part(name: str, number: int = signal.SIGKILL) -> Fault:
    return functools.partial(stops.part_hit, name=name, number=number)


def _journal(change: damage.Damage) -> Fault:
    return functools.partial(damage.journal_damaged, damage=change)


KINDS: tuple[Kind, ...] = (
    Kind("SIGINT", 7, _signal(signal.SIGINT)),
    Kind("SIGTERM", 7, _signal(signal.SIGTERM)),
    Kind("SIGHUP", 3, _signal(signal.SIGHUP)),
    Kind("SIGINT three times", 3, _signal(signal.SIGINT, 3)),
    Kind("SIGTERM to every process", 3, stops.everyone_terminated),
    Kind("SIGKILL", 8, stops.killed),
    Kind("SIGSTOP below, SIGKILL", 4, stops.stopped_and_killed),
    Kind("SIGSTOP, SIGCONT", 3, stops.stopped_for_a_while),
    Kind("child: SIGKILL", 3, _part("bench.child.entry")),
    Kind("child: SIGTERM", 2, _part("bench.child.entry", signal.SIGTERM)),
    Kind("child: SIGSTOP, SIGCONT", 3, stops.child_stopped),
    Kind("keeper: SIGKILL", 2, _part("bench.child.keeper")),
    Kind("Ray: SIGINT", 3, _signal(signal.SIGINT), RAY),
    Kind("Ray: SIGTERM", 3, _signal(signal.SIGTERM), RAY),
    Kind("Ray: SIGTERM to every process", 2, stops.everyone_terminated, RAY),
    Kind("Ray: SIGKILL", 3, stops.killed, RAY),
    Kind("Ray: SIGSTOP below, SIGKILL", 2, stops.stopped_and_killed, RAY),
    Kind("Ray: raylet killed", 3, _part("raylet/raylet"), (*RAY, *SHORT_LIMIT)),
    Kind("Ray: control store killed", 1, _part("gcs_server"), (*RAY, *SHORT_LIMIT)),
    Kind("Ray: agent killed", 2, _part("ray::Dash"), (*RAY, *SHORT_LIMIT)),
    Kind("Ray: worker killed", 2, _part("ray::run_as_json"), (*RAY, *SHORT_LIMIT)),
    Kind("Ray: its driver killed", 2, _part("ray_driver"), (*RAY, *SHORT_LIMIT)),
    Kind("journal: a bit flipped", 3, _journal(damage.flipped)),
    Kind("journal: a bit of the header", 3, _journal(damage.header_flipped)),
    Kind("journal: the header cut", 2, _journal(damage.header_cut)),
    Kind("journal: the tail cut", 3, _journal(damage.cut)),
    Kind("journal: a line twice", 2, _journal(damage.doubled)),
    Kind("journal: lines swapped", 2, _journal(damage.swapped)),
    Kind("data damaged", 3, damage.data_damaged),
    Kind("two runs at once", 2, damage.two_at_once),
    Kind("disk full", 3, damage.disk_full),
    Kind("disk read-only", 3, damage.read_only),
    Kind("temporary folder full", 2, damage.temporary_full),
    Kind("reader of the lines gone", 1, damage.output_gone),
    Kind("clock set", 4, surroundings.clock_set),
    Kind("a host's link cut for a while", 1, links.cut_for_a_while),
    Kind("a host's link cut for good", 1, links.cut_for_good),
    Kind("out of memory", 2, surroundings.out_of_memory, INLINE, "ok, second, eat"),
)


def drawn(seed: int, count: int) -> list[Kind]:
    """Return `count` kinds in a seeded order, each as often as its row says."""
    deck = [kind for kind in KINDS for _ in range(kind.times)]
    chance, found = random.Random(seed), []
    while len(found) < count:
        chance.shuffle(deck)
        found += deck
    return found[:count]
