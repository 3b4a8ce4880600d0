"""The base class of workloads, and how the child finds a workload by its reference."""

from __future__ import annotations

import abc
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.child.ceilings import Operations
from bench.child.meter import Meter
from bench.errors import RequestError, WorkloadError
from bench.probe.root import HOST, Root
from bench.record.facts import MachineFacts, MachineKind
from bench.spec.description import Description
from bench.spec.job import NO_DATA, JobSpec
from bench.spec.privacy import Privacy
from bench.text import type_and_line

#: Name of the attribute that holds a module's workload.
ATTRIBUTE = "WORKLOAD"

#: The package of the engine, whose code every job runs.
ENGINE = "bench"


@dataclass(frozen=True)
class Dataset:
    """A resolved dataset: its name, its digest and a description of its source.

    `note` is what a reader of the report must know about it. `tried` lists the places that did not
    have the wanted data. `stage` writes a copy that child processes load fast, and returns its
    path; it is None if there are no data.
    """

    name: str = NO_DATA
    digest: str = ""
    source: str = "no data are read"
    note: str | None = None
    tried: str | None = None
    stage: Callable[[], Path] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Needs:
    """What a workload needs of a machine, as far as that is known before a run.

    `memory_bytes` is what its largest usual job takes. `gpu_driver` is the oldest version of
    NVIDIA's driver with which the installed packages use a GPU, such as 525.60; None if no
    installed package does, and then `gpu_install` is the command that installs one. `optional`
    holds what it can use as well but is not installed, each with the command that installs it.
    """

    memory_bytes: int | None = None
    gpu_driver: str | None = None
    gpu_install: str | None = None
    optional: Mapping[str, str] = field(default_factory=dict)


class Workload(abc.ABC):
    """Something that can be measured: it describes itself and runs one job with a meter."""

    description: Description

    @abc.abstractmethod
    def run_job(self, job: JobSpec, meter: Meter) -> None:
        """Run `job` and let `meter` measure it. Any exception becomes a failure record."""

    def bare_operations(self, job: JobSpec, meter: Meter) -> Operations:
        """Return the bare operations of `job` without training: import what they need, and call
        `meter.runs_on`. Any exception becomes a failure record.

        A run uses this for the values of an axis with `pools_ceiling` that no job of it has. A
        workload without such an axis need not override it.
        """
        raise WorkloadError(
            "the workload measures no ceilings without training",
            next_step="override bare_operations()",
        )

    @property
    def measures_bare_ceilings(self) -> bool:
        """Whether the workload overrides `bare_operations`."""
        return type(self).bare_operations is not Workload.bare_operations

    def dataset(self, which: str, path: str | None) -> Dataset:
        """Return the dataset `which` (`auto` or a name), from `path` if given.

        Raises DataError if it is unavailable. A workload without data need not override this.
        """
        return Dataset()

    def dataset_here(self, which: str, path: str | None) -> Dataset:
        """Return what `dataset` would return without the network.

        A workload that downloads its data overrides this.
        """
        return self.dataset(which, path)

    def needs(self) -> Needs:
        """Return what this workload needs of a machine, without importing anything."""
        return Needs()

    def why_skipped(self, job: JobSpec, facts: MachineFacts) -> str | None:
        """Return why a machine with `facts` cannot run `job`; None if it can."""
        return None

    def estimate_s(self, job: JobSpec) -> float | None:
        """Return roughly how many seconds `job` takes on two cores; None if unknown."""
        return None

    def may_use_gpu(self) -> bool:
        """Say whether a job here may train on a GPU, without importing anything."""
        return False

    def builds(self) -> Mapping[str, Callable[[], dict[str, str]]]:
        """Return, for each imported framework, a function that returns its build facts."""
        return {}

    def import_all(self, threads: int) -> Mapping[str, str]:
        """Import every framework that a job could use; return why each failed import did."""
        return {}

    def gpu_peak_bytes(self, job: JobSpec) -> tuple[int | None, str | None]:
        """Return the peak GPU memory that the job's allocator counted, and the counter's name."""
        return None, None


def load_workload(reference: str) -> Workload:
    """Return the workload that `module:attribute` or a Python file names.

    Raises RequestError if there is no such workload.
    """
    module_name, _, attribute = reference.partition(":")
    try:
        if module_name.endswith(".py"):
            return _workload_in(_module_of_file(Path(module_name)), attribute or ATTRIBUTE)
        return _workload_in(importlib.import_module(module_name), attribute or ATTRIBUTE)
    except SystemExit as error:
        raise RequestError(
            "the workload ends the program when it is imported",
            seen=f"{reference}: {type_and_line(error)}",
            next_step='put what its own command does below `if __name__ == "__main__":`',
        ) from error
    except Exception as error:  # importing a user's file may raise anything
        raise RequestError(
            "the workload cannot be imported",
            seen=f"{reference}: {type(error).__name__}: {error}",
            next_step=f"name a Python file, or module:attribute, that holds a {ATTRIBUTE}",
        ) from error


def probe_for(
    workload: Workload | None, privacy: Privacy, kind: MachineKind = "local", root: Root = HOST
) -> MachineFacts:
    """Return a machine's facts, with the versions and variables that the workload names."""
    from bench.probe.machine import probe  # a job that knows its machine starts sooner without it

    if workload is None:
        return probe(kind=kind, privacy=privacy, root=root)
    description = workload.description
    variables = description.recorded_variables
    return probe(description.packages, kind, variables=variables, privacy=privacy, root=root)


def code_digest(reference: str) -> str:
    """Return the SHA-256 of the engine's and the workload's source files, sorted by name.

    Hidden files are no sources: an editor keeps its locks there (`.#plan.py`, a link to nowhere).
    """
    digest = hashlib.sha256()
    for package in (ENGINE, *load_workload(reference).description.sources):
        root = source_folder(package)
        for file in sorted(root.rglob("*.py")):
            if file.name.startswith("."):
                continue
            digest.update(f"{package}/{file.relative_to(root).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    path = workload_file(reference)
    if path is not None:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def workload_file(reference: str) -> Path | None:
    """Return the file that a reference names; None if it names a module."""
    name = reference.partition(":")[0]
    return Path(name).resolve() if name.endswith(".py") else None


def source_folder(package: str) -> Path:
    """Return the folder of an importable package."""
    file = importlib.import_module(package).__file__
    assert file is not None, f"{package} is a package with an __init__ file"
    return Path(file).parent


def _module_of_file(path: Path) -> Any:
    name = f"workload_{path.stem}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path.resolve()):
        return known
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _workload_in(module: Any, attribute: str) -> Workload:
    workload = getattr(module, attribute)
    if not isinstance(workload, Workload):
        raise TypeError(f"{attribute} is not a Workload")
    return workload
