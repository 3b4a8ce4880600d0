"""Builds summary.html: tables and pictures in its HTML, its data, its script and its style."""

from __future__ import annotations

import base64
import hashlib
import json
import string
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from bench.report.column import Report
from bench.report.figures.figure import Figure
from bench.report.page import html, libraries, live
from bench.report.page.content import rounded
from bench.report.page.live import Served
from bench.report.page.page import Page
from bench.report.rows import plain
from bench.report.words.catalogue import words_of
from bench.report.words.page import FRAME, page_book

#: The parts of the script, in order; together they are one function.
SCRIPTS = ("dom", "state", "compare", "charts", "ratio", "cost", "tables", "records", "main")

#: The part of the script that asks for the states of a run, and the whole script of a page that has
#: no figures yet.
LIVE, BARE_SCRIPTS = "live", ("dom", "state", "charts", "live", "bare")

#: Significant digits of the data of a figure: more than a screen can show.
FIGURE_DIGITS = 6


def summary_html(
    report: Report, page: Page, pictures: Mapping[str, str], served: Served | None = None
) -> str:
    """Return the whole page; `pictures` holds the SVG of each figure by its name.

    Without figures it holds no charting library, and its script shows tables in place of charts.
    A page that is `served` while its run goes on asks for the states of the jobs; it needs no
    pictures.

    Its policy allows its own scripts and style by their digests, and pictures that stand in the
    page itself, and nothing else. A served page may also ask the server from which it came.
    """
    language, book = report.language, page_book(report.language)
    own_language = words_of(language).own_language()
    script = _function(SCRIPTS if served is None else (*SCRIPTS[:-1], LIVE, SCRIPTS[-1]))
    charts = libraries.bundle() if report.figures else ""
    style = asset("page.css") + html.numeric_columns(report.tables)
    figures = {
        one.name: html.figure(one, pictures.get(one.name, ""), language) for one in report.figures
    }
    data = {**page.content, "figures": [_specification(one) for one in report.figures]}
    if served is not None:
        style += asset("live.css")
        data["live"] = served.content
    return string.Template(asset("page.html")).substitute(
        policy=policy([charts, script], style, served=served is not None),
        live=live.section(language) if served is not None else "",
        title=html.text(report.title),
        language=language,
        **{name: html.text(book.said(said)) for name, said in FRAME.items()},
        style=style,
        lead=html.paragraphs(report.verdict[:1]),
        verdict=html.paragraphs([*report.verdict[1:], *_remarks(report)]),
        chips="\n".join(_chip(*chip) for chip in page.chips),
        note=html.paragraphs([page.note] if page.note else []),
        speed=figures.pop("speed", ""),
        cost=figures.pop("cost", ""),
        figures="\n".join(figures.values()),
        contents=html.contents(report.tables),
        tables="\n".join(html.table(table, page.about, language) for table in report.tables),
        notes=html.paragraphs(
            [one for one in (own_language, *report.details, *report.notes) if one]
        ),
        data=embedded(data),
        charts=charts,
        script=script,
        licences=html.preformatted(libraries.notices()) if report.figures else "",
    )


def _remarks(report: Report) -> list[str]:
    """Return what was measured, failed, was disturbed or is assumed, and the workload's caveat."""
    said = [f"{remark.name}: {remark.text}" for remark in report.remarks]
    return [*said, report.caveat] if report.caveat else said


def embedded(data: Any) -> str:
    """Return `data` as JSON that cannot end the element in which it stands."""
    packed = json.dumps(html.safe(plain(data)), ensure_ascii=False, separators=(",", ":"))
    return packed.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def bare_html(title: str, served: Served) -> str:
    """Return the page of a run that has no figures yet: only the states of its jobs."""
    phrases = page_book(served.language).phrases
    data = {"axes": [], "figures": [], "words": dict(phrases), "live": served.content}
    script, style = _function(BARE_SCRIPTS), asset("page.css") + asset("live.css")
    return string.Template(asset("bare.html")).substitute(
        policy=policy([script], style, served=True),
        title=html.text(title),
        style=style,
        language=served.language,
        live=live.section(served.language),
        data=embedded(data),
        script=script,
    )


def policy(scripts: Sequence[str], style: str, *, served: bool = False) -> str:
    """Return the content security policy that allows these scripts and this style alone.

    A page that is `served` may also ask the server from which it came.
    """
    allowed = " ".join(_digest(one) for one in scripts if one)
    ask = "connect-src 'self'; " if served else ""
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; img-src data:; "
        f"{ask}base-uri 'none'; form-action 'none'"
    )


def _function(parts: Sequence[str]) -> str:
    """Return the parts of a script as one function."""
    return "(function () {\n" + "\n".join(map(_script, parts)) + "\n})();\n"


def _digest(source: str) -> str:
    found = hashlib.sha256(source.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(found).decode('ascii')}'"


def _specification(figure: Figure) -> dict[str, Any]:
    spec = rounded(plain(figure.spec), FIGURE_DIGITS)
    return {"name": figure.name, "alt": figure.alt, "spec": spec}


def _chip(name: str, value: str, table: str) -> str:
    return (
        f'<a class="chip" href="#table-{table}"><span>{html.text(name)}</span> '
        f"<strong>{html.text(value)}</strong></a>"
    )


def _script(name: str) -> str:
    return asset(f"{name}.js")


def asset(name: str) -> str:
    found = resources.files("bench.report.page").joinpath("assets", name)
    return found.read_text(encoding="utf-8")
