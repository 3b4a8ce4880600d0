"""The workload: one MNIST job from data to measurement, and what a run must know before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.child.ceilings import Operations
from bench.child.meter import Meter
from bench.child.workload import Dataset, Workload
from bench.record.facts import MachineFacts
from bench.spec.job import JobSpec
from bench.text import type_and_line
from mnist_bench import eligibility, runtime
from mnist_bench.backends import backend, installed
from mnist_bench.data import combined_digest, load_staged, resolve
from mnist_bench.description import DESCRIPTION
from mnist_bench.estimate import job_seconds
from mnist_bench.inputs import prepare
from mnist_bench.models import ARCHITECTURES, batch_orders, build_model
from mnist_bench.settings import Settings, settings_of
from mnist_bench.staging import stage_in_cache
from mnist_bench.step_work import count_work
from mnist_bench.training import train


class MnistWorkload(Workload):
    """Trains one of the two networks of the 2020 annex, and times it as the annex did."""

    description = DESCRIPTION

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        """Train as `job` asks. Raises whatever the framework raises."""
        settings = settings_of(job)
        framework = backend(settings.backend)
        meter.load(lambda: framework.load(meter.threads))
        meter.runs_on(
            framework.device(),
            versions=framework.versions(),
            threads=framework.thread_counts(),
        )
        assert meter.data_path is not None, "every job of this workload has data"
        arrays = load_staged(meter.data_path)
        inputs = prepare(arrays, settings)
        meter.data_loaded(combined_digest(arrays))
        orders = batch_orders(job.seed, job.epochs, len(arrays.x_train))
        model = build_model(settings.model, job.seed, settings.precision)
        meter.digest("initial_weights", model.get_weights())
        meter.digest("batch_order", [orders])
        train(model, inputs, orders, settings, framework, meter)
        meter.work(count_work(model, settings))
        meter.ceilings_by(
            Operations(lambda size: framework.matmul(size, settings.precision), framework.copy)
        )
        for note in _notes(settings):
            meter.note(note)

    def dataset(self, which: str, path: str | None) -> Dataset:
        """Return MNIST, or the synthetic set in its place. Raises DataError."""
        found = resolve(which, path)
        return Dataset(
            name=found.name,
            digest=combined_digest(found.digests),
            source=found.source,
            note=found.note,
            tried=found.tried,
            stage=lambda: stage_in_cache(found),
        )

    def why_skipped(self, job: JobSpec, facts: MachineFacts) -> str | None:
        """Return why a machine with `facts` cannot run `job`; None if it can."""
        return eligibility.why_skipped(settings_of(job), facts)

    def estimate_s(self, job: JobSpec) -> float:
        """Return about how many seconds `job` takes on two cores."""
        return job_seconds(job)

    def may_use_gpu(self) -> bool:
        """Say whether a backend here is built for NVIDIA GPUs."""
        return eligibility.may_use_gpu()

    def builds(self) -> Mapping[str, Callable[[], dict[str, str]]]:
        """Return what tells how each imported framework was built."""
        return runtime.loaded_builds()

    def import_all(self, threads: int) -> Mapping[str, str]:
        """Import every installed framework; return why those that failed did."""
        failures = {}
        for name in installed():
            try:
                backend(name).load(threads)
            except Exception as error:  # a broken framework is a finding, not an end
                failures[name] = type_and_line(error)
        return failures

    def gpu_peak_bytes(self, job: JobSpec) -> tuple[int | None, str | None]:
        """Return the peak that the backend's allocator counted, and its counter."""
        return runtime.gpu_peak_bytes(settings_of(job).backend)


def _notes(settings: Settings) -> tuple[str, ...]:
    divisor = ARCHITECTURES[settings.model].published_test_divisor
    if settings.as_published and divisor != 255:
        return (f"test images divided by {divisor}, as published in 2020",)
    return ()


WORKLOAD = MnistWorkload()
