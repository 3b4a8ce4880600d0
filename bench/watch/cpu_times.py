"""Busy and stolen time of the CPUs that a job may use, from /proc/stat.

Busy time is the time that processes used: user, nice and system time without interrupts. Each row
is checked by itself, because a sum over many CPUs hides that one of them went wrong. Source:
Documentation/filesystems/proc.rst of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.probe.fact import Absent
from bench.watch.counters import LATE_S
from bench.watch.files import KeptFile
from bench.watch.process_table import TICK_S
from bench.watch.series import Doubt

STAT = "/proc/stat"

#: Ticks by which a counter may fall, because the kernel rounds it.
ROUNDED_TICKS = 2

#: If no counter of any CPU moves for this many seconds, the file does not count.
STILL_S = 0.25

#: Bytes of /proc/stat on a machine of 800 CPUs; more are read if there are more.
STAT_BYTES = 65536


class Row(NamedTuple):
    """The ticks of one CPU: busy, stolen, and those of interrupts."""

    busy: int
    steal: int
    interrupts: int


def rows_of(text: bytes) -> dict[bytes, bytes]:
    """Return the fields of each CPU in a /proc/stat text, by the CPU's number.

    The sum of all CPUs (`cpu`) is left out: it may be there twice, or hold other CPUs.
    """
    rows = {}
    for line in text.split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        name, _, fields = line.partition(b" ")
        rows[name[3:]] = fields
    rows.pop(b"", None)
    return rows


def row(fields: bytes) -> Row:
    """Return the ticks of one CPU. Raises ValueError if the fields are no numbers."""
    ticks = fields.split(None, 8)[:8]
    ticks += [b"0"] * (8 - len(ticks))  # old kernels count no stolen time
    user, nice, system, _, _, hard, soft, steal = map(int, ticks)
    return Row(user + nice + system, steal, hard + soft)


class CpuTimes:
    """Reads busy and stolen CPU seconds of the CPUs `allowed`, added up from believable rises.

    `now` gives the time of each reading. Raises Absent if a CPU of the job has no row.
    """

    def __init__(self, file: KeptFile, allowed: frozenset[int], now: Callable[[], float]) -> None:
        self._file, self._now = file, now
        self._names = [str(number).encode() for number in sorted(allowed)]
        rows = rows_of(file.read())
        missing = self._missing(rows)
        if missing is not None:
            raise Absent(f"{missing} (a container may show CPUs under other numbers)")
        self._whole = rows.keys() == set(self._names)
        self._last = {name: row(rows[name]) for name in self._names}
        self._last_s = dict.fromkeys(self._names, now())
        self._moved: Mapping[bytes, bytes] = rows
        self._moved_s = now()
        self._busy = self._steal = self._interrupts = 0

    def __call__(self) -> Mapping[str, float | Doubt]:
        """Return the seconds so far, or why they are not believed.

        `beside_cpu_s` holds what processes may count as theirs and the system does not: the time of
        interrupts and stolen time. `all_cpus` is 1 if the job may use all CPUs of the machine.
        """
        rows, at_s, before = rows_of(self._file.read()), self._now(), (self._busy, self._steal)
        doubts = self._add(rows, at_s)
        if "busy_cpu_s" in doubts:  # nothing of a doubted step may be counted to the next one
            self._busy = before[0]
        if "steal_cpu_s" in doubts:
            self._steal = before[1]
        values: dict[str, float | Doubt] = {
            "busy_cpu_s": self._busy * TICK_S,
            "steal_cpu_s": self._steal * TICK_S,
            "beside_cpu_s": (self._steal + self._interrupts) * TICK_S,
            "all_cpus": float(self._whole),
        }
        return {**values, **{name: Doubt(reason) for name, reason in doubts.items()}}

    def _add(self, rows: Mapping[bytes, bytes], at_s: float) -> dict[str, str]:
        """Add the rises since the last reading; return why a rise is impossible, by its counter."""
        if rows != self._moved:
            self._moved, self._moved_s = rows, at_s
        elif at_s - self._moved_s >= STILL_S:
            still = f"no CPU time in /proc/stat moved for {at_s - self._moved_s:.2g} s"
            return dict.fromkeys(("busy_cpu_s", "steal_cpu_s"), still)
        doubts: dict[str, str] = {}
        missing = self._missing(rows)
        if missing is not None:
            doubts = dict.fromkeys(("busy_cpu_s", "steal_cpu_s"), missing)
        for name in self._names:
            if name in rows:
                doubts |= self._add_row(name, row(rows[name]), at_s)
        return doubts

    def _add_row(self, name: bytes, now: Row, at_s: float) -> dict[str, str]:
        """Add what one CPU did since its last reading; return why that is impossible."""
        before, seconds = self._last[name], at_s - self._last_s[name]
        most = (seconds + LATE_S) / TICK_S
        busy, steal = now.busy - before.busy, now.steal - before.steal
        doubts: dict[str, str] = {}
        if busy < 0 or steal < 0 or busy + steal > most:
            doubts = _why_impossible(name.decode(), busy, steal, seconds, most)
            if not doubts:  # an error of rounding
                now = Row(max(before.busy, now.busy), max(before.steal, now.steal), now.interrupts)
        self._busy += max(0, busy)
        self._steal += max(0, steal)
        self._interrupts += min(max(0, now.interrupts - before.interrupts), int(most))
        self._last[name], self._last_s[name] = now, at_s
        return doubts

    def _missing(self, rows: Mapping[bytes, bytes]) -> str | None:
        names = [name.decode() for name in self._names if name not in rows]
        if not names:
            return None
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"/proc/stat has no row of CPU {names[0]}{more}, which the job may use"


def _why_impossible(cpu: str, busy: int, steal: int, seconds: float, most: float) -> dict[str, str]:
    """Return which rises of one CPU, in ticks, are impossible, and why; `most` are possible."""
    rises = {"busy_cpu_s": ("the busy time", busy), "steal_cpu_s": ("the stolen time", steal)}
    doubts = {
        key: f"{what} of CPU {cpu} {_moved(rise, seconds)}"
        for key, (what, rise) in rises.items()
        if not -ROUNDED_TICKS <= rise <= most
    }
    if doubts or busy + steal <= most:
        return doubts
    both = f"the busy and the stolen time of CPU {cpu} {_moved(busy + steal, seconds)}"
    return dict.fromkeys(rises, both)


def _moved(rise: int, seconds: float) -> str:
    if rise < 0:
        return f"fell by {-rise * TICK_S:.3g} s, and it only rises"
    return f"rose by {rise * TICK_S:.3g} s in {seconds:.2g} s"
