"""Plausible machines, sittings and records, drawn from a seed, in the project's own format."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.record.ceilings import Ceilings, CopyRate, MatmulRate, WorkCount
from bench.record.conditions import Conditions, EnergyReading, Interference
from bench.record.facts import MachineFacts, RuntimeFacts, ThreadPool
from bench.record.failure import Failure
from bench.record.lines import JobRecord, MachineEntry, RunHeader
from bench.record.measurement import (
    Digests,
    EpochRecord,
    Evaluation,
    Measurement,
    MemoryFacts,
    PackedTimes,
    ThreadFacts,
)
from bench.record.price import PriceRule
from bench.spec.job import JobSpec, make_job
from mnist_bench.description import AXES, DESCRIPTION

#: Seeds of each cell, sittings of each machine, and steps that an epoch records.
SEEDS, SITTINGS, STEPS = 2, 2, 20
#: Standard deviations of log times: between machines of one type, sittings, and jobs.
MACHINE_SPREAD, SITTING_SPREAD, JOB_SPREAD = 0.03, 0.04, 0.02
#: Shares of jobs that fail and that are disturbed, and how much slower a disturbed job is.
FAILED, DISTURBED, SLOWER = 0.01, 0.03, 1.12
#: Types of machines: names of instances, and how fast each is beside the first.
TYPES = {
    f"{family}.{size}": 1.0 + 0.13 * number + 0.6 * (size == "xlarge")
    for number, family in enumerate(("c6i", "c7i", "c7a", "m6i", "m7a", "r7i"))
    for size in ("large", "xlarge")
}
#: Seconds of a step on the first type, by model.
STEP_S = {"mlp": 0.004, "cnn": 0.030}
FIRST = datetime(2026, 11, 1, 8, tzinfo=UTC)
MIB = 2**20


@dataclass(frozen=True)
class Plausible:
    """A machine: its label, type, facts, price, and the factor of all its times."""

    label: str
    kind: str
    facts: MachineFacts
    slowness: float


def digest(*parts: object) -> str:
    """Return a digest of some parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def planned(jobs: int) -> tuple[JobSpec, ...]:
    """Return the jobs of a sitting; one cell in ten trains longer and is evaluated every epoch."""
    specs = []
    cells = [
        (model, optimizer, batch)
        for batch in (128, 512, 32, 1024, 64, 256)
        for optimizer in ("adam", "sgd", "rmsprop")
        for model in ("mlp", "cnn")
    ]
    for number in range(jobs):
        cell = number // SEEDS
        model, optimizer, batch = cells[cell % len(cells)]
        specs.append(
            make_job(
                AXES,
                {"model": model, "optimizer": optimizer, "batch_size": batch},
                epochs=2 if cell % 10 else 4,
                seed=number % SEEDS + 1,
                dataset="mnist",
                repeat=cell // len(cells),
                evaluate="end" if cell % 10 else "every",
            )
        )
    return tuple(specs)


def machine(number: int, rng: random.Random) -> Plausible:
    """Return the machine with this number."""
    kind, speed = list(TYPES.items())[number % len(TYPES)]
    label = f"vm-{number:04d}"
    wide = kind.startswith(("c7", "m7", "r7"))
    cores = 4 if kind.endswith("xlarge") else 2
    sets = ("SSE4.2", "AVX", "AVX2", "FMA", "F16C", *(("AVX512F", "AVX512BW") if wide else ()))
    found = MachineFacts(
        machine_id=digest("machine", label)[:16],
        machine_type=digest("type", kind)[:16],
        kind="cloud",
        host_hash=digest("host", label)[:16],
        cpu_model=f"Planted CPU of {kind.partition('.')[0]}",
        cpu_vendor="Planted",
        cpu_architecture="x86_64",
        microarchitecture="x86_64_v4" if wide else "x86_64_v3",
        instruction_sets=sets,
        cpu_flags=tuple(sorted({name.lower().replace(".", "_") for name in sets} | set("abcdef"))),
        sockets=1,
        physical_cores=cores,
        logical_cores=cores,
        threads_per_core=1,
        caches_bytes={"L1d": 32768, "L1i": 32768, "L2": MIB, "L3": 32 * MIB},
        cache_instances={"L1d": cores, "L1i": cores, "L2": cores, "L3": 1},
        affinity_cpus=cores,
        usable_cpus=float(cores),
        memory_total_bytes=4096 * MIB * cores,
        memory_usable_bytes=4096 * MIB * cores,
        virtualisation="KVM",
        container="none",
        has_battery=False,
        cloud_provider="aws",
        cloud_instance_type=kind,
        os="Planted Linux 12",
        kernel="6.1.0",
        libc="glibc 2.36",
        mitigations={"spectre_v1": "Mitigation: barriers", "spectre_v2": "Mitigation: Retpolines"},
        python="3.11.7",
        environment={},
        packages={"keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.4.6", "ray": "2.60.0"},
        unknown={"cpu_governor": "no cpufreq driver", "gpus": "no NVIDIA driver answers"},
    )
    return Plausible(label, kind, found, math.exp(rng.gauss(0, MACHINE_SPREAD)) / speed)


