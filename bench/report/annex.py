"""The compute-capacity annex: all tables and the verdict from the journals of some runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.analysis.results import Results
from bench.clock import utc_today
from bench.record.run import LeftOut
from bench.report import parquet
from bench.report.column import Report, Table
from bench.report.figures import gallery, render
from bench.report.page.make import page_of
from bench.report.screen import remarks, verdict
from bench.report.tables.capacity import capacity_table
from bench.report.tables.comparison import comparison_table
from bench.report.tables.conditions import conditions_table
from bench.report.tables.cost import cost_table
from bench.report.tables.epochs import epochs_table
from bench.report.tables.failures import failures_table
from bench.report.tables.limits import limits_table
from bench.report.tables.machines import machines_table
from bench.report.tables.memory import memory_table
from bench.report.tables.overfitting import overfitting_table
from bench.report.tables.overview import overview_table
from bench.report.tables.quality import quality_table
from bench.report.tables.ranking import ranking_table
from bench.report.tables.reproduce import reproduce_table
from bench.report.tables.sameness import sameness_table
from bench.report.tables.sittings import sittings_table
from bench.report.tables.targets import targets_table
from bench.report.tables.threads import threads_table
from bench.report.translation import figure_in, translated
from bench.report.verdict import details
from bench.report.words import figures as figure_words
from bench.report.words import notes
from bench.report.words.catalogue import words_of
from bench.report.words.flaws import flaws
from bench.report.words.phrasebook import phrasebook
from bench.spec.description import Description, Outline
from bench.spec.languages import LANGUAGES, Language


def report_of_results(
    results: Results,
    commands: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
    language: Language = LANGUAGES[0],
    own_words: Mapping[str, str] | None = None,
    day: str | None = None,
) -> Report:
    """Return the annex of `results`; `commands` are the commands that made this report.

    `own_words` are the workload's own words in the `language`, by the English ones. `day` is the
    day of the report, on which prices have their age; None: today.
    """
    day = day or utc_today()
    words, book = words_of(language), phrasebook(language, own_words)
    report = Report(
        title=title_of(results.outline, language, own_words),
        verdict=(verdict(results, words, book),),
        tables=_tables(results, commands, day),
        notes=(
            *([notes.published_source(results.reference)] if results.reference else []),
            *map(notes.left_out, left_out),
            *flaws(results.flaws),
        ),
        page=page_of(results, day, language, own_words),
        overview=overview_table(results, words),
        remarks=remarks(results, words),
        caveat=results.outline.caveat if results.groups else "",
        details=details(results),
        language=language,
    )
    return translated(report, book)


def title_of(
    outline: Outline, language: Language = LANGUAGES[0], own_words: Mapping[str, str] | None = None
) -> str:
    """Return the title of the workload's report."""
    return words_of(language).title(phrasebook(language, own_words).said(outline.title))


def _tables(results: Results, commands: Sequence[str], day: str) -> tuple[Table, ...]:
    """Return the tables of the annex: what the verdict rests on, and then job by job."""
    targets = targets_table(results)
    return (
        ranking_table(results),
        comparison_table(results),
        sittings_table(results),
        capacity_table(results),
        epochs_table(results),
        *([quality_table(results)] if results.outline.evaluation_metrics else []),
        *([] if targets is None else [targets]),
        *([overfitting_table(results)] if results.curves else []),
        cost_table(results, day),
        *([threads_table(results)] if results.threads else []),
        memory_table(results),
        limits_table(results),
        sameness_table(results),
        machines_table(results),
        conditions_table(results),
        failures_table(results),
        reproduce_table(results, commands),
    )


def with_note_on_parquet(report: Report) -> Report:
    """Return `report`, with a note if its tables cannot be written as Parquet here."""
    if parquet.is_available():
        return report
    return replace(report, notes=(*report.notes, notes.no_parquet(parquet.PACKAGE)))


def without_figures(report: Report) -> Report:
    """Return `report`, with a note that its figures were left out on request."""
    return replace(report, notes=(*report.notes, figure_words.NOT_WANTED))


def with_figures(
    report: Report, results: Results, description: Description | None = None
) -> Report:
    """Return `report` with its figures, or with a note if the packages for them are missing.

    The drawings of `description` are figures too if the results are of its workload.
    """
    missing = render.missing_packages()
    if missing:
        return replace(report, notes=(*report.notes, figure_words.missing(missing)))
    own = description is not None and description.name == results.outline.name
    drawings = description.drawings if description is not None and own else ()
    found = gallery.figures(results, drawings if results.groups else ())
    words = description.translations.get(report.language) if own and description else None
    book = phrasebook(report.language, words, more="_figures")
    return replace(report, figures=tuple(figure_in(one, book) for one in found))
