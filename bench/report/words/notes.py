"""The sentences under the tables, and the notes on the whole report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.analysis.differences import Difference
from bench.analysis.machines import Machine, UnlikeMachines
from bench.record.failure import Reason
from bench.record.run import LeftOut
from bench.report.words.lists import and_list
from bench.report.words.sureness import share
from bench.spec.axes import Reference
from bench.text import counted

if TYPE_CHECKING:  # a command without a report does not wait for these
    from bench.analysis.conditions import Looks

NOTHING_FAILED = "Nothing failed, and no job was left out."
FAILURES_NOTE = "summary.json holds the whole messages and logs."
DIGESTS_NOTE = "Digests are SHA-256."
CAPACITY_NOTE = (
    "Brackets hold 95 % intervals of the mean time over many days. They cover the noise between "
    "jobs and the spread between sittings; a part of that spread is assumed if there are few "
    "sittings. The steady steps of a job are all steps after epoch 1. If a job has one epoch, they "
    "are all steps but the first, and a median step replaces the first one in the seconds of the "
    "epoch. tables/capacity.csv also holds the brackets of the other times, the p95 and the first "
    "step."
)
RANKING_NOTE = (
    "A rank lies between 1 + the number of machines that are surely faster and the number of all "
    "machines - the number that are surely slower (Holm's correction over all pairs, 95 %). "
    "Speeds are ratios of mean steps by kind of job, and their geometric mean with equal weights. "
    "Brackets hold 95 % intervals on another day; docs/statistics.md explains them."
)
_COMPARISON = (
    "Speeds are ratios of times in the same kinds of job, with 95 % intervals on another day. The "
    "finding rests on the mean step, which is what a user pays. It is open if the difference is "
    "not sure among all pairs, or not more than 3 %; machines are equal if the interval of 90 % "
    "lies within 3 %. Only neighbours in the ranking are shown; tables/comparison.csv holds "
    "{more}. Final weights may differ in the last bits between machines."
)
#: What the CSV of the comparison holds beside neighbours.
ALL_PAIRS = "all pairs"
SOME_PAIRS = "them and each machine beside the first one; `compare` tells any other pair"
SITTINGS_NOTE = (
    "A sitting is one run of one machine in one boot at one time of day; a new one begins after "
    "30 idle minutes. The spread between sittings is what a bracket for another day rests on. With "
    "few sittings it is drawn towards what is assumed, and from six on it is the machine's own. "
    "More jobs in one sitting do not narrow it; more sittings do."
)
ONE_SITTING = "one sitting"
LIMITS_NOTE = (
    "A step is overhead-bound if more than half of it is neither arithmetic nor memory. Otherwise "
    "the larger of the two ideal times names the regime. The rate covers only the operations that "
    "the workload counts; a step may do more. A run measures the ceilings once for each kind of "
    "job that has its own ceilings, and none with --no-ceilings."
)
MEMORY_NOTE = "All figures are medians over the n jobs."
EPOCHS_NOTE = (
    "Each figure is the time of an epoch divided by its steps, a median over the jobs of the row; "
    "epoch 1 traces and compiles too. tables/epochs.csv also holds the quantiles, the memory and "
    "the metrics of each epoch."
)
COST_NOTE = (
    "The price of a job is the mean total time at the machine's price per hour, without idle time, "
    "disks and traffic. Energy is a mean over jobs, summed over the sources named. Each source "
    "covers its whole hardware, including other processes."
)
NOT_WATCHED = "No job of these runs was watched."
ONE_MEASURED = "Fewer than two machines were measured."
NONE_IN_COMMON = (
    "The machines measured no job in common on the same data, so nothing can be compared."
)


def conditions(disturbed: int, shown: int) -> str:
    """Return where the conditions of all jobs stand, and what to do about disturbed ones.

    So many jobs were `disturbed`, and so many of them are `shown`.
    """
    cut = "Not all disturbed jobs are shown. " if shown < disturbed else ""
    mend = (
        ' The command "doctor quiet" names what disturbs a machine now, and the option '
        "--wait-quiet lets a run wait until it is quiet."
        if disturbed
        else ""
    )
    return (
        f"{cut}Every job was watched from outside while it trained; tables/conditions.csv holds "
        "what was seen of each, and docs/machine.md the thresholds with their sources. A disturbed "
        f"job stays in all tables.{mend}"
    )


def single_sittings(priors: Sequence[str]) -> str:
    """Return that no machine has a second sitting, and what is believed of their spread."""
    return (
        "Each machine has one sitting, so it is unknown how much its sittings differ. Assumed: "
        f"{and_list(priors)}."
    )


def advice(reason: Reason) -> str:
    """Return what a user can do about failures of one reason."""
    again = (
        "The same command tries such a job again, on a cluster if the cluster is up, until it has "
        "failed for the same reason in two calls."
        if reason.again
        else "Such a job is not tried again."
    )
    return f"What to do about a failure of the reason {reason.name!r}: {reason.advice}. {again}"


def sentence(text: str) -> str:
    """Return `text` with one full stop at its end."""
    return f"{text.rstrip('.')}."


def comparison(more: str) -> str:
    """Return how pairs are compared; `more` says which of them the CSV holds."""
    return _COMPARISON.format(more=more)


def cut(shown: int, rows: int, name: str) -> str:
    """Return where the other rows of a table stand if only the first ones are shown."""
    return f"The first {shown} of {rows:,} rows are shown; tables/{name}.csv holds all of them."


def in_all_rows(constants: Sequence[tuple[str, str]]) -> str:
    """Return what all rows of a table have in common, given headings and texts."""
    return f"In all rows: {'; '.join(f'{heading}: {text}' for heading, text in constants)}."


def data(note: str, run_ids: Sequence[str]) -> str:
    """Return a note on the data of some runs; without `run_ids` it is about all runs."""
    runs = f" ({', '.join(run_ids)})" if run_ids else ""
    return f"Data{runs}: {sentence(note)}"


def published_rows(reference: Reference) -> str:
    """Return how to read the published rows of the table of capacity."""
    return (
        f"The rows of {reference.year} are the published figures, rounded as they were printed. "
        "Each published run was made once. Two printed runs of one job differ by 7 %, so the "
        f"bracket of a speed assumes that published runs differ by {share(reference.spread)}; it "
        "also covers the rounding and another day of the measured machine."
    )


def no_relative(reasons: Mapping[str, int]) -> str:
    """Return why some rows have no speed beside a published machine; rows by reason."""
    parts = (f"{why} ({counted(n, 'row')})" for why, n in reasons.items())
    return f'"vs" is n/a for these reasons: {"; ".join(parts)}.'


def no_limits(reasons: Mapping[str, int]) -> str:
    """Return why the limits of some rows are unknown; rows by reason."""
    parts = (f"{why} ({counted(n, 'row')})" for why, n in reasons.items())
    return f"Limits are n/a for these reasons: {'; '.join(parts)}."


def pooled_ceilings(pooled: Sequence[str], kept: Sequence[str]) -> str:
    """Return whose rates a machine's ceilings are, given titles of axes."""
    return (
        f"The ceiling and the memory rate of a machine are the best of every {and_list(pooled)} "
        f"that was measured with the same {and_list([*kept, 'device', 'number of threads'])}; "
        f"own shares are of what the {and_list(pooled)} of the row reached."
    )