@dataclass(frozen=True)
class Sitting:
    """A run of one machine, as its journal holds it."""

    header: RunHeader
    entry: MachineEntry
    records: tuple[JobRecord, ...]


def sittings(one: Plausible, jobs: int, rng: random.Random) -> Iterator[Sitting]:
    """Yield the sittings of a machine, which share `jobs` jobs equally."""
    for number in range(SITTINGS):
        share = jobs // SITTINGS + (number < jobs % SITTINGS)
        if share:
            yield _sitting(one, number, planned(share), rng)


def _sitting(one: Plausible, number: int, jobs: Sequence[JobSpec], rng: random.Random) -> Sitting:
    began = FIRST + timedelta(days=number, minutes=rng.randrange(600))
    run_id = f"{began:%Y%m%dT%H%M%SZ}-plausible-{one.label}"
    boot = {"boot_hash": digest("boot", run_id)[:16]}
    facts = one.facts.model_copy(update=boot)
    day, records = math.exp(rng.gauss(0, SITTING_SPREAD)), []
    clock = began
    for place, job in enumerate(jobs):
        clock += timedelta(seconds=30)
        records.append(_record(one, facts, run_id, job, clock, one.slowness * day, place, rng))
    header = RunHeader(
        run_id=run_id,
        workload=DESCRIPTION.outline,
        request_digest=digest("request", len(jobs)),
        command="python -m mnist_bench.run --grid plausible",
        grid="plausible",
        label=one.label,
        dataset="mnist",
        dataset_source="planted",
        data_digest=digest("data"),
        order_seed=7,
        started_at=began.isoformat(),
        jobs=tuple(jobs),
        prices=(PriceRule(usd_per_hour=0.1 / one.slowness, source="planted", date="2026-11"),),
    )
    entry = MachineEntry(
        run_id=run_id,
        label=one.label,
        own=True,
        machine=facts,
        jobs=tuple(job.job_id for job in jobs),
    )
    return Sitting(header, entry, tuple(records))


def _record(
    one: Plausible,
    facts: MachineFacts,
    run_id: str,
    job: JobSpec,
    began: datetime,
    slowness: float,
    place: int,
    rng: random.Random,
) -> JobRecord:
    failed, disturbed = rng.random() < FAILED, rng.random() < DISTURBED
    factor = slowness * math.exp(rng.gauss(0, JOB_SPREAD)) * (SLOWER if disturbed else 1)
    step_s = STEP_S[str(job.axes["model"])] * (int(job.axes["batch_size"]) / 128) ** 0.8 * factor
    return JobRecord(
        run_id=run_id,
        job_id=job.job_id,
        job=job,
        label=one.label,
        machine=facts,
        placed_by="ray",
        started_at=began.isoformat(),
        ended_at=(began + timedelta(seconds=25)).isoformat(),
        measurement=None if failed else _measurement(one, job, step_s, place, rng),
        failure=Failure(reason="time limit", message="not done after 600 s") if failed else None,
        conditions=_conditions(job, step_s, disturbed, rng),
        runtime=RuntimeFacts(
            thread_pools=(ThreadPool(api="openmp", library="libgomp", threads=2),),
            frameworks={"tensorflow": {"version": "2.21.0", "oneDNN": "yes"}},
        ),
    )


def _measurement(
    one: Plausible, job: JobSpec, step_s: float, place: int, rng: random.Random
) -> Measurement:
    steps = [
        [step_s * rng.lognormvariate(0, 0.05) for _ in range(STEPS)] for _ in range(job.epochs)
    ]
    steps[0][0] += 1.0
    epochs = tuple(_epoch(number, times, job, one) for number, times in enumerate(steps, 1))
    told = range(1, job.epochs + 1) if job.evaluate == "every" else (job.epochs,)
    train_s = sum(epoch.wall_s for epoch in epochs)
    cores = int(one.facts.usable_cpus or 1)
    sizes = (job.axes["model"], job.seed)
    return Measurement(
        epochs=epochs,
        step_times=PackedTimes.pack([time for times in steps for time in times]),
        evaluations=tuple(_evaluation(after, train_s, job, one) for after in told),
        train_s=train_s,
        import_s=rng.uniform(5, 6),
        first_step_at_s=rng.uniform(8, 9),
        memory=MemoryFacts(
            after_import_bytes=rng.randrange(700, 710) * MIB,
            after_data_bytes=rng.randrange(900, 910) * MIB,
            peak_bytes=rng.randrange(1600, 1700) * MIB,
            peak_source="VmHWM",
        ),
        threads=ThreadFacts(
            asked=cores,
            environment={"OMP_NUM_THREADS": str(cores), "XLA_FLAGS": None, "LD_PRELOAD": None},
            intra_op=cores,
            inter_op=cores,
            niceness_asked=0,
            niceness=0,
        ),
        digests=Digests(
            data=digest("data"),
            initial_weights=digest("weights", *sizes),
            batch_order=digest("order", job.seed, job.axes["batch_size"]),
            final_weights=_weights(job.epochs, job, one),
            code=digest("code"),
        ),
        device="cpu",
        versions={"keras": "3.15.1", "tensorflow": "2.21.0"},
        work=WorkCount(flops=10**9, bytes=10**7, working_set_bytes=2**21),
        ceilings=None if place else _ceilings(one),
    )


