"""Which run a command goes on with, and what it says about a run that it does not go on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.app.plan import Plan
from bench.app.pricing import repriced
from bench.app.run_header import is_digest, request_of
from bench.errors import StoreError
from bench.record.folder import begun, is_over, unfinished
from bench.record.journal import Journal, read_run
from bench.record.lines import RunHeader, SeriesPlace
from bench.record.run import Run
from bench.text import printable

#: What decides the jobs of a run and how they run, as the user reads it.
NAMES: Mapping[str, str] = {
    "workload": "the workload",
    "asked": "the jobs",
    "jobs": "the jobs that this machine can run",
    "data": "the data",
    "label": "--label",
    "threads": "the threads of a job",
    "dispatch": "--dispatch",
    "order_seed": "the seed of the order",
    "repeat_disturbed": "--repeat-disturbed",
    "minutes": "--minutes",
    "ceilings": "whether ceilings are measured",
    "code": "the source code",
}


def mended(
    journals: Sequence[Path],
    request_digest: str,
    series: SeriesPlace | None,
    *,
    with_cluster: bool,
) -> tuple[Run | None, Path | None]:
    """Return the run to go on with, and the file to which a line was moved that was cut off."""
    run = unfinished(journals, request_digest, series, with_cluster=with_cluster)
    if run is None:
        return None, None
    torn = Journal(run.path).mend()
    return (run if torn is None else read_run(run.path, run_id=run.header.run_id)), torn


def notes_of(continued: Run, plan: Plan, *, with_cluster: bool) -> Iterator[str]:
    """Yield what a user should know of a run that goes on; `with_cluster` if one was found."""
    if repriced(continued, plan.prices) is not continued:
        yield (
            "note: --price differs from the prices in this run's journal: this report takes "
            "the new figures, and the journal keeps its own (`report` takes --price too)"
        )
    if with_cluster and continued.is_cluster_due:
        cluster = continued.clusters[-1].cluster
        yield f"note: the share of {cluster} begins again, for the jobs that it did not measure"
    if continued.open_cluster and not with_cluster:
        yield (
            f"note: the share of {continued.open_cluster.cluster} is open, but its cluster was "
            "not found (--fresh starts a run without it)"
        )


def why_anew(journals: Sequence[Path], plan: Plan, series: SeriesPlace | None) -> Iterator[str]:
    """Yield a note if the newest run was cut off but is not the one to go on with.

    An earlier sitting of the same series needs none.
    """
    for path, header in begun(journals)[-1:]:
        try:
            run = read_run(path, run_id=header.run_id)
        except StoreError:
            return
        its = header.series
        if (
            run.all_measured
            or is_over(run, journals)
            or (its and series and its.series_id == series.series_id)
        ):
            return
        yield f"note: {path.name} was cut off, but {_why(header, plan)}: this run starts anew"


def _why(header: RunHeader, plan: Plan) -> str:
    if header.request_digest == plan.request_digest:
        return "it is no sitting of this series"
    differing = list(_differing(header, plan))
    if not differing:  # before schema 3, a header did not say what its digest covers
        return "it is another request (other jobs, settings or source code)"
    return f"it is another request, which differs in {'; '.join(differing)}"


def _differing(header: RunHeader, plan: Plan) -> Iterator[str]:
    """Yield what differs between a header and a plan."""
    if not header.request:
        return
    now = request_of(plan.decides)
    for name, words in NAMES.items():
        was, wanted = header.request.get(name), now.get(name)
        if was == wanted:
            continue
        if name == "asked":
            yield _jobs_words(header, plan)
        elif name == "jobs" and header.request.get("asked") != now.get("asked"):
            continue  # it follows from the other jobs
        elif was is None or wanted is None or is_digest(was) or is_digest(wanted):
            yield words
        else:
            yield printable(f"{words} (it was {was}, and now is {wanted})")


def _jobs_words(header: RunHeader, plan: Plan) -> str:
    before = {job.job_id for job in header.jobs}
    now = {job.job_id for job in plan.asked}
    changes = ((len(now - before), "new"), (len(before - now), "no longer asked for"))
    words = " and ".join(f"{count} {what}" for count, what in changes if count)
    return f"the jobs ({words})"
