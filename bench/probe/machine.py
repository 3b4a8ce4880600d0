"""Machine facts: `probe()` reads every row of every subject, and never fails or hangs."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from bench.probe import cloud, cpu, gpu, identity, memory, software, topology, usable, virtual
from bench.probe.fact import NOT_IN_FILES, Absent, Fact, in_time, read_facts
from bench.probe.root import HOST, Root
from bench.record.facts import WRONG_VALUE, MachineFacts, MachineKind
from bench.spec.privacy import Privacy

#: Subjects in reading order; each has a title and rows. Subjects that may hang (drivers, networks)
#: come last.
SUBJECTS = (cpu, topology, memory, usable, software, virtual, identity, cloud, gpu)

#: Seconds for the version of one package: its folder may lie on a network drive.
PACKAGE_S = 3.0


def all_facts() -> tuple[Fact, ...]:
    """Return every row of every subject, in reading order."""
    return tuple(fact for subject in SUBJECTS for fact in subject.FACTS)


def probe(
    packages: Sequence[str] = (),
    kind: MachineKind = "local",
    *,
    variables: Sequence[str] = (),
    privacy: Privacy | None = None,
    root: Root = HOST,
) -> MachineFacts:
    """Return the facts of this machine, or of the machine whose files lie below `root`.

    A fact that cannot be read is None, with a reason.

    `packages` names the distributions whose installed versions are wanted. `variables` names the
    environment variables that change the speed of a workload. Host names are included only if
    `privacy` says so.
    """
    privacy = privacy or Privacy()
    readings = read_facts(_asked(variables, privacy), root=root)
    versions = {}
    for name in packages:
        versions[name], reason = in_time(functools.partial(_version, name, root), PACKAGE_S)
        if reason:
            readings.unknown[name] = reason
    reasons = {name: privacy.redacted(reason) for name, reason in readings.unknown.items()}
    facts = checked({**readings.values, "kind": kind, "packages": versions}, reasons)
    stated, unknown = dict(facts), facts.unknown
    ids = {
        "machine_id": identity.machine_id(stated, unknown),
        "machine_type": identity.machine_type(stated, unknown),
        "id_version": identity.VERSION,
    }
    unsure = identity.why_unsure(stated, unknown)
    return facts.model_copy(update={**ids, "unknown": {**unknown, **unsure}})


def _version(name: str, root: Root) -> str | None:
    """Return the installed version of a distribution."""
    if root.answers is None:
        return software.version(name)
    known = root.answers.facts.get("packages") or {}
    if name not in known or name in root.answers.unknown:
        raise Absent(root.answers.unknown.get(name, NOT_IN_FILES))
    return str(known[name]) if known[name] is not None else None


def _asked(variables: Sequence[str], privacy: Privacy) -> list[Fact]:
    """Return every row, with the rows that depend on `variables` and `privacy` adapted."""
    rows = {fact.name: fact for fact in all_facts()}
    general = rows["environment"].read

    def environment(root: Root) -> dict[str, Any]:
        return _shown({**general(root), **software.environment(variables)}, privacy)

    rows["environment"] = replace(rows["environment"], read=environment)
    if not privacy.show_hostnames:
        reason = "host names are shown only with --show-hostnames"
        rows["host_name"] = replace(rows["host_name"], read=lambda root: None, absent=reason)
    return list(rows.values())


def _shown(variables: Mapping[str, Any], privacy: Privacy) -> dict[str, Any]:
    """Return the variables with names of hosts and users redacted."""
    return {
        name: privacy.redacted(value) if isinstance(value, str) else value
        for name, value in variables.items()
    }


def checked(values: Mapping[str, Any], unknown: Mapping[str, str]) -> MachineFacts:
    """Return the facts in `values`, without ids; a value of the wrong type becomes None.

    Its reason says so but does not repeat the value, which may be private.
    """
    values = {"machine_id": "", **{name: _writable(value) for name, value in values.items()}}
    try:
        return MachineFacts.model_validate({**values, "unknown": unknown})
    except ValidationError as error:
        wrong = {str(e["loc"][0]): (e["msg"], e["input"]) for e in reversed(error.errors())}
    kept = {name: value for name, value in values.items() if name not in wrong}
    reasons = {
        name: f"{WRONG_VALUE} ({type(value).__name__}): {message}"
        for name, (message, value) in wrong.items()
    }
    return MachineFacts.model_validate({**kept, "unknown": {**unknown, **reasons}})


def _writable(value: Any) -> Any:
    """Return `value` with `?` for each lone surrogate, which JSON text cannot hold."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_writable(key): _writable(item) for key, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list | tuple) else value