def _epoch(number: int, times: Sequence[float], job: JobSpec, one: Plausible) -> EpochRecord:
    ordered = sorted(times[1:])
    loss, accuracy = _quality(number, job, one)
    return EpochRecord(
        epoch=number,
        started_s=float(number),
        wall_s=sum(times),
        cpu_s=1.9 * sum(times),
        steps=len(times),
        step_first_s=times[0],
        step_p10_s=ordered[1],
        step_median_s=ordered[len(ordered) // 2],
        step_p95_s=ordered[-1],
        metrics={"train_loss": loss, "train_accuracy": accuracy},
        rss_bytes=1400 * MIB,
    )


def _evaluation(after: int, train_s: float, job: JobSpec, one: Plausible) -> Evaluation:
    loss, accuracy = _quality(after, job, one)
    return Evaluation(
        epochs=after,
        metrics={
            "train_loss": loss,
            "train_accuracy": accuracy,
            "test_loss": 1.1 * loss,
            "test_accuracy": accuracy - 0.004,
        },
        evaluate_s=0.5,
        total_s=train_s * after / job.epochs + 1.5,
        weights_digest=_weights(after, job, one),
    )


def _quality(epoch: int, job: JobSpec, one: Plausible) -> tuple[float, float]:
    """Return loss and accuracy: decided by the job, but for the last digits of a CPU's design."""
    rng = random.Random(digest(job.job_id, epoch))
    loss = 0.2 / epoch * rng.uniform(0.95, 1.05)
    loss *= 1 + (1e-6 if one.facts.microarchitecture == "x86_64_v4" else 0)
    return loss, 1 - loss / 4


def _weights(epoch: int, job: JobSpec, one: Plausible) -> str:
    return digest("trained", job.job_id, epoch, one.facts.microarchitecture)


def _ceilings(one: Plausible) -> Ceilings:
    return Ceilings(
        matmul=(MatmulRate(size=1024, flops_per_s=2e11 / one.slowness),),
        copy_rates=(CopyRate(size_bytes=2**20, bytes_per_s=2e10 / one.slowness),),
        took_s=1.0,
    )


def _conditions(job: JobSpec, step_s: float, disturbed: bool, rng: random.Random) -> Conditions:
    wall_s = STEPS * step_s
    energy = EnergyReading(
        source="RAPL package-0",
        covers="the CPU package, including other processes",
        joules=20 * wall_s * job.epochs,
        basis="measured",
    )
    whole = Interference(
        wall_s=wall_s * job.epochs,
        flag="disturbed" if disturbed else "quiet",
        causes=("foreign CPU (0.9 CPUs)",) if disturbed else (),
        energy=(energy,),
        **_seen(disturbed, rng),
    )
    return Conditions(
        period_s=0.1,
        samples=40,
        rss_peak_bytes=rng.randrange(1600, 1700) * MIB,
        tree_rss_peak_bytes=rng.randrange(1600, 1700) * MIB,
        cpu_s=2 * wall_s * job.epochs,
        sampling_cpu_s=0.02,
        whole=whole,
        epochs=tuple(
            Interference(epoch=epoch, wall_s=wall_s, flag=whole.flag, **_seen(disturbed, rng))
            for epoch in range(1, job.epochs + 1)
        ),
        unknown={"battery": "there is none", "frequency": "the system states no frequency"},
    )


def _seen(disturbed: bool, rng: random.Random) -> dict[str, float | int]:
    return {
        "job_cpu_s": rng.uniform(1, 2),
        "foreign_cpus": rng.uniform(0, 0.02) + 0.9 * disturbed,
        "steal_share": rng.uniform(0, 0.01),
        "load_1min": rng.uniform(1, 2),
        "voluntary_switches": rng.randrange(10_000),
        "involuntary_switches": rng.randrange(1_000),
        "pressure_cpu_some_share": rng.uniform(0, 0.1),
        "pressure_memory_some_share": 0.0,
        "pressure_io_some_share": 0.0,
        "minor_faults": rng.randrange(100_000),
        "major_faults": 0,
        "swapped_bytes": 0,
        "rss_peak_bytes": rng.randrange(1600, 1700) * MIB,
        "tree_rss_peak_bytes": rng.randrange(1600, 1700) * MIB,
    }
