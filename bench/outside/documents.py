"""Reads JSON from outside, and gives a JSON or YAML document its shape."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from bench.errors import OutsideError
from bench.outside.files import MOST_MADE
from bench.text import first_line, first_problem

Model = TypeVar("Model", bound=BaseModel)

#: The whole numbers that are taken: those of 64 bits, which every program can read.
LEAST_WHOLE, MOST_WHOLE = -(2**63), 2**63 - 1


def parse_json(text: str | bytes, most: int = MOST_MADE) -> Any:
    """Return the value of a JSON text.

    Raises OutsideError if it is not JSON, if it holds more than `most` bytes, or if it is nested
    more than 200 deep, which is the parser's own limit.
    """
    _check_size(text, most)
    try:
        return from_json(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a surrogate of its own
        raise OutsideError(first_line(error)) from error


def parse_object(text: str | bytes, most: int = MOST_MADE) -> dict[str, Any]:
    """Return the object of a JSON text. Raises OutsideError if it is not one."""
    value = parse_json(text, most)
    if not isinstance(value, dict):
        raise OutsideError(f"it is not a JSON object but {_kind(value)}")
    return value


def parse_model(model: type[Model], text: str | bytes, most: int = MOST_MADE) -> Model:
    """Return the model that a JSON text holds. Raises OutsideError with the first problem."""
    _check_size(text, most)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise OutsideError(first_problem(error)) from error
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise OutsideError(first_line(error)) from error


def shaped(model: type[Model], document: Any) -> Model:
    """Return the model that a parsed document describes. Raises OutsideError."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise OutsideError(first_problem(error)) from error
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise OutsideError(first_line(error)) from error


def _check_size(text: str | bytes, most: int) -> None:
    if len(text) > most:
        raise OutsideError(f"it is larger than {most // 1024} KiB")


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
