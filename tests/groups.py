"""Real control groups for tests: made, entered by a command, and removed again."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")

#: Enters the groups named before `--` in the words, then becomes the command.
ENTER = (
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 99; shift; done; shift; exec "$@"'
)


class Groups:
    """Groups of one name in the hierarchies of `cpu` and `memory`, or in the unified one."""

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
        cpu, memory = self.folders[0], self.folders[-1]
        if self.unified:
            (cpu / "cpu.max").write_text(f"{int(cpus * 100_000)} 100000")
            (memory / "memory.max").write_text(str(memory_bytes))
        else:
            (cpu / "cpu.cfs_period_us").write_text("100000")
            (cpu / "cpu.cfs_quota_us").write_text(str(int(cpus * 100_000)))
            (memory / "memory.limit_in_bytes").write_text(str(memory_bytes))

    def nested(self) -> list[Path]:
        """Make a group without limits of its own below each; return them."""
        inner = [folder / "inner" for folder in self.folders]
        for folder in inner:
            folder.mkdir(exist_ok=True)
        return inner

    def entered(self, folders: list[Path], command: list[str]) -> list[str]:
        """Return the command that enters `folders` first."""
        return ["sh", "-c", ENTER, "sh", *map(str, folders), "--", *command]

    def remove(self) -> None:
        """Remove the groups; nothing may run in them any more."""
        for folder in self.folders:
            for path in (folder / "inner", folder):
                if path.is_dir():
                    os.rmdir(path)
