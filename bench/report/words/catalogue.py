"""What the first screen and the frame of a report say: a method a sentence, in each language.

`Words` lists the sentences; `English` and `Spanish` say them. A sentence takes plain numbers and
names, so that both languages write the same figures. Headings are in phrasebook.py.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from bench.report.words.sureness import Bracket
from bench.spec.languages import Language

if TYPE_CHECKING:  # these take longer to import than a command without a report may wait
    from bench.analysis.conditions import Disturbances
    from bench.analysis.job_counts import JobCounts

#: At most so many names stand in a list; the others are counted.
MOST_NAMES = 4


class Words(abc.ABC):
    """The sentences of one language."""

    language: ClassVar[Language]
    #: The word between two ranks: `1 to 3`.
    to: ClassVar[str]
    #: Titles of the longer sentences, of what does not apply, and of the notes on the whole report.
    details_title: ClassVar[str]
    absent_title: ClassVar[str]
    notes_title: ClassVar[str]
    #: What is said of a table that has neither rows nor notes.
    nothing: ClassVar[str]
    #: The first word of each kind of remark.
    remark_names: ClassVar[Mapping[str, str]]

    # The verdict: one sentence, with its chance if there is one.

    @abc.abstractmethod
    def nothing_measured(self, has_failures: bool) -> str:
        """Return the verdict of runs without a measurement."""

    @abc.abstractmethod
    def one_machine(self, machine: str) -> str:
        """Return the verdict on one machine that is beside no published one."""

    @abc.abstractmethod
    def beside_published(
        self, machine: str, job: str, published: str, speed: Bracket, chance: float
    ) -> str:
        """Return the verdict on one machine beside a published one; `chance` is of being faster."""

    @abc.abstractmethod
    def no_common_job(self, machines: int) -> str:
        """Return the verdict on machines that share no job."""

    @abc.abstractmethod
    def train_on(self, first: str, second: str, speed: Bracket, chance: float) -> str:
        """Return the verdict if `first` is faster than all others."""

    @abc.abstractmethod
    def equal(self, first: str, second: str, speed: Bracket, margin: float, within: float) -> str:
        """Return the verdict on two equal machines; `within` is the chance that they are equal."""

    @abc.abstractmethod
    def still_open(self, first: str, second: str, speed: Bracket, chance: float) -> str:
        """Return the verdict on two machines if the data do not show which one is faster."""

    @abc.abstractmethod
    def no_winner(
        self, best: Sequence[str], first: str, second: str, speed: Bracket, chance: float
    ) -> str:
        """Return the verdict if several of many machines may be the fastest."""

    @abc.abstractmethod
    def no_winner_known(self, best: Sequence[str]) -> str:
        """Return the same if the two machines that look fastest share no job."""

    # The remarks: a line each, after the word in `remark_names`.

    @abc.abstractmethod
    def measured(self, counts: JobCounts, jobs: int, machines: int, sittings: int) -> str:
        """Return how much was measured."""

    @abc.abstractmethod
    def failed(self, counts: JobCounts, reasons: Mapping[str, int]) -> str:
        """Return what gave no measurement; `reasons` holds the failed jobs by reason."""

    @abc.abstractmethod
    def disturbed(self, found: Disturbances) -> str:
        """Return how many jobs were disturbed, and by what."""

    @abc.abstractmethod
    def assumed(self, spread: float, part: float | None, half: float | None, sittings: int) -> str:
        """Return that the spread between sittings is assumed.

        `part` is the share of the verdict's bracket that rests on it. For a machine alone, `half`
        is the half-width of its own bracket, a share of the time. `sittings` are those of the
        machine with the fewest.
        """

    @abc.abstractmethod
    def assumed_published(self, spread: float) -> str:
        """Return that the spread between published runs is assumed."""

    @abc.abstractmethod
    def not_ranked(self, machines: Sequence[str]) -> str:
        """Return which machines share no job with the ranked ones."""

    @abc.abstractmethod
    def trains_wrong(self, found: Sequence[tuple[str, str]]) -> str:
        """Return which machines train which jobs wrong."""

    @abc.abstractmethod
    def data(self, note: str, runs: int, of_runs: int) -> str:
        """Return a note on the data of some runs, whose own words are English."""

    @abc.abstractmethod
    def how_to_read(self, first: str | None, with_costs: bool) -> str:
        """Return what the speeds of the first table are relative to, and what it has means of.

        `first` is None if the table has a row for each job.
        """

    @abc.abstractmethod
    def more_rows(self, left: int) -> str:
        """Return how many rows of the first table are not shown."""

    # The frame of the report.

    @abc.abstractmethod
    def title(self, workload: str) -> str:
        """Return the title of the report."""

    @abc.abstractmethod
    def contents(self) -> str:
        """Return the words before the list of the annex's tables."""

    @abc.abstractmethod
    def own_language(self) -> str:
        """Return what a reader of this language is told of the rest; empty if there is nothing."""

    @abc.abstractmethod
    def in_all_tables(self, constants: Sequence[tuple[str, str]]) -> str:
        """Return what all tables have in common, given headings and texts."""

    @abc.abstractmethod
    def in_all_rows(self, constants: Sequence[tuple[str, str]]) -> str:
        """Return what all rows of a table have in common, given headings and texts."""

    @abc.abstractmethod
    def unknown(self, headings: Sequence[str]) -> str:
        """Return which columns of a table are unknown in all rows."""


def some(names: Sequence[str]) -> tuple[list[str], int]:
    """Return the first names, and the number of the others."""
    if len(names) <= MOST_NAMES + 1:
        return list(names), 0
    return list(names[:MOST_NAMES]), len(names) - MOST_NAMES


def words_of(language: Language) -> Words:
    """Return the sentences of a language."""
    from bench.report.words.english import English  # these import this module
    from bench.report.words.spanish import Spanish

    found: Mapping[Language, Words] = {"en": English(), "es": Spanish()}
    return found[language]
