"""Packs the files and answers that a machine's facts are made of, without serials and names.

A probe runs on this machine through a door that notes what it reads. Exactly that is packed, so
that a probe of the unpacked folder finds the same facts.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import bench.probe.system as system
from bench.errors import OutputError, RequestError
from bench.probe.cgroup import MEMBERSHIP, MOUNTS
from bench.probe.cloud import KEYS, TAGS
from bench.probe.container import KUBERNETES_VARIABLE, VARIABLES
from bench.probe.identity import BOOT_ID, DMI_SERIALS, MACHINE_IDS, SERIALS, SYSINFO
from bench.probe.machine import all_facts
from bench.probe.nameless import Names
from bench.probe.root import ANSWERS, HOST, Answers, Inner, Root
from bench.probe.virtual import DMI
from bench.record.facts import MachineFacts
from bench.spec.privacy import Privacy

#: Files that identify the host or its boot, and what they hold.
IDENTIFYING: dict[str, str] = {
    **dict.fromkeys(MACHINE_IDS, "the machine-id"),
    BOOT_ID: "the id of the boot",
    "/proc/sys/kernel/hostname": "the host's name",
    **{str(DMI / name): f"the firmware's {name}" for name in DMI_SERIALS},
    str(DMI / "board_asset_tag"): "the firmware's board_asset_tag",
    str(DMI / "chassis_asset_tag"): "the firmware's chassis_asset_tag",
    **dict.fromkeys((*SERIALS, SYSINFO), "a serial"),
}

#: Facts that are removed with them.
REMOVED = frozenset({"machine_id", "host_hash", "host_name", "boot_hash"})

#: Beginnings of the values of macOS's sysctl that facts are read from.
SYSCTL = ("machdep.cpu.", "hw.", "sysctl.proc_translated", "kern.hv_vmm_present")


@dataclass(frozen=True)
class Seen:
    """What a probe read: texts by path, and the folders and files that it saw."""

    texts: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Recorder(Root):
    """The files of this machine, read as those of a faked root; `seen` holds what was read."""

    seen: Seen = field(default_factory=Seen)

    def text(self, inner: Inner) -> str:
        """Return a file's text and note it."""
        self.seen.texts[str(inner)] = text = super().text(inner)
        return text

    def exists(self, inner: Inner) -> bool:
        """Say whether there is such a file or folder and note it."""
        if super().is_folder(inner):
            self.seen.folders.add(str(inner))
            return True
        if super().exists(inner):
            self.seen.files.add(str(inner))
            return True
        return False

    def is_folder(self, inner: Inner) -> bool:
        """Say whether there is such a folder and note it."""
        return super().is_folder(inner) and self.exists(inner)

    def below(self, inner: Inner, pattern: str = "") -> list[PurePosixPath]:
        """Return what lies in a folder and note it."""
        found = super().below(inner, pattern)
        for path in found:
            self.exists(path)
        return found


@dataclass(frozen=True)
class Collected:
    """What was packed, and in words what was removed or replaced."""

    path: Path
    files: int
    removed: tuple[str, ...]


def collect(path: Path, probe: Callable[[Root], MachineFacts], machine: Root = HOST) -> Collected:
    """Write what `probe` reads of `machine` to the archive `path`.

    Raises RequestError if there is such a file, and OutputError if it cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise RequestError(
            "the file exists already, and collecting replaces no file",
            seen=path,
            next_step="name another file or delete this one",
        )
    answers = _answers(probe(machine), machine)
    recorder = Recorder(machine.folder, answers)
    probe(recorder)
    names = Names()
    files, removed = _packed(recorder.seen, names)  # first: it learns where groups are mounted
    files[ANSWERS] = answers.model_dump_json(indent=1) + "\n"
    try:
        path.write_bytes(_archive(files, sorted(map(names.folder, recorder.seen.folders))))
    except OSError as error:
        raise OutputError(
            "the archive cannot be written",
            seen=f"{path}: {error.strerror or error}",
            next_step="name a file in a folder that you may write to",
        ) from error
    counts = [f"{kind}: {len(found)} (replaced)" for kind, found in names.replaced.items()]
    return Collected(path, len(files), (*removed, *counts))


def _answers(facts: MachineFacts, machine: Root) -> Answers:
    """Return what no file states, without serials and names."""
    asked = {row.name for row in all_facts() if row.is_asked or machine.is_macos} | {*KEYS}
    values = facts.model_dump(mode="json", include={*asked, "packages"} - REMOVED)
    for gpu in values.get("gpus") or ():
        for part in (gpu, *gpu["mig_slices"]):
            part["uuid_hash"] = None
    names = ("container", KUBERNETES_VARIABLE, *(name for name, _ in VARIABLES))
    variables = {name: text for name in names if (text := machine.variable(name))}
    sysctl = system.sysctl(machine) if machine.is_macos else {}
    return Answers(
        system="Darwin" if machine.is_macos else "Linux",
        architecture=system.architecture(machine),
        hypervisor=system.hypervisor(machine) or None,
        sysctl={
            name: value
            for name, value in sysctl.items()
            if name.startswith(SYSCTL) and "uuid" not in name and "serial" not in name
        },
        environment={n: text if n == "container" else "1" for n, text in variables.items()},
        facts={name: value for name, value in values.items() if value is not None},
        unknown={
            name: why for name, why in facts.unknown.items() if name in {*asked, *facts.packages}
        },
    )


def _packed(seen: Seen, names: Names) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the texts to be packed, by path, and what was removed."""
    privacy = Privacy()
    groups = [path for path in (MEMBERSHIP, MOUNTS) if path in seen.texts]
    files: dict[str, str] = {}
    removed: list[str] = []
    for path in [*groups, *sorted({*seen.texts, *seen.files} - {*groups})]:
        if path in IDENTIFYING and seen.texts.get(path, "").strip() not in TAGS:  # a cloud's tag
            removed.append(IDENTIFYING[path])
            continue
        text = names.text(path, seen.texts.get(path, ""))
        files[names.file(path)] = privacy.redacted(text)
    return files, tuple(dict.fromkeys(removed))


def _archive(files: dict[str, str], folders: Sequence[str]) -> bytes:
    """Return a compressed archive, which is the same for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in folders:
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            if entry.name:
                archive.addfile(entry)
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)
