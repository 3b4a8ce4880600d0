"""The least squares of cells and sittings: which job lies where, and the fit of their logs.

Several quantities of the same jobs share one design. The cells are eliminated first, so that only
a small system of the sittings is solved, however many cells there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.analysis.cells import Cell

Vector = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Solution:
    """The fit of a design: effects of cells and sittings, and the squared residuals by cell."""

    means: Vector
    effects: Vector
    squares: Vector


@dataclass(frozen=True)
class Design:
    """The cell and the sitting of each job, by number.

    Cells and sittings that no job connects are in blocks of their own: `block` holds the block of
    each cell and `sizes` the number of sittings in each block. `shares` says for each cell which
    share of its jobs lies in each sitting. `inverse` is the inverse of the sittings' system.
    `jobs` and `degrees` are the jobs and the degrees of freedom of each cell.
    """

    cells: Sequence[Cell]
    sittings: Sequence[Hashable]
    cell: Whole
    sitting: Whole
    block: Whole
    sizes: Whole
    shares: Vector
    inverse: Vector
    jobs: Whole
    degrees: Vector

    @property
    def free(self) -> int:
        """The number of sittings' effects that the timings determine."""
        return len(self.sittings) - len(self.sizes)

    def solved(self, logs: Vector) -> Solution:
        """Return the fit of the logs of the jobs; a block's effects of sittings add up to 0."""
        of_cells = self._by_cell(logs)
        of_sittings = np.bincount(self.sitting, logs, len(self.sittings))
        effects = self.inverse @ (of_sittings - self.shares.T @ of_cells)
        means = of_cells / self.jobs - self.shares @ effects
        residuals = logs - means[self.cell] - effects[self.sitting]
        return Solution(means, effects, self._by_cell(residuals**2))

    def _by_cell(self, values: Vector) -> Vector:
        return np.bincount(self.cell, values, len(self.cells)).astype(np.float64)


def design_of(places: Sequence[tuple[Cell, Hashable]]) -> Design:
    """Return the design of jobs, given the cell and the sitting of each."""
    cells: dict[Cell, int] = {}
    sittings: dict[Hashable, int] = {}
    cell = np.array([cells.setdefault(one, len(cells)) for one, _ in places])
    sitting = np.array([sittings.setdefault(one, len(sittings)) for _, one in places])
    of_cell, of_sitting = _blocks(cell, sitting)
    counts = np.zeros((len(cells), len(sittings)))
    np.add.at(counts, (cell, sitting), 1)
    jobs = counts.sum(axis=1)
    shares = counts / jobs[:, None]
    inverse = _inverse(np.diag(counts.sum(axis=0)) - shares.T @ counts, of_sitting)
    apart = shares @ inverse
    leverage = (
        (1 / jobs + np.einsum("cs,cs->c", apart, shares))[:, None]
        + np.diag(inverse)[None, :]
        - 2 * apart
    )
    return Design(
        cells=list(cells),
        sittings=list(sittings),
        cell=cell,
        sitting=sitting,
        block=of_cell,
        sizes=np.bincount(of_sitting),
        shares=shares,
        inverse=inverse,
        jobs=jobs.astype(np.int64),
        degrees=(counts * (1 - np.clip(leverage, 0, 1))).sum(axis=1),
    )


def _inverse(system: Vector, block: Whole) -> Vector:
    """Return the pseudo-inverse of the sittings' system.

    The system knows nothing of a common effect of a block's sittings, so it is singular in the
    directions in which they are all alike; these are filled before it is inverted.
    """
    alike = (block[:, None] == block[None, :]) / np.bincount(block)[block][:, None]
    return np.asarray(np.linalg.inv(system + alike) - alike, dtype=np.float64)


def _blocks(cell: Whole, sitting: Whole) -> tuple[Whole, Whole]:
    """Return the block of each cell and of each sitting: jobs connect a cell with a sitting."""
    of_cell = np.arange(cell.max() + 1)
    while True:
        of_sitting = np.full(sitting.max() + 1, len(of_cell))
        np.minimum.at(of_sitting, sitting, of_cell[cell])
        lower = of_cell.copy()
        np.minimum.at(lower, cell, of_sitting[sitting])
        if (lower == of_cell).all():
            _, numbered = np.unique(np.concatenate([of_cell, of_sitting]), return_inverse=True)
            return numbered[: len(of_cell)], numbered[len(of_cell) :]
        of_cell = lower
