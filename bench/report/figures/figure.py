"""A figure of the report as data: a chart specification, and what people read beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One figure.

    `name` is the stem of its files. `spec` is a complete Vega-Lite specification whose data stand
    inside it: one named data set, `data.values`, of plain values. `how_to_read` are two sentences
    for the reader. `alt` is a sentence that says what the figure shows.
    """

    name: str
    title: str
    spec: Mapping[str, Any]
    how_to_read: tuple[str, str]
    alt: str

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """The data of the figure."""
        return tuple(self.spec["data"]["values"])
