"""Reads JSON from outside, and gives a JSON or YAML document its shape."""

from __future__ import annotations

import codecs
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from bench.errors import OutsideError
from bench.outside.files import MOST_MADE
from bench.text import first_line, first_problem

Model = TypeVar("Model", bound=BaseModel)

#: The whole numbers that are taken: those of 64 bits, which every program can read.
LEAST_WHOLE, MOST_WHOLE = -(2**63), 2**63 - 1


#: The most values of a JSON text. A record has about 30 for each of its epochs.
MOST_VALUES = 6_000_000

#: The most keys of one object of a large JSON text, and the values above which it is large.
MOST_KEYS, MANY_VALUES = 100_000, 200_000

#: Above so many problems, no one of them is named: pydantic would make a list of all.
MOST_PROBLEMS = 10_000


def parse_json(text: str | bytes, most: int = MOST_MADE) -> Any:
    """Return the value of a JSON text. A byte-order mark before it is passed over.

    Raises OutsideError if it is not JSON, if it holds more than `most` bytes or MOST_VALUES
    values, or if it is nested more than 200 deep, which is the parser's own limit.
    """
    if len(text) > most:
        raise OutsideError(f"it is larger than {most // 1024} KiB")
    values = _count(text)
    if values > MOST_VALUES:
        raise OutsideError(f"it holds more than {MOST_VALUES} values")
    try:
        document = from_json(_without_mark(text))
    except (ValueError, RecursionError) as error:  # ValueError: also a surrogate of its own
        raise OutsideError(f"it is not JSON: {first_line(error)}") from error
    if values > MANY_VALUES:
        _check_keys(document)
    return document


def parse_object(text: str | bytes, most: int = MOST_MADE) -> dict[str, Any]:
    """Return the object of a JSON text. Raises OutsideError if it is not one."""
    value = parse_json(text, most)
    if not isinstance(value, dict):
        raise OutsideError(f"it is not a JSON object but {_kind(value)}")
    return value


def parse_model(model: type[Model], text: str | bytes, most: int = MOST_MADE) -> Model:
    """Return the model that a JSON text holds. Raises OutsideError with the first problem.

    It is parsed first: pydantic's own parser copies the whole text into each problem.
    """
    return shaped(model, parse_json(text, most))


def shaped(model: type[Model], document: Any) -> Model:
    """Return the model that a parsed document describes. Raises OutsideError."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise OutsideError(problem_of(error)) from error
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise OutsideError(first_line(error)) from error


def problem_of(error: ValidationError) -> str:
    """Return the first problem that pydantic found, or how many there are if they are very many."""
    count = error.error_count()
    return first_problem(error) if count <= MOST_PROBLEMS else f"it has {count} problems"


def _without_mark(text: str | bytes) -> str | bytes:
    if isinstance(text, str):
        return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    return text.removeprefix(codecs.BOM_UTF8)


def _count(text: str | bytes) -> int:
    """Return how many values a JSON text holds at most: each follows a comma or a bracket."""
    if isinstance(text, str):
        return sum(map(text.count, (",", "[", "{")))
    return sum(map(text.count, (b",", b"[", b"{")))


def _check_keys(document: Any) -> None:
    """Raise OutsideError for an object with too many keys: each wrong one is a problem of its own.

    A list needs no such check: what reads it ends at the first problem.
    """
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if len(value) > MOST_KEYS:
                raise OutsideError(f"one of its objects has more than {MOST_KEYS} keys")
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(one for one in value if isinstance(one, dict | list))


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
