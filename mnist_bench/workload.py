"""The workload: runs one MNIST job, and answers what a run must know before its jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.child.ceilings import Operations
from bench.child.meter import Meter
from bench.child.workload import Dataset, Needs, Workload
from bench.record.facts import MachineFacts
from bench.spec.job import JobSpec
from bench.text import type_and_line
from mnist_bench import eligibility, frameworks
from mnist_bench.backends import backend, installed
from mnist_bench.data import MnistData, combined_digest, load_copy, resolve
from mnist_bench.data_copy import cached_copy
from mnist_bench.description import DESCRIPTION
from mnist_bench.estimate import job_seconds
from mnist_bench.inputs import prepare
from mnist_bench.models import ARCHITECTURES, CLASSES, batch_orders, build_model
from mnist_bench.settings import Settings, settings_of
from mnist_bench.step_work import count_work
from mnist_bench.training import predicted, train


class MnistWorkload(Workload):
    """Trains one of the two networks of the 2020 annex, timed as in the annex."""

    description = DESCRIPTION

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        """Train as `job` asks. Raises any error of the framework."""
        settings = settings_of(job)
        framework = backend(settings.backend)
        operations = self.bare_operations(job, meter)
        assert meter.data_path is not None, "every job of this workload has data"
        arrays = load_copy(meter.data_path)
        inputs = prepare(arrays, settings)
        meter.data_loaded(combined_digest(arrays))
        orders = batch_orders(job.seed, job.epochs, len(arrays.x_train))
        model = build_model(settings.model, job.seed, settings.precision)
        meter.digest("initial_weights", model.get_weights())
        meter.digest("batch_order", [orders])
        train(model, inputs, orders, settings, framework, meter)
        meter.work(count_work(model, settings))
        meter.ceilings_by(operations)
        meter.confusion_by(
            tuple(map(str, range(CLASSES))),
            lambda: (arrays.y_test, predicted(model, inputs.x_test)),
        )
        for note in _notes(settings):
            meter.note(note)

    def bare_operations(self, job: JobSpec, meter: Meter) -> Operations:
        """Import the framework, and return its products and copies. Raises any error of it."""
        settings = settings_of(job)
        framework = backend(settings.backend)
        meter.load(lambda: framework.load(meter.threads))
        meter.runs_on(
            framework.device(),
            versions=framework.versions(),
            threads=framework.thread_counts(),
            synchronise=framework.synchronise,
        )
        return Operations(lambda size: framework.matmul(size, settings.precision), framework.copy)

    def dataset(self, which: str, path: str | None) -> Dataset:
        """Return MNIST, or the synthetic dataset instead. Raises DataError if it is unavailable."""
        return _described(resolve(which, path))

    def dataset_here(self, which: str, path: str | None) -> Dataset:
        """Return what `dataset` would return without a download."""
        return _described(resolve(which, path, allow_download=False))

    def needs(self) -> Needs:
        """Return what the jobs need of a machine, and which backends are not installed."""
        return eligibility.needs()

    def why_skipped(self, job: JobSpec, facts: MachineFacts) -> str | None:
        """Return why a machine with `facts` cannot run `job`; None if it can."""
        return eligibility.why_skipped(settings_of(job), facts)

    def estimate_s(self, job: JobSpec) -> float:
        """Return roughly how many seconds `job` takes on two cores."""
        return job_seconds(job)

    def may_use_gpu(self) -> bool:
        """Say whether an installed backend is built for NVIDIA GPUs."""
        return eligibility.may_use_gpu()

    def builds(self) -> Mapping[str, Callable[[], dict[str, str]]]:
        """Return, for each imported framework, a function that returns its build facts."""
        return frameworks.loaded_builds()

    def import_all(self, threads: int) -> Mapping[str, str]:
        """Import every installed framework; return why each failed import did."""
        failures = {}
        for name in installed():
            try:
                backend(name).load(threads)
            except Exception as error:  # a broken framework is a finding, not an end
                failures[name] = type_and_line(error)
        return failures

    def gpu_peak_bytes(self, job: JobSpec) -> tuple[int | None, str | None]:
        """Return the peak GPU memory that the backend's allocator counted, and its name."""
        return frameworks.gpu_peak_bytes(settings_of(job).backend)


def _described(dataset: MnistData) -> Dataset:
    return Dataset(
        name=dataset.name,
        digest=combined_digest(dataset.digests),
        source=dataset.source,
        note=dataset.note,
        tried=dataset.tried,
        stage=lambda: cached_copy(dataset),
    )


def _notes(settings: Settings) -> tuple[str, ...]:
    divisor = ARCHITECTURES[settings.model].published_test_divisor
    if settings.as_published and divisor != 255:
        return (f"test images divided by {divisor}, as published in 2020",)
    return ()


WORKLOAD = MnistWorkload()
