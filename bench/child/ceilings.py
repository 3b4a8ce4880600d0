"""A machine's ceilings: its matrix-multiply rate and its memory copy rate.

Together they take a few seconds and run in a job's child after the last clock was read. The fastest
of several repetitions counts: a ceiling is what the machine can do, not what it does on average.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.errors import WorkloadError
from bench.record.ceilings import Ceilings, CopyRate, MatmulRate

#: Rows and columns of the matrices, growing until one product takes ENOUGH_S.
MATMUL_SIZES = (256, 512, 1024, 2048, 4096, 8192)
#: Bytes of the copied arrays, growing likewise from the size of a core's cache to beyond any cache.
COPY_SIZES_BYTES = tuple(2**power for power in (20, 22, 24, 26, 28))
#: If one operation takes more seconds than this, larger sizes show nothing new.
ENOUGH_S = 0.05
#: Seconds for which one size is repeated, and the minimum number of repetitions.
REPEAT_S, LEAST_REPEATS = 0.25, 4
#: Rates above all that one device of today reaches (about 5e15 FLOP/s and 2e13 bytes/s): such an
#: operation was not waited for, or the clock jumped, and all shares of the machine would be wrong.
MOST_FLOPS_PER_S, MOST_BYTES_PER_S = 5e16, 2e14


@dataclass(frozen=True)
class Operations:
    """The bare operations that measure a workload's ceilings.

    `matmul(size)` returns a function that multiplies two resident (size, size) matrices.
    `copy(size_bytes)` returns a function that copies a resident array to another. Both functions
    wait for the device.
    """

    matmul: Callable[[int], Callable[[], Any]]
    copy: Callable[[int], Callable[[], Any]]


def measure_ceilings(operations: Operations) -> Ceilings:
    """Return this machine's ceilings, measured with `operations`.

    Raises WorkloadError if a rate is above all that is possible, and any error of an operation,
    such as running out of memory.
    """
    begin = time.perf_counter()
    matmul = [
        MatmulRate(size=size, flops_per_s=_rate(2 * size**3, best_s, MOST_FLOPS_PER_S, "matmul"))
        for size, best_s in _swept(MATMUL_SIZES, operations.matmul)
    ]
    copy_rates = [
        CopyRate(size_bytes=size, bytes_per_s=_rate(2 * size, best_s, MOST_BYTES_PER_S, "copy"))
        for size, best_s in _swept(COPY_SIZES_BYTES, operations.copy)
    ]
    took_s = time.perf_counter() - begin
    return Ceilings(matmul=tuple(matmul), copy_rates=tuple(copy_rates), took_s=took_s)


def _rate(amount: int, took_s: float, most_per_s: float, what: str) -> float:
    """Return the rate of an operation. Raises WorkloadError if it is above all that is possible."""
    if took_s * most_per_s < amount:
        raise WorkloadError(
            f"the ceilings are impossible: {what} was faster than any device",
            seen=f"{amount:.3g} operations or bytes in {took_s:.3g} s",
            next_step="let the bare operation wait for its result",
        )
    return amount / took_s


def _swept(
    sizes: Iterable[int], prepare: Callable[[int], Callable[[], Any]]
) -> Iterable[tuple[int, float]]:
    """Yield each size with the shortest time of its operation, until one takes over ENOUGH_S."""
    for size in sizes:
        best_s = _fastest_s(prepare(size))
        yield size, best_s
        if best_s > ENOUGH_S:
            return


def _fastest_s(operation: Callable[[], Any]) -> float:
    operation()  # compiles, allocates, fills caches
    times_s: list[float] = []
    begin = time.perf_counter()
    while len(times_s) < LEAST_REPEATS or time.perf_counter() - begin < REPEAT_S:
        started = time.perf_counter()
        operation()
        times_s.append(time.perf_counter() - started)
    return min(times_s)
