"""The parts of the page that stand in its HTML, so that they can be read without JavaScript."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.report.column import Column, Table
from bench.report.figures.figure import Figure
from bench.report.page.page import About
from bench.report.rows import Row, plain
from bench.report.words import page as words
from bench.report.words.catalogue import words_of
from bench.spec.languages import LANGUAGES, Language
from bench.text import visible

#: Rows of a table that the page holds; the table's CSV holds all of them.
MOST_ROWS = 1000

#: The style of a column of numbers.
NUMBERS = "text-align:right;font-variant-numeric:tabular-nums"

#: A tag of a picture; its attributes for screen readers; a number with more than two decimals.
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_FOR_READERS = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')
_DECIMALS = re.compile(r"(\d\.\d\d)\d+")


def text(value: str) -> str:
    """Return `value` on one line, escaped for HTML and for its attributes."""
    return html.escape(visible(value), quote=True)


def paragraphs(sentences: Iterable[str]) -> str:
    """Return a paragraph for each text."""
    return "\n".join(f"<p>{text(sentence)}</p>" for sentence in sentences)


def preformatted(value: str) -> str:
    """Return several lines, escaped for HTML."""
    return html.escape(value)


def figure(one: Figure, svg: str, language: Language = LANGUAGES[0]) -> str:
    """Return a figure with its picture, which the script replaces, and its two sentences.

    Without a picture, the words for it stand there.
    """
    shown = f"<img alt=\"{text(one.alt)}\" src='{data_uri(svg)}'>" if svg else text(one.alt)
    return f"""<figure id="figure-{one.name}" data-figure="{one.name}">
<h3>{text(one.title)}</h3>
<div class="chart">{shown}</div>
{how_to_read(one.how_to_read, language)}
</figure>"""


def how_to_read(sentences: Sequence[str], language: Language) -> str:
    """Return the caption of a figure."""
    told = " ".join(map(text, sentences))
    return f"<figcaption><strong>{_said(words.HOW_TO_READ, language)}</strong> {told}</figcaption>"


def data_uri(svg: str) -> str:
    """Return a picture as an address that holds it, escaped for an attribute in single quotes.

    A picture's own roles and labels are left out, because its alternative text stands in their
    place. Coordinates are cut to two decimals, because more of them cannot be seen.
    """
    packed = re.sub(r"\s+", " ", _TAG.sub(_slim, svg)).replace("%", "%25").replace("#", "%23")
    return "data:image/svg+xml," + packed.replace("&", "&amp;").replace("'", "&#39;")


def _slim(tag: re.Match[str]) -> str:
    return _DECIMALS.sub(r"\1", _FOR_READERS.sub("", tag[0]))


def numeric_columns(tables: Iterable[Table]) -> str:
    """Return the style that aligns the numbers of the tables: a class at each cell takes more."""
    places = [
        f"#table-{one.name} :is(th,td):nth-child({place})"
        for one in tables
        for place, column in enumerate(_kept(_whole(one)).varying, start=1)
        if column.numeric
    ]
    return f"{','.join(places)}{{{NUMBERS}}}" if places else ""


def _said(value: str, language: Language) -> str:
    """Return a text of the page in a language, escaped."""
    return text(words.page_book(language).said(value))


def contents(tables: Sequence[Table]) -> str:
    """Return the list of links to tables."""
    return "\n".join(
        f'<li><a href="#table-{one.name}">{text(one.title)}</a></li>' for one in tables
    )


def table(one: Table, about: About = lambda row: {}, language: Language = LANGUAGES[0]) -> str:
    """Return a section with a table, its legend and its notes."""
    whole = _whole(one)
    kept = _kept(whole)
    parts = [
        f'<section id="table-{one.name}" aria-labelledby="title-{one.name}">',
        f'<h2 id="title-{one.name}">{text(one.title)}</h2>',
        _body(kept, about) if kept.rows else f"<p>{_said(words.NO_ROWS, language)}</p>",
        _more(whole, one.name, language),
        _constants(kept, language),
        _legend(kept, language) if kept.rows else "",
        paragraphs(one.notes),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _whole(one: Table) -> Table:
    """Return the table with all its rows, if people may read them: the page turns their pages."""
    rest = iter(one.rows)  # `in` goes on behind the row that it found
    return replace(one, brief=None) if all(row in rest for row in one.shown) else one


def _kept(whole: Table) -> Table:
    """Return the table with the rows that the page holds."""
    return replace(whole, rows=whole.shown[:MOST_ROWS], brief=None)


def _body(one: Table, about: About) -> str:
    columns = one.varying
    head = "".join(_heading(column) for column in columns)
    lines = "\n".join(_line(row, columns, about(row)) for row in one.rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="title-{one.name}">'
        f'<table data-table="{one.name}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody></table></div>"
    )


def _heading(column: Column) -> str:
    meaning = f' title="{text(column.meaning)}"' if column.meaning else ""
    return f'<th scope="col"{meaning}>{text(column.heading)}</th>'


def _line(row: Row, columns: Sequence[Column], about: Mapping[str, str]) -> str:
    attributes = "".join(f' data-{name}="{text(value)}"' for name, value in about.items())
    return f"<tr{attributes}>" + "".join(_cell(row, column) for column in columns)


def _cell(row: Row, column: Column) -> str:
    """Return a cell; its raw value stands beside a text that does not begin with it."""
    shown = column.text(row)
    value = plain(row.get(column.key))
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    differs = known and not _begins_with(shown, value * column.scale)
    raw = f' data-v="{value * column.scale:.6g}"' if differs else ""
    return f"<td{raw}>{text(shown)}"


def _begins_with(shown: str, value: float) -> bool:
    found = re.match(r"-?\d+(\.\d+)?(e-?\d+)?", shown)
    return found is not None and abs(float(found[0]) - value) <= 0.01 * abs(value)


def _more(whole: Table, name: str, language: Language) -> str:
    if len(whole.shown) <= MOST_ROWS:
        return ""
    return f"<p>{_said(words.more_rows(MOST_ROWS, len(whole.shown), name), language)}</p>"


def _constants(one: Table, language: Language) -> str:
    headings = {column.key: column.heading for column in one.columns}
    pairs = [(headings[key], shown) for key, shown in one.constants.items()]
    return f"<p>{text(words_of(language).in_all_rows(pairs))}</p>" if pairs else ""


def _legend(one: Table, language: Language) -> str:
    told = [
        f"<dt>{text(column.heading)}</dt><dd>{text(column.meaning)}</dd>"
        for column in one.varying
        if column.meaning
    ]
    if not told:
        return ""
    summary = _said(words.COLUMNS, language)
    return f"<details><summary>{summary}</summary><dl>{''.join(told)}</dl></details>"


def safe(value: Any) -> Any:
    """Return plain values whose texts are on one line, each odd character as its code point."""
    if isinstance(value, Mapping):
        return {visible(str(key)): safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [safe(item) for item in value]
    return visible(value) if isinstance(value, str) else value
