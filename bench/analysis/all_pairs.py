"""All pairs of many machines at once: what `ratios.ratio` says of two, as matrices.

Each sum over the common cells of two machines is a product of two matrices of machines by cells,
so a thousand machines take as long as a few hundred ratios.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.analysis.cells import Cell
from bench.analysis.effects import Effects
from bench.analysis.student import two_sided_p

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AllPairs:
    """How each machine (a row) compares with each other one (a column).

    `cells` is the number of common cells. `log`, `se` and `df` are as in `Ratio`; they mean nothing
    if two machines have no common cell.
    """

    cells: Matrix
    log: Matrix
    se: Matrix
    df: Matrix

    def p_values(self, pairs: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]) -> Matrix:
        """Return the two-sided p-values of no difference of some pairs: rows and columns."""
        return two_sided_p(self.log[pairs] / self.se[pairs], self.df[pairs])


def table(
    machines: Sequence[Effects], cells_of: Sequence[Collection[Cell]]
) -> tuple[list[Cell], Matrix, Matrix]:
    """Return all cells, which machine counts in which cell (1 or 0), and its mean log seconds."""
    cells = list(dict.fromkeys(cell for own in cells_of for cell in own))
    place = {cell: number for number, cell in enumerate(cells)}
    counts, means = np.zeros((2, len(machines), len(cells)))
    for number, (machine, own) in enumerate(zip(machines, cells_of, strict=True)):
        for cell in own:
            counts[number, place[cell]] = 1
            means[number, place[cell]] = machine.cells[cell].mean
    return cells, counts, means


def all_pairs(machines: Sequence[Effects], cells_of: Sequence[Collection[Cell]]) -> AllPairs:
    """Return how all machines compare over the common cells of each pair, with equal weights.

    `cells_of` holds the cells in which each machine counts.
    """
    cells, counts, means = table(machines, cells_of)
    common = counts @ counts.T
    number = np.maximum(common, 1)
    spread = _spread(machines, cells, counts) / number**2
    noise, noise_weight = _noise_of_some(machines, cells, counts, common)
    spread_df = np.array([[machine.sitting_df] for machine in machines])
    variance = spread + noise
    weight = spread**2 / spread_df + noise_weight
    both, weights = variance + variance.T, weight + weight.T
    return AllPairs(
        cells=common,
        log=(counts @ (counts * means).T - (counts * means) @ counts.T) / number,
        se=np.sqrt(both),
        df=np.divide(both**2, weights, out=np.ones_like(both), where=common > 0),
    )


def _spread(machines: Sequence[Effects], cells: Sequence[Cell], counts: Matrix) -> Matrix:
    """Return the variance of each row's machine that its sittings give to a sum of common cells.

    See `Effects.spread_of`: the cells of a block share the effects of the block's sittings.
    """
    owners, sittings, blocks = [], [], []
    for number, machine in enumerate(machines):
        of_block: dict[int, list[int]] = {}
        for place in np.flatnonzero(counts[number]).tolist():
            of_block.setdefault(machine.cells[cells[place]].block, []).append(place)
        for places in of_block.values():
            owners.append(number)
            sittings.append(machine.cells[cells[places[0]]].sittings)
            blocks.append(np.isin(np.arange(len(cells)), places))
    common = np.array(blocks, dtype=float) @ counts.T
    total: Matrix = np.zeros((len(machines), len(machines)))
    np.add.at(total, owners, common**2 / np.array(sittings)[:, None])
    total *= np.array([[machine.sitting_variance] for machine in machines])
    return total


def _noise_of_some(
    machines: Sequence[Effects], cells: Sequence[Cell], counts: Matrix, common: Matrix
) -> tuple[Matrix, Matrix]:
    """Return the job noise that the spread lacks, and its sum of squares over degrees of freedom.

    See `ratios._noise_of_some`: a mean of all cells of a machine lacks nothing, a mean of some
    lacks what exceeds the noise of all, and a single cell lacks its whole noise.
    """
    variances, squares = np.zeros((2, *counts.shape))
    for number, machine in enumerate(machines):
        for place in np.flatnonzero(counts[number]).tolist():
            effect = machine.cells[cells[place]]
            variances[number, place] = effect.variance / effect.jobs
            squares[number, place] = (effect.variance / effect.jobs) ** 2 / effect.df
    most = np.maximum(common, 1)
    total = variances @ counts.T / most**2
    within = np.array([[machine.within] for machine in machines])
    covered = np.where(common > 1, within, 0.0)
    some = common != np.array([[len(machine.cells)] for machine in machines])
    share = np.where(some & (total > 0), 1 - covered / np.where(total > 0, total, 1), 0.0)
    share = np.maximum(share, 0.0)
    return share * total, share**2 * (squares @ counts.T) / most**4
