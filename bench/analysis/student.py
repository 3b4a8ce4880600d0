"""Student's t distribution.

It comes from scipy.special, which is imported in a fraction of the time of scipy.stats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

#: Coverage of every interval in the reports.
LEVEL = 0.95


def cdf(t: float, df: float) -> float:
    """Return the probability that a t variable with `df` degrees of freedom is below `t`."""
    from scipy.special import stdtr  # imported here, so that the command line's --help is fast

    return float(stdtr(df, t))


def satterthwaite(parts: Iterable[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of variances, given each with its own.

    A variance of 0 says nothing of them; without another one, they are infinite.
    Source: docs/statistics.md, "The formulas".
    """
    known = [(variance, df) for variance, df in parts if variance]
    weight = sum(variance**2 / df for variance, df in known)
    return sum(variance for variance, _ in known) ** 2 / weight if weight else math.inf


def two_sided_p(t: npt.NDArray[np.float64], df: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the probabilities that t variables are farther from 0 than the values of `t`."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(df, -np.abs(t)), dtype=np.float64)


def quantile(probability: float, df: float) -> float:
    """Return the value that a t variable stays below with `probability`."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def density(t: float, df: float) -> float:
    """Return the density of a t variable at `t`."""
    log = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    return math.exp(log - (df + 1) / 2 * math.log1p(t * t / df))


def two_sided(df: float, level: float = LEVEL) -> float:
    """Return the factor of a standard error that makes half of an interval of `level`."""
    return quantile(0.5 + level / 2, df)
