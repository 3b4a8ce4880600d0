"""The options that say how a report is written: its language, and whether it has figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.app.options import OneOf, Option, flag
from bench.spec.languages import LANGUAGES
from bench.spec.request import ReportForm

#: The names of these options in the program.
FORM = ("language", "no_figures")


def form_options(section: str = "Options") -> list[Option]:
    """Return the options of the form of a report."""
    return [
        Option(
            "--lang",
            "language",
            section=section,
            type=OneOf(LANGUAGES),
            default=LANGUAGES[0],
            help="language of the report's first screen and headings; data files keep English keys",
        ),
        flag(
            "--no-figures",
            "write the report without pictures and charts, which takes a few seconds less",
            section,
        ),
    ]


def form_of(values: Mapping[str, Any]) -> ReportForm:
    """Return the form that the parsed options ask for."""
    return ReportForm(language=values["language"], figures=not values["no_figures"])
