"""The check on a CUDA machine: the quick grid on its GPU, held against the same jobs on its CPU.

    python3 tests/perf/gpu_check.py [--out reports/gpu_check.json] [--backends torch,jax]

Runs from the source tree, nothing of ours installed, with whatever of TensorFlow, JAX and PyTorch
is there; needs NumPy, Keras (with rich), pydantic, psutil and PyYAML. Without Ray every job is a
bare child; with it one job more is placed by Ray. Every loss curve of the GPU is held against the
CPU's `fit`: the same job, first weights and batches. Exit codes: 0 all jobs ran and every curve
agrees, 1 not so (the figures are written all the same), 2 it cannot be run here.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
_python_path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
os.environ["PYTHONPATH"] = os.pathsep.join(_python_path)  # Ray's workers start elsewhere

NEEDED = ("numpy", "keras", "rich", "pydantic", "psutil", "yaml")

#: What asks a backend, in a process of its own, whether it sees a GPU.
SEES_GPU = {
    "tensorflow": "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))",
    "jax": "import jax; print(sum(d.platform == 'gpu' for d in jax.devices()))",
    "torch": "import torch; print(torch.cuda.device_count())",
}

#: Relative difference of an epoch's mean loss between GPU and CPU, which add in other orders (TF32
#: is off); a CNN's dropout may be drawn by another generator.
TOLERANCE = {"mlp": 0.02, "cnn": 0.12}

#: Loops of each backend. The CPU runs a job in the first that is asked for: all loops do the same.
LOOPS = {
    "tensorflow": ("fit", "compiled"),
    "jax": ("fit", "compiled", "stepwise"),
    "torch": ("fit", "compiled", "inductor"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reports/gpu_check.json"))
    parser.add_argument(
        "--backends",
        help=f"comma-separated, of {', '.join(SEES_GPU)} (default: all that see a GPU)",
    )
    parser.add_argument("--loops", help="comma-separated (default: all of a backend)")
    parser.add_argument("--grid", default="quick", help="(default: quick)")
    parser.add_argument("--images", type=int, default=60_000, help="train images (60000)")
    parser.add_argument(
        "--rehearse", action="store_true", help="use the CPU in the GPU's place: tries the script"
    )
    parser.add_argument(
        "--curves",
        type=Path,
        metavar="FILE",
        help="a file of an earlier check, whose curves of the CPU are taken if it has the same job",
    )
    options = parser.parse_args(arguments)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return _refuse(f"{', '.join(missing)} cannot be imported: install them and try again")
    unknown = set((options.backends or "").split(",")) - {"", *SEES_GPU}
    if unknown:
        return _refuse(f"unknown backend {', '.join(sorted(unknown))}: use {', '.join(SEES_GPU)}")
    loops = {loop for known in LOOPS.values() for loop in known}
    if unknown := set((options.loops or "").split(",")) - {"", *loops}:
        return _refuse(f"unknown loop {', '.join(sorted(unknown))}: use {', '.join(sorted(loops))}")
    if options.curves and not options.curves.is_file():
        return _refuse(f"{options.curves} is not a file: leave out --curves, or name another one")
    backends = _backends(options.backends, options.rehearse)
    if not backends:
        return _refuse(
            "no CUDA device is visible to any installed backend; look at nvidia-smi, or try the "
            "script itself with --rehearse"
        )
    if options.loops and not any(set(options.loops.split(",")) & {*LOOPS[b]} for b in backends):
        return _refuse(f"{', '.join(backends)} has no loop {options.loops}")
    asked = (options.backends or "").split(",")
    left_out = [name for name in asked if name and name not in backends]
    if left_out:
        return _refuse(f"{', '.join(left_out)} is not installed or sees no CUDA device")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    document = {}
    for document in _check(backends, options):  # each holds one more job, so a cut loses none
        options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{options.out}: {'all curves agree' if document['agrees'] else 'NOT all agree'}")
    return 0 if document["agrees"] else 1


def _refuse(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return 2


def _backends(wanted: str | None, rehearse: bool) -> list[str]:
    names = wanted.split(",") if wanted else list(SEES_GPU)
    here = [name for name in names if importlib.util.find_spec(name) is not None]
    return [name for name in here if rehearse or _sees_gpu(name)]


def _sees_gpu(name: str) -> bool:
    command = [sys.executable, "-c", SEES_GPU[name]]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode == 0 and int(done.stdout.split()[-1]) > 0


def _check(backends: Sequence[str], options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield the document after each job, and at last with the job that Ray placed."""
    from jobs import stage_part

    images = options.images
    with tempfile.TemporaryDirectory(prefix="mnist-bench-gpu-") as folder:
        data = stage_part(images, Path(folder), tested=min(images, 10_000))
        device = "cpu" if options.rehearse else "gpu"
        document = {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rehearsal_on_cpu": options.rehearse,
            "grid": options.grid,
            "backends": list(backends),
            "left_out": [name for name in SEES_GPU if name not in backends],
            "device": _device(),
            "machine": _machine(),
            "data": {"name": data.name, "source": data.source, "images": images},
            "tolerance": TOLERANCE,
            "agrees": False,
            "jobs": [],
        }
        rows: list[dict[str, object]] = []
        for row in _rows(backends, options, data, device):
            rows.append(row)
            agrees = all(row["agrees"] for row in rows)
            document |= {"agrees": agrees, "jobs": rows}
            yield document
        yield document | {"by_ray": _by_ray(backends[0], data)}


