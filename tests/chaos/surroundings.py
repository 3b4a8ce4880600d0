"""Faults of what is around a run: its clock and its memory."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from groups import Groups

from tests.chaos import checks
from tests.chaos.lab import Lab, Skipped
from tests.chaos.moments import started_until
from tests.chaos.stops import AT_WORK, settled

SHIFT = Path(__file__).with_name("clock_shift.c")

#: Seconds by which a clock is set: an hour or a day, back or ahead, and less than a job takes.
SHIFTS_S = (-86400, -3600, -7, 7, 3600, 86400)

#: A group's limit in which a run of toys has room, but not a job that eats.
GROUP_BYTES = 900 * 2**20


def clock_set(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Set the time of day at any moment. A job that saw it runs again; all are measured."""
    library, shift = lab.folder / "clock_shift.so", lab.folder / "shift"
    built = subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", str(library), str(SHIFT), "-ldl"], check=False
    )
    if built.returncode != 0:
        raise Skipped("no C compiler works here")
    shift.write_text("0")
    lab.environment |= {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(shift)}
    command = started_until(
        lab, chance.choice(("start-up", "before the first job", *AT_WORK)), chance
    )
    shift.write_text(str(chance.choice(SHIFTS_S)))
    command.wait()
    yield from checks.ended(command, 0)
    yield from settled(lab)


def out_of_memory(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Let one job eat the memory of its control group: it fails by name, and the others run."""
    groups = Groups()
    try:
        groups.make(cpus=2, memory_bytes=GROUP_BYTES)
    except OSError as error:
        groups.remove()
        raise Skipped(f"no control group can be made here: {error}") from error
    lab.cleanups.append(groups.remove)
    lab.prefix = groups.entered(groups.folders, [])
    command = lab.finish()
    lab.prefix = ()
    yield from checks.ended(command, 1)
    if "FAILED (out of memory)" not in command.text:
        yield "no job failed for lack of memory"
    yield from settled(lab, failures=1)
