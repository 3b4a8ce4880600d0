"""The meter: the stopwatch and notebook of one job, which the child gives to its workload.

It owns the clocks, epochs, steps, memory, threads, digests and ceilings. A workload says what it
does, and the meter measures it, so no workload times itself.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from bench.child.ceilings import Operations
from bench.child.clocks import Clocks, check_times
from bench.child.confusion import Predict, count_confusion
from bench.child.devices import check_device
from bench.child.notebook import Notebook
from bench.child.stopwatch import EpochTimer, StoppableClock, TimedEpoch, no_device, timed
from bench.child.weights import Arrays, arrays_digest, check_finite
from bench.errors import DataError, WorkloadError
from bench.probe.memory import peak_bytes, resident_bytes
from bench.record.ceilings import WorkCount
from bench.record.measurement import EpochRecord, Evaluation, quantile
from bench.spec.axes import Metric
from bench.spec.job import JobSpec

#: Evaluates and returns the workload's metrics by name.
Evaluate = Callable[[], Mapping[str, float]]
#: Takes a progress event: a small mapping that JSON can hold.
Emit = Callable[[Mapping[str, Any]], None]


class Phase(enum.Enum):
    """How far a job's training is."""

    IDLE = "before the training"
    TRAINING = "between two epochs"
    EPOCH = "in an epoch"
    DONE = "after the training"


