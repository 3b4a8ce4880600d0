"""Checks of the machine: its memory, its clock, whether it is quiet, its GPUs and their driver."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import units
from bench.app.doctor.check_result import CheckResult, ok, problem, skipped, warning
from bench.app.doctor.patient import Patient
from bench.app.out_folder import journals_in
from bench.child.workload import ENGINE, source_folder
from bench.probe import gpu as gpu_facts
from bench.probe.cgroup import memory_limit
from bench.probe.fact import read_facts
from bench.probe.machine import checked
from bench.probe.memory import available, total
from bench.probe.usable import threads, usable_memory
from bench.record.facts import UNREAD_GPUS
from bench.record.journal import find_journals
from bench.watch.look import look

#: What this program and its embedded Ray take beside a job.
OWN_BYTES = 600 * 2**20

#: A file may be this much younger than the clock says now: it may lie on another host's disk.
SLACK = timedelta(minutes=1)

#: How the time begins in the name of a journal.
STAMP, STAMP_LETTERS = "%Y%m%dT%H%M%SZ", 16

SET_CLOCK = {
    "linux": "sudo timedatectl set-ntp true",
    "darwin": "sudo sntp -sS time.apple.com",
}

HIDES_GPUS = "CUDA_VISIBLE_DEVICES"

INSTALL_DRIVER = (
    "install a newer one (Ubuntu: sudo ubuntu-drivers install) and restart, or measure the CPU "
    f"alone: export {HIDES_GPUS}="
)


def memory(patient: Patient) -> Iterator[CheckResult]:
    """Compare the memory that a job may use with what the workload needs."""
    needs, usable = patient.workload.needs().memory_bytes, usable_memory(patient.root)
    if usable is None:
        yield skipped("the system does not say how much memory there is")
        return
    free, limit = available(patient.root), memory_limit(patient.root)
    free = usable if free is None else min(free, usable)
    seen = f"{units.gibibytes(usable)} GiB usable, {units.gibibytes(free)} GiB of it free"
    if needs is None:
        yield ok(f"{seen}; what a job needs is unknown")
        return
    wanted = needs + OWN_BYTES
    seen += f"; a job with this program needs about {units.gibibytes(wanted)} GiB"
    if usable < wanted and limit is not None and limit < (total(patient.root) or limit + 1):
        limited = f"the control group allows {units.gibibytes(limit)} GiB: {seen}"
        cure = f"raise the limit, such as docker run --memory {-(-wanted // 2**30)}g"
        yield problem(limited, cure)
    elif usable < wanted:
        yield problem(
            seen, "use a machine with more memory, or a smaller job: {program} run --help"
        )
    elif free < wanted:
        yield warning(seen, "end what takes it (ps aux --sort -rss | head)")
    else:
        yield ok(seen)


def quiet(patient: Patient) -> Iterator[CheckResult]:
    """Watch for a few seconds who disturbs."""
    found = look(threads(), on_gpu=patient.workload.may_use_gpu(), root=patient.root)
    if found.seen.flag == "unknown":
        yield skipped(found.words())
        return
    if not found.is_quiet:
        wait = "or let the run wait: {program} run --wait-quiet 60"
        yield warning(", ".join(found.seen.causes), f"{found.close}; {wait}")
    elif not found.seen.on_battery:
        yield ok(found.words())
    if found.seen.on_battery:
        yield warning("it runs on battery, which may slow it down", "plug it in")


def clock(patient: Patient) -> Iterator[CheckResult]:
    """Look whether the clock was set back, and whether it follows a time server."""
    now, cure = patient.now(), SET_CLOCK.get(sys.platform, "set the clock")
    last, where = max(_traces(patient.request.out), key=lambda trace: trace[0])
    if now + SLACK < last:
        seen = f"the clock says {_shown(now)}, but {where} was made at {_shown(last)}"
        yield warning(f"it was set back: {seen}", cure)
        return
    follows = patient.is_synchronised()
    if follows is False:
        yield warning(f"{_shown(now)}; the kernel says that no time server sets it", cure)
    elif follows is None:
        yield ok(f"{_shown(now)}; whether a time server sets it is unknown")
    else:
        yield ok(f"{_shown(now)}; a time server sets it")


def _traces(out: Path) -> Iterator[tuple[datetime, Path]]:
    """Yield moments that have passed for certain, and the files that show it."""
    source = source_folder(ENGINE)
    yield datetime.fromtimestamp(source.stat().st_mtime, UTC), source
    for path in find_journals(journals_in(out)):
        try:
            made = datetime.strptime(path.name[:STAMP_LETTERS], STAMP)
        except ValueError:  # a journal that the user renamed
            continue
        yield made.replace(tzinfo=UTC), path


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def gpu(patient: Patient) -> Iterator[CheckResult]:
    """Look whether the GPUs can be used, and whether their driver is new enough."""
    readings = read_facts(gpu_facts.FACTS, root=patient.root)
    facts, needs = checked(readings.values, readings.unknown), patient.workload.needs()
    if not facts.gpus:
        yield _no_gpu(patient, facts.unknown.get("gpus", "none was found"))
        return
    names = ", ".join(one.model or f"GPU {one.index}" for one in facts.gpus)
    seen = f"{names}; driver {facts.gpu_driver or 'unknown'}"
    lost = [reason for one in facts.gpus if (reason := one.unknown.get("model"))]
    if lost:
        yield problem(f"{seen}; {lost[0]}", "see what the driver says: nvidia-smi -L; restart")
    elif facts.gpus_visible == 0:
        hidden = f"{HIDES_GPUS}={os.environ.get(HIDES_GPUS, '')}"
        yield warning(f"{seen}; {hidden} hides every GPU", f"unset {HIDES_GPUS}")
    elif needs.gpu_driver is None:
        install = needs.gpu_install or "install one"
        yield warning(f"{seen}; no installed package trains on a GPU", install)
    elif facts.gpu_driver and _version(facts.gpu_driver) < _version(needs.gpu_driver):
        wants = f"the installed packages need {needs.gpu_driver} or newer"
        yield problem(f"{seen}, but {wants}", INSTALL_DRIVER)
    else:
        yield ok(seen)


def _no_gpu(patient: Patient, why: str) -> CheckResult:
    """Return what it means that no GPU was read: there is none, or its driver does not work."""
    if why.startswith(UNREAD_GPUS):
        return problem(why, "restart (a driver was updated?), then see: nvidia-smi -L")
    if gpu_facts.is_on_bus(patient.root):
        return warning(f"an NVIDIA device is here, but {why}", INSTALL_DRIVER)
    return skipped(f"there is no NVIDIA GPU ({why})")


def _version(text: str | None) -> tuple[int, ...]:
    """Return the numbers of a driver's version, such as 580.65.06."""
    return tuple(int(part) for part in (text or "").split(".") if part.isdigit())
