"""The most that a job, a grid or a number of a user's may be: far above all that is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from bench.errors import RequestError

#: The most epochs of a job: all of them may be evaluated, and each is a row of the journal.
MOST_EPOCHS = 100_000

#: The greatest seed: NumPy's and the frameworks' generators take 32 bits.
MOST_SEED = 2**32 - 1

#: The most threads of a job, and the most repeats.
MOST_THREADS, MOST_REPEATS = 100_000, 1000

#: The most of each number of a job that is to run; the grid limits the rest.
MOST_OF_JOB: Mapping[str, int] = {
    "epochs": MOST_EPOCHS,
    "seed": MOST_SEED,
    "threads": MOST_THREADS,
}

#: Whole numbers as a grid names them; `yes` and 1.5 are refused.
Count = Annotated[int, Field(strict=True, ge=1, le=MOST_EPOCHS)]
Seed = Annotated[int, Field(strict=True, ge=0, le=MOST_SEED)]
Repeats = Annotated[int, Field(strict=True, ge=1, le=MOST_REPEATS)]

#: The most jobs of a grid: at half a minute a job, they take a machine more than three days.
MOST_JOBS = 10_000

#: The greatest number of seconds, minutes or dollars.
MOST_AMOUNT = 1e9


def check_count(jobs: int) -> None:
    """Raise RequestError if a grid has too many jobs; they are counted before they are made."""
    if jobs > MOST_JOBS:
        raise RequestError(
            f"the grid has more than {MOST_JOBS} jobs",
            seen=jobs,
            next_step="leave out values, or ask for several grids one after the other",
        )
