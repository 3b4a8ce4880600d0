"""Texts of errors and of machines, the user's cache folder, and the time of day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from bench.clock import utc_now
from bench.errors import RequestError
from bench.paths import cache_folder
from bench.text import (
    LINE_LIMIT,
    MESSAGE_LIMIT,
    WORD_LIMIT,
    counted,
    first_line,
    first_problem,
    printable,
    shortened,
    type_and_line,
)


@pytest.mark.parametrize(
    ("error", "line", "with_type"),
    [
        (ValueError("bad\nworse"), "bad", "ValueError: bad"),
        (ValueError("\n  \nbad"), "bad", "ValueError: bad"),
        (ValueError(), "ValueError", "ValueError"),
        (KeyError("name"), "'name'", "KeyError: 'name'"),
    ],
)
def test_an_error_is_told_in_one_line(error, line, with_type):
    assert (first_line(error), type_and_line(error)) == (line, with_type)


def test_a_long_line_of_an_error_is_cut():
    assert len(first_line(ValueError("x" * 2 * LINE_LIMIT))) == LINE_LIMIT


class Box(BaseModel):
    sizes: tuple[int, ...]

    @model_validator(mode="after")
    def _filled(self):
        if not self.sizes:
            raise ValueError("empty")
        return self


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"sizes": [1, "x"]}, "sizes.1: Input should be a valid integer"),
        ({"sizes": []}, "Value error, empty"),
    ],
)
def test_the_first_problem_of_a_document_is_told_with_its_place(content, problem):
    with pytest.raises(ValidationError) as caught:
        Box.model_validate(content)
    assert first_problem(caught.value).startswith(problem)


class Closed(BaseModel, extra="forbid"):
    @model_validator(mode="before")
    @classmethod
    def _known(cls, value):
        if "y" * LINE_LIMIT in value:
            raise ValueError("y" * 100_000)
        return value


@pytest.mark.parametrize("letter", ["x", "y"])
def test_a_problem_is_short_however_long_a_key_or_a_message_is(letter):
    with pytest.raises(ValidationError) as caught:
        Closed.model_validate({letter * 100_000: 1, letter * LINE_LIMIT: 1})
    assert len(first_problem(caught.value)) <= 2 * LINE_LIMIT + len(": ")


def test_what_could_steer_a_terminal_is_told_by_its_code_point():
    assert printable("é\x1b[31m\n\u202e") == "éU+001B[31mU+000AU+202E"
    assert printable("no-break\u00a0space") == "no-break\u00a0space"


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.cache/name"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": ""}, "/home/ann/.cache/name"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "/fast"}, "/fast/name"),
        ({"XDG_CACHE_HOME": "~/fast"}, str(Path("~/fast/name").expanduser())),
    ],
)
def test_the_cache_folder_is_where_the_user_wants_it(environment, folder):
    assert str(cache_folder("name", environment)) == folder


def test_the_time_is_utc_to_the_millisecond():
    found = datetime.fromisoformat(utc_now())
    assert found.tzinfo == UTC
    assert abs(datetime.now(UTC) - found) < timedelta(minutes=1)
    assert found.microsecond % 1000 == 0


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("seen: a b", "seen: a b"),
        (f"{'x' * LINE_LIMIT} is too long", f"{'x' * WORD_LIMIT}... is too long"),
        ("x " * MESSAGE_LIMIT, f"{'x ' * (MESSAGE_LIMIT // 2)}..."),
    ],
)
def test_a_part_of_a_message_is_shortened_in_its_long_words_first(text, short):
    assert shortened(text) == short


def test_an_error_is_short_whatever_it_quotes():
    error = RequestError(f"grid {'x' * 100_000} is unknown", seen=["y"] * 100_000, next_step="z")
    assert len(str(error)) < 1000
    assert "is unknown" in str(error)
    assert str(error).endswith("Next: z")


@pytest.mark.parametrize(("number", "words"), [(0, "0 jobs"), (1, "1 job"), (2, "2 jobs")])
def test_one_thing_is_counted_without_the_plural(number, words):
    assert counted(number, "job") == words
