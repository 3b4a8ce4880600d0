"""Names of kinds of job that do not depend on what else was measured, so that files compare."""

from __future__ import annotations

from collections.abc import Iterable

from bench.analysis.cells import Cell, column_axes, heading_axes, unmarked_axes
from bench.spec.description import Outline
from bench.spec.job import NO_DATA


def cell_name(cell: Cell, outline: Outline) -> str:
    """Return the name of a kind of job: `small-fast-e2-b512-digits`.

    It holds the values that head a job, the epochs, each other axis that is not at its default, and
    the data.
    """
    values = dict(cell.axes)
    heads = [axis for axis in heading_axes(outline) if axis.name in values]
    others = [
        axis
        for axis in (*column_axes(outline), *unmarked_axes(outline))
        if axis.name in values and values[axis.name] != axis.default
    ]
    return "-".join(
        [
            *((axis.mark or "{}").format(values[axis.name]) for axis in heads),
            f"e{cell.epochs}",
            *(
                axis.mark.format(values[axis.name])
                if axis.mark
                else f"{axis.name}-{values[axis.name]}"
                for axis in others
            ),
            *([] if cell.dataset == NO_DATA else [cell.dataset]),
        ]
    )


def cell_names(cells: Iterable[Cell], outline: Outline) -> dict[Cell, str]:
    """Return the name of each cell; two cells of unlike data under one name get their digests."""
    known = list(dict.fromkeys(cells))
    plain = {cell: cell_name(cell, outline) for cell in known}
    often = list(plain.values())
    return {
        cell: name if often.count(name) == 1 else f"{name}-{(cell.data_digest or 'unknown')[:8]}"
        for cell, name in plain.items()
    }
