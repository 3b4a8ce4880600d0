"""Removes from a run what tells whose machine it is, field by field (shared_fields.py).

Only what the table of fields names is shared. An id is replaced by a digest with a salt. The salt
is drawn anew for each call and is not stored, so machines stay apart, but the id cannot be looked
up.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bench.errors import RequestError
from bench.record.facts import UNREAD
from bench.record.lines import SCHEMA_VERSION
from bench.record.run import Run
from bench.spec.frozen import Frozen
from bench.spec.privacy import SERIAL

#: What is removed from a run or replaced in it, as the user is told.
Kind = Literal[
    "ids",
    "serials",
    "runs",
    "labels",
    "host names",
    "commands",
    "data sources",
    "notes",
    "reasons",
    "failures",
    "variables",
    "processes",
    "clusters",
    "kernels",
    "grids",
    "prices",
    "paths",
    "lines",
]

#: Stands for a text that was removed from a field that must hold one.
NOT_SHARED = "not shared"

#: The beginning of a path: of a folder, a home folder, a drive, a network share or an address.
PATH = re.compile(r"""(?:^|[\s=:,;'"(\[])(?:~?/\w|[A-Za-z]:\\|\\\\)|://""")

#: Values of variables that name nothing: numbers and lists of them, and words of the field.
PLAIN = re.compile(
    r"[\d.,:;+-]+|true|false|yes|no|on|off|active|passive|close|spread|master|compact|scatter"
    r"|pci_bus_id|fastest_first|lazy|eager|cuda_malloc_async|gpu_private|gpu_shared",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rule:
    """What happens to a field: `action` returns its shared value, `kind` says what was removed.

    A kept field has no kind; what its own fields lose is counted there.
    """

    action: Callable[[Scrubber, Any], Any]
    kind: Kind | None = None


@dataclass
class Scrubber:
    """Scrubs the runs of one share: all with one salt, so that equal ids stay equal.

    `labels` maps the label of each shared machine to the name under which it is shared. `grids` and
    `variables` are names that the program itself gave, so they do not identify a user. `removed`
    holds the values that were removed or replaced, each once. Only the user sees it.
    """

    rules: Mapping[type, Mapping[str, Rule]]
    labels: Mapping[str, str] = field(default_factory=dict)
    grids: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    removed: dict[Kind, set[str]] = field(default_factory=dict)
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def run(self, run: Run) -> list[Frozen]:
        """Return the lines of a run's journal as they may be shared, the header first.

        Lines of a cluster are left out: they hold its name and the id of its job. Raises
        RequestError if the value of an axis is a path, because jobs are told apart by it.
        """
        _check_values(run)
        run_id = self.run_id(run)
        self._note("runs", [run.header.run_id])
        self._note("clusters", [line.cluster for line in run.clusters])
        self._note("lines", run.warnings)
        lines = (run.header, *run.machines, *run.records, *run.ceiling_records, *run.ends)
        shared: list[Frozen] = [self.fields(line) for line in lines]
        changes = {"run_id": run_id, "schema_version": SCHEMA_VERSION}
        return [line.model_copy(update=changes) for line in shared]

    def run_id(self, run: Run) -> str:
        """Return the new id of a run: its time, its grid, and a few random letters."""
        began = datetime.fromisoformat(run.header.started_at)
        return (
            f"{began:%Y%m%dT%H%M%SZ}-{self.grid(run.header.grid)}-"
            f"{self.digest(run.header.run_id)[:8]}"
        )

    def fields(self, one: Any) -> Any:
        """Return a record with the fields that its rules share; the others have their default.

        Raises KeyError if no rules are known for a record of this type.
        """
        rules, kept = self.rules[type(one)], {}
        for name in names_of(type(one)):
            rule = rules.get(name)
            if rule is None:
                continue
            before = getattr(one, name)
            kept[name] = after = rule.action(self, before)
            if rule.kind is not None:
                self._note(rule.kind, _lost(before, after))
        return type(one)(**kept)

    def value(self, value: Any) -> Any:
        """Return a kept value; records in it are scrubbed by their own rules."""
        if isinstance(value, Frozen) or dataclasses.is_dataclass(value):
            return self.fields(value)
        if isinstance(value, (tuple, list)):
            return type(value)(map(self.value, value))
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        return SERIAL.sub(self._serial, value) if isinstance(value, str) else value

    def digest(self, text: str) -> str:
        """Return 16 letters that stand for a text in this share alone."""
        return hashlib.sha256(self.salt + text.encode(errors="replace")).hexdigest()[:16]

    def identity(self, value: str | None) -> str | None:
        """Return the id that stands for an id; None stays None."""
        if value is None:
            return None
        start = UNREAD if value.startswith(UNREAD) else ""
        return start + self.digest(value)

    def label(self, value: str | None) -> str | None:
        """Return the name under which a machine is shared; another machine has none."""
        return None if value is None else self.labels.get(value, NOT_SHARED)

    def grid(self, value: str) -> str:
        """Return the name of a grid; the name of the user's own grid is not shared."""
        return value if value in self.grids else "own"

    def without_paths(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return named texts; a text with a path is replaced by what stands for it."""
        return {
            name: self._hidden(value, PATH.search(str(value)) is not None)
            for name, value in values.items()
        }

    def environment(self, values: Mapping[str, str | None] | None) -> dict[str, str | None] | None:
        """Return variables with plain values as they are, and of the others what stands for them.

        The name of a variable is shared if the program itself reads or sets it.
        """
        if values is None:
            return None
        return {
            name if name in self.variables else f"variable-{self.digest(name)[:8]}": self._hidden(
                value, name not in self.variables or PLAIN.fullmatch(value or "0") is None
            )
            for name, value in values.items()
        }

    def _hidden(self, value: Any, hide: bool) -> Any:
        if value is None or not hide:
            return value
        return f"hidden-{self.digest(str(value))[:8]}"

    def _serial(self, found: re.Match[str]) -> str:
        self._note("serials", [found[0]])
        return f"{found[1]}-{self.digest(found[0])}"

    def _note(self, kind: Kind, values: Iterable[Any]) -> None:
        found = {str(value) for value in values}
        if found:
            self.removed.setdefault(kind, set()).update(found)


def names_of(kind: Any) -> Iterable[str]:
    """Return the names of the fields of a record's type."""
    if issubclass(kind, Frozen):
        return tuple(kind.model_fields)
    return tuple(one.name for one in dataclasses.fields(kind))


def _lost(before: Any, after: Any) -> Iterator[Any]:
    """Yield what a field held and its shared value does not."""
    if isinstance(before, Mapping):
        shared = after if isinstance(after, Mapping) else {}
        yield from (f"{key}={before[key]}" for key in before if shared.get(key) != before[key])
    elif isinstance(before, tuple):
        yield from (getattr(one, "name", one) for one in before if one not in after)
    elif before != after:
        yield before


def _check_values(run: Run) -> None:
    records = (*run.records, *run.ceiling_records)
    bare = (job for entry in run.machines for job in entry.ceiling_jobs)
    for job in (*run.header.jobs, *(record.job for record in records), *bare):
        for name, value in {**job.axes, "dataset": job.dataset}.items():
            if isinstance(value, str) and PATH.search(value):
                raise RequestError(
                    f"the {name} of a job is a path, and jobs are told apart by it",
                    seen=value,
                    next_step="share the runs without such jobs, or measure them under a short "
                    "name in place of the path",
                )
