"""Whether jobs ran under unlike conditions: the figures that count, and by how much."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.record.conditions import GpuConditions, Interference


@dataclass(frozen=True)
class Figure:
    """A figure of the conditions: its name, and the least difference that counts.

    A `relative` difference is a share of the larger value. `of_gpu` marks the figure of a GPU.
    """

    name: str
    least: float
    relative: bool = False
    of_gpu: bool = False


@dataclass(frozen=True)
class UnlikeCondition:
    """A figure whose medians over two sets of jobs differ by at least what counts."""

    name: str
    first: float
    second: float
    gpu: int | None = None

    @property
    def values(self) -> tuple[str, float, float]:
        """The name and both values."""
        return self.name, self.first, self.second


#: The share of the watched jobs that were disturbed.
DISTURBED = "disturbed_share"

#: The figures that may explain a difference in speed, most telling first. The least differences of
#: shares and of foreign CPUs are half of the thresholds in `bench/watch/flags.py` or more, and a
#: clock counts from 3%, the margin below which two machines are called equal. The others were
#: chosen here.
FIGURES: tuple[Figure, ...] = (
    Figure(DISTURBED, 0.25),
    Figure("foreign_cpus", 0.1),
    Figure("group_foreign_cpus", 0.1),
    Figure("foreign_share", 0.05, of_gpu=True),
    Figure("steal_share", 0.025),
    Figure("throttled_periods_share", 0.05),
    Figure("thermal_throttles", 1),
    Figure("frequency_hz", 0.03, relative=True),
    Figure("sm_clock_hz", 0.03, relative=True, of_gpu=True),
    Figure("temperature_max_c", 10),
    Figure("temperature_max_c", 10, of_gpu=True),
    Figure("on_battery", 0.5),
    Figure("swapped_bytes", 2**20),
    Figure("pressure_memory_full_share", 0.01),
    Figure("pressure_io_full_share", 0.05),
    Figure("pressure_cpu_some_share", 0.1),
    Figure("load_1min", 0.5),
)


#: For each of the FIGURES its median over some jobs: by GPU, or under None for the whole machine.
Medians = tuple[Mapping[int | None, float], ...]


def medians(seen: Sequence[Interference]) -> Medians:
    """Return the median of each figure over jobs."""
    return tuple(_medians(seen, figure) for figure in FIGURES)


def condition_differences(first: Medians, second: Medians) -> tuple[UnlikeCondition, ...]:
    """Return the figures whose medians over the jobs differ, most telling first.

    A figure that was not seen on both sides is left out.
    """
    found = []
    for figure, ours, theirs in zip(FIGURES, first, second, strict=True):
        for gpu in (gpu for gpu in ours if gpu in theirs):
            values = ours[gpu], theirs[gpu]
            scale = max(map(abs, values)) if figure.relative else 1.0
            if abs(values[0] - values[1]) >= figure.least * scale > 0:
                found.append(UnlikeCondition(figure.name, *values, gpu=gpu))
    return tuple(found)


def _medians(seen: Sequence[Interference], figure: Figure) -> dict[int | None, float]:
    if figure.name == DISTURBED:
        told = [one.is_disturbed for one in seen if one.flag != "unknown"]
        return {None: sum(told) / len(told)} if told else {}
    if not figure.of_gpu:
        return _known({None: [_read(one, figure.name) for one in seen]})
    by_gpu: dict[int | None, list[float | None]] = {}
    for gpu in (gpu for one in seen for gpu in one.gpus):
        by_gpu.setdefault(gpu.index, []).append(_read(gpu, figure.name))
    return _known(by_gpu)


def _read(seen: Interference | GpuConditions, name: str) -> float | None:
    value = getattr(seen, name)
    return None if value is None else float(value)


def _known(values: dict[int | None, list[float | None]]) -> dict[int | None, float]:
    known = {key: [one for one in told if one is not None] for key, told in values.items()}
    return {key: float(statistics.median(told)) for key, told in known.items() if told}
