"""Faults of files: journals, the data, a disk that is full or read-only, outputs, a second run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.chaos import checks
from tests.chaos.lab import Lab, Skipped, Started, wait_for
from tests.chaos.moments import started_until
from tests.chaos.stops import AT_WORK, resumed, settled

#: The size of a small disk, and the bytes that are left on it when it is full.
DISK_BYTES, LEFT_BYTES = 24 * 2**20, 2048

#: Changes the lines of a journal; the first is the header, and the last may be torn.
Damage = Callable[[list[bytes], random.Random], list[bytes]]


def flipped(lines: list[bytes], chance: random.Random, at: int | None = None) -> list[bytes]:
    """Flip a bit of a line after the header, or of the line `at`."""
    number = chance.randrange(1, len(lines)) if at is None else at
    line = bytearray(lines[number])
    place = chance.randrange(len(line))
    line[place] ^= 1 << chance.randrange(7)
    if line[place] in b"\n":
        line[place] ^= 1
    return [*lines[:number], bytes(line), *lines[number + 1 :]]


def header_flipped(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Flip a bit of the header."""
    return flipped(lines, chance, at=0)


def header_cut(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Cut off a part of the header."""
    return [lines[0][: chance.randrange(len(lines[0]))], *lines[1:]]


def cut(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Cut the last line in two, as a power failure does."""
    return [*lines[:-1], lines[-1][: chance.randrange(1, len(lines[-1]))]]


def doubled(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Write a line after the header twice."""
    number = chance.randrange(1, len(lines))
    return [*lines[: number + 1], *lines[number:]]


def swapped(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Swap two lines after the header."""
    first, second = sorted(chance.sample(range(1, len(lines)), 2))
    changed = list(lines)
    changed[first], changed[second] = changed[second], changed[first]
    return changed


def journal_damaged(lab: Lab, chance: random.Random, damage: Damage) -> Iterator[str]:
    """Kill a run after its first job, damage its journal, and give the same command again."""
    command = lab.start()
    if not wait_for(command, r"^\[[12]/"):
        yield "the run did not begin"
        return
    time.sleep(chance.uniform(0, 0.5))
    command.process.send_signal(signal.SIGKILL)
    command.wait()
    (path,) = lab.journals
    lines = path.read_bytes().split(b"\n")
    lines = [line for line in lines if line]
    changed = damage(lines, chance)
    torn = damage is cut
    path.write_bytes(b"\n".join(changed) + (b"" if torn else b"\n"))
    again = lab.finish()
    yield from (f"the same command: {wrong}" for wrong in checks.ended(again, 0))
    yield from _intact_kept(lab, lines, changed)
    yield from settled(lab)


def _intact_kept(lab: Lab, lines: list[bytes], changed: list[bytes]) -> Iterator[str]:
    """Yield what is lost of the records that the damage left whole."""
    whole = {line for line in lines[1:] if line in changed and b'"entry":"record"' in line}
    kept = {line for path in lab.journals for line in path.read_bytes().split(b"\n")}
    if lost := whole - kept:
        yield f"{len(lost)} intact records are gone"
    if len(lab.journals) > 1:
        yield "everything was measured anew"


def data_damaged(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Damage the copy of the data while jobs run: the jobs that saw it fail and run again."""
    command = started_until(lab, chance.choice(AT_WORK), chance)
    content = bytearray(lab.data.read_bytes())
    content[chance.randrange(len(content))] ^= 1
    lab.data.write_bytes(content)
    command.wait()
    yield from checks.ended(command, 0, 1)
    yield from resumed(lab)


def two_at_once(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Start a second run into the same folder: it is refused, and the first goes on."""
    first = started_until(lab, chance.choice(AT_WORK), chance)
    was_over = first.is_over
    second = lab.start()
    second.wait()
    yield from (
        f"the second run: {wrong}"
        for wrong in checks.ended(second, *((0,) if was_over else (0, 2)))
    )
    first.wait()
    yield from checks.ended(first, 0)
    yield from settled(lab)


def disk_full(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Fill the disk of the results at any moment; once there is space, the same command goes on."""
    _mount(lab, "-o", f"size={DISK_BYTES}")
    command = started_until(lab, chance.choice(("start of the measuring", *AT_WORK)), chance)
    filler = lab.out / "filler"
    _fill(filler)
    over = _over_or_paused(command)
    filler.unlink(missing_ok=True)
    command.wait()
    yield from checks.ended(command, *((0, 1, 2) if over else (0, 1)))
    yield from resumed(lab)


def read_only(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Kill a run and make its disk read-only: the same command says so, and goes on afterwards."""
    _mount(lab, "-o", f"size={DISK_BYTES}")
    command = started_until(lab, chance.choice(AT_WORK), chance)
    command.process.send_signal(signal.SIGKILL)
    command.wait()
    yield from checks.nothing_left(lab)
    subprocess.run(["mount", "-o", "remount,ro", str(lab.out)], check=True)
    refused = lab.finish()
    subprocess.run(["mount", "-o", "remount,rw", str(lab.out)], check=True)
    yield from (f"read-only: {wrong}" for wrong in checks.ended(refused, 1))
    if "ead-only" not in refused.text:
        yield "read-only: the command does not say so"
    yield from resumed(lab)


def temporary_full(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Fill the disk of the temporary folder while jobs run."""
    _mount(lab, "-o", f"size={DISK_BYTES}", folder=lab.temporary)
    command = started_until(lab, chance.choice(AT_WORK), chance)
    _fill(lab.temporary / "filler")
    _over_or_paused(command)
    (lab.temporary / "filler").unlink(missing_ok=True)
    command.wait()
    yield from checks.ended(command, 0, 1)
    yield from resumed(lab)


def output_gone(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Let the reader of the lines go away after the first of them."""
    reader = [sys.executable, "-c", "import sys; sys.stdin.readline()"]
    words = ["bash", "-c", f'"$@" | {" ".join(map(repr, reader))}; exit ${{PIPESTATUS[0]}}', "-"]
    lab.prefix = words
    command = lab.finish()
    lab.prefix = ()
    yield from checks.ended(command, 0)
    yield from settled(lab)


def _over_or_paused(command: Started, seconds: float = 12.0) -> bool:
    """Wait a while, at most until the command ends; return whether it has ended."""
    command.wait(seconds)
    return command.is_over


def _mount(lab: Lab, *options: str, folder: Path | None = None) -> None:
    """Mount a small disk. Raises Skipped if this user may not."""
    place = str(folder or lab.out)
    done = subprocess.run(["mount", "-t", "tmpfs", *options, "chaos", place], check=False)
    if done.returncode != 0:
        raise Skipped("no disk can be mounted by this user")
    lab.cleanups.append(lambda: subprocess.run(["umount", "-l", place], check=False))


def _fill(path: Path) -> None:
    """Write a file until the disk takes no more."""
    try:
        with path.open("wb", buffering=0) as file:
            while True:
                file.write(os.urandom(LEFT_BYTES))
    except OSError:
        return
