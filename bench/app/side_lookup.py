"""Finds what `compare` names: machines, labels, journals, runs and instance types."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench.analysis.entrants import Side
from bench.analysis.machines import Machine, machines, unlike_machines
from bench.analysis.pooling import MeasuredJob, measured_jobs
from bench.analysis.sittings import RecordKey, key_of
from bench.app.machine_lookup import begins_id
from bench.app.out_folder import journals_in, journals_of
from bench.child.workload import load_workload
from bench.errors import MEASURE_FIRST, RequestError, StoreError
from bench.record.facts import MachineFacts
from bench.record.journal import SUFFIX, find_journals, read_runs
from bench.record.run import Run, merged
from bench.report.words.notes import unlike_machines as unlike_machines_note
from bench.spec.axes import Calibrations
from bench.spec.description import Outline
from bench.text import did_you_mean, listed

#: An error lists at most so many names.
_SHOWN = 12


@dataclass(frozen=True)
class Known:
    """The runs of a folder of reports, as sides are looked up in them.

    `unreadable` holds a warning for each journal that could not be read.
    """

    folder: Path
    runs: tuple[Run, ...]
    unreadable: tuple[str, ...] = ()

    @cached_property
    def jobs(self) -> tuple[MeasuredJob, ...]:
        """Every measured job, once."""
        return measured_jobs(merged(self.runs))

    @cached_property
    def machines(self) -> tuple[Machine, ...]:
        """The machines as the report names them."""
        return machines((), self.jobs)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a side may have: machines, runs and instance types."""
        runs = (run.header.run_id for run in reversed(self.runs))
        kinds = (kind for job in self.jobs for kind in _types(job.record.machine))
        return tuple(dict.fromkeys((*(one.name for one in self.machines), *runs, *kinds)))


def read_known(out: Path) -> Known:
    """Return the runs of a folder of reports. An unreadable journal is skipped with a warning."""
    folder, warnings = journals_in(out), []
    runs: list[Run] = []
    for path in find_journals(folder):
        try:
            runs += read_runs(path)
        except StoreError as error:
            warnings.append(f"skipped: {error}")
    return Known(folder, tuple(runs), tuple(warnings))


def find_sides(names: Sequence[str], known: Known) -> tuple[Side, ...]:
    """Return what each name stands for; without a name, every machine of the folder of reports.

    A name may be a machine's name, label or id, a run's id, an instance type, a journal or a folder
    of journals. `:LABEL` after a run, a journal or a folder chooses one of its machines. A name
    that is given twice gives two equal sides. Raises RequestError if a name stands for nothing or
    for several machines, or if two names stand for some of the same jobs.
    """
    if not names:
        sides = tuple(
            Side(machine.name, _jobs_of(machine, known.jobs)) for machine in known.machines
        )
        if len(sides) < 2:
            raise _too_few(sides, known)
        return sides
    sides = tuple(_side(name, known) for name in names)
    if len(sides) == 1:
        raise _too_few(sides, known)
    if len(sides) > 2 and len(set(names)) < len(names):
        raise RequestError(
            "a name was given twice among others",
            seen=" ".join(names),
            next_step="name each once, or one name twice to compare a machine with itself",
        )
    if len({side.name for side in sides}) < len(set(names)):  # two runs of one machine
        sides = tuple(replace(side, name=name) for side, name in zip(sides, names, strict=True))
    _check_disjoint(dict(zip(names, sides, strict=True)))
    return _shortened(sides)


def _shortened(sides: tuple[Side, ...]) -> tuple[Side, ...]:
    """Return the sides with each journal called by its file's stem, if the names remain unique."""
    short = [Path(side.name).stem if side.name.endswith(SUFFIX) else side.name for side in sides]
    if len(set(short)) < len({side.name for side in sides}):
        return sides
    return tuple(replace(side, name=name) for side, name in zip(sides, short, strict=True))


def _side(name: str, known: Known) -> Side:
    finders: tuple[Callable[[str, Known], Side | None], ...] = (
        *(_of_path, _of_machine, _of_run, _of_id, _of_type),
    )
    for find in finders:
        side = find(name, known)
        if side is not None:
            return side
    known_ones = f"{did_you_mean(name, known.names)}name one of them, or " if known.names else ""
    raise RequestError(
        f"{name} is neither a journal nor the name of a machine, run or type in {known.folder}",
        seen=listed(known.names, _SHOWN) or "no measured job there",
        next_step=f"{known_ones}{MEASURE_FIRST}",
    )


def _of_path(name: str, known: Known) -> Side | None:
    """Return the machine of a journal or of a folder of journals."""
    path, label = (Path(name), "") if os.path.exists(name) else _split(name)
    is_named = path.suffix == SUFFIX or len(path.parts) > 1 or path.is_absolute()
    if not is_named and (name in known.names or not os.path.exists(path) or os.path.isfile(path)):
        return None
    if os.path.isdir(path):
        journals = journals_of(path)
    elif path.suffix == SUFFIX or os.path.exists(path):
        journals = [path]
    else:
        return None
    if not journals:
        raise RequestError(
            "there is no journal in this folder", seen=path, next_step=f"name a {SUFFIX} file"
        )
    jobs = measured_jobs(merged(run for journal in journals for run in read_runs(journal)))
    return replace(_one_machine(jobs, label, str(path)), grows=False)


