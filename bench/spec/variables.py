"""Environment variables that change the speed of numerical programs in general."""

from __future__ import annotations

#: Variables that set the number of threads, each to the number asked for.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",
)

#: Variables that change speed and that are recorded as the child saw them.
RECORDED_VARIABLES = (
    "OMP_PROC_BIND",
    "OMP_PLACES",
    "OMP_WAIT_POLICY",
    "OMP_DYNAMIC",
    "OMP_SCHEDULE",
    "GOMP_CPU_AFFINITY",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "KMP_HW_SUBSET",
    "MKL_CBWR",
    "MKL_DYNAMIC",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_CACHE_DISABLE",
    "CUDA_DEVICE_MAX_CONNECTIONS",
    "CUDA_MODULE_LOADING",
    "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
    "CUDA_LAUNCH_BLOCKING",
    "NVIDIA_TF32_OVERRIDE",
    "MALLOC_ARENA_MAX",
    "MALLOC_CONF",
    "GLIBC_TUNABLES",
    "LD_PRELOAD",
)

#: Variables without which a job may find no library, or not start. A job's record shows them, and
#: its machine's facts do not: a path of another login makes no other machine.
NEEDED_VARIABLES = (
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_MPS_PIPE_DIRECTORY",
    "KMP_DUPLICATE_LIB_OK",
    "MKL_THREADING_LAYER",
    "OMP_STACKSIZE",
)

#: Beginnings of the names of variables that numerical libraries read: of these, a job inherits only
#: what its record shows.
FAMILIES: tuple[str, ...] = (
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "NPY_"),
    *("CUDA_", "CUDNN_", "CUBLAS_", "NCCL_", "MALLOC_"),
)
