"""Timings of planted machines for tests of the comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bench.analysis.cells import Cell
from bench.analysis.effects import Effects, Prior, Timing, fit_effects

#: A prior that all tests of one table share.
PRIOR = Prior(0.05)


def a_cell(name: str) -> Cell:
    """Return a cell with one axis."""
    return Cell((("model", name),), 2, "mnist", "digest")


def timings(
    seconds: Mapping[str, float], sittings: Sequence[float] = (0.0,), jobs: int = 1
) -> list[Timing]:
    """Return `jobs` jobs of each cell in each sitting, without noise between jobs.

    `seconds` are by cell; `sittings` are the logs by which the sittings are slower.
    """
    return [
        Timing(a_cell(name), number, time_s * math.exp(effect))
        for number, effect in enumerate(sittings)
        for name, time_s in seconds.items()
        for _ in range(jobs)
    ]


def a_fit(
    seconds: Mapping[str, float], sittings: Sequence[float] = (0.0,), jobs: int = 1
) -> Effects:
    """Return the fit of such timings."""
    return fit_effects(timings(seconds, sittings, jobs), PRIOR)
