"""The first screen and the frame of a report in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from bench.report.words import notes, sureness
from bench.report.words.catalogue import Words, some
from bench.report.words.lists import or_list
from bench.report.words.sureness import (
    ANOTHER_DAY,
    Bracket,
    bracketed,
    of_100,
    share,
    times_as_fast,
)
from bench.spec.languages import Language
from bench.text import counted

if TYPE_CHECKING:
    from bench.analysis.conditions import Disturbances
    from bench.analysis.job_counts import JobCounts


class English(Words):
    """The sentences in English; a pair of machines reads as in the command `compare`."""

    language: ClassVar[Language] = "en"
    to: ClassVar[str] = "to"
    details_title: ClassVar[str] = "The verdict in detail"
    absent_title: ClassVar[str] = "Not in this report"
    notes_title: ClassVar[str] = "Notes"
    nothing: ClassVar[str] = "none"
    remark_names: ClassVar[Mapping[str, str]] = {
        "measured": "Measured",
        "failed": "Failed",
        "wrong": "Trains wrong",
        "disturbed": "Disturbed",
        "assumed": "Assumed",
        "unranked": "Not ranked",
        "data": "Data",
    }

    def nothing_measured(self, has_failures: bool) -> str:
        """Say that there is no measurement."""
        why = "see what failed below" if has_failures else "no job was planned or run"
        return f"Nothing was measured: {why}."

    def one_machine(self, machine: str) -> str:
        """Name the only machine."""
        return (
            f"One machine was measured, {machine}: measure another one, and this report says which "
            "of the two is faster."
        )

    def beside_published(
        self, machine: str, job: str, published: str, speed: Bracket, chance: float
    ) -> str:
        """Compare the only machine with a published one."""
        return (
            f"One machine was measured: with {job}, {machine} is "
            f"{times_as_fast(f'the {published}', speed)}, {_likely(chance)}."
        )

    def no_common_job(self, machines: int) -> str:
        """Say that nothing can be compared."""
        return (
            f"{machines} machines were measured, but they have no job in common on the same data, "
            "so it is not known which one is faster."
        )

    def train_on(self, first: str, second: str, speed: Bracket, chance: float) -> str:
        """Recommend the first machine."""
        return sureness.train_on(first, second, speed, chance)

    def equal(self, first: str, second: str, speed: Bracket, margin: float, within: float) -> str:
        """Say that either machine will do."""
        head = sureness.equal(first, second, speed, margin).removesuffix(".")
        return (
            f"{head}, and the chance that they differ by less than {share(margin)} is "
            f"{of_100(within)}."
        )

    def still_open(self, first: str, second: str, speed: Bracket, chance: float) -> str:
        """Say which machine looks faster, and that this is not a finding."""
        if sureness.level(chance) == sureness.SURELY:  # the word is for findings
            return (
                f"The chance that {first} is faster than {second} is {of_100(chance)}, but this is "
                f"not a finding yet: it is {bracketed(speed, ANOTHER_DAY, 'times as fast')}."
            )
        return sureness.still_open(first, second, speed, chance)

    def no_winner(
        self, best: Sequence[str], first: str, second: str, speed: Bracket, chance: float
    ) -> str:
        """Name the machines that may be the fastest, and compare the first two."""
        return (
            f"No machine is shown to be the fastest: it may be {_or_more(best)}, and the chance "
            f"that {first} is faster than {second} is {of_100(chance)}: it is "
            f"{bracketed(speed, ANOTHER_DAY, 'times as fast')}."
        )

    def no_winner_known(self, best: Sequence[str]) -> str:
        """Name the machines that may be the fastest."""
        return f"No machine is shown to be the fastest: it may be {_or_more(best)}."

    def measured(self, counts: JobCounts, jobs: int, machines: int, sittings: int) -> str:
        """Count jobs, machines and sittings."""
        planned = f"{counts.measured} of {counts.planned} planned jobs"
        if counts.measured == counts.planned:
            planned = (
                "the one planned job"
                if counts.planned == 1
                else f"all {counts.planned} planned jobs"
            )
        more = f" and {jobs - counts.measured} more" if jobs > counts.measured else ""
        where = f"on {counted(machines, 'machine')} in {counted(sittings, 'sitting')}"
        return f"{planned}{more}, {where}."

    def failed(self, counts: JobCounts, reasons: Mapping[str, int]) -> str:
        """Count what gave no measurement, by outcome."""
        parts = []
        if counts.failed:
            why = ", ".join(f"{reason} {n}" for reason, n in reasons.items())
            parts.append(f"{counted(counts.failed, 'job')} ({why})")
        parts += [f"{n} {what}" for n, what in _outcomes(counts) if n]
        if counts.unavailable:
            names, more = some(counts.unavailable)
            rest = f" and {more} more" if more else ""
            parts.append(f"unavailable: {', '.join(names)}{rest}")
        return f"{'; '.join(parts)} (see Failures)."

    def disturbed(self, found: Disturbances) -> str:
        """Count the disturbed jobs, and name the causes."""
        by = ", ".join(f"{name} {n}" for name, n in found.causes.items())
        return (
            f"{found.disturbed} of {counted(found.watched, 'watched job')} ({by}; see Conditions)."
        )

    def assumed(self, spread: float, part: float | None, half: float | None, sittings: int) -> str:
        """Say the assumed spread, and what rests on it."""
        only = f"only {counted(sittings, 'sitting')}"
        if half is not None:
            return (
                f"sittings differ by {share(spread)} (there is {only}), so the times are known "
                f"within about {share(half)}."
            )
        return (
            f"sittings differ by {share(spread)} (a machine has {only}); {share(part or 0)} of the "
            "bracket rests on that."
        )

    def assumed_published(self, spread: float) -> str:
        """Say the assumed spread of published runs."""
        return f"published runs differ by {share(spread)} (each of them was made once)."

    def not_ranked(self, machines: Sequence[str]) -> str:
        """Name the machines apart."""
        names, more = some(machines)
        rest = f" and {more} more" if more else ""
        return f"{', '.join(names)}{rest} (no job in common with the ranked machines)."

    def trains_wrong(self, found: Sequence[tuple[str, str]]) -> str:
        """Name machines and jobs."""
        names, more = some([f"{machine} ({job})" for machine, job in found])
        rest = f" and {more} more" if more else ""
        return f"{', '.join(names)}{rest}; its speed does not count there (see Quality)."

    def data(self, note: str, runs: int, of_runs: int) -> str:
        """Return the note, with the number of its runs unless all have it."""
        return notes.sentence(note if runs == of_runs else f"{note} ({runs} of {of_runs} runs)")

    def how_to_read(self, first: str | None, with_costs: bool) -> str:
        """Explain speeds, brackets and costs."""
        if first is None:
            return "Brackets hold 95 % intervals for another day."
        costs = "; costs and energy are means over the jobs that all of them measured"
        return (
            f"A speed says how many times as fast as {first} a machine is, with the 95 % bracket "
            f"for another day{costs if with_costs else ''}."
        )

    def more_rows(self, left: int) -> str:
        """Say where the other rows are."""
        return f"{counted(left, 'more row')} of this table: see tables/overview.csv."

    def title(self, workload: str) -> str:
        """Return the title of the report."""
        return f"Compute-capacity annex: {workload}"

    def contents(self) -> str:
        """Begin the list of tables."""
        return "Annex:"

    def own_language(self) -> str:
        """Return nothing: the whole report is in English."""
        return ""

    def in_all_tables(self, constants: Sequence[tuple[str, str]]) -> str:
        """List what all tables have in common."""
        return f"In all tables: {_pairs(constants)}."

    def in_all_rows(self, constants: Sequence[tuple[str, str]]) -> str:
        """List what all rows of a table have in common."""
        return notes.in_all_rows(constants)

    def unknown(self, headings: Sequence[str]) -> str:
        """List the unknown columns."""
        return f"Unknown in all rows: {', '.join(headings)}."


def _likely(chance: float) -> str:
    """Return `and the chance that it is faster is 98 of 100`, or slower if that is likelier."""
    word, value = ("faster", chance) if chance >= 0.5 else ("slower", 1 - chance)
    return f"and the chance that it is {word} is {of_100(value)}"


def _or_more(names: Sequence[str]) -> str:
    shown, more = some(names)
    return or_list([*shown, *([f"{more} others"] if more else [])])


def _outcomes(counts: JobCounts) -> tuple[tuple[int, str], ...]:
    return (
        (counts.not_run, "not run"),
        (counts.skipped, "skipped"),
        (counts.no_time, "for which there was no time"),
    )


def _pairs(constants: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{heading}: {text}" for heading, text in constants)
