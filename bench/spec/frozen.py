"""The base of every specification and record: strict, immutable, and plain JSON."""

from __future__ import annotations

import functools
import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


class Frozen(BaseModel):
    """A strict, immutable pydantic model: an unknown key is an error, a change is a new object."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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
