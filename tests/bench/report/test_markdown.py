"""Markdown shows every text as it is: nothing from a machine becomes markup."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report.column import Column, Report, Table
from bench.report.escaping import WIDTH, escape, paragraph
from bench.report.figures.figure import Figure
from bench.report.markdown import render


def a_table(*rows, named="times", **changes):
    columns = (Column("name", "name"), Column("wall_s", "wall s", "number"))
    return Table(named, "Times", columns, tuple(rows), **changes)


def rendered(*tables, verdict=()):
    return render(Report("Title", tuple(verdict), tuple(tables)))


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("a & b", "a &amp; b"),
        ("`rm`", r"\`rm\`"),
        ("two\nlines\r\nmore", "two lines more"),
        ("  padded  ", "padded"),
        (r"back\slash", r"back\\slash"),
        (r"a\|b", r"a\\\|b"),
        ("*bold*", r"\*bold\*"),
        ("_it_ step_p10", r"\_it\_ step_p10"),
        ("[click](http://x)", r"[click\](http\://x)"),
        ("[click][ref]", r"[click\][ref]"),
        ("![img](x)", r"![img\](x)"),
        ("[ref]: x", r"[ref\]: x"),
        ("www.example.org", r"www\.example.org"),
        ("red\x1b[31m", "redU+001B[31m"),
        ("\u202egnp", "U+202Egnp"),
    ],
)
def test_hostile_text_is_escaped(hostile, shown):
    assert escape(hostile) == shown


def test_a_hostile_host_name_adds_neither_cell_nor_line_to_a_table():
    hostile = a_table({"name": "evil | 1 |\n| x", "wall_s": 1.0})
    honest = a_table({"name": "plain", "wall_s": 1.0})

    def bars(table):
        lines = [line for line in rendered(table).splitlines() if line.startswith("|")]
        return [line.replace(r"\|", "").count("|") for line in lines]

    assert bars(hostile) == bars(honest) == [3, 3, 3]


def test_the_confusion_matrix_stands_with_its_caption_below_the_table_of_quality():
    figure = Figure("confusion", "Confusion", {}, ("A row is a class.", "It is best."), "A|matrix.")
    report = Report("Title", (), (a_table({"name": "a", "wall_s": 1.0}, named="quality"),))
    shown = render(replace(report, figures=(figure,)))
    picture = "![A\\|matrix.](figures/confusion.svg)\n\nA row is a class. It is best.\n"
    assert picture in shown.split("## Times")[1]
    assert "figures/" not in render(report)


def test_unknown_and_not_a_number_read_as_not_available():
    page = rendered(a_table({"name": None, "wall_s": float("nan")}, {"name": "b", "wall_s": None}))
    assert page.count("n/a") == 1
    assert "Unknown in all rows: wall s." in page
    assert "nan" not in page
    assert "None" not in page
    other = rendered(a_table({"name": "a", "wall_s": float("inf")}, {"name": "b", "wall_s": 1.0}))
    assert "|    n/a |" in other


def test_numbers_have_three_significant_digits_and_stay_as_given():
    page = rendered(a_table({"name": "1e5", "wall_s": 1234.56}))
    assert "1230" in page
    assert "| 1e5 " in page


def test_a_table_without_rows_is_listed_among_what_does_not_apply_with_its_reason():
    page = rendered(a_table(), a_table({"name": "a"}), a_table(notes=("No *clock* was found.",)))
    assert page.count("## Times") == 1
    absent = "## Not in this report\n\n- **Times**: none\n- **Times**: No \\*clock\\* was found.\n"
    assert page.endswith(absent)


def test_a_table_that_stands_by_its_notes_needs_no_rows():
    page = rendered(a_table(notes=("Nothing was disturbed.",), stands=True))
    assert "## Times\n\nNothing was disturbed.\n" in page


def test_a_constant_foldable_column_goes_into_the_note():
    columns = (Column("name", "name"), Column("loop", "loop", foldable=True))
    rows = ({"name": "a", "loop": "fit"}, {"name": "b", "loop": "fit"})
    page = rendered(Table("t", "T", columns, rows, notes=("More.",)))
    assert "In all rows: loop: fit.\n\nMore." in page
    assert "| loop" not in page
    other = rendered(Table("t", "T", columns, (*rows, {"name": "c", "loop": "eager"})))
    assert "| loop" in other


def test_the_legend_lists_the_meanings_of_the_columns_shown_once_a_report():
    columns = (
        Column("name", "name"),
        Column("p10", "p10", meaning="the fast *tenth*"),
        Column("loop", "loop", meaning="never told: it is the same in all rows", foldable=True),
    )
    rows = ({"name": "a", "p10": "1", "loop": "fit"}, {"name": "b", "p10": "2", "loop": "fit"})
    first, second = (Table(name, name, columns, rows) for name in ("one", "two"))
    page = rendered(first, second)
    assert page.count("- **p10**: the fast \\*tenth\\*\n") == 1
    assert "never told" not in page
    assert "**name**" not in page
    assert "p10**" not in rendered(Table("empty", "Empty", columns, ()))


def test_brief_rows_are_the_ones_that_people_read():
    rows = ({"name": "kept", "wall_s": 1}, {"name": "left", "wall_s": 2})
    page = rendered(a_table(*rows, brief=rows[:1]))
    assert "kept" in page
    assert "left" not in page


def test_a_sideways_table_has_its_columns_as_lines():
    page = rendered(a_table({"name": "a", "wall_s": 1}, {"name": "b", "wall_s": 2}, sideways=True))
    assert "| wall s | 1   | 2   |" in page or "| wall s | 1 | 2 |" in page


def test_wrapped_lines_begin_no_list_heading_or_rule():
    words = " ".join(["- # 1. + === word"] * 40)
    lines = paragraph(words).splitlines()
    assert len(lines) > 3
    assert all(len(line) <= WIDTH + 1 for line in lines)
    assert not any(line.startswith(("- ", "# ", "1. ", "+ ", "=")) for line in lines)


def test_the_verdict_stands_before_the_first_table():
    page = rendered(a_table({"name": "a"}), verdict=("Train on this.",))
    assert page.index("Train on this.") < page.index("## Times")


@pytest.mark.parametrize("text", ["@octo-org/gpu-team", "see #17", "octo/team#17", "GH-17", "a@b"])
def test_a_mention_or_a_number_of_an_issue_is_inert(text):
    """GitHub links `@name` and `#17` in rendered text too; a space of no width stops that."""
    shown = escape(text)
    assert text not in shown
    assert shown.replace("&#8203;", "") == text
