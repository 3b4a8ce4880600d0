"""Estimates how long a job takes, for `--dry-run` and for the time left; not a measurement."""

from __future__ import annotations

from collections.abc import Mapping

from bench.spec.job import JobSpec
from mnist_bench.settings import settings_of

#: Seconds of one epoch at batch 128 with Keras `fit` on shared 2-core VMs (November 2026; the CNN
#: took 10 s with AVX-512 and 15 s without). The first part shrinks with larger batches (per step);
#: the second part does not (per image).
EPOCH_S: Mapping[str, tuple[float, float]] = {"mlp": (1.6, 0.8), "cnn": (2.5, 10.5)}

#: Known ratios of an epoch's time to `fit` on TensorFlow, measured on 2 cores with AVX2 at batch
#: 128 (November 2026; the CNN on JAX with AVX-512). XLA's own convolutions are slow on a CPU.
RELATIVE: Mapping[tuple[str, str, str], float] = {
    ("mlp", "compiled", "tensorflow"): 0.5,
    ("mlp", "compiled", "jax"): 0.5,
    ("mlp", "compiled", "torch"): 0.55,
    ("cnn", "compiled", "tensorflow"): 0.95,
    ("cnn", "compiled", "jax"): 1.3,
    ("cnn", "compiled", "torch"): 0.8,
    ("cnn", "fit", "jax"): 4.0,
}

#: Seconds outside the training: starting a child, importing the backend, loading, evaluating.
AROUND_S: Mapping[str, float] = {"mlp": 8.0, "cnn": 12.0}

#: Seconds of an evaluation on both sets before the end (quiet 2-core VM, November 2026).
EVALUATION_S: Mapping[str, float] = {"mlp": 4.0, "cnn": 7.0}


def job_seconds(job: JobSpec) -> float:
    """Return roughly how many seconds `job` takes on 2 cores."""
    settings = settings_of(job)
    per_step, per_image = EPOCH_S[settings.model]
    loop = settings.loop if settings.loop == "fit" else "compiled"
    factor = RELATIVE.get((settings.model, loop, settings.backend), 1.0)
    epoch_s = factor * (per_step * 128 / settings.batch_size + per_image)
    evaluations_s = EVALUATION_S[settings.model] * len(job.evaluated_after)
    return job.epochs * epoch_s + AROUND_S[settings.model] + evaluations_s