def optimistic(names: Sequence[str]) -> str:
    """Return that the shares of ceilings of some machines may be too high."""
    return (
        f"Shares of {', '.join(names)} may be too high, because some of the ceilings were measured "
        "only in disturbed jobs."
    )


def published_epochs(year: str) -> str:
    """Return how to read the published epochs."""
    return (
        f"Published epochs ({year}) are rounded to whole seconds and milliseconds. They are shown "
        "for jobs that were measured here, as far as these went; tables/epochs.csv holds them all."
    )


def facts_shown(left: int, machines: int) -> str:
    """Return which facts the table of machines shows, and where the others are."""
    differ = " and those in which the machines differ" if machines > 1 else ""
    return (
        f"Shown are the facts that decide about speed{differ}. summary.json and "
        f"tables/machines.csv hold {left} more facts of each machine, and why others are unknown."
    )


def published_facts(year: str) -> str:
    """Return where the facts of the published machines are."""
    return f"tables/machines.csv also holds the few facts that {year} published of its machines."


def one_machine(labels: Sequence[Machine]) -> str:
    """Return that several labels name one machine, whose sittings are therefore kept apart."""
    return (
        f"{and_list([machine.label for machine in labels])} have one machine id. If they are one "
        "machine, give it one --label, so that its sittings count together."
    )


def unlike_machines(found: UnlikeMachines) -> str:
    """Return why two machines of one label are not pooled."""
    differences = "; ".join(
        f"{_fact(each)} is {_value(each.first)} and {_value(each.second)}"
        for each in found.differences
    )
    versions = [machine.facts.id_version for machine in (found.first, found.second)]
    if versions[0] != versions[1]:
        rules = f"versions {versions[0]} and {versions[1]} of the rules made their ids"
        differences = "; ".join(filter(None, (rules, differences)))
    if not differences:
        ids = (machine.facts.machine_id[:12] for machine in (found.first, found.second))
        differences = f"they are two machines, {' and '.join(ids)}"
    return (
        f"{found.first.name} and {found.second.name} have the same label but are not pooled: "
        f"{differences}."
    )


def looks(found: Looks) -> Iterable[str]:
    """Yield what the looks at machines before their first job found."""
    if found.taken:
        loud = " ".join(sentence(f"{label}: {finding}") for label, finding in found.loud)
        quiet = f"{found.quiet} of {found.taken} found a quiet machine."
        yield f"Looks before the first job: {quiet} {loud}".strip()


def unseen(found: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """Yield the sources that gave nothing, with their reasons."""
    if found:
        parts = (f"{', '.join(sources)} ({why.rstrip('.')})" for why, sources in found.items())
        yield f"These sources gave nothing: {'; '.join(parts)}."


def no_prices(machines: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """Yield why machines have no price; the machines by reason."""
    for reason, names in machines.items():
        yield f"No price for {and_list(names)}: {reason}."


def no_energy(reasons: Sequence[tuple[str, str]]) -> str:
    """Return why no energy was counted, given sources and their reasons."""
    parts = (f"{source} ({reason.rstrip('.')})" for source, reason in reasons)
    return f"No energy was counted: {'; '.join(parts)}."


def left_out(journal: LeftOut) -> str:
    """Return that the report of a folder does not hold one of its journals, and why."""
    return f"This report leaves out {journal.name}: {sentence(journal.reason)}"


def published_source(reference: Reference) -> str:
    """Return where the published figures come from."""
    return f"{reference.year} figures: {reference.source}. {reference.note}"


def _fact(found: Difference) -> str:
    return found.fact if found.gpu is None else f"GPU {found.gpu} {found.fact}"


def _value(value: Any) -> Any:
    return "unknown or not set" if value is None else value


def no_parquet(package: str) -> str:
    """Return why the tables are not written as Parquet."""
    return (
        f"The tables are not written as Parquet, because {package} is not installed. "
        f"To install what is missing of the extra `report`: pip install {package}."
    )
