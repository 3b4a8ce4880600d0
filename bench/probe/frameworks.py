"""What this process has loaded: its thread pools, and how its frameworks were built.

Nothing is imported here: a framework is asked only where the process imported it already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from bench.probe.fact import in_time
from bench.record.facts import RuntimeFacts, ThreadPool

#: Seconds that each question to a framework may take.
LIMIT_S = 2.0


def loaded() -> RuntimeFacts:
    """Return the thread pools and framework builds of this process; never fails."""
    unknown: dict[str, str] = {}
    pools, reason = in_time(_thread_pools, LIMIT_S)
    if reason:
        unknown["thread_pools"] = reason
    frameworks = {}
    for name, read in BUILDS.items():
        if name in sys.modules:
            facts, reason = in_time(lambda read=read, name=name: read(sys.modules[name]), LIMIT_S)
            if reason:
                unknown[name] = reason
            else:
                frameworks[name] = facts
    return RuntimeFacts(thread_pools=pools, frameworks=frameworks, unknown=unknown)


def gpu_peak_bytes(framework: str) -> tuple[int | None, str | None]:
    """Return the peak of GPU memory that a framework's allocator counted, and where from.

    (None, None) where it runs on no GPU. Frameworks keep what they once took from a GPU, so that
    this count, not the driver's, tells what a job needed.
    """
    module = sys.modules.get(framework)
    if module is None or framework not in GPU_PEAKS:
        return None, None
    peak, _ = in_time(lambda: GPU_PEAKS[framework](module), LIMIT_S)
    return (int(peak), f"{framework} allocator") if peak else (None, None)


def _thread_pools() -> tuple[ThreadPool, ...]:
    from threadpoolctl import threadpool_info

    return tuple(
        ThreadPool(
            api=pool["user_api"],
            library=pool["internal_api"],
            version=pool.get("version"),
            threads=pool["num_threads"],
            layer=pool.get("threading_layer"),
            architecture=pool.get("architecture"),
        )
        for pool in threadpool_info()
    )


def _tensorflow(tf: Any) -> dict[str, str]:
    build = {key: _words(value) for key, value in tf.sysconfig.get_build_info().items()}
    port = sys.modules.get("tensorflow.python.util._pywrap_util_port")
    one_dnn = bool(port.IsMklEnabled()) if port is not None else "n/a"
    return {"version": tf.__version__, "oneDNN": _words(one_dnn), **build}


def _torch(torch: Any) -> dict[str, str]:
    return {
        "version": torch.__version__,
        "oneDNN": _words(torch.backends.mkldnn.is_available()),
        "MKL": _words(torch.backends.mkl.is_available()),
        "OpenMP": _words(torch.backends.openmp.is_available()),
        "CUDA": _words(torch.version.cuda),
        "CPU capability": torch.backends.cpu.get_cpu_capability(),
        "threads": _words(torch.get_num_threads()),
    }


def _jax(jax: Any) -> dict[str, str]:
    jaxlib = sys.modules.get("jaxlib")  # asking for its devices would start its backend
    return {"version": jax.__version__, "jaxlib": getattr(jaxlib, "__version__", "n/a")}


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)


def _tensorflow_peak(tf: Any) -> int | None:
    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def _torch_peak(torch: Any) -> int | None:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def _jax_peak(jax: Any) -> int | None:
    device = jax.devices()[0]
    if device.platform != "gpu":
        return None
    return (device.memory_stats() or {}).get("peak_bytes_in_use")


BUILDS: Mapping[str, Callable[[Any], dict[str, str]]] = {
    "tensorflow": _tensorflow,
    "torch": _torch,
    "jax": _jax,
}
GPU_PEAKS: Mapping[str, Callable[[Any], int | None]] = {
    "torch": _torch_peak,
    "jax": _jax_peak,
    "tensorflow": _tensorflow_peak,
}
