"""The sentences and short texts about equal work: repeats, machines, code, versions and data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.analysis.same_jobs import Alike, Equality, SameJobs, Ways
from bench.analysis.sameness import Sameness, UnlikeCode, UnlikeVersions
from bench.report.words.facts import difference_name, difference_values
from bench.report.words.lists import and_list
from bench.spec.axes import Agreement, Axis
from bench.units import percent, significant

#: What stands in place of the second machine if a machine is compared with itself.
ITSELF = "itself (repeats)"

#: The text of an answer, given whether the jobs are repeats on one machine.
EQUALITIES: Mapping[tuple[Equality, bool], str] = {
    (Equality.IDENTICAL, False): "identical, bit for bit",
    (Equality.WITHIN, False): "the same job, within tolerance",
    (Equality.PARTED, False): "the curves part",
    (Equality.OTHER_START, False): "not the same start",
    (Equality.OTHER_DATA, False): "not the same data",
    (Equality.UNKNOWN, False): "not judged",
    (Equality.IDENTICAL, True): "identical, bit for bit",
    (Equality.WITHIN, True): "not bit-identical, within tolerance",
    (Equality.PARTED, True): "not bit-identical, the curves part",
    (Equality.OTHER_START, True): "not the same start",
    (Equality.OTHER_DATA, True): "not the same data",
    (Equality.UNKNOWN, True): "not judged",
}
NOTHING_COMPARED = (
    "No job was repeated on one machine and no two machines measured a job in common, so nothing "
    "shows whether jobs were equal work."
)
NO_TOLERANCE = "the workload states no tolerance for this job"
NOT_FINITE = "one of the two is not finite"
#: How many differing facts a row shows; the rows of JSON and CSV hold all.
MOST_TELLING = 3


def alike(found: Alike) -> str | None:
    """Return whether a digest is the same in all jobs that state it; None if none states it."""
    if not found.told:
        return None
    return "yes" if found.same == found.told else f"{found.same} of {found.told}"


def what_differs(found: SameJobs) -> list[str]:
    """Return every fact that may explain a difference, with both values, most telling first."""
    return [
        f"{difference_name(one)} ({' and '.join(difference_values(one))})"
        for one in found.differences
    ]


def ways(found: Ways, usual: Mapping[str, object]) -> str:
    """Return how jobs are computed by the values that are not `usual`: `compiled, float16`."""
    told = [str(value) for name, value in found if value != usual.get(name)]
    return ", ".join(told or [str(value) for _, value in found if value is not None])


def explained(agreements: Sequence[Agreement], axes: Mapping[str, Axis]) -> Iterable[str]:
    """Yield what the columns rest on, and the tolerances that the workload states."""
    yield (
        "A job is a cell and a seed. Each machine is compared with one other machine, with which "
        "it has jobs in common. A difference of two curves is a share of the larger value at the "
        "end of the same epoch. Rounding differs between instruction sets and between GPUs, and it "
        "grows from epoch to epoch, so curves may part although nothing is wrong. The table of "
        "quality says whether a machine trains right."
    )
    if agreements:
        parts = "; ".join(_tolerance(agreement, axes) for agreement in agreements)
        yield f"Tolerances (the first one that is about a job counts): {parts}."


def sameness(found: Sameness, usual: Mapping[str, object]) -> Iterable[str]:
    """Yield what the records show about equal work; `usual` holds the axes' defaults."""
    repeats = [one for one in found.jobs if one.second is None]
    if same := [one.first for one in repeats if _identical(one)]:
        yield f"All repeated jobs on {and_list(same)} gave identical final weights, bit for bit."
    yield from (repeated_unlike(one, usual) for one in repeats if one.unlike)
    if silent := [one.first for one in repeats if not one.final_weights.told]:
        yield no_weights(silent)
    if found.unrepeated:
        yield not_repeated(found.unrepeated)
    yield from (curves_part(one) for one in found.jobs if one.second is not None and one.parted)
    yield from map(unlike_code, found.code)


def comparable(found: Sameness) -> Iterable[str]:
    """Yield what sets machines apart that are compared: versions and data."""
    yield from map(unlike_versions, found.versions)
    for dataset, count in found.unlike_data.items():
        yield f"The runs hold {count} unlike sets of {dataset} data. Their jobs are kept apart."
    if len(found.datasets) > 1:
        yield f"Runs on different datasets ({', '.join(found.datasets)}) are not compared."


def unlike_versions(found: UnlikeVersions) -> str:
    """Return that the version of a package differs between machines."""
    told = "; ".join(
        f"{version or 'an unknown version'} on {', '.join(on)}"
        for version, on in found.machines.items()
    )
    return (
        f"{found.package} is not the same everywhere: {told}. This may explain part of the "
        "difference."
    )


def unlike_code(found: UnlikeCode) -> str:
    """Return that unlike code ran the pooled jobs of a machine."""
    digests = ", ".join(digest[:12] for digest in found.digests)
    return f"{found.machine}: unlike code ran the pooled jobs; the code's digests are {digests}."


def repeated_unlike(found: SameJobs, usual: Mapping[str, object]) -> str:
    """Return which repeats on one machine ended with unlike weights, by how they are computed."""
    unlike = ", ".join(
        f"{ways(way, usual)}: {count} of {found.told[way]}" for way, count in found.unlike.items()
    )
    same = [ways(way, usual) for way in found.told if way not in found.unlike]
    others = f" Identical: {'; '.join(same)}." if same else ""
    return (
        f"{found.first}: {sum(found.unlike.values())} of {found.final_weights.told} repeated jobs "
        f"did not end with the same weights each time ({unlike}).{others} These figures mix unlike "
        "computations."
    )


def curves_part(found: SameJobs) -> str:
    """Return that the curves of two machines part, how far, and what differs."""
    worst = found.worst
    assert worst is not None, "a curve that parts has a gap"
    differs = what_differs(found)[:MOST_TELLING]
    why = f" What differs: {'; '.join(differs)}." if differs else ""
    return (
        f"{found.first} and {found.second}: the curves of {found.parted} of {found.jobs} jobs in "
        f"common part, first in epoch {found.first_parted}; {worst.gap.metric.replace('_', ' ')} "
        f"differs by up to {significant(100 * worst.gap.greatest)} %.{why}"
    )


def not_repeated(machines: Sequence[str]) -> str:
    """Return that some machines repeated no job."""
    return (
        f"No job was repeated on {and_list(machines)}, so bit-for-bit repetition was not tested "
        "there."
    )


def no_weights(machines: Sequence[str]) -> str:
    """Return that the repeated jobs of some machines cannot be compared bit for bit."""
    return (
        f"The repeated jobs of {and_list(machines)} state no digest of their final weights, so "
        "bit-for-bit repetition was not tested there."
    )


def _identical(found: SameJobs) -> bool:
    return found.final_weights.told > 0 and not found.unlike


def _tolerance(agreement: Agreement, axes: Mapping[str, Axis]) -> str:
    about = " ".join(f"{axes[name].title} {value}" for name, value in agreement.requires.items())
    text = f"{agreement.metric.replace('_', ' ')} of {about or 'any job'}: "
    text += _share(agreement.within)
    if agreement.across_devices is None:
        return text
    return f"{text} ({_share(agreement.across_devices)} between a CPU and a GPU)"


def _share(value: float) -> str:
    return percent(value) if value >= 0.01 else f"{significant(100 * value)} %"
