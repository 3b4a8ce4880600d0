"""Machine facts: `probe()` reads every row of every subject and never fails."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.probe import cpu, memory, software
from bench.record import MachineFacts, MachineKind
from bench.spec import canonical_json

#: Subjects in reading order; each gives rows (name of the fact, how it is read).
SUBJECTS = (cpu, memory, software)

#: Facts that make the machine's identity: fixed while the hardware is, and never measured.
IDENTITY = (
    "cpu_model",
    "cpu_architecture",
    "physical_cores",
    "logical_cores",
    "memory_total_bytes",
)


def probe(packages: Sequence[str] = (), kind: MachineKind = "local") -> MachineFacts:
    """Return the facts of this machine; a fact that cannot be read is None, with its reason.

    `packages` names the distributions whose installed versions are wanted.
    """
    found: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    rows = [row for subject in SUBJECTS for row in subject.FACTS]
    for name, read in rows:
        found[name] = _read(read, name, unknown)
    found["packages"] = software.versions(packages)
    identity = {name: found[name] for name in IDENTITY} | {"host": _hashed_host()}
    machine_id = hashlib.sha256(canonical_json(identity).encode()).hexdigest()[:16]
    return MachineFacts(machine_id=machine_id, kind=kind, unknown=unknown, **found)


def _read(read: Callable[[], Any], name: str, unknown: dict[str, str]) -> Any:
    try:
        value = read()
    except Exception as error:  # a probe must never stop a run, whatever its source does
        unknown[name] = f"{type(error).__name__}: {error}"[:200]
        return None
    if value is None and name not in memory.MAY_BE_ABSENT:
        unknown[name] = "not stated by this system"
    return value


def _hashed_host() -> str:
    """Return a salted digest of the machine-id or host name, so that neither leaves the machine."""
    try:
        name = Path("/etc/machine-id").read_text().strip() or platform.node()
    except OSError:
        name = platform.node()
    return hashlib.sha256(b"mnist-bench machine " + name.encode()).hexdigest()[:16]
