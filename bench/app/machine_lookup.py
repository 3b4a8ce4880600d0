"""Finds a machine by name: in journals, in files of facts, or this machine itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import OutsideError, RequestError, StoreError
from bench.outside.documents import parse_object, shaped
from bench.outside.files import MOST_TOLD, read_text
from bench.record.facts import MachineFacts
from bench.record.journal import SUFFIX, find_journals, read_runs
from bench.text import did_you_mean

#: Word that stands for the machine on which the command is typed.
HERE = "here"

#: The least number of letters that may stand for the id of a machine or a run.
ID_LETTERS = 6


def begins_id(name: str, full_id: str) -> bool:
    """Say whether `name` may stand for an id: it is its beginning, and long enough."""
    return len(name) >= ID_LETTERS and full_id.startswith(name)


@dataclass(frozen=True)
class NamedMachine:
    """A machine: its label, its facts, the source that described it, and when.

    `measured` counts the jobs that were measured on it according to the source.
    """

    label: str
    facts: MachineFacts
    source: str
    at: str = ""
    measured: int = 0

    @property
    def words(self) -> str:
        """The machine's name and its source."""
        return f"{self.label or self.facts.machine_id} ({self.source})"


def machines_of(journals: Iterable[Path]) -> Iterator[NamedMachine]:
    """Yield every machine of every journal in turn. Raises StoreError if one is unreadable."""
    for path in journals:
        for share in (share for run in read_runs(path) for share in run.shares):
            facts = share.records[-1].machine if share.records else share.facts
            measured = len(share.measured)
            yield NamedMachine(share.label, facts, str(path), share.header.started_at, measured)


def known_machines(journals: Iterable[Path]) -> list[NamedMachine]:
    """Return each machine once for each of its labels, as its last journal describes it.

    `measured` counts the jobs of all journals together. An unreadable journal is skipped.
    """
    latest: dict[tuple[str, str], NamedMachine] = {}
    for path in journals:
        try:
            machines = list(machines_of([path]))
        except StoreError:
            continue
        for machine in machines:
            key = (machine.label, machine.facts.machine_id)
            before = latest.pop(key, None)
            jobs = machine.measured + (before.measured if before else 0)
            latest[key] = NamedMachine(
                machine.label, machine.facts, machine.source, machine.at, jobs
            )
    return list(latest.values())


def find_machine(name: str, folder: Path, here: Callable[[], MachineFacts]) -> NamedMachine:
    """Return the machine that `name` stands for.

    The name may be `here`, a journal (with `:LABEL` if it holds several machines), a file that
    the command `machine --json` printed, or the label or id of a machine in the journals of
    `folder`. `here` reads the facts of this machine. Raises RequestError if there is no such
    machine, or more than one.
    """
    if name == HERE:
        return NamedMachine(HERE, here(), "this machine, now")
    path, _, label = name.rpartition(":") if f"{SUFFIX}:" in name else (name, "", "")
    try:
        if Path(path).suffix == SUFFIX:
            return _of_journal(Path(path), label)
        if os.path.isfile(path):
            return _of_facts(Path(path))
    except (OutsideError, StoreError) as error:
        raise RequestError(
            f"{name} does not describe a machine",
            seen=error,
            next_step="name a journal or the output of `{program} machine --json`",
        ) from error
    return _by_name(name, known_machines(find_journals(folder)), folder)


def _of_journal(path: Path, label: str) -> NamedMachine:
    machines = list(machines_of([path]))
    chosen = [machine for machine in machines if not label or machine.label == label]
    if len(chosen) == 1:
        return chosen[0]
    labels = [machine.label for machine in machines]
    raise RequestError(
        f"{path} holds {'no such machine' if label else 'several machines'}",
        seen=", ".join(labels),
        next_step=f"{did_you_mean(label, labels)}name one of them: {path}:{labels[0]}"
        if labels
        else "name another journal",
    )


def _of_facts(path: Path) -> NamedMachine:
    document = parse_object(read_text(path, MOST_TOLD))
    for key in ("runtime", "price"):  # `machine --json` prints these beside the facts
        document.pop(key, None)
    return NamedMachine("", shaped(MachineFacts, document), str(path))


def _by_name(name: str, machines: Sequence[NamedMachine], folder: Path) -> NamedMachine:
    """Return the machine of this label or id; the last one if several have the label."""
    named = [one for one in machines if one.label == name] or [
        one for one in machines if begins_id(name, one.facts.machine_id)
    ]
    if named:
        return named[-1]
    labels = dict.fromkeys(machine.label for machine in machines)
    known_ones = f"{did_you_mean(name, labels)}name one of them, " if labels else "name "
    raise RequestError(
        f"{name} does not describe a machine: it is neither a file nor a machine in {folder}",
        seen=", ".join(labels) or "no machine there",
        next_step=f"{known_ones}`{HERE}`, a journal, or facts that `{{program}} machine --json` "
        "printed",
    )
