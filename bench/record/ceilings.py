"""The work in a step and the ceilings of a machine; a job's rate is compared with both."""

from __future__ import annotations

import math

from pydantic import Field

from bench.spec.frozen import Frozen


class WorkCount(Frozen):
    """The least work of one step on a full batch, counted from what the workload computes."""

    flops: int = Field(ge=0, description="floating-point operations that the step needs")
    bytes: int = Field(ge=0, description="bytes that the step must at least read and write")
    working_set_bytes: int = Field(ge=0, description="bytes that the step touches")


class MatmulRate(Frozen):
    """How fast the job's backend multiplied two square matrices on this machine."""

    size: int = Field(description="rows and columns of each matrix")
    flops_per_s: float


class CopyRate(Frozen):
    """How fast the job's backend copied memory on this machine (bytes read plus bytes written)."""

    size_bytes: int = Field(description="size of the copied array")
    bytes_per_s: float


class Ceilings(Frozen):
    """The highest rates that the job's backend reached on this machine with bare operations.

    They are measured in the job's own process, with its threads and its device, after the last
    clock was read.
    """

    matmul: tuple[MatmulRate, ...] = Field(min_length=1)
    copy_rates: tuple[CopyRate, ...] = Field(min_length=1)
    took_s: float

    @property
    def flops_per_s(self) -> float:
        """The highest matrix-multiply rate of all sizes."""
        return max(rate.flops_per_s for rate in self.matmul)

    def bytes_per_s(self, working_set_bytes: int) -> float:
        """Return the copy rate of the size that is nearest to `working_set_bytes` by ratio.

        A copy touches twice its array's size. Caches make small copies many times faster than
        large ones, so one rate cannot serve all jobs.
        """
        nearest = min(
            self.copy_rates,
            key=lambda rate: abs(math.log(max(1, working_set_bytes) / (2 * rate.size_bytes))),
        )
        return nearest.bytes_per_s
