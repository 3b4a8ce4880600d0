"""The effects on one machine's times: cells, sittings, and the noise between jobs.

The model is `log seconds of a job = cell + sitting + job`. Variances are moderated: a sample
variance with few degrees of freedom is drawn towards a prior, as limma does for genes (Smyth,
2004, doi:10.2202/1544-6115.1027), so that two equal values do not prove that there is no noise.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.analysis.cells import Cell

#: The standard deviation of log seconds between jobs of a cell if no cell was repeated. Measured:
#: 0.5 to 9 %, median about 2 %, on 2-core VMs (November 2026).
JOB_SPREAD = 0.03

#: How many degrees of freedom the machine's own job noise adds to each cell's.
JOB_WEIGHT = 1.0

#: No spread between jobs is taken to be smaller than this, because two jobs may last equally long
#: by chance. It is the least spread that was measured (see JOB_SPREAD).
LEAST_JOB_SPREAD = 0.005

#: From this number of sittings on, a machine's own spread needs no prior.
OWN_SITTINGS = 6

#: No spread of sittings is taken to be smaller than this: clocks and rounding end there.
LEAST_SPREAD = 0.001

#: Below this many degrees of freedom, residuals tell nothing of the noise.
_LEAST_DF = 0.5

Vector = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Timing:
    """The time of one job, in seconds; `sitting` is any name of the sitting."""

    cell: Cell
    sitting: Hashable
    seconds: float


@dataclass(frozen=True)
class Prior:
    """What is believed of the spread between a machine's sittings before its own are seen.

    `spread` is a standard deviation of log seconds, and `weight` its degrees of freedom. `source`
    says where it comes from; it is `assumed` unless it was measured on machines of the journals.
    """

    spread: float
    weight: float = 2.0
    source: str = ""
    assumed: bool = True


@dataclass(frozen=True)
class CellEffect:
    """A machine's time in one cell: the mean of log seconds, and the moderated job variance.

    `block` numbers the set of cells and sittings that are connected with this cell, and `sittings`
    counts the sittings of that block.
    """

    mean: float
    variance: float
    df: float
    jobs: int
    block: int
    sittings: int


@dataclass(frozen=True)
class Effects:
    """The fit of one machine.

    Variances are of log seconds. `sitting_variance` is the moderated variance of a sitting's mean
    over all cells, with `sitting_df` degrees of freedom; it includes the noise of its jobs.
    `job_variance` is the machine's own noise between jobs of a cell; `repeated` says whether it was
    measured. `within` is the variance that this noise gives to the mean over all cells. `assumed`
    is the share of `sitting_variance` that the prior gives. `sittings` holds each sitting's effect.

    Cells and sittings that no job connects are in blocks of their own. The effects of a block's
    sittings add up to 0, and so nothing of a cell's time counts as an effect of a sitting.
    """

    cells: Mapping[Cell, CellEffect]
    sittings: Mapping[Hashable, float]
    sitting_variance: float
    sitting_df: float
    job_variance: float
    repeated: bool
    within: float
    assumed: float
    prior: Prior = field(compare=False)

    @property
    def count(self) -> int:
        """The number of sittings."""
        return len(self.sittings)

    @property
    def jobs(self) -> int:
        """The number of jobs."""
        return sum(cell.jobs for cell in self.cells.values())

    def spread_of(self, weights: Mapping[Cell, float]) -> float:
        """Return the variance that sittings give to a mean of cells with these weights."""
        blocks: dict[int, list[Cell]] = {}
        for cell in weights:
            blocks.setdefault(self.cells[cell].block, []).append(cell)
        return self.sitting_variance * sum(
            sum(weights[cell] for cell in cells) ** 2 / self.cells[cells[0]].sittings
            for cells in blocks.values()
        )


def fit_effects(
    timings: Sequence[Timing], prior: Prior, *, own_sittings: int = OWN_SITTINGS
) -> Effects:
    """Return the least-squares fit of one machine's `timings`.

    From `own_sittings` sittings on the prior has no weight. Sittings that no cell connects say
    nothing of the spread between them. Raises ValueError without a timing.
    Source: STATISTICS.md, "The estimator".
    """
    if not timings:
        raise ValueError("a fit needs at least one timing")
    solved = _solve(timings)
    repeated = bool(solved.degrees.sum() > _LEAST_DF)
    own = float(solved.squares.sum() / solved.degrees.sum()) if repeated else JOB_SPREAD**2
    own = max(own, LEAST_JOB_SPREAD**2)
    within = own * float(np.mean(1 / solved.jobs)) / len(solved.cells)
    per_sitting = within * len(solved.sittings) / solved.blocks
    weight = 0.0 if solved.free >= own_sittings - 1 else prior.weight
    seen = float((solved.effects**2).sum())
    between = (weight * (prior.spread**2 + per_sitting) + seen) / (weight + solved.free)
    between = max(between, LEAST_SPREAD**2)
    return Effects(
        cells=_cells(solved, own),
        sittings=dict(zip(solved.sittings, map(float, solved.effects), strict=True)),
        sitting_variance=between,
        sitting_df=weight + solved.free,
        job_variance=own,
        repeated=repeated,
        within=within,
        assumed=weight * prior.spread**2 / (weight + solved.free) / between,
        prior=prior,
    )


@dataclass(frozen=True)
class _Solution:
    """The least-squares fit: effects of cells and sittings, and what is left by cell.

    `squares` are the sums of squared residuals, `degrees` their degrees of freedom. `block` holds
    the block of each cell and `sizes` the number of sittings in each block.
    """

    cells: Sequence[Cell]
    sittings: Sequence[Hashable]
    means: Vector
    effects: Vector
    jobs: Whole
    squares: Vector
    degrees: Vector
    block: Whole
    sizes: Whole

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return len(self.sizes)

    @property
    def free(self) -> int:
        """The number of sittings' effects that the timings determine."""
        return len(self.sittings) - self.blocks


