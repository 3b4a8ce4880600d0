"""The words of the page in each language; English stands here and in the script of the controls."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from bench.analysis.results import Results
from bench.analysis.time_to_target import latest_prices
from bench.report.words.phrasebook import Phrasebook, phrasebook
from bench.report.words.prices import is_old
from bench.spec.languages import Language
from bench.units import NOT_AVAILABLE

#: The texts of the frame of the page, by the names that its template gives them.
FRAME: Mapping[str, str] = {
    "say_skip": "Skip to the answer",
    "say_counts": "Counts",
    "say_speeds": "Speeds",
    "say_costs": "Cost against time",
    "say_verdict": "Verdict in full",
    "say_figures": "More figures",
    "say_tables": "Tables",
    "say_notes": "Notes",
    "say_licences": "Licences of the chart libraries in this page",
    "say_licence_texts": "Licences",
}
HOW_TO_READ = "How to read this."
COLUMNS = "What the columns mean"
NO_ROWS = "none"


@functools.cache
def page_book(language: Language) -> Phrasebook:
    """Return the phrases of the page in a language, those of its script too."""
    return phrasebook(language, more="_page")


def more_rows(shown: int, rows: int, name: str) -> str:
    """Return how many rows of a table the page leaves out, and where they are."""
    return f"The page holds the first {shown} of {rows} rows; tables/{name}.csv holds all of them."


def left_out(machines: int, shown: int) -> str:
    """Return how many machines the charts leave out."""
    return (
        f"The charts compare the {shown} fastest machines; the tables hold the other "
        f"{machines} machines too."
    )


def chips(results: Results, day: str) -> tuple[tuple[str, str, str], ...]:
    """Return the four chips: name, figure, and the table that tells more.

    The prices have the dates of their rows; a date that is over a year before `day` is marked.
    """
    counts, seen = results.counts, results.disturbances
    planned = f"{counts.measured} of {counts.planned}"
    measured = planned + (f" + {counts.added}" if counts.added else "")
    return (
        ("measured", measured, "capacity"),
        ("failed", str(counts.failed + counts.not_run), "failures"),
        ("disturbed", f"{seen.disturbed} of {seen.watched}", "conditions"),
        ("prices of", _dates(results, day), "cost"),
    )


def _dates(results: Results, day: str) -> str:
    """Return the first and the last date of the prices, marked if the first is over a year old."""
    dates = sorted({one.date for one in latest_prices(results.measured).values() if one.date})
    if not dates:
        return NOT_AVAILABLE
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"{span}, over a year old" if is_old(dates[0], day) else span