class Meter:
    """Measures one job. The methods are in the order in which a workload calls them.

    `threads` is the number of threads that the job may use. `data_path` is the copy of the dataset;
    None if the workload reads no data. `metrics` describes what the workload reports.

    A job has one training, and its epochs follow one another; anything else is a WorkloadError.
    """

    def __init__(
        self,
        job: JobSpec,
        *,
        threads: int,
        started_s: float,
        emit: Emit,
        data_path: Path | None = None,
        data_digest: str = "",
        expects: str | None = None,
        metrics: Sequence[Metric] = (),
    ) -> None:
        self.threads, self.data_path = threads, data_path
        self.notebook = Notebook()
        self._job, self._emit, self._started_s = job, emit, started_s
        self._data_digest, self._expects = data_digest, expects
        self._phase, self._metrics = Phase.IDLE, tuple(metrics)
        self._synchronise: Callable[[], None] = no_device
        self._evaluate: Evaluate | None = None
        self._weights: Callable[[], Arrays] | None = None
        self._clock: StoppableClock | None = None
        self._clocks = Clocks()

    def load(self, action: Callable[[], Any]) -> None:
        """Run `action`, which imports what the job needs, and note its time and memory."""
        self.notebook.import_s += timed(action)
        self.notebook.after_import_bytes = resident_bytes()

    def runs_on(
        self,
        device: str = "cpu",
        *,
        versions: Mapping[str, str] | None = None,
        threads: tuple[int | None, int | None] = (None, None),
        synchronise: Callable[[], None] = no_device,
    ) -> None:
        """Note what the job runs on: `cpu` or `gpu`, package versions, intra-op and inter-op
        threads. `synchronise` waits for the device; it is called before a clock is read.

        Raises DeviceError if the machine was declared to have a GPU but the device is a CPU.
        """
        check_device(self._expects, ["gpu"] if device == "gpu" else [])
        self.notebook.device, self.notebook.threads = device, threads
        self.notebook.versions = dict(versions or {})
        self._synchronise = synchronise

    def data_loaded(self, digest: str | None = None) -> None:
        """Note the memory after loading the data; `digest` is the digest of the loaded data.

        Raises DataError if they are not the data of the run.
        """
        if digest is not None and digest != self._data_digest:
            raise DataError(
                f"the data at {self.data_path} are not the data of the run",
                seen=f"{digest[:12]}, not {self._data_digest[:12]}",
                next_step="delete that file and run again",
            )
        self.notebook.after_data_bytes = resident_bytes()

    def digest(self, name: str, arrays: Arrays) -> None:
        """Note the digest of `initial_weights` or `batch_order`, which proves what was run."""
        self.notebook.digests[name] = arrays_digest(arrays)

    def work(self, work: WorkCount) -> None:
        """Note how much work one step of a full batch must do at least."""
        self.notebook.work = work

    def note(self, text: str) -> None:
        """Note a sentence that the record keeps."""
        self.notebook.notes.append(text)

    def tell(self, event: str, **detail: Any) -> None:
        """Emit a progress event; `detail` must fit into JSON."""
        self._emit({"event": event, **detail})

    def ceilings_by(self, operations: Operations) -> None:
        """Take the bare operations that measure the machine's ceilings after the job."""
        self.notebook.operations = operations

    def confusion_by(self, classes: Sequence[str], predict: Predict) -> None:
        """Take what predicts a class for each sample of the test data, by the trained model.

        `predict` is called after the job, when all clocks were read.
        """
        self.notebook.confusion = functools.partial(count_confusion, tuple(classes), predict)

    @contextlib.contextmanager
    def training(
        self,
        evaluate: Evaluate | None = None,
        weights: Callable[[], Arrays] | None = None,
        *,
        ragged_last_step: bool = False,
    ) -> Iterator[None]:
        """Time what a user waits for: everything inside, and the evaluation at the end.

        `evaluate` returns the metrics, and `weights` the trained arrays (for their digest). Set
        `ragged_last_step` if the last step of every epoch has fewer samples than the others.
        """
        if self._phase is not Phase.IDLE:
            raise WorkloadError(
                "a second training began",
                seen=self._phase.value,
                next_step="open `with meter.training():` once in a job",
            )
        self._evaluate, self._weights = evaluate, weights
        self.notebook.ragged_last_step = ragged_last_step
        self._phase, self._clocks = Phase.TRAINING, Clocks()
        self._clock = StoppableClock()
        self._emit({"event": "training", "clock_s": self._clock.origin})
        try:
            yield
            self._check_trained()
            self._note_evaluation(self._job.epochs, self._clock.elapsed())
            self._clocks.check("in the evaluation")
        finally:
            self._phase = Phase.DONE
        self.notebook.peak = peak_bytes()

    def epoch(self) -> EpochTimer:
        """Begin the next epoch and return its timer. Call it inside `training`."""
        number = len(self.notebook.epochs) + 1
        if self._phase is Phase.EPOCH:
            raise WorkloadError(
                f"an epoch began before epoch {number} ended",
                next_step="open it in a `with` statement, or call its end()",
            )
        if self._phase is not Phase.TRAINING:
            raise WorkloadError(
                "an epoch began outside the training",
                seen=self._phase.value,
                next_step="open it inside `with meter.training():`",
            )
        self._phase = Phase.EPOCH
        return EpochTimer(number, self._synchronise, self._epoch_ended)

    def _check_trained(self) -> None:
        trained, epochs = len(self.notebook.epochs), self._job.epochs
        if self._phase is Phase.EPOCH:
            raise WorkloadError(
                f"the training ended before epoch {trained + 1} ended",
                next_step="open it in a `with` statement, or call its end()",
            )
        if trained != epochs:
            raise WorkloadError(
                "the workload did not train as many epochs as the job asks for",
                seen=f"{trained} of {epochs}",
                next_step="call meter.epoch() exactly job.epochs times",
            )

    def _epoch_ended(self, timed_epoch: TimedEpoch) -> None:
        assert self._clock is not None
        trained_s = self._clock.elapsed()
        self._clock.without(lambda: self._note_epoch(timed_epoch, trained_s))
        if self._phase is Phase.EPOCH:
            self._phase = Phase.TRAINING

    def _note_epoch(self, epoch: TimedEpoch, trained_s: float) -> None:
        if not epoch.step_s.size:
            raise WorkloadError(
                f"epoch {epoch.epoch} has no step", next_step="call epoch.step() after each step"
            )
        self._clocks.check(f"in epoch {epoch.epoch}")
        check_times(epoch.epoch, epoch.ended - epoch.started, epoch.step_s)
        if self.notebook.first_step_at_s is None:
            first = epoch.started + float(epoch.step_s[0]) - self._started_s
            self.notebook.first_step_at_s = first
        self.notebook.epochs.append(self._epoch_record(epoch))
        self.notebook.step_s.append(epoch.step_s)
        self._emit(
            {
                "event": "epoch",
                "epoch": epoch.epoch,
                "epochs": self._job.epochs,
                "wall_s": epoch.ended - epoch.started,
                "metrics": epoch.metrics,
            }
        )
        if epoch.epoch in self._job.evaluated_after:
            self._note_evaluation(epoch.epoch, trained_s)

    def _epoch_record(self, epoch: TimedEpoch) -> EpochRecord:
        assert self._clock is not None
        last = -1 if self.notebook.ragged_last_step else None
        rest = epoch.step_s[1:last]  # a smaller batch does not measure a full one
        return EpochRecord(
            epoch=epoch.epoch,
            started_s=epoch.started - self._clock.origin,
            wall_s=epoch.ended - epoch.started,
            cpu_s=epoch.cpu_s,
            steps=len(epoch.step_s),
            step_first_s=float(epoch.step_s[0]),
            step_p10_s=quantile(rest, 0.10),
            step_median_s=quantile(rest, 0.50),
            step_p95_s=quantile(rest, 0.95),
            metrics=self._named(epoch.metrics, "epoch"),
            rss_bytes=resident_bytes(),
        )

    def _note_evaluation(self, epochs: int, trained_s: float) -> None:
        begin = time.perf_counter()
        metrics = self._evaluate() if self._evaluate else {}
        self._synchronise()
        evaluate_s = time.perf_counter() - begin
        weights = self._weights() if self._weights else None
        check_finite(metrics, weights or ())
        digest = None if weights is None else arrays_digest(weights)
        self.notebook.evaluations.append(
            Evaluation(
                epochs=epochs,
                metrics=self._named(metrics, "evaluation"),
                evaluate_s=evaluate_s,
                total_s=trained_s + evaluate_s,
                weights_digest=digest,
            )
        )

    def _named(
        self, metrics: Mapping[str, float], measured: Literal["epoch", "evaluation"]
    ) -> dict[str, float]:
        """Return the reported metrics; each must be one that the description names for this use."""
        known = [one.name for one in self._metrics if one.measured in (measured, "both")]
        for name in metrics:
            if name not in known:
                raise WorkloadError(
                    f"the description names no such metric of an {measured}",
                    seen=f"{name}, not one of {', '.join(known) or 'none'}",
                    next_step="add it to the metrics of the Description, or do not report it",
                )
        return {name: float(value) for name, value in metrics.items()}
