"""Machines by name: those of journals, of saved facts, and the one on which we are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bench.errors import RequestError, StoreError
from bench.probe.machine import probe
from bench.record.facts import MachineFacts
from bench.record.journal import find_journals, read_run
from mnist_bench.workload import PACKAGES

#: Word that stands for the machine on which the command is typed.
HERE = "here"

#: Letters from which on a word may be the beginning of a machine's id.
ID_LETTERS = 6


@dataclass(frozen=True)
class Found:
    """A machine that was found: its label, its facts, and what told of it and when.

    `measured` counts the jobs that were measured on it there.
    """

    label: str
    facts: MachineFacts
    told_by: str
    at: str = ""
    measured: int = 0

    @property
    def words(self) -> str:
        """The machine's name and source, as one says them."""
        return f"{self.label or self.facts.machine_id} ({self.told_by})"


def machines_of(journals: Iterable[Path]) -> Iterator[Found]:
    """Yield every machine of every journal in turn. Raises StoreError where one is unreadable."""
    for path in journals:
        for part in read_run(path).parts:
            facts = part.records[-1].machine if part.records else part.header.machine
            measured = len(part.measured)
            yield Found(part.header.label, facts, str(path), part.header.started_at, measured)


def known(journals: Iterable[Path]) -> list[Found]:
    """Return each machine once under each of its labels, as its last journal tells of it.

    Its measured jobs are those of all journals together. Unreadable journals are left out.
    """
    latest: dict[tuple[str, str], Found] = {}
    for path in journals:
        try:
            found = list(machines_of([path]))
        except StoreError:
            continue
        for each in found:
            key = (each.label, each.facts.machine_id)
            before = latest.pop(key, None)
            jobs = each.measured + (before.measured if before else 0)
            latest[key] = Found(each.label, each.facts, each.told_by, each.at, jobs)
    return list(latest.values())


def find_machine(name: str, folder: Path) -> Found:
    """Return the machine that `name` stands for.

    It may be `here`, a journal (with `:LABEL` where it holds several machines), a file of
    `mnist-bench machine --json`, or the label or id of a machine in the journals of `folder`.
    Raises RequestError where there is none, or more than one.
    """
    if name == HERE:
        return Found(HERE, probe(PACKAGES), "this machine, now")
    path, _, label = name.rpartition(":") if ".jsonl:" in name else (name, "", "")
    try:
        if Path(path).suffix == ".jsonl":
            return _of_journal(Path(path), label)
        if Path(path).is_file():
            return _of_facts(Path(path))
    except (OSError, UnicodeDecodeError, StoreError, ValidationError, ValueError) as error:
        raise RequestError(
            f"{name} tells of no machine",
            seen=(str(error).splitlines() or [type(error).__name__])[0],
            next_step="name a journal or the output of `mnist-bench machine --json`",
        ) from error
    return _by_name(name, known(find_journals(folder)), folder)


def _of_journal(path: Path, label: str) -> Found:
    found = list(machines_of([path]))
    chosen = [each for each in found if not label or each.label == label]
    if len(chosen) == 1:
        return chosen[0]
    labels = [each.label for each in found]
    raise RequestError(
        f"{path} holds {'no such machine' if label else 'several machines'}",
        seen=", ".join(labels),
        next_step=f"name one of them: {path}:{labels[0]}" if labels else "name another journal",
    )


def _of_facts(path: Path) -> Found:
    document = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(document, dict):
        for key in ("runtime", "price"):  # what a process had loaded, what an hour costs: no facts
            document.pop(key, None)
    return Found("", MachineFacts.model_validate(document), str(path))


def _by_name(name: str, machines: list[Found], folder: Path) -> Found:
    """Return the machine of this label or id; of several with one label the last one."""
    named = [each for each in machines if each.label == name]
    if not named and len(name) >= ID_LETTERS:
        named = [each for each in machines if each.facts.machine_id.startswith(name)]
    if named:
        return named[-1]
    labels = ", ".join(dict.fromkeys(each.label for each in machines))
    raise RequestError(
        f"{name} tells of no machine: it is neither a file nor a machine in {folder}",
        seen=labels or "no machine there",
        next_step=f"name one of them, `{HERE}`, a journal, or saved facts (machine --json)",
    )
