"""Reports of planted runs of the real workload, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.results import analyse
from bench.record.run import Run
from bench.report.annex import report_of_results
from bench.report.column import Report, Table
from bench.spec.axes import Reference
from bench.spec.description import Outline
from bench.spec.languages import Language
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

#: The day of the report: the age of prices counts from it.
DAY = "2026-12-01"


def report_of(runs: Sequence[Run], language: Language = "en", **changes: Any) -> Report:
    """Return the report of `runs` beside the published figures, in a language."""
    results = analyse(runs, DESCRIPTION.outline, published_2020())
    own_words = DESCRIPTION.translations.get(language)
    return report_of_results(
        results, language=language, own_words=own_words, **{"day": DAY, **changes}
    )


def build_report(
    runs: Sequence[Run], outline: Outline, reference: Reference | None = None
) -> Report:
    """Return the report of `runs` of any workload."""
    return report_of_results(analyse(runs, outline, reference))


def said(report: Report) -> list[str]:
    """Return every sentence of the verdict: the answer, the remarks and the details."""
    return [*report.verdict, *(one.text for one in report.remarks), *report.details]


def table(report: Report, name: str) -> Table:
    """Return the table called `name`."""
    (found,) = (table for table in report.tables if table.name == name)
    return found


def notes(report: Report, name: str) -> str:
    """Return all notes of the table called `name`, as one text."""
    return " ".join(table(report, name).notes)
