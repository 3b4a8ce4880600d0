"""What the benchmarks of the benchmark share: a part of the data, staged, and jobs run on it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.analysis.warmup import steady_times_s
from bench.child.launch import LaunchSpec, child_environment
from bench.child.process import run_child
from bench.dispatch.transport import Transport
from bench.probe.usable import usable_cpus
from bench.record.lines import JobRecord
from bench.spec.job import JobSpec, make_job
from mnist_bench.data import Arrays, MnistData, combined_digest, digests_of, resolve, write_copy
from mnist_bench.description import AXES, DESCRIPTION

ROOT = Path(__file__).resolve().parents[2]

#: How a job description names the workload.
WORKLOAD = "mnist_bench.workload:WORKLOAD"


@dataclass(frozen=True)
class Staged:
    """A part of a dataset, in a file that children read."""

    name: str
    source: str
    path: Path
    digest: str
    images: int

    def launch(self, job: JobSpec, **changes: object) -> LaunchSpec:
        """Return the description of `job` on these data, with this machine's threads."""
        fields = {
            "run_id": "perf",
            "workload": WORKLOAD,
            "job": job,
            "label": "here",
            "data_path": str(self.path),
            "data_digest": self.digest,
            "threads": max(1, int(usable_cpus() or 1)),
        }
        return LaunchSpec.model_validate({**fields, **changes})

    def job(self, **fields: object) -> JobSpec:
        """Return a job on these data; `fields` are values of axes and other fields."""
        axes = {axis.name: fields.pop(axis.name) for axis in AXES if axis.name in fields}
        return make_job(AXES, axes, **{"seed": 1234, "dataset": self.name, **fields})


def stage_part(images: int, folder: Path, tested: int = 1000) -> Staged:
    """Stage the first `images` train and `tested` test images of the data that a run would take."""
    dataset = resolve("auto", None)
    sizes = (images, images, tested, tested)
    arrays = Arrays(*(part[:size] for part, size in zip(dataset.arrays, sizes, strict=True)))
    part = MnistData(dataset.name, arrays, dataset.source, digests_of(arrays))
    path = write_copy(part, folder)
    return Staged(dataset.name, dataset.source, path, combined_digest(part.digests), images)


def run_bare(launch: LaunchSpec) -> JobRecord:
    """Run the job in a child of this process, watched as in a run."""
    (record,) = (item for item in run_child(launch) if isinstance(item, JobRecord))
    return record


def run_by(transport: Transport, launch: LaunchSpec) -> JobRecord:
    """Run the job on the one host of a transport that was entered. Raises RuntimeError."""
    (host,) = transport.hosts()
    ticket = transport.start(host, launch)
    while True:
        for message in transport.poll(1.0):
            if message.ticket == ticket and message.record is not None:
                return message.record
            if message.kind in ("lost", "away", "failed"):
                raise RuntimeError(f"the job was {message.kind}: {message.reason}")


def run_script(name: str, launch: LaunchSpec) -> str:
    """Run a script of this folder in the environment of a job's child; return its last line."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(name))],
        input=launch.model_dump_json(),
        capture_output=True,
        text=True,
        env=child_environment(os.environ, launch, DESCRIPTION),
        check=True,
    )
    return done.stdout.splitlines()[-1]


def p10_s(record: JobRecord) -> float:
    """Return the p10 of a job's steady steps, in seconds. Raises RuntimeError where it failed."""
    if record.measurement is None:
        raise RuntimeError(f"{record.job_id} failed: {record.failure}")
    steps = [epoch.steps for epoch in record.measurement.epochs]
    return float(np.quantile(steady_times_s(record.measurement, steps), 0.10))