def _rows(
    backends: Sequence[str], options: argparse.Namespace, data, device: str
) -> Iterator[dict[str, object]]:
    """Yield a row for each job of the grid, loop and backend; a backend's first has ceilings."""
    from jobs import run_bare

    from bench.spec.grid import expand
    from bench.spec.grid_files import load_grid
    from mnist_bench.description import DESCRIPTION

    jobs = expand(load_grid(options.grid, DESCRIPTION), DESCRIPTION, data.name)
    loops = options.loops.split(",") if options.loops else None
    earlier = _curves(options.curves, options.images) if options.curves else {}
    for backend in backends:
        cpu_losses: dict[str, list[float] | None] = {}
        for loop in loops or LOOPS[backend]:
            if loop not in LOOPS[backend]:
                continue
            for job in jobs:
                axes = {**job.axes, "backend": backend, "loop": loop}
                changed = job.model_copy(update={"axes": axes})
                expects = device if device == "gpu" else None
                launch = data.launch(changed, measure_ceilings=not cpu_losses, expects=expects)
                record = run_bare(launch)
                key = job.job_id
                if key not in cpu_losses:
                    known = earlier.get((backend, key))
                    cpu_losses[key] = known or _on_cpu(data.launch(changed))
                yield _told(_row(record, key, cpu_losses[key], device))


def _curves(path: Path, images: int) -> dict[tuple[str, str], list[float]]:
    """Return the CPU's curves of an earlier check of as many images, by backend and job."""
    document = json.loads(path.read_text())
    if document["data"]["images"] != images:
        return {}
    return {(row["backend"], row["job"]): row["cpu_losses"] for row in document["jobs"]}


def _on_cpu(launch) -> list[float] | None:
    """Return the loss curve of the same job where no GPU is visible, None where that failed."""
    from jobs import run_bare

    hidden = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    before = {name: os.environ.get(name) for name in hidden}
    os.environ.update(hidden)
    try:
        record = run_bare(launch)
        on_cpu = record.measurement is not None and record.measurement.device == "cpu"
        return _losses(record) if on_cpu else None
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _losses(record) -> list[float] | None:
    if record.measurement is None:
        return None
    return [epoch.metrics["train_loss"] for epoch in record.measurement.epochs]


def _row(record, key: str, cpu: list[float] | None, device: str) -> dict[str, object]:
    from jobs import p10_s

    job, measured, gpu = record.job, record.measurement, _losses(record)
    row: dict[str, object] = {
        **{name: job.axes[name] for name in ("backend", "loop", "model", "optimizer")},
        "seed": job.seed,
        "job": key,
        "gpu_losses": gpu,
        "cpu_losses": cpu,
        "largest_difference": None,
        "agrees": False,
        "failure": record.failure and record.failure.message[:300],
    }
    if gpu and cpu and None not in (*gpu, *cpu):
        apart = max(abs(a - b) / abs(b) for a, b in zip(gpu, cpu, strict=True))
        agrees = apart <= TOLERANCE[job.axes["model"]] and measured.device == device
        row |= {"largest_difference": apart, "agrees": agrees}
    if measured is not None:
        step_s = p10_s(record)
        row |= {
            "device": measured.device,
            "step_p10_ms": 1000 * step_s,
            "epoch_s": measured.epochs[-1].wall_s,
            "first_step_s": measured.epochs[0].step_first_s,
            "total_s": measured.final.total_s,
            "test_accuracy": measured.final.metrics["test_accuracy"],
            "flops_per_s": measured.work.flops / step_s,
            "ceilings": measured.ceilings and measured.ceilings.model_dump(mode="json"),
            "versions": measured.versions,
            "notes": measured.notes,
        }
    return row


def _told(row: dict[str, object]) -> dict[str, object]:
    """Print a line for a job and return its row."""
    what = "{backend} {loop} {model} {optimizer} {seed}".format(**row)
    if row["failure"]:
        print(f"{what}: FAILED: {row['failure']}", flush=True)
    else:
        apart = row["largest_difference"]
        shown = "n/a" if apart is None else f"{apart:.2%}"
        print(f"{what}: {row['step_p10_ms']:.3f} ms a step, curve {shown} apart", flush=True)
    return row


def _by_ray(backend: str, data) -> Mapping[str, object]:
    """Return what one job gave that an embedded Ray placed, or why there was none."""
    if importlib.util.find_spec("ray") is None:
        return {"step_p10_ms": None, "reason": "Ray is not installed"}
    from jobs import p10_s, run_by

    from bench.dispatch.local import LocalSetup
    from bench.dispatch.ray_local import RayLocal
    from bench.errors import DispatchError

    launch = data.launch(
        data.job(model="mlp", optimizer="rmsprop", epochs=3, loop="compiled", backend=backend)
    )
    try:
        with RayLocal(LocalSetup(workload=launch.workload)) as transport:
            record = run_by(transport, launch)
        return {"step_p10_ms": 1000 * p10_s(record), "device": record.measurement.device}
    except (DispatchError, RuntimeError) as error:  # what was measured is written all the same
        return {"step_p10_ms": None, "reason": str(error)[:300]}


def _device() -> str | None:
    """Return what nvidia-smi says of the GPUs, None where it is not there."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _machine() -> Mapping[str, object]:
    from bench.probe.machine import probe
    from mnist_bench.description import DESCRIPTION

    return probe(DESCRIPTION.packages).model_dump(mode="json")


if __name__ == "__main__":
    sys.exit(main())
