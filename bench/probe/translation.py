"""Whether a translator runs this process's instructions on a CPU of another architecture."""

from __future__ import annotations

import bench.probe.system as system
from bench.probe.cpuinfo import CpuInfo, read
from bench.probe.instruction_sets import family_of
from bench.probe.root import HOST, Root

ROSETTA = "Rosetta 2"

#: Words in the names of CPUs that exist only in a translator, and the translator.
TRANSLATORS: tuple[tuple[str, str], ...] = (
    ("virtualapple", ROSETTA),
    ("qemu tcg", "QEMU without hardware virtualisation"),
    ("fex-", "FEX"),
    ("box64", "Box64"),
)


def translator(root: Root = HOST) -> str | None:
    """Return what translates the instructions; None if the CPU runs them itself."""
    if root.is_macos:
        sysctl = system.sysctl(root)
        apple = "apple" in sysctl.get("machdep.cpu.brand_string", "").lower()
        is_x86 = family_of(system.architecture(root)) == "x86"
        return (
            ROSETTA if sysctl.get("sysctl.proc_translated") == "1" or (apple and is_x86) else None
        )
    try:
        return _of_linux(read(root), family_of(system.architecture(root)))
    except OSError:
        return None


def _of_linux(info: CpuInfo, family: str | None) -> str | None:
    """Return the translator according to the CPU's name, or to its unlike architecture.

    Emulators of user programs (qemu-user) often show the /proc/cpuinfo of the real CPU.
    """
    words = f"{info.fields.get('vendor_id')} {info.fields.get('model name')}".lower()
    named = next((name for mark, name in TRANSLATORS if mark in words), None)
    if named:
        return named
    real = info.architecture
    if family and real and family != real:
        return f"an emulator (the real CPU is {real})"
    return None
