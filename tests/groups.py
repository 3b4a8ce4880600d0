"""Real control groups for tests: made, entered by a command, and removed again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path("/sys/fs/cgroup")

#: A quota's period, as container runtimes set it, and the longest that there is.
PERIOD_US, LONGEST_PERIOD_US = 100_000, 1_000_000

#: The weight, in default weights, of a group that its neighbours should disturb little.
OUTWEIGHING = 10.0

#: The weight of a group that only its own quota should hold up: in version 2, the most that there
#: is. Each thread of the root group is a neighbour, and the tests that run beside have dozens.
OUTWEIGHING_ALL = 100.0

#: The words of a command that fills one CPU.
HOG = ["sh", "-c", "while :; do :; done"]

#: Enters the groups named before `--` in the words, then becomes the command.
ENTER = (
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 99; shift; done; shift; exec "$@"'
)

#: Mounts each first path of the pairs before `--` over its second, then becomes the command.
CONTAIN = (
    'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 98; shift 2; done; shift; exec "$@"'
)


def limit_cpus(group: Path, cpus: float | None, period_us: int = PERIOD_US) -> None:
    """Limit a control group, of version 1 or 2, to so many CPUs; None lifts the limit."""
    quota_us = None if cpus is None else int(cpus * period_us)
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text(f"{quota_us or 'max'} {period_us}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(period_us))
        (group / "cpu.cfs_quota_us").write_text(str(quota_us or -1))


def set_weight(group: Path, weight: float) -> None:
    """Let a control group weigh so many times what one does by default, where CPUs are short."""
    if (group / "cpu.weight").exists():
        (group / "cpu.weight").write_text(str(int(100 * weight)))
    else:
        (group / "cpu.shares").write_text(str(int(1024 * weight)))


def entered(folders: list[Path], command: list[str]) -> list[str]:
    """Return the command that enters `folders` first."""
    return ["sh", "-c", ENTER, "sh", *map(str, folders), "--", *command]


@contextlib.contextmanager
def outweighing() -> Iterator[list[Path]]:
    """Make a group without a limit that outweighs its neighbours; yield its folders."""
    unified = (ROOT / "cgroup.controllers").is_file()
    group = (ROOT if unified else ROOT / "cpu") / f"mnist-bench-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    try:
        set_weight(group, OUTWEIGHING)
        yield [group]
    finally:
        _removed(group)


def _removed(group: Path) -> None:
    """Remove a group; what was told to end in it takes a moment. Raises OSError if it stays."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            return group.rmdir()
        time.sleep(0.1)
    group.rmdir()


class Groups:
    """Groups of one name in the hierarchies of `cpu` and `memory`, or in the unified one.

    They outweigh the others, so that it is their own quota that holds them up and no neighbour.
    """

    def __init__(self) -> None:
        name = f"mnist-bench-test-{uuid.uuid4().hex[:8]}"
        unified = (ROOT / "cgroup.controllers").is_file()
        bases = [ROOT] if unified else [ROOT / "cpu", ROOT / "memory"]
        self.unified, self.folders = unified, [base / name for base in bases]

    def make(self, cpus: float, memory_bytes: int) -> None:
        """Make the groups with their limits. Raises OSError where that is not allowed."""
        if self.unified:
            (ROOT / "cgroup.subtree_control").write_text("+cpu +memory")
        for folder in self.folders:
            folder.mkdir()
        self._limit(self.folders, cpus, memory_bytes)

    def _limit(self, folders: list[Path], cpus: float, memory_bytes: int) -> None:
        cpu, memory = folders[0], folders[-1]
        limit_cpus(cpu, cpus)
        set_weight(cpu, OUTWEIGHING_ALL)
        if self.unified:
            (memory / "memory.max").write_text(str(memory_bytes))
        else:
            (memory / "memory.limit_in_bytes").write_text(str(memory_bytes))

    def limited(self, cpus: float, memory_bytes: int) -> list[Path]:
        """Make a group with limits of its own below each; return them."""
        if self.unified:
            (self.folders[0] / "cgroup.subtree_control").write_text("+cpu +memory")
        inner = [folder / "limited" for folder in self.folders]
        for folder in inner:
            folder.mkdir()
        self._limit(inner, cpus, memory_bytes)
        return inner

    def nested(self) -> list[Path]:
        """Make a group without limits of its own below each; return them."""
        inner = [folder / "inner" for folder in self.folders]
        for folder in inner:
            folder.mkdir(exist_ok=True)
        return inner

    def entered(self, folders: list[Path], command: list[str]) -> list[str]:
        """Return the command that enters `folders` first."""
        return entered(folders, command)

    def contained(self, folders: list[Path], command: list[str]) -> list[str]:
        """Return the command that enters `folders` and sees its groups alone, as in a container.

        The groups of this object are mounted over their hierarchies in a mount namespace; there is
        no control group namespace, so the kernel goes on stating the host's paths.
        """
        places = [ROOT] if self.unified else [folder.parent for folder in self.folders]
        words = [str(path) for pair in zip(self.folders, places, strict=True) for path in pair]
        mounted = ["unshare", "--mount", "sh", "-c", CONTAIN, "sh", *words, "--", *command]
        return self.entered(folders, mounted)

    def remove(self) -> None:
        """Remove the groups; nothing may run in them any more."""
        for folder in self.folders:
            for path in (folder / "inner", folder / "limited", folder):
                if path.is_dir():
                    os.rmdir(path)


@contextlib.contextmanager
def limited_to(cpus: float, memory_bytes: int) -> Iterator[Groups]:
    """Groups with these limits; skips the test where the system lets nobody make them."""
    groups = Groups()
    try:
        groups.make(cpus=cpus, memory_bytes=memory_bytes)
    except OSError as error:
        groups.remove()
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield groups
    finally:
        groups.remove()


@contextlib.contextmanager
def starving(groups: Groups, of: float) -> Iterator[None]:
    """Let what runs in `groups` share 2 ms of CPU time a second with six greedy processes.

    Each of them runs until the kernel looks, which is after some ms, and then the group has no time
    for some seconds. Afterwards it has `of` CPUs again.
    """
    hogs = []
    try:
        for _ in range(6):
            hogs.append(subprocess.Popen(entered(groups.folders, HOG)))
        limit_cpus(groups.folders[0], 0.002, LONGEST_PERIOD_US)
        yield
    finally:
        limit_cpus(groups.folders[0], of)
        for hog in hogs:
            hog.kill()
            hog.wait()