def _solve(timings: Sequence[Timing]) -> _Solution:
    cells = list(dict.fromkeys(timing.cell for timing in timings))
    sittings = list(dict.fromkeys(timing.sitting for timing in timings))
    places = {cell: place for place, cell in enumerate(cells)}
    numbers = {sitting: number for number, sitting in enumerate(sittings)}
    cell = np.array([places[timing.cell] for timing in timings])
    sitting = np.array([numbers[timing.sitting] for timing in timings])
    of_cell, of_sitting = _blocks(cell, sitting)
    logs = np.log([timing.seconds for timing in timings])
    contrasts = _contrasts(of_sitting)
    design = np.hstack([np.eye(len(cells))[cell], contrasts[sitting]])
    inverse = np.linalg.pinv(design)
    found = np.asarray(inverse @ logs, dtype=np.float64)
    squares = np.asarray((logs - design @ found) ** 2, dtype=np.float64)
    leverage = np.clip(np.einsum("ij,ji->i", design, inverse), 0, 1)
    return _Solution(
        cells=cells,
        sittings=sittings,
        means=found[: len(cells)],
        effects=np.asarray(contrasts @ found[len(cells) :], dtype=np.float64),
        jobs=np.bincount(cell, minlength=len(cells)),
        squares=_by_cell(cell, squares, len(cells)),
        degrees=_by_cell(cell, 1 - leverage, len(cells)),
        block=of_cell,
        sizes=np.bincount(of_sitting),
    )


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


def _contrasts(block: Whole) -> Vector:
    """Return a row for each sitting; the columns are effects that add up to 0 in each block."""
    columns = []
    for number in range(int(block.max()) + 1):
        *others, last = np.flatnonzero(block == number)
        for one in others:
            column = np.zeros(len(block))
            column[one], column[last] = 1, -1
            columns.append(column)
    return np.array(columns).T if columns else np.zeros((len(block), 0))


def _by_cell(cell: Whole, values: Vector, count: int) -> Vector:
    return np.bincount(cell, values, count).astype(np.float64)


def _cells(solved: _Solution, own: float) -> dict[Cell, CellEffect]:
    """Return the effect of each cell, its variance drawn towards the machine's `own`."""
    pooled = max(float(solved.degrees.sum()), JOB_WEIGHT)
    found = {}
    for place, cell in enumerate(solved.cells):
        squares, df = float(solved.squares[place]), float(solved.degrees[place])
        block = int(solved.block[place])
        found[cell] = CellEffect(
            mean=float(solved.means[place]),
            variance=(JOB_WEIGHT * own + squares) / (JOB_WEIGHT + df),
            df=min(JOB_WEIGHT + df, pooled),
            jobs=int(solved.jobs[place]),
            block=block,
            sittings=int(solved.sizes[block]),
        )
    return found
