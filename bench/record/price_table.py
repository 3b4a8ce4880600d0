"""The package's price table: what an hour of an instance type costs in a region, with its date.

`tools/renew_prices.py` writes the table. Each row holds its date and its source.
"""

from __future__ import annotations

import csv
import functools
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from bench.clock import known_date
from bench.errors import RequestError
from bench.spec.frozen import Frozen
from bench.text import first_problem

#: The package's file.
FILE = "prices.csv"

#: Names of the providers.
TITLES: Mapping[str, str] = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure"}

#: A finite amount above 0.
_Dollars = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _blank_is_unknown(text: Any) -> Any:
    return None if text == "" else text


def _count(text: Any) -> Any:
    """Return how many devices a machine shows; some types have a part of one, such as `1/6`."""
    try:
        return math.ceil(Fraction(text))
    except (TypeError, ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is not a number of accelerators") from None


class ListedType(Frozen):
    """A row of the table: an instance type in a region, with its dollars an hour.

    The spot price is None if the source holds none.
    """

    provider: Literal["aws", "gcp", "azure"]
    region: Annotated[str, Field(min_length=1)]
    instance_type: Annotated[str, Field(min_length=1)]
    vcpus: Annotated[int, Field(gt=0)]
    memory_gib: _Dollars
    arch: Literal["x86_64", "arm64"]
    accelerator: Annotated[str | None, BeforeValidator(_blank_is_unknown)]
    accelerator_count: Annotated[int, BeforeValidator(_count), Field(ge=0)]
    accelerator_memory_gib: Annotated[_Dollars | None, BeforeValidator(_blank_is_unknown)]
    usd_per_hour_on_demand: _Dollars
    usd_per_hour_spot: Annotated[_Dollars | None, BeforeValidator(_blank_is_unknown)]
    date: Annotated[str, BeforeValidator(known_date)]
    source: Annotated[str, Field(min_length=1)]

    @property
    def origin(self) -> str:
        """The source without the path of the file: `owner/name @commit`."""
        return re.sub(r" \S+(?= @)", "", self.source)


def listed_type(
    provider: str | None, instance_type: str | None, region: str | None
) -> ListedType | None:
    """Return the row of a type; None if the table has none.

    If the table has no row of `region`, it is the row of the first region in which it has the type.
    """
    rows = rows_by_type().get((provider, instance_type), ())
    if not rows:
        return None
    place, row = next((found for found in rows if found[1]["region"] == region), rows[0])
    return _row(place, row)


def table() -> tuple[ListedType, ...]:
    """Return all rows of the table. Raises RequestError if a row is malformed or stands twice."""
    found: dict[tuple[str, str, str], ListedType] = {}
    for place, row in sorted((one for rows in rows_by_type().values() for one in rows), key=_place):
        listed = _row(place, row)
        key = (listed.provider, listed.region, listed.instance_type)
        if key in found:
            raise _wrong(place, f"{' '.join(key)} stands twice")
        found[key] = listed
    return tuple(found.values())


def _place(found: tuple[int, Mapping[str, Any]]) -> int:
    return found[0]


def _row(place: int, row: Mapping[str, Any]) -> ListedType:
    if None in row:
        raise _wrong(place, "it has more cells than the table has columns")
    try:
        return ListedType.model_validate(row)
    except ValidationError as error:
        raise _wrong(place, first_problem(error)) from error


def _wrong(place: int, seen: str) -> RequestError:
    return RequestError(
        f"line {place} of the price table {FILE} cannot be used",
        seen=seen,
        next_step="install the package anew, or renew the table: docs/machine.md",
    )


#: The rows of the table by provider and type, each with its line.
RowsByType = Mapping[tuple[str | None, str | None], Sequence[tuple[int, Mapping[str, Any]]]]


@functools.cache  # the package's own file does not change while we run
def rows_by_type() -> RowsByType:
    """Return the rows as the file holds them."""
    lines = resources.files("bench").joinpath(FILE).read_text(encoding="utf-8").splitlines()
    found: dict[tuple[str | None, str | None], list[tuple[int, Mapping[str, Any]]]] = {}
    for place, row in enumerate(csv.DictReader(lines), start=2):
        found.setdefault((row.get("provider"), row.get("instance_type")), []).append((place, row))
    return found
