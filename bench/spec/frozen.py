"""The base of every specification and record: strict, immutable, and plain JSON."""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import DictSchema

#: The types of schemas that hold any number of values, and can end at the first problem.
_LISTS = frozenset({"list", "tuple", "dict" if "fail_fast" in DictSchema.__annotations__ else ""})


def _fail_fast(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") in _LISTS:
            schema["fail_fast"] = True
        for inner in schema.values():
            _fail_fast(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            _fail_fast(inner)


class Frozen(BaseModel):
    """A strict, immutable pydantic model: an unknown key is an error, a change is a new object."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema, in which every list and table ends at its first problem.

        Otherwise a list of a million wrong items would make millions of problems.
        """
        schema = handler(source)
        _fail_fast(schema)
        return schema

    def model_post_init(self, context: Any, /) -> None:
        """Forget which fields were given: such a set would take more memory than the values."""
        object.__setattr__(self, "__pydantic_fields_set__", _NOT_KEPT)


#: Stands for the fields that were given to a model; a copy of a model makes a set of its own.
_NOT_KEPT: set[str] = set()


@functools.lru_cache(maxsize=4096)
def _table_of(items: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return dict(items)


def _shared(table: dict[str, str]) -> dict[str, str]:
    """Return one table for equal ones: the records of a machine repeat theirs."""
    return _table_of((*table.items(),))


#: A table of texts that many records repeat; equal ones are one object, which no one changes.
SharedTexts = Annotated[dict[str, str], AfterValidator(_shared)]


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON value in hexadecimal, the same for equal values."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
