"""Rows of plain values, kept column by column: a report of many machines has millions of values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

Row = Mapping[str, Any]

#: The types whose values JSON holds as they are.
_PLAIN = frozenset({str, int, bool, type(None)})


class Rows(Sequence[Row]):
    """The rows of a table with plain values; each row has the keys that it was given.

    `keys` are all keys in order of first appearance. Rows of the same keys share them, so that a
    row takes a third of the memory of a dictionary. A row is made when it is asked for.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        layouts: dict[tuple[str, ...], tuple[str, ...]] = {}
        given = [(layouts.setdefault(keys := (*row,), keys), (*row.values(),)) for row in rows]
        self.keys = (*dict.fromkeys(key for keys in layouts for key in keys),)
        self._own_keys = [keys for keys, _ in given]
        wide = [self._wide(keys, values) for keys, values in given]
        columns = zip(*wide, strict=True) if wide else [()] * len(self.keys)
        self._columns = dict(zip(self.keys, map(plain_values, columns), strict=True))

    def _wide(self, keys: tuple[str, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the values of a row under all keys; None if it does not have a key."""
        if keys == self.keys:
            return values
        return (*map(dict(zip(keys, values, strict=True)).get, self.keys),)

    def column(self, key: str) -> Sequence[Any]:
        """Return the values of all rows under a key; None if a row does not have it."""
        return self._columns[key] if key in self._columns else [None] * len(self)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._own_keys)

    def __iter__(self) -> Iterator[Row]:
        """Yield each row."""
        wide = zip(*self._columns.values(), strict=True) if self.keys else itertools.repeat(())
        for keys, values in zip(self._own_keys, wide, strict=False):
            row = dict(zip(self.keys, values, strict=True))
            yield row if keys == self.keys else {key: row[key] for key in keys}

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        """Return the row at a place, or the rows of a slice."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return {key: self._columns[key][place] for key in self._own_keys[place]}

    def __eq__(self, other: object) -> bool:
        """Say whether `other` is a sequence of the same rows."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def plain_values(values: Sequence[Any]) -> Sequence[Any]:
    """Return values as JSON can hold them: the given sequence if they are plain already."""
    types = set(map(type, values))
    if types <= _PLAIN:
        return values
    floats = [value for value in values if type(value) is float]
    if types <= _PLAIN | {float} and all(map(math.isfinite, floats)):
        return values
    return [*map(plain, values)]


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: NumPy scalars unwrapped, NaN and infinity as None."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {
            str(key): item if type(item) in _PLAIN else plain(item) for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)
