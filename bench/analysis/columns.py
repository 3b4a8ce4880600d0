"""A frame: rows of plain values, kept column by column, and views of some of its rows.

A report groups its jobs into many small groups. For these, plain lists are a hundred times as fast
as a data frame whose every group is a frame of its own. An unknown value is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns of equal length by name, and the places of the rows that this frame shows."""

    columns: Mapping[str, Sequence[Any]]
    places: Sequence[int]

    @classmethod
    def of(cls, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Frame:
        """Return the frame of `rows`, each with a value for some of the columns `names`."""
        values = [tuple(map(row.get, names)) for row in rows]
        columns = zip(*values, strict=True) if values else [()] * len(names)
        return cls(dict(zip(names, columns, strict=True)), range(len(values)))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.places)

    def __getitem__(self, name: str) -> list[Any]:
        """Return the values of a column. Raises KeyError if there is no such column."""
        return [*map(self.columns[name].__getitem__, self.places)]

    def rows(self, names: Sequence[str]) -> Iterable[tuple[Any, ...]]:
        """Return the values of some columns, row by row."""
        return zip(*(self[name] for name in names), strict=True)

    def where(self, name: str, wanted: Callable[[Any], bool]) -> Frame:
        """Return the rows whose value in a column is wanted."""
        column = self.columns[name]
        return Frame(self.columns, [place for place in self.places if wanted(column[place])])

    @property
    def finals(self) -> Frame:
        """The rows of the frame of jobs that hold the last evaluation of a job."""
        return self.where("is_final", bool)

    def assign(self, name: str, values: Sequence[Any]) -> Frame:
        """Return this frame with one more column, which has a value for each of its rows."""
        column: list[Any] = [None] * (max(self.places, default=-1) + 1)
        for place, value in zip(self.places, values, strict=True):
            column[place] = value
        return Frame({**self.columns, name: column}, self.places)
