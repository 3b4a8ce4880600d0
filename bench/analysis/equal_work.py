"""Jobs of machines that are equal work, and which machines are compared by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bench.analysis.cells import Cell, cell_of
from bench.analysis.machines import Machine
from bench.analysis.pooling import MeasuredJob
from bench.analysis.same_curves import Values, values_of
from bench.spec.axes import Metric
from bench.spec.description import Outline

#: Jobs that are equal work but for their data: axes, epochs, dataset, seed.
Work = tuple[Cell, int]


@dataclass(frozen=True, slots=True)
class Ran:
    """A measured job as it is compared: its cell on whatever data, its digests and its curve.

    The digests are those of the data, the initial weights, the batch order and the final weights.
    """

    job: MeasuredJob
    cell: Cell
    digests: tuple[str | None, ...]
    curve: Values

    @property
    def device(self) -> str:
        """The device on which the job trained."""
        return self.job.measurement.device


def by_work(
    machines: Iterable[Machine],
    measured: Iterable[MeasuredJob],
    outline: Outline,
    metric: Metric | None,
) -> dict[str, dict[Work, list[Ran]]]:
    """Return each machine's jobs by what must agree if they are equal work; data may differ."""
    found: dict[str, dict[Work, list[Ran]]] = {machine.key: {} for machine in machines}
    for job in measured:
        spec, digests, ended = job.record.job, job.measurement.digests, job.measurement.final
        ran = Ran(
            job=job,
            cell=cell_of(spec, spec.epochs, None, outline),
            digests=(
                *(digests.data, digests.initial_weights, digests.batch_order),
                ended.weights_digest,
            ),
            curve={} if metric is None else values_of(job.measurement.epochs, metric.name),
        )
        found[job.machine_key].setdefault((ran.cell, spec.seed), []).append(ran)
    return found


def counterparts(works: Mapping[str, set[Work]]) -> Iterator[tuple[str, str]]:
    """Yield each machine with the machine that it is compared with.

    The first machine is the one that shares jobs with the most others. A machine that shares none
    with it is compared with the machine that shares the most, and no pair comes twice.
    """
    if not works:
        return
    keys, place = (
        list(works),
        {work: number for number, work in enumerate(set().union(*works.values()))},
    )
    has = np.zeros((len(keys), len(place)), dtype=np.float32)
    for number, own in enumerate(works.values()):
        has[number, [place[work] for work in own]] = 1
    shared = has @ has.T
    np.fill_diagonal(shared, 0)
    base = int(np.argmax((shared > 0).sum(axis=1)))
    seen: set[frozenset[int]] = set()
    for number in range(len(keys)):
        if number == base or not shared[number].any():
            continue
        against = base if shared[number, base] else int(np.argmax(shared[number]))
        if (pair := frozenset((number, against))) not in seen:
            seen.add(pair)
            yield keys[number], keys[against]
