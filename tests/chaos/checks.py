"""What must hold after a fault: each check returns what is wrong, in words."""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.child.scratch import HELD, JOB, RAY
from bench.errors import StoreError
from bench.record.journal import read_run
from bench.record.lines import JobRecord
from tests.chaos.lab import Lab, Started

#: Exit codes that the manual names.
DOCUMENTED = (0, 1, 2, 130)

#: Seconds after a command's end in which all that it started must have ended.
ORPHANS_S = 10.0

#: Words that no user may see.
OURS = (
    *("Traceback (most recent call last)", "this is a fault of", "Fatal Python error"),
    *("*** SIG", "core dumped"),
)


def ended(command: Started, *codes: int) -> Iterator[str]:
    """Yield what is wrong with the end of a command whose exit code must be one of `codes`."""
    code = command.process.poll()
    if code is None:
        yield "it hangs"
    elif code not in codes:
        yield f"exit code {code}, not one of {codes}"
    yield from (f"it printed {word!r}" for word in OURS if word in command.text)


def nothing_left(lab: Lab) -> Iterator[str]:
    """Yield the processes and the folders that are left ORPHANS_S later."""
    deadline = time.monotonic() + ORPHANS_S
    while time.monotonic() < deadline and (lab.processes() or left_folders(lab)):
        time.sleep(0.2)
    if found := lab.processes():
        yield f"processes are left: {', '.join(f'{one.pid} {one.name()}' for one in found)}"
    if folders := left_folders(lab):
        yield f"folders are left: {', '.join(folders)}"


def left_folders(lab: Lab) -> list[str]:
    """Return the folders of runs that no process holds."""
    ray = (path for path in Path("/tmp").glob(f"{RAY}*") if not _is_held(path))
    return [path.name for path in (*unheld([lab.temporary]), *ray)]


def unheld(temporaries: Iterable[Path]) -> list[Path]:
    """Return the folders of jobs in temporary folders that no process holds."""
    found = (path for folder in temporaries for path in folder.glob(f"{JOB}*") if path.is_dir())
    return [path for path in found if not _is_held(path)]


def _is_held(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / HELD, os.O_RDWR)
    except OSError:  # not one of this version
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def whole_lines(lab: Lab) -> dict[Path, list[bytes]]:
    """Return the complete lines of each journal."""
    return {path: path.read_bytes().split(b"\n")[:-1] for path in lab.journals}


def past_unchanged(lab: Lab, before: dict[Path, list[bytes]]) -> Iterator[str]:
    """Yield the journals whose lines of that time are no longer there, in their order."""
    now = whole_lines(lab)
    for path, lines in before.items():
        if now.get(path, [])[: len(lines)] != lines:
            yield f"lines of the past changed in {path.name}"


def all_accounted(lab: Lab, failures: int | None = 0, journals: int = 1) -> Iterator[str]:
    """Yield what is wrong with the records: each job of a machine has one.

    All are measured but for `failures`; None if any number of them may have failed.
    """
    found = lab.journals
    if len(found) != journals:
        yield f"{len(found)} journals, not {journals}"
    for path in found[-1:]:
        try:
            run = read_run(path)
        except StoreError as error:
            yield f"the journal is unreadable: {error}"
            return
        measured = Counter(map(_place, run.measured))
        failed = {_place(record) for record in run.records if record.failure} - measured.keys()
        asked = {f"{job.job_id} on {run.header.label}" for job in run.header.jobs}
        asked |= {f"{job.job_id} on {one.label}" for one in run.shares for job in one.jobs}
        if twice := [job for job, count in measured.items() if count > 1]:
            yield f"measured more than once: {', '.join(twice)}"
        if missing := asked - measured.keys() - failed:
            yield f"neither measured nor failed: {', '.join(sorted(missing))}"
        if failures is not None and len(failed) != failures:
            yield f"{len(failed)} failed, not {failures}: {_reasons(run.records)}"


def _place(record: JobRecord) -> str:
    return f"{record.job_id} on {record.label}"


def _reasons(records: tuple[JobRecord, ...]) -> str:
    failures = [record.failure for record in records if record.failure]
    return "; ".join(f"{one.reason}: {one.message[:80]}" for one in failures)


def is_reported(lab: Lab) -> bool:
    """Return whether every job is measured, and the journal says that its report was written.

    The same command then begins another sitting; before, it does what is missing.
    """
    try:
        runs = [read_run(path) for path in lab.journals[-1:]]
    except (OSError, StoreError):
        return False
    return any(run.is_reported and len(run.measured) == lab.jobs for run in runs)


def report_renders(lab: Lab) -> Iterator[str]:
    """Yield what is missing of the report."""
    for name in ("summary.md", "summary.json", "summary.html"):
        path = lab.out / name
        if not path.exists() or not path.stat().st_size:
            yield f"there is no {name}"
