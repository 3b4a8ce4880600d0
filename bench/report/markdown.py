"""A report as Markdown: the first screen, and then the annex with every table."""

from __future__ import annotations

from bench.report.column import Report, Table
from bench.report.escaping import anchor, bullet, escape, image, link, paragraph, wrapped
from bench.report.markdown_tables import Told, body, section, shared_constants
from bench.report.words.catalogue import words_of

#: The figure of the first screen.
PICTURE = "speed"

#: The figures that stand below a table of the annex; the page and the folder hold all figures.
BELOW = {"quality": "confusion"}

#: With fewer tables a report needs no list of them.
LEAST_CONTENTS = 4


def render(report: Report) -> str:
    """Return the whole report as GitHub-flavoured Markdown."""
    told = Told(words_of(report.language))
    parts = [*_screen(report, told), *_annex(report, told)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _screen(report: Report, told: Told) -> list[str]:
    """Return the answer, the machines at a glance, and what the answer does not rest on."""
    overview = report.overview
    first, *more = report.verdict or ("",)
    return [
        f"# {escape(report.title)}",
        paragraph(first, bold=overview is not None),
        *map(paragraph, more),
        *(body(overview, told) if overview is not None else []),
        "\n".join(bullet(remark.text, remark.name) for remark in report.remarks),
        _picture(report, PICTURE),
        paragraph(report.caveat),
    ]


def _picture(report: Report, name: str | None, *, explained: bool = False) -> str:
    """Return the picture of a figure, `explained` by its caption; an empty text if it is absent."""
    found = next((figure for figure in report.figures if figure.name == name), None)
    if found is None:
        return ""
    picture = image(found.alt, f"figures/{found.name}.svg")
    return f"{picture}\n\n{paragraph(' '.join(found.how_to_read))}" if explained else picture


def _annex(report: Report, told: Told) -> list[str]:
    """Return the tables in their order, between what they share and what does not apply."""
    words = told.words
    tables = [table for table in report.tables if table.shown or table.stands]
    absent = [table for table in report.tables if not table.shown and not table.stands]
    alike = shared_constants(tables)
    told.constants = {key: text for key, (_, text) in alike.items()}
    titles = [table.title for table in tables]
    return [
        _contents([*([words.details_title] if report.details else []), *titles], told),
        paragraph(words.own_language()),
        paragraph(words.in_all_tables(list(alike.values()))) if alike else "",
        *_listed(words.details_title, [bullet(text) for text in report.details]),
        *(
            part
            for table in tables
            for part in (
                section(table, told),
                _picture(report, BELOW.get(table.name), explained=True),
            )
        ),
        *_listed(words.absent_title, [_absence(table, told) for table in absent]),
        *([f"## {escape(words.notes_title)}"] if report.notes else []),
        *map(paragraph, report.notes),
    ]


def _contents(titles: list[str], told: Told) -> str:
    if len(titles) < LEAST_CONTENTS:
        return ""
    links = (link(title, anchor(title)) for title in titles)
    return wrapped(f"{escape(told.words.contents())} {' · '.join(links)}")


def _listed(title: str, items: list[str]) -> list[str]:
    return [f"## {escape(title)}", "\n".join(items)] if items else []


def _absence(table: Table, told: Told) -> str:
    """Return why a report shows no table of this name."""
    return bullet(" ".join(table.notes) or told.words.nothing, table.title)
