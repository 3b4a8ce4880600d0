"""A stand-in for pynvml: two GPUs, the second older. No NVIDIA driver can be had in tests."""

from __future__ import annotations

from types import SimpleNamespace

NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
GIB = 2**30


class NVMLError(Exception):
    """As pynvml's own."""


#: What the GPUs are doing; a test may change it.
STATE = {"energy_mj": 1_000_000, "reasons": 0x4, "opened": 0}


def nvmlInit():
    STATE["opened"] += 1


def nvmlShutdown():
    STATE["opened"] -= 1


def nvmlDeviceGetCount():
    return 2


def nvmlDeviceGetHandleByIndex(index):
    return index


def nvmlSystemGetDriverVersion():
    return "560.35.03"


def nvmlDeviceGetName(handle):
    return ("NVIDIA H100 80GB HBM3", b"Tesla K80")[handle]


def nvmlDeviceGetUUID(handle):
    return f"GPU-serial-{handle}"


def nvmlDeviceGetMemoryInfo(handle):
    return SimpleNamespace(total=80 * GIB, used=3 * GIB)


def nvmlDeviceGetEnforcedPowerLimit(handle):
    return 700_000


def nvmlDeviceGetCudaComputeCapability(handle):
    return (9, 0)


def nvmlDeviceGetMigMode(handle):
    if handle == 1:
        raise NVMLError("Not Supported")
    return (1, 1)


def nvmlDeviceGetMaxClockInfo(handle, kind):
    return 1980


def nvmlDeviceGetUtilizationRates(handle):
    return SimpleNamespace(gpu=37)


def nvmlDeviceGetClockInfo(handle, kind):
    return 1755


def nvmlDeviceGetPowerUsage(handle):
    return 250_000


def nvmlDeviceGetTemperature(handle, kind):
    return 61


def nvmlDeviceGetCurrentClocksThrottleReasons(handle):
    return STATE["reasons"]


def nvmlDeviceGetTotalEnergyConsumption(handle):
    if handle == 1:
        raise NVMLError("Not Supported")
    STATE["energy_mj"] += 250_000
    return STATE["energy_mj"]
