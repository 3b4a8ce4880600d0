"""GPU facts and conditions, on a stand-in for NVIDIA's library (no driver can be had here)."""

from __future__ import annotations

import sys

import fake_nvml
import pytest

import bench.conditions.sensors as sensors
import bench.probe.gpu as gpu
from bench.conditions.flags import Job, flagged
from bench.conditions.ledger import Ledger
from bench.probe import probe
from bench.probe.fact import Absent

GIB = 2**30


@pytest.fixture
def nvml(monkeypatch):
    """Put the stand-in in pynvml's place."""
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml)
    monkeypatch.setattr(fake_nvml, "STATE", {"energy_mj": 1_000_000, "reasons": 0x4, "opened": 0})
    return fake_nvml


def test_the_driver_s_facts_of_each_gpu_are_read(nvml):
    first, second = gpu.gpus()
    assert (first.model, first.memory_total_bytes) == ("NVIDIA H100 80GB HBM3", 80 * GIB)
    assert (first.power_limit_w, first.compute_capability, first.mig) == (700.0, "9.0", True)
    assert (first.sm_clock_max_hz, first.memory_clock_max_hz) == (1.98e9, 1.98e9)
    assert second.model == "Tesla K80"
    assert (second.mig, second.unknown["mig"]) == (None, "NVMLError: Not Supported")
    assert gpu.driver() == "560.35.03"
    assert nvml.STATE["opened"] == 0


def test_a_gpu_s_serial_leaves_as_a_hash_alone(nvml):
    facts = probe()
    assert "GPU-serial" not in facts.model_dump_json()
    assert facts.gpus[0].uuid_hash != facts.gpus[1].uuid_hash


def test_gpus_are_part_of_the_machine_s_type(nvml, monkeypatch):
    with_gpus = probe().machine_type
    monkeypatch.setattr(nvml, "nvmlDeviceGetCount", lambda: 1)
    assert probe().machine_type != with_gpus


def test_a_missing_driver_or_module_or_device_is_said_in_words(nvml, monkeypatch):
    monkeypatch.setattr(nvml, "nvmlDeviceGetCount", lambda: 0)
    with pytest.raises(Absent, match="shows this process no GPU"):
        gpu.gpus()
    with pytest.raises(Absent, match="shows this process no GPU"):
        sensors.gpus()

    def no_driver():
        raise nvml.NVMLError("Driver Not Loaded")

    monkeypatch.setattr(nvml, "nvmlInit", no_driver)
    with pytest.raises(Absent, match="no NVIDIA driver answers: Driver Not Loaded"):
        gpu.gpus()
    monkeypatch.setitem(sys.modules, "pynvml", None)  # what an absent module is to `import`
    with pytest.raises(Absent, match="nvidia-ml-py is not installed"):
        gpu.gpus()


def test_what_a_gpu_does_is_recorded_with_its_energy_counted_or_estimated(nvml):
    read, ledger = sensors.gpus(), Ledger()
    for second in range(5):
        ledger.add(float(second), read())
    seen = ledger.interference(0.0, 4.0, cpus=2)
    first = seen.gpus[0]
    assert (first.utilisation_share, first.power_w) == (0.37, 250.0)
    assert (first.sm_clock_hz, first.memory_clock_hz) == (1.755e9, 1.755e9)
    assert (first.temperature_max_c, first.memory_used_peak_bytes) == (61, 3 * GIB)
    assert first.throttle_reasons == ("power cap",)
    counted, estimated = seen.energy
    assert (counted.source, counted.joules, counted.basis) == ("NVML GPU 0", 1000.0, "measured")
    assert (estimated.source, estimated.joules) == ("NVML GPU 1", 1000.0)
    assert estimated.basis == "estimated from power samples"


@pytest.mark.parametrize(
    ("bits", "flag"), [(0x4, "quiet"), (0x40, "disturbed"), (0x8, "disturbed")]
)
def test_heat_slows_a_gpu_and_flags_the_job_while_a_power_cap_is_a_limit(nvml, bits, flag):
    nvml.STATE["reasons"] = bits
    read, ledger = sensors.gpus(), Ledger()
    for second in range(3):
        ledger.add(float(second), {**read(), "busy_cpu_s": 0.0, "own_cpu_s": 0.0})
    seen = flagged(ledger.interference(0.0, 2.0, cpus=2), Job(threads=2, cpus=2))
    assert seen.flag == flag
    assert all(cause.startswith("GPU slowdown") for cause in seen.causes)
