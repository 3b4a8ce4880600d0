"""The work in a step, and the ceilings of a machine: what a job's rate is held against."""

from __future__ import annotations

import math

from pydantic import Field

from bench.spec.frozen import Frozen


class WorkCount(Frozen):
    """What one step of a full batch must do at least, counted from the network's shape."""

    flops: int = Field(ge=0, description="of matrix products and convolutions, both directions")
    bytes: int = Field(ge=0, description="read and written, each operand once a pass")
    working_set_bytes: int = Field(ge=0, description="what the step touches")


class MatmulRate(Frozen):
    """How fast this machine multiplied two square matrices through the job's backend."""

    size: int = Field(description="rows and columns of each matrix")
    flops_per_s: float


class CopyRate(Frozen):
    """How fast this machine copied memory through the job's backend, read plus written."""

    size_bytes: int = Field(description="of the array that was copied")
    bytes_per_s: float


class Ceilings(Frozen):
    """The best that the job's backend reached on this machine with nothing but the bare operation.

    Measured in the job's own process after its last clock was read, with its threads and device.
    """

    matmul: tuple[MatmulRate, ...] = Field(min_length=1)
    copy_rates: tuple[CopyRate, ...] = Field(min_length=1)
    took_s: float

    @property
    def flops_per_s(self) -> float:
        """The best matrix-multiply rate of any size."""
        return max(rate.flops_per_s for rate in self.matmul)

    def bytes_per_s(self, working_set_bytes: int) -> float:
        """Return the copy rate of the size nearest to `working_set_bytes`, by ratio.

        A copy touches twice its array's size. Caches make small copies many times faster than
        large ones, so one rate cannot serve all jobs.
        """
        nearest = min(
            self.copy_rates,
            key=lambda rate: abs(math.log(max(1, working_set_bytes) / (2 * rate.size_bytes))),
        )
        return nearest.bytes_per_s
