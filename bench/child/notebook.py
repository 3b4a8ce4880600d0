"""The notebook of a meter: plain values, which become the record when the job has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.child.ceilings import Operations
from bench.record.ceilings import WorkCount
from bench.record.confusion import Confusion
from bench.record.measurement import EpochRecord, Evaluation


@dataclass
class Notebook:
    """What a meter has noted so far; the child turns it into the record."""

    epochs: list[EpochRecord] = field(default_factory=list)
    step_s: list[npt.NDArray[np.float64]] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    device: str = "cpu"
    threads: tuple[int | None, int | None] = (None, None)
    import_s: float = 0.0
    after_import_bytes: int | None = None
    after_data_bytes: int | None = None
    peak: tuple[int | None, str | None] = (None, None)
    first_step_at_s: float | None = None
    ragged_last_step: bool = False
    work: WorkCount | None = None
    operations: Operations | None = None
    confusion: Callable[[], Confusion] | None = None
    confusion_s: float = 0.0
