"""Checks of the software: Python, the packages and their versions, and what is not installed."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from bench.app.doctor.check_result import CheckResult, ok, problem, skipped, warning
from bench.app.doctor.patient import Patient
from bench.child.workload import ENGINE, source_folder
from bench.cluster.config import ClusterFile
from bench.errors import OutsideError
from bench.outside.files import read_text
from bench.probe.software import version
from bench.text import listed

#: The extra whose absence leaves a report without figures.
REPORT = "report"

#: The extra that reaches a cluster, and the extras of the providers that need more than that.
CLUSTER, OF_PROVIDER = "cluster", ("aws", "gcp")

#: The file of exact versions in the project's folder.
PINS = "constraints.txt"

#: A line names at most so many packages.
MOST_NAMED = 5

NOT_INSTALLED = "this program runs from its folder and is not installed, so its needs are unknown"


def python(patient: Patient) -> Iterator[CheckResult]:
    """Look whether this Python is one that the program was made for."""
    from packaging.specifiers import SpecifierSet  # only this command pays for it

    seen = f"{platform.python_version()} ({sys.executable})"
    try:
        wanted = str(metadata.metadata(patient.program.name).json.get("requires_python", ""))
    except metadata.PackageNotFoundError:
        yield skipped(f"{seen}; {NOT_INSTALLED}", install(patient))
        return
    if SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        yield ok(seen)
    else:
        cure = "install one that fits, then: make setup PYTHON=/path/to/python"
        yield problem(f"{seen}, but Python {wanted} is needed", cure)


def packages(patient: Patient) -> Iterator[CheckResult]:
    """Look for each package that the program needs, and for the extras that this use needs."""
    name = patient.program.name
    try:
        required = len(metadata.requires(name) or ())
    except metadata.PackageNotFoundError:
        yield skipped(NOT_INSTALLED, install(patient))
        return
    if missing := list(unmet(name)):
        yield problem(_named(missing), install(patient))
    else:
        yield ok(f"all that {name} {version(name)} requires is installed" if required else name)
    if missing := list(unmet(name, REPORT)):
        seen = f"the extra {REPORT} is incomplete, so reports lack figures: {_named(missing)}"
        yield warning(seen, install(patient, REPORT))
    extra = _extra_of(patient.cluster_file, patient.request.cluster.address)
    if extra and (missing := list(unmet(name, extra))):
        seen = f"the extra {extra} is incomplete, which the cluster needs: {_named(missing)}"
        yield problem(seen, install(patient, extra))


def versions(patient: Patient) -> Iterator[CheckResult]:
    """Compare what is installed with the exact versions that the project was tested with."""
    pinned = pins()
    if not pinned:
        yield skipped(f"{PINS} lies only in the project's folder")
        return
    found = {name: version(name) for name in pinned}
    unlike = [
        f"{name} {found[name]} instead of {pin}"
        for name, pin in pinned.items()
        if found[name] and found[name].partition("+")[0] != pin  # type: ignore[union-attr]
    ]
    if unlike:
        yield warning(f"not the tested versions: {_named(unlike)}", install(patient))
    else:
        number = sum(value is not None for value in found.values())
        yield ok(f"{number} packages have the versions of {PINS}")


def optional(patient: Patient) -> Iterator[CheckResult]:
    """Name what the workload could use as well, if it were installed."""
    lacking = patient.workload.needs().optional
    for name, command in lacking.items():
        yield skipped(f"{name} is not installed, so its jobs are skipped", command)
    if not lacking:
        yield ok("all that the workload can use is installed")


def install(patient: Patient, extra: str = "") -> str:
    """Return the command that installs what the program needs, or one of its extras."""
    if pins_file().exists():
        return f"make setup EXTRAS={extra}" if extra else "make setup"
    name = f"{patient.program.name}[{extra}]" if extra else patient.program.name
    return f"{sys.executable} -m pip install --upgrade '{name}'"


def unmet(distribution: str, extra: str = "") -> Iterator[str]:
    """Yield each requirement of a distribution, or of one of its extras, that is not met.

    Raises PackageNotFoundError if the distribution is not installed.
    """
    from packaging.requirements import Requirement

    for text in metadata.requires(distribution) or ():
        need = Requirement(text)
        if not _applies(need.marker, extra):
            continue
        found = version(need.name)
        if found is None:
            yield f"{need.name} is not installed"
        elif not need.specifier.contains(found, prereleases=True):
            yield f"{need.name} {found} is installed, {need.name}{need.specifier} is needed"
        else:
            for part in need.extras:
                yield from unmet(need.name, part)


def pins() -> Mapping[str, str]:
    """Return the exact versions in the project's folder by package; none if there is no file."""
    try:
        lines = read_text(pins_file()).splitlines()
    except OutsideError:
        return {}
    pairs = (line.partition("==") for line in lines if not line.startswith("#"))
    return {name.strip(): pin.strip() for name, equals, pin in pairs if equals and ";" not in pin}


def pins_file() -> Path:
    """Return where the exact versions stand, if this is the folder of the project."""
    return source_folder(ENGINE).parent / PINS


def _applies(marker: object, extra: str) -> bool:
    """Say whether a requirement belongs to the distribution itself, or else to the extra alone."""
    from packaging.markers import Marker

    if not isinstance(marker, Marker):
        return not extra
    alone = marker.evaluate({"extra": ""})
    return (marker.evaluate({"extra": extra}) and not alone) if extra else alone


def _extra_of(file: ClusterFile | None, address: str | None) -> str | None:
    """Return the extra that the named cluster needs; None if no cluster was named."""
    if file is not None and file.provider in OF_PROVIDER:
        return file.provider
    return CLUSTER if file is not None or address is not None else None


def _named(packages: list[str]) -> str:
    return listed(packages, MOST_NAMED)
