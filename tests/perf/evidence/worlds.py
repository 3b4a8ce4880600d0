"""Simulated machines whose truth is known: how the times of their jobs arise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bench.analysis.cells import Cell
from bench.analysis.effects import Timing

#: The seed of every table; each row of a table adds numbers of its own.
SEED = 20261125

Logs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How log seconds arise: all figures are standard deviations of logs, unless said otherwise.

    `spread` lies between sittings. `drift` is the slope from a sitting's first job to its last.
    A share `disturbed` of the jobs is longer by an exponential variable with mean `lengthened`.
    `noise` lies between the jobs of each cell, and `reacts` is how strongly each cell feels a
    sitting; its mean is 1. `jobs` are the jobs of each cell in a sitting.
    """

    spread: float
    drift: float = 0.02
    disturbed: float = 0.12
    lengthened: float = 0.08
    noise: tuple[float, ...] = (0.01, 0.02, 0.04, 0.01)
    reacts: tuple[float, ...] = (1.2, 1.2, 1.0, 0.6)
    jobs: tuple[int, ...] = (2, 1, 1, 1)

    @property
    def calm(self) -> World:
        """The same spread without drift, disturbed jobs and cells that react unlike others."""
        return replace(self, drift=0.0, disturbed=0.0, reacts=(1.0,) * len(self.jobs))


#: Times of the cells, in seconds; they are far apart, as those of an MLP and a CNN.
SECONDS = (1.6, 2.4, 1.9, 9.1)

CELLS = tuple(
    Cell((("kind", number),), epochs=2, dataset="simulated", data_digest=None)
    for number in range(len(SECONDS))
)


def rng_of(*numbers: int) -> np.random.Generator:
    """Return the generator of one row of a table."""
    return np.random.default_rng([SEED, *numbers])


def plan_of(world: World) -> npt.NDArray[np.int64]:
    """Return the cell of each job of a sitting."""
    return np.repeat(np.arange(len(world.jobs)), world.jobs)


def logs_of(world: World, draws: int, sittings: int, rng: np.random.Generator) -> Logs:
    """Return what the world adds to the log seconds of each job: [draw, sitting, job]."""
    cell = plan_of(world)
    shape = (draws, sittings, len(cell))
    felt = np.array(world.reacts)[cell] * rng.normal(0, world.spread, (draws, sittings, 1))
    place = rng.permuted(np.broadcast_to(np.linspace(-0.5, 0.5, len(cell)), shape), axis=2)
    drift = place * rng.normal(0, world.drift, (draws, sittings, 1))
    noise = rng.normal(size=shape) * np.array(world.noise)[cell]
    hit = rng.random(shape) < world.disturbed
    return felt + drift + noise + hit * rng.exponential(world.lengthened, shape)


def timings(world: World, logs: Logs, slower: float = 0.0) -> list[Timing]:
    """Return the timings of one draw, [sitting, job]; `slower` is added to each log."""
    cell = plan_of(world)
    seconds = np.exp(np.log(SECONDS)[cell] + logs + slower)
    return [
        Timing(CELLS[place], number, float(time))
        for number, row in enumerate(seconds)
        for place, time in zip(cell, row, strict=True)
    ]
