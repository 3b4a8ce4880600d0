"""Facts from the frameworks that a job's process has imported: builds and peaks of GPU memory.

Nothing is imported here: only frameworks that the process has already imported are asked.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from bench.probe.fact import FRAMEWORK_LIMIT_S, in_time
from mnist_bench.loops.torch_products import onednn_product


def loaded_builds() -> Mapping[str, Callable[[], dict[str, str]]]:
    """Return, for each imported framework, a function that returns its build facts."""
    return {
        name: functools.partial(read, sys.modules[name])
        for name, read in BUILDS.items()
        if name in sys.modules
    }


def gpu_peak_bytes(framework: str) -> tuple[int | None, str | None]:
    """Return the peak GPU memory that a framework's allocator counted, and the counter's name.

    Returns (None, None) if it does not run on a GPU. Frameworks do not return GPU memory, so this
    count shows what a job needed; the driver's count does not.
    """
    module = sys.modules.get(framework)
    if module is None or framework not in GPU_PEAKS:
        return None, None
    peak, _ = in_time(lambda: GPU_PEAKS[framework](module), FRAMEWORK_LIMIT_S)
    return (int(peak), f"{framework} allocator") if peak else (None, None)


def _tensorflow(tf: Any) -> dict[str, str]:
    build = {key: _as_text(value) for key, value in tf.sysconfig.get_build_info().items()}
    port = sys.modules.get("tensorflow.python.util._pywrap_util_port")
    one_dnn = bool(port.IsMklEnabled()) if port is not None else "n/a"
    return {"version": tf.__version__, "oneDNN": _as_text(one_dnn), **build}


def _torch(torch: Any) -> dict[str, str]:
    return {
        "version": torch.__version__,
        "oneDNN": _as_text(torch.backends.mkldnn.is_available()),
        "MKL": _as_text(torch.backends.mkl.is_available()),
        "float32 products in compiled": "oneDNN" if onednn_product() else "PyTorch's own",
        "OpenMP": _as_text(torch.backends.openmp.is_available()),
        "CUDA": _as_text(torch.version.cuda),
        "CPU capability": torch.backends.cpu.get_cpu_capability(),
        "threads": _as_text(torch.get_num_threads()),
    }


def _jax(jax: Any) -> dict[str, str]:
    jaxlib = sys.modules.get("jaxlib")  # asking for devices would start its backend
    return {"version": jax.__version__, "jaxlib": getattr(jaxlib, "__version__", "n/a")}


def _as_text(value: Any) -> str:
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
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


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
