"""The most that a job, a grid or a number of a user's may be: far above all that is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

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

#: Leaves out a value that stands twice in a list: it makes no job more.
EACH_ONCE = AfterValidator(lambda values: tuple(dict.fromkeys(values)))

#: The most jobs of a grid: at half a minute a job, they take a machine more than three days.
MOST_JOBS = 10_000

#: The most jobs that are made and compared to leave out doubles, and the most read-offs of all.
MOST_MADE_JOBS, MOST_READ_OFFS = 200_000, 10_000_000

#: The greatest number of seconds, minutes or dollars.
MOST_AMOUNT = 1e9


def check_count(jobs: int, most: int = MOST_JOBS, what: str = "jobs") -> None:
    """Raise RequestError if a grid has more than `most` jobs, or of what else `what` names."""
    if jobs > most:
        raise RequestError(
            f"the grid has more than {most} {what}",
            seen=jobs,
            next_step="leave out values, or ask for several grids one after the other",
        )


def check_sizes(sizes: Sequence[tuple[int, int]]) -> None:
    """Raise RequestError if sub-grids are too large for their jobs to be made and compared.

    `sizes` holds the jobs of each sub-grid, and the epochs that each of its jobs reads off.
    """
    check_count(max(jobs for jobs, _ in sizes))
    total = sum(jobs for jobs, _ in sizes)
    check_count(total, MOST_MADE_JOBS, "jobs, shared ones counted again")
    read_offs = sum(jobs * epochs for jobs, epochs in sizes)
    check_count(read_offs, MOST_READ_OFFS, "read-offs in all of its jobs")


def check_read_off(read_off: Sequence[int], epochs: Sequence[int], place: str) -> None:
    """Raise RequestError if an epoch is to be read off that no job reaches."""
    bad = [epoch for epoch in read_off if not 1 <= epoch <= max(epochs)]
    if bad:
        raise RequestError(
            f"{place}: read_off names an epoch that no job reaches",
            seen=bad[:10],
            next_step=f"use epochs from 1 to {max(epochs)}",
        )
