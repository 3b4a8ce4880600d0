"""The pages of docs/reference/ are what the code gives, and nothing is missing in them."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.app.main import COMMANDS
from bench.report import tables
from bench.report.column import Column
from tools import markup, reference, reference_columns, reference_commands

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def pages():
    return reference.pages()


def test_the_committed_pages_are_what_the_code_gives(pages):
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    stale = [name for name in {*pages, *committed} if pages.get(name) != committed.get(name)]
    assert stale == [], "type: make reference"


def test_every_command_and_every_option_stands_on_the_page(pages):
    text = pages["commands.md"]
    for name, *_ in COMMANDS:
        assert f"## mnist-bench {name}\n" in text
    for context in reference_commands.contexts():
        section = text.partition(f"## {context.info_name}\n")[2].partition("\n## ")[0]
        words = {word for one in context.command.params for word in one.opts if word[0] == "-"}
        assert {word for word in words if word not in section} <= {"-h", "--help"}


def test_the_jobs_of_a_grid_are_counted_with_every_backend(pages):
    """The grid `full` has 37 jobs with TensorFlow alone, and 4 with the other two backends."""
    assert "| [`full`](#full) | 41 |" in pages["grids.md"]


def test_every_column_stands_on_the_page_with_a_meaning(pages):
    rows = re.findall(r"^\| `(\w+)`.*\| (.*) \|$", pages["columns.md"], re.MULTILINE)
    assert [key for key, meaning in rows if not meaning.strip()] == []
    assert {column.key for column in columns_of_the_code()} - {key for key, _ in rows} == set()


def columns_of_the_code() -> Iterator[Column]:
    """Yield every column that a module of tables of a report holds, also in tuples."""
    for module in pkgutil.iter_modules(tables.__path__):
        found = importlib.import_module(f"{tables.__name__}.{module.name}")
        for value in vars(found).values():
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, Column):
                    yield one


def test_no_meaning_is_written_for_a_column_that_has_its_own_or_is_gone():
    plain = {
        column.key
        for report in reference_columns.reports()
        for table in report.written
        for column in table.columns
        if not column.meaning
    }
    assert set(reference_columns.MEANINGS) - plain == set()


def test_a_column_of_a_table_without_any_text_is_left_out():
    made = markup.table(("a", "b", "c"), [("x", "", "1|2"), ("y", "", "<z>")])
    assert made.splitlines() == ["| a | c |", "| --- | --- |", "| x | 1\\|2 |", "| y | &lt;z> |"]
