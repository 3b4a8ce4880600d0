"""About how long jobs take, for `--dry-run` and for the time left; never shown as a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.spec.grid import JobSpec

#: Seconds of one epoch at batch 128 with Keras `fit` on shared 2-core VMs (November 2026; the CNN
#: took 10 s with AVX-512 and 15 s without), split into a part that shrinks with larger batches (per
#: step) and a part that does not (per image).
EPOCH_S: Mapping[str, tuple[float, float]] = {"mlp": (1.6, 0.8), "cnn": (2.5, 10.5)}

#: How many times as long an epoch takes as with `fit` on TensorFlow, where that is known: seen on
#: 2 cores with AVX2 at batch 128 (November 2026). XLA's convolutions are slow on a CPU.
RELATIVE: Mapping[tuple[str, str, str], float] = {
    ("mlp", "compiled", "tensorflow"): 0.5,
    ("mlp", "compiled", "jax"): 0.5,
    ("mlp", "compiled", "torch"): 0.55,
    ("cnn", "compiled", "tensorflow"): 0.95,
    ("cnn", "compiled", "jax"): 4.0,
    ("cnn", "compiled", "torch"): 0.8,
    ("cnn", "fit", "jax"): 4.0,
}

#: Seconds around the training: starting a child, importing the backend, loading, evaluating.
AROUND_S: Mapping[str, float] = {"mlp": 8.0, "cnn": 12.0}


def job_seconds(job: JobSpec) -> float:
    """Return about how many seconds `job` takes on 2 cores."""
    per_step, per_image = EPOCH_S[job.model]
    loop = job.loop if job.loop == "fit" else "compiled"
    factor = RELATIVE.get((job.model, loop, job.backend), 1.0)
    epoch_s = factor * (per_step * 128 / job.batch_size + per_image)
    return job.epochs * epoch_s + AROUND_S[job.model] + 4.0 * len(job.read_off)


class TimeLeft:
    """Time left, from the estimates scaled by how the jobs so far turned out."""

    def __init__(self, jobs: Iterable[JobSpec]) -> None:
        self._left = {job.job_id: job_seconds(job) for job in jobs}
        self._spent_s = self._expected_s = 0.0

    def finished(self, job_id: str, took_s: float | None) -> None:
        """Take note that a job is done and how long it took; None teaches nothing (it failed)."""
        expected_s = self._left.pop(job_id, 0.0)
        if took_s is not None:
            self._expected_s += expected_s
            self._spent_s += took_s

    @property
    def factor(self) -> float:
        """How much slower than the estimate this machine has been so far; 1 at first."""
        return self._spent_s / self._expected_s if self._expected_s else 1.0

    def seconds(self, running: str | None = None, since_s: float = 0.0) -> float:
        """Return about how many seconds are left, `running` having run for `since_s`."""
        running_left = max(0.0, self._left.get(running or "", 0.0) * self.factor - since_s)
        waiting = sum(value for key, value in self._left.items() if key != running)
        return waiting * self.factor + running_left
