"""Makes the page's own content from the results of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.analysis.results import Results
from bench.report.page.content import axis_numbers, content, toggled_axes
from bench.report.page.page import About, Page
from bench.report.shared_columns import MEASURED, Naming
from bench.report.words import page as words
from bench.report.words.phrasebook import Phrasebook
from bench.spec.languages import LANGUAGES, Language


def page_of(
    results: Results,
    day: str,
    language: Language = LANGUAGES[0],
    own_words: Mapping[str, str] | None = None,
) -> Page:
    """Return what the page of these results holds beside their tables.

    `day` is the day of the report, on which prices have their age. `own_words` are the workload's
    own words in the `language`.
    """
    book, own = words.page_book(language), Phrasebook(own_words or {})
    made = content(results, day, book, own)
    shown, measured = len(made["machines"]), len(results.measured_machines)
    return Page(
        content=made,
        chips=tuple(
            (book.said(name), book.said(figure), table)
            for name, figure, table in words.chips(results, day)
        ),
        about=_about(results, [machine["name"] for machine in made["machines"]]),
        note=book.said(words.left_out(measured - shown, shown)) if measured > shown else "",
    )


def _about(results: Results, machines: list[str]) -> About:
    """Return what says which machine, values of axes and disturbance a row is about."""
    axes, naming = toggled_axes(results), Naming(results.outline)
    place = {name: number for number, name in enumerate(machines)}
    keys = {axis.name: naming.axis(axis.name) for axis in results.outline.axes}

    def about(row: Mapping[str, Any]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        number = place.get(str(row.get("machine")))
        if number is not None and row.get("source", MEASURED) == MEASURED:
            found["machine"] = str(number)
        values = {name: row.get(key) for name, key in keys.items()}
        if any(value is not None for value in values.values()):
            numbers = axis_numbers(values, axes)
            found["axes"] = ",".join("" if one is None else str(one) for one in numbers)
        if row.get("flag") == "disturbed" or (row.get("n") and row.get("disturbed") == row["n"]):
            found["disturbed"] = "yes"
        return found

    return about
