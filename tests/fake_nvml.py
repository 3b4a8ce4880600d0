"""A stand-in for pynvml: a GPU cut into slices and an older one. No driver can be had in tests."""

from __future__ import annotations

from types import SimpleNamespace

NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
GIB = 2**30


NVML_ERROR_NOT_FOUND = 6


class NVMLError(Exception):
    """As pynvml's own."""

    value = 3  # not supported


class NotFound(NVMLError):
    """As pynvml's own of that name."""

    value = NVML_ERROR_NOT_FOUND


#: What the GPUs are doing; a test may change a copy of it.
START = {"energy_mj": 1_000_000, "reasons": 0x4, "opened": 0, "lost": (), "users": {}, "old": False}
STATE = dict(START)


def nvmlInit():
    STATE["opened"] += 1


def nvmlShutdown():
    STATE["opened"] -= 1


def nvmlDeviceGetCount():
    if not STATE["opened"]:
        raise NVMLError("Uninitialized")
    return 2


def nvmlDeviceGetHandleByIndex(index):
    if index in STATE["lost"]:
        raise NVMLError("GPU is lost")
    return index


def nvmlDeviceGetHandleByUUID(uuid):
    if uuid != "MIG-serial-0":
        raise NVMLError("Not Found")
    return "slice"


def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle):
    return {"slice": 0}[handle]


def nvmlDeviceGetIndex(handle):
    return handle


def nvmlSystemGetDriverVersion():
    return "560.35.03"


def nvmlDeviceGetName(handle):
    if handle == "slice":
        return "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    return ("NVIDIA H100 80GB HBM3", "Tesla K80")[handle]


def nvmlDeviceGetUUID(handle):
    if handle == "slice":
        return "MIG-serial-0"
    return f"GPU-serial-{handle}"


def nvmlDeviceGetMemoryInfo(handle):
    return SimpleNamespace(total=(10 if handle == "slice" else 80) * GIB, used=3 * GIB)


def nvmlDeviceGetEnforcedPowerLimit(handle):
    return 650_000


def nvmlDeviceGetPowerManagementLimit(handle):
    if handle == 1:
        raise NVMLError("Not Supported")
    return 700_000


def nvmlDeviceGetCudaComputeCapability(handle):
    return (9, 0)


def nvmlDeviceGetMigMode(handle):
    if handle == 1:
        raise NVMLError("Not Supported")
    return (1, 1)


def nvmlDeviceGetMaxMigDeviceCount(handle):
    return 7


def nvmlDeviceGetMigDeviceHandleByIndex(handle, index):
    if index:
        raise NVMLError("Not Found")
    return "slice"


def nvmlDeviceGetMaxClockInfo(handle, kind):
    return 1980


def nvmlDeviceGetUtilizationRates(handle):
    if handle == 0:  # in multi-instance mode
        raise NVMLError("Not Supported")
    return SimpleNamespace(gpu=37)


def nvmlDeviceGetProcessUtilization(handle, since):
    if handle == 0:
        raise NVMLError("Not Supported")
    if not STATE["users"]:
        raise NotFound("Not Found")
    return [
        SimpleNamespace(pid=pid, smUtil=share, timeStamp=since + 1)
        for pid, share in STATE["users"].items()
    ]


def nvmlDeviceGetClockInfo(handle, kind):
    if not STATE["opened"]:
        raise NVMLError("Uninitialized")
    return 1755


def nvmlDeviceGetPowerUsage(handle):
    if not STATE["opened"]:
        raise NVMLError("Uninitialized")
    return 250_000


def nvmlDeviceGetTemperature(handle, kind):
    return 61


def nvmlDeviceGetCurrentClocksEventReasons(handle):
    if STATE["old"]:
        raise NVMLError("Function Not Found")
    return STATE["reasons"]


def nvmlDeviceGetCurrentClocksThrottleReasons(handle):
    return STATE["reasons"]


def nvmlDeviceGetTotalEnergyConsumption(handle):
    if handle == 1:
        raise NVMLError("Not Supported")
    STATE["energy_mj"] += 250_000
    return STATE["energy_mj"]
