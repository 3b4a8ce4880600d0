"""JSON from outside, the shapes that it must have, and the words of a command line."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError

from bench.errors import OutsideError, RequestError
from bench.outside.documents import parse_json, parse_model, parse_object, shaped
from bench.outside.words import check_words
from bench.spec.frozen import Frozen


class Box(BaseModel):
    size: float = Field(gt=0, allow_inf_nan=False)


@pytest.mark.parametrize(
    "text",
    [
        *(b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'"\\ud800"', b'"\xff"', b"", b"{"),
        *(b"\xef\xbb\xbf", b"\0"),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_json_that_is_wrong_deep_or_huge_is_an_error_of_ours(text):
    with pytest.raises(OutsideError):
        parse_json(text)
    with pytest.raises(OutsideError):
        parse_model(Box, text)


def test_a_text_above_the_limit_is_refused_before_it_is_read():
    with pytest.raises(OutsideError, match="larger than 1 KiB"):
        parse_json("[" + "1," * 1000 + "1]", most=1024)


@pytest.mark.parametrize("text", [b'\xef\xbb\xbf{"size": 2}', '\ufeff{"size": 2}'])
def test_a_byte_order_mark_before_json_is_passed_over(text):
    assert parse_object(text) == {"size": 2}
    assert parse_model(Box, text).size == 2


def test_more_values_than_any_record_holds_are_refused_before_they_are_made():
    with pytest.raises(OutsideError, match="more than 6000000 values"):
        parse_json(b"[" + b"[]," * 3_000_000 + b"1]")


def test_a_large_text_with_more_keys_than_any_object_has_is_refused():
    keys = ",".join(f'"{number}":0' for number in range(200_001))
    with pytest.raises(OutsideError, match="more than 100000 keys"):
        parse_json(f'[[{{"inner":{{{keys}}}}}]]')


class Crate(Frozen):
    boxes: tuple[Box, ...] = ()
    places: dict[str, int] = Field(default_factory=dict)


def test_a_list_or_table_of_wrong_values_has_one_problem():
    """Each problem takes memory, and a list of all of them takes more."""
    for document in ({"boxes": [{}] * 1000}, {"places": {str(one): "x" for one in range(1000)}}):
        with pytest.raises(ValidationError) as caught:
            Crate.model_validate(document)
        assert caught.value.error_count() == 1


def test_very_many_problems_are_counted_and_none_is_named():
    with pytest.raises(OutsideError, match="it has 20000 problems"):
        shaped(Crate, {str(number): 0 for number in range(20_000)})


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"'])
def test_json_that_is_no_object_is_refused_where_one_is_wanted(text):
    with pytest.raises(OutsideError, match="not a JSON object but"):
        parse_object(text)


@pytest.mark.parametrize("size", ["NaN", "Infinity", "-1", "1" + "0" * 400, '"x"', "[]"])
def test_a_model_is_refused_with_its_first_problem(size):
    with pytest.raises(OutsideError, match=r"^size: "):
        parse_model(Box, f'{{"size": {size}}}')


def test_a_document_that_is_no_mapping_has_no_name_of_ours_in_its_error():
    with pytest.raises(OutsideError, match=r"^Input should be a valid dictionary$"):
        shaped(Box, [])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["run", "B\udcfcro"], r"word 2 .* is not UTF-8 text \(seen: B\\xfcro\)"),
        (["x" * 40_000], "word 1 .* longer than 32768 characters"),
    ],
)
def test_a_word_that_a_journal_could_not_hold_is_refused(words, problem):
    with pytest.raises(RequestError, match=problem):
        check_words(words)


def test_words_of_every_script_are_taken():
    check_words(["Büro", "桌面", "a" * 300, ""])


def test_an_error_shows_control_and_direction_characters_as_code_points():
    error = RequestError("no \x1b[31m", seen="\u202egnp\n", next_step="try\x07 again")
    assert str(error) == "no U+001B[31m (seen: U+202Egnp ). Next: tryU+0007 again"
