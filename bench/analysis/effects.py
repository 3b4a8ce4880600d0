"""The effects on one machine's times: cells, sittings, and the noise between jobs.

The model is `log seconds of a job = cell + sitting + job`. Variances are moderated: a sample
variance with few degrees of freedom is drawn towards a prior, as limma does for genes (Smyth,
2004, doi:10.2202/1544-6115.1027), so that two equal values do not prove that there is no noise.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.analysis.cells import Cell
from bench.analysis.design import Design, Vector, design_of

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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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

    @functools.cached_property
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


@dataclass(frozen=True)
class Fit:
    """The fit of one machine before any prior is heard.

    `seen` is the sum of the squared effects of the sittings, `free` how many of them the timings
    determine, and `per_sitting` the variance that the jobs give to each. The other fields are as
    in `Effects`.
    """

    cells: Mapping[Cell, CellEffect]
    sittings: Mapping[Hashable, float]
    job_variance: float
    repeated: bool
    within: float
    per_sitting: float
    seen: float
    free: int

    def moderated(self, prior: Prior, own_sittings: int = OWN_SITTINGS) -> Effects:
        """Return the effects; from `own_sittings` sittings on the prior has no weight."""
        weight = 0.0 if self.free >= own_sittings - 1 else prior.weight
        df = weight + self.free
        between = (weight * (prior.spread**2 + self.per_sitting) + self.seen) / df
        between = max(between, LEAST_SPREAD**2)
        return Effects(
            cells=self.cells,
            sittings=self.sittings,
            sitting_variance=between,
            sitting_df=df,
            job_variance=self.job_variance,
            repeated=self.repeated,
            within=self.within,
            assumed=weight * prior.spread**2 / df / between,
            prior=prior,
        )


def fit_effects(
    timings: Sequence[Timing], prior: Prior, *, own_sittings: int = OWN_SITTINGS
) -> Effects:
    """Return the least-squares fit of one machine's `timings`.

    From `own_sittings` sittings on the prior has no weight. Sittings that no cell connects say
    nothing of the spread between them. Raises ValueError without a timing.
    Source: docs/statistics.md, "The formulas".
    """
    if not timings:
        raise ValueError("a fit needs at least one timing")
    design = design_of([(timing.cell, timing.sitting) for timing in timings])
    return fit(design, [timing.seconds for timing in timings]).moderated(prior, own_sittings)


def fit(design: Design, seconds: Sequence[float]) -> Fit:
    """Return the least-squares fit of the seconds of the jobs of a design."""
    solved = design.solved(np.log(seconds))
    degrees = float(design.degrees.sum())
    repeated = degrees > _LEAST_DF
    own = float(solved.squares.sum()) / degrees if repeated else JOB_SPREAD**2
    own = max(own, LEAST_JOB_SPREAD**2)
    within = own * float(np.mean(1 / design.jobs)) / len(design.cells)
    return Fit(
        cells=_cells(design, solved.means, solved.squares, own),
        sittings=dict(zip(design.sittings, solved.effects.tolist(), strict=True)),
        job_variance=own,
        repeated=repeated,
        within=within,
        per_sitting=within * len(design.sittings) / len(design.sizes),
        seen=float((solved.effects**2).sum()),
        free=design.free,
    )


def _cells(design: Design, means: Vector, squares: Vector, own: float) -> dict[Cell, CellEffect]:
    """Return the effect of each cell, its variance drawn towards the machine's `own`."""
    pooled = max(float(design.degrees.sum()), JOB_WEIGHT)
    sittings = design.sizes[design.block]
    rows = (means, squares, design.degrees, design.jobs, design.block, sittings)
    return {
        cell: CellEffect(
            mean=mean,
            variance=(JOB_WEIGHT * own + left) / (JOB_WEIGHT + df),
            df=min(JOB_WEIGHT + df, pooled),
            jobs=jobs,
            block=block,
            sittings=of_block,
        )
        for cell, mean, left, df, jobs, block, of_block in zip(
            design.cells, *(row.tolist() for row in rows), strict=True
        )
    }
