"""Checks of the data, and of the disks that hold them, the results and temporary files."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import units
from bench.app.doctor.check_result import CheckResult, ok, problem, skipped, warning
from bench.app.doctor.patient import Patient
from bench.app.out_folder import LOW_BYTES, nearest_existing
from bench.dispatch.ray_driver import OBJECT_STORE_BYTES
from bench.errors import DataError
from bench.paths import cache_folder


def data(patient: Patient) -> Iterator[CheckResult]:
    """Look for the data on this machine, and check them by their digest; nothing is downloaded."""
    request, known = patient.request, patient.workload.description.datasets
    if not known:
        yield skipped("this workload reads no data")
        return
    try:
        found = patient.workload.dataset_here(request.dataset, request.data)
    except DataError as error:
        yield problem(error.problem, error.next_step or "name the file: {program} run --data FILE")
        return
    if found.tried:
        seen = f"a run downloads them, or takes {found.name} data if it cannot ({found.tried})"
        yield warning(f"the data are not on this machine: {seen}", "{program} run --data FILE")
    else:
        yield ok(f"{found.name}, digest {found.digest[:12]} ({found.source})")


def results_disk(patient: Patient) -> Iterator[CheckResult]:
    """Look for space in the folder of the results."""
    yield _space(patient.request.out, LOW_BYTES, "name another folder: --out FOLDER")


def temporary_disk(patient: Patient) -> Iterator[CheckResult]:
    """Look for space for logs of jobs, and for what Ray keeps outside of the memory."""
    needed = LOW_BYTES + OBJECT_STORE_BYTES
    yield _space(Path(tempfile.gettempdir()), needed, "name another folder: export TMPDIR=FOLDER")


def cache_disk(patient: Patient) -> Iterator[CheckResult]:
    """Look for space for the copy of the data that jobs load."""
    folder = cache_folder(patient.program.name)
    yield _space(folder, LOW_BYTES, "name another folder: export XDG_CACHE_HOME=FOLDER")


def _space(folder: Path, needed_bytes: int, elsewhere: str) -> CheckResult:
    """Look whether files can be made in a folder, or in the folder in which it would be made."""
    place = nearest_existing(folder)
    word = shlex.quote(str(place))
    try:
        free = shutil.disk_usage(place).free
        seen = f"{_size(free)} free on the disk of {folder}"
        if free < needed_bytes:
            cure = f"see what fills it and delete some (du -xh {word} | sort -h), or {elsewhere}"
            return problem(f"only {seen}, and {_size(needed_bytes)} are needed", cure)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        return problem(f"{folder} cannot be written: {why}", f"chmod u+w {word}, or {elsewhere}")
    return ok(seen)


def _size(value_bytes: int) -> str:
    """Return bytes in the unit that people read easily."""
    if value_bytes >= 2**30:
        return f"{units.gibibytes(value_bytes)} GiB"
    return f"{units.mebibytes(value_bytes)} MiB"
