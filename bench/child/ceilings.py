"""A machine's own ceilings: matrix-multiply rate and memory copy rate.

Both take a few seconds together, run in a job's child after its last clock was read, and keep the
fastest of several repetitions: a ceiling is what the machine can do, not what it does on average.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.record.ceilings import Ceilings, CopyRate, MatmulRate

#: Rows and columns of the matrices, growing until one product takes ENOUGH_S.
MATMUL_SIZES = (256, 512, 1024, 2048, 4096, 8192)
#: Bytes of the copied arrays, growing likewise: from what a core's cache holds to far past any.
COPY_SIZES_BYTES = tuple(2**power for power in (20, 22, 24, 26, 28))
#: Seconds of one operation past which a larger one tells nothing new.
ENOUGH_S = 0.05
#: Seconds that one size is repeated for, and the least repetitions.
REPEAT_S, LEAST_REPEATS = 0.25, 4


@dataclass(frozen=True)
class Operations:
    """The bare operations by which a workload's ceilings are measured.

    `matmul(size)` returns what multiplies two resident (size, size) matrices, `copy(size_bytes)`
    what copies a resident array onto another; both wait for the device.
    """

    matmul: Callable[[int], Callable[[], Any]]
    copy: Callable[[int], Callable[[], Any]]


def measure_ceilings(operations: Operations) -> Ceilings:
    """Return this machine's ceilings through `operations`.

    Raises whatever an operation raises, out of memory included.
    """
    begin = time.perf_counter()
    matmul = [
        MatmulRate(size=size, flops_per_s=2 * size**3 / best_s)
        for size, best_s in _swept(MATMUL_SIZES, operations.matmul)
    ]
    copy_rates = [
        CopyRate(size_bytes=size, bytes_per_s=2 * size / best_s)
        for size, best_s in _swept(COPY_SIZES_BYTES, operations.copy)
    ]
    took_s = time.perf_counter() - begin
    return Ceilings(matmul=tuple(matmul), copy_rates=tuple(copy_rates), took_s=took_s)


def _swept(
    sizes: Iterable[int], prepare: Callable[[int], Callable[[], Any]]
) -> Iterable[tuple[int, float]]:
    """Yield each size with the fastest seconds of its operation, until one is long enough."""
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