def _split(name: str) -> tuple[Path, str]:
    path, colon, label = name.rpartition(":")
    return (Path(path), label) if colon else (Path(name), "")


def _of_machine(name: str, known: Known) -> Side | None:
    machine = next((one for one in known.machines if one.name == name), None)
    return None if machine is None else Side(machine.name, _jobs_of(machine, known.jobs))


def _of_run(name: str, known: Known) -> Side | None:
    run_id, _, label = name.partition(":")
    ids = {run.header.run_id for run in known.runs}
    if run_id not in ids:
        ids = {one for one in ids if begins_id(run_id, one)}
        if len(ids) != 1:
            return None
        (run_id,) = ids
    jobs = [job for job in known.jobs if job.record.run_id == run_id]
    return replace(_one_machine(jobs, label, run_id), grows=False)


def _of_id(name: str, known: Known) -> Side | None:
    jobs = [job for job in known.jobs if begins_id(name, job.record.machine.machine_id)]
    return _one_machine(jobs, "", name) if jobs else None


def _of_type(name: str, known: Known) -> Side | None:
    jobs = tuple(job for job in known.jobs if name in _types(job.record.machine))
    return Side(name, jobs, instance_type=name) if jobs else None


def _types(facts: MachineFacts) -> Iterator[str]:
    for kind in (facts.cloud_instance_type, facts.firmware_instance_type):
        if kind:
            yield kind


def _one_machine(jobs: Sequence[MeasuredJob], label: str, source: str) -> Side:
    """Return the side of the one machine in `jobs`, or of the machine called `label`."""
    found = machines((), jobs)
    chosen = [machine for machine in found if not label or machine.name == label]
    if len(chosen) == 1:
        return Side(chosen[0].name, _jobs_of(chosen[0], jobs))
    names = [machine.name for machine in found]
    if not names:
        raise RequestError(f"{source} holds no measured job", next_step="name another one")
    raise RequestError(
        f"{source} holds {'no such machine' if label else 'several machines'}",
        seen=", ".join(names),
        next_step=f"{did_you_mean(label, names)}name one of them: {source}:{names[0]}",
    )


def _jobs_of(machine: Machine, jobs: Iterable[MeasuredJob]) -> tuple[MeasuredJob, ...]:
    return tuple(job for job in jobs if job.machine_key == machine.key)


def _check_disjoint(sides: dict[str, Side]) -> None:
    """Raise RequestError if a job would be compared with itself."""
    owner: dict[RecordKey, str] = {}
    for name, side in sides.items():
        for job in side.jobs:
            other = owner.setdefault(key_of(job), name)
            if other != name:
                record = job.record
                raise RequestError(
                    f"{other} and {name} hold some of the same jobs",
                    seen=f"{record.job_id} of the run {record.run_id}",
                    next_step="name two machines or runs, or one name twice to compare a machine "
                    "with itself",
                )


def _too_few(sides: Sequence[Side], known: Known) -> RequestError:
    seen = sides[0].name if sides else f"no measured machine in {known.folder}"
    return RequestError(
        "a comparison needs two names",
        seen=seen,
        next_step="name two machines, or the same one twice to compare it with itself"
        if known.jobs or sides
        else MEASURE_FIRST,
    )


def namesakes(sides: Sequence[Side], known: Known) -> Iterator[str]:
    """Yield a note for each compared machine whose label belongs to an unlike machine too."""
    names = {side.name for side in sides}
    for found in unlike_machines(known.machines):
        both = {found.first.name, found.second.name}
        if len(both & names) == 1:
            yield f"note: {unlike_machines_note(found)}"


def calibrations_of(outline: Outline, workload: str) -> Calibrations | None:
    """Return what healthy jobs of a workload end with; None if `workload` is another one."""
    description = load_workload(workload).description
    published = description.published if description.outline.name == outline.name else None
    return None if published is None else published.calibrations


def outline_of(sides: Sequence[Side], workload: str) -> Outline:
    """Return the workload that the sides measured, as the newest journal describes it.

    `workload` is a reference to the program's own workload; it is loaded only if some journal
    describes none. Raises RequestError if the sides measured unlike workloads.
    """
    headers = {job.share.header.run_id: job.share.header for side in sides for job in side.jobs}
    described = [one for one in headers.values() if one.workload is not None]
    names = {one.workload.name: one.run_id for one in described if one.workload is not None}
    if len(described) < len(headers):
        own = load_workload(workload).description.outline
        names.setdefault(own.name, "--workload")
    if len(names) > 1:
        raise RequestError(
            "the sides measured unlike workloads, which cannot be compared",
            seen=" and ".join(f"{name} ({source})" for name, source in names.items()),
            next_step="name runs of one workload",
        )
    newest = max(described, key=lambda one: one.started_at, default=None)
    if newest is None or newest.workload is None:
        return own
    return newest.workload
