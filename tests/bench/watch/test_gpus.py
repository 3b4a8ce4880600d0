"""GPU facts and conditions, on a stand-in for NVIDIA's library (no driver can be had here)."""

from __future__ import annotations

import gc
import sys
import threading
import time
from dataclasses import replace

import fake_nvml
import pytest
from builders import facts
from launches import a_launch

import bench.probe.gpu as gpu
import bench.watch.gpus as gpus
from bench.child.launch import ON_CLUSTER, child_environment
from bench.probe.fact import Absent
from bench.probe.machine import probe
from bench.probe.nvml import chosen, session
from bench.record.facts import GpuFacts
from bench.watch.flags import Job, flagged
from bench.watch.ledger import Ledger

GIB = 2**30


@pytest.fixture
def nvml(monkeypatch):
    """Put the stand-in in pynvml's place."""
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml)
    gc.collect()  # readers of other tests, which close what they opened
    monkeypatch.setattr(fake_nvml, "STATE", dict(fake_nvml.START))
    monkeypatch.setattr(gpu, "SHARED_S", -1.0)  # each row asks anew
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake_nvml


def test_the_driver_s_facts_of_each_gpu_are_read(nvml):
    first, second = gpu.gpus()
    assert (first.model, first.memory_total_bytes) == ("NVIDIA H100 80GB HBM3", 80 * GIB)
    assert (first.power_limit_w, first.compute_capability, first.mig) == (700.0, "9.0", True)
    assert (first.sm_clock_max_hz, first.memory_clock_max_hz) == (1.98e9, 1.98e9)
    assert (second.model, second.power_limit_w) == ("Tesla K80", 650.0)
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
    with pytest.raises(Absent, match="shows no GPU to this process"):
        gpu.gpus()
    with pytest.raises(Absent, match="shows no GPU to this process"):
        gpus.gpus(None, None)

    def no_driver():
        raise nvml.NVMLError("Driver Not Loaded")

    monkeypatch.setattr(nvml, "nvmlInit", no_driver)
    with pytest.raises(Absent, match="no NVIDIA driver answers: Driver Not Loaded"):
        gpu.gpus()
    monkeypatch.setitem(sys.modules, "pynvml", None)  # what an absent module is to `import`
    with pytest.raises(Absent, match="nvidia-ml-py is not installed"):
        gpu.gpus()


def test_a_gpu_that_is_lost_hides_none_of_the_others(nvml):
    nvml.STATE["lost"] = (0,)
    first, second = gpu.gpus()
    assert (first.model, second.model) == (None, "Tesla K80")
    assert first.unknown["model"] == "the driver gives no access: GPU is lost"


def test_the_slices_of_a_gpu_are_facts_with_their_own_memory(nvml):
    first, second = gpu.gpus()
    (found,) = first.mig_slices
    assert found.profile == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    assert found.memory_total_bytes == 10 * GIB
    assert "serial" not in found.uuid_hash
    assert second.mig_slices == ()


@pytest.mark.parametrize(
    ("visible", "indices"),
    [
        (None, [0, 1]),
        ("1", [1]),
        ("1,0", [1, 0]),
        ("GPU-serial-1", [1]),
        ("MIG-serial-0", [0]),
        ("", []),
        ("-1", []),
        ("0,7,1", [0]),  # CUDA stops at the first that is not there
        ("NoDevFiles", []),
    ],
)
def test_a_job_s_gpus_are_those_that_cuda_shows_it(nvml, monkeypatch, visible, indices):
    with session() as pynvml:
        assert chosen(pynvml, visible) == indices
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu.visible() == len(indices)


def test_gpus_that_are_not_the_job_s_are_no_part_of_what_it_did(nvml):
    read = gpus.gpus("1", lambda pid: True)
    assert {name.rpartition(":")[2] for name in read()} == {"1"}
    with pytest.raises(Absent, match="CUDA_VISIBLE_DEVICES hides all"):
        gpus.gpus("", None)


def a_ledger(read, seconds=5, **more):
    ledger = Ledger()
    for second in range(seconds):
        ledger.add(float(second), {**read(), **more})
    return ledger.interference(0.0, seconds - 1.0, cpus=2)


def test_what_a_gpu_does_is_recorded_with_its_energy_counted_or_estimated(nvml):
    seen = a_ledger(gpus.gpus(None, lambda pid: True))
    first, second = seen.gpus
    assert (first.utilisation_share, second.utilisation_share) == (None, 0.37)  # of slices none
    assert (first.power_w, first.sm_clock_hz, first.memory_clock_hz) == (250.0, 1.755e9, 1.755e9)
    assert (first.temperature_max_c, first.memory_used_peak_bytes) == (61, 3 * GIB)
    assert first.throttle_reasons == ("power cap",)
    counted, estimated = seen.energy
    assert (counted.source, counted.joules, counted.basis) == ("NVML GPU 0", 1000.0, "measured")
    assert (estimated.source, estimated.joules) == ("NVML GPU 1", 1000.0)
    assert estimated.basis == "estimated from power samples"


def test_the_driver_is_held_open_as_long_as_a_job_is_watched_and_no_longer(nvml):
    read = gpus.gpus(None, lambda pid: True)
    gc.collect()
    assert nvml.STATE["opened"] == 1
    assert read()["gpu_power_w:0"] == 250.0
    del read
    gc.collect()
    assert nvml.STATE["opened"] == 0


def test_a_driver_that_answers_no_more_is_a_reason_and_no_empty_reading():
    with pytest.raises(RuntimeError, match="no GPU answers"):
        gpus._Gpus(None, Gone(), [0], None)()


class Gone:
    """A driver of which no call answers any more."""

    NVMLError = fake_nvml.NVMLError

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def __getattr__(self, name):
        if name.startswith("nvml"):
            raise fake_nvml.NVMLError("Uninitialized")
        raise AttributeError(name)


def test_before_a_run_the_gpu_that_a_job_will_be_given_is_looked_at(nvml):
    assert {name.rpartition(":")[2] for name in gpus.gpus(None, None)()} == {"0"}
    assert {name.rpartition(":")[2] for name in gpus.gpus("1", None)()} == {"1"}


def test_a_driver_that_sleeps_is_woken_once_for_all_facts(nvml, monkeypatch):
    monkeypatch.setattr(gpu, "SHARED_S", 60.0)
    monkeypatch.setattr(gpu, "_ASKED", gpu._Asked())
    woken = []
    init = nvml.nvmlInit
    monkeypatch.setattr(nvml, "nvmlInit", lambda: (woken.append(1), init()))
    facts = probe()
    assert (len(facts.gpus), facts.gpus_visible, facts.gpu_driver) == (2, 2, "560.35.03")
    assert len(woken) == 1


def test_a_driver_that_hangs_takes_no_facts_of_others_with_it(nvml, monkeypatch):
    """Its time-outs are shortened, so that the test is over sooner."""
    monkeypatch.setattr(gpu, "_ASKED", gpu._Asked())
    monkeypatch.setattr(nvml, "nvmlInit", lambda: threading.Event().wait(30))
    rows = tuple(replace(fact, limit_s=0.1) for fact in gpu.FACTS)
    monkeypatch.setattr(gpu, "FACTS", rows)
    begin = time.monotonic()
    facts = probe()
    assert time.monotonic() - begin < 10
    assert [facts.unknown[name] for name in ("gpus", "gpus_visible", "gpu_driver")] == [
        "gave no answer within 0.1 s"
    ] * 3
    assert "not read" not in facts.unknown["cloud_provider"]


def test_an_older_driver_s_reasons_are_read_by_the_call_it_knows(nvml):
    nvml.STATE.update(old=True, reasons=0x40)
    assert a_ledger(gpus.gpus(None, None)).gpus[0].throttle_reasons == ("thermal (hardware)",)


OWN, STRANGER, UNSEEN = 1001, 1002, 1003


@pytest.mark.parametrize(
    ("users", "share", "flag"),
    [
        ({}, 0.0, "quiet"),
        ({OWN: 90}, 0.0, "quiet"),
        ({OWN: 50, STRANGER: 40}, 0.4, "disturbed"),
        ({OWN: 50, UNSEEN: 40}, None, "quiet"),  # in a container nobody can tell
    ],
)
def test_others_use_of_the_job_s_gpu_disturbs_it(nvml, users, share, flag):
    nvml.STATE["users"] = users
    is_own = {OWN: True, STRANGER: False, UNSEEN: None}.__getitem__
    seen = a_ledger(gpus.gpus("1", is_own), busy_cpu_s=0.0, own_cpu_s=0.0)
    assert seen.gpus[0].foreign_share == share
    found = flagged(seen, Job(threads=2, cpus=2))
    assert found.flag == flag
    assert all(cause.startswith("foreign GPU use (0.4") for cause in found.causes)


def test_before_a_run_any_use_of_a_gpu_is_somebody_else_s(nvml):
    seen = a_ledger(gpus.gpus("1", None), busy_cpu_s=0.0, own_cpu_s=0.0)
    assert flagged(seen, Job(threads=2, cpus=2)).causes == (
        "foreign GPU use (0.37 of the GPU's time)",
    )


def test_a_job_on_the_cpu_is_not_disturbed_by_what_happens_on_a_gpu(nvml):
    nvml.STATE.update(users={STRANGER: 40}, reasons=0x40)
    seen = a_ledger(gpus.gpus("1", lambda pid: False), busy_cpu_s=0.0, own_cpu_s=0.0)
    assert flagged(seen, Job(threads=2, cpus=2)).flag == "disturbed"
    assert flagged(seen, Job(threads=2, cpus=2, on_gpu=False)).flag == "quiet"


def test_on_a_cluster_s_node_a_job_is_given_the_first_gpu_of_ray_s_list(tmp_path):
    launch = a_launch("ok", tmp_path).model_copy(update={"placed_by": ON_CLUSTER})
    found = child_environment({"CUDA_VISIBLE_DEVICES": "2,3"}, launch)
    assert found["CUDA_VISIBLE_DEVICES"] == "2"


@pytest.mark.parametrize(
    ("bits", "flag"), [(0x4, "quiet"), (0x40, "disturbed"), (0x8, "disturbed")]
)
def test_heat_slows_a_gpu_and_flags_the_job_while_a_power_cap_is_a_limit(nvml, bits, flag):
    nvml.STATE["reasons"] = bits
    read = gpus.gpus(None, lambda pid: True)
    seen = flagged(a_ledger(read, 3, busy_cpu_s=0.0, own_cpu_s=0.0), Job(threads=2, cpus=2))
    assert seen.flag == flag
    assert all(cause.startswith("GPU slowdown") for cause in seen.causes)


def test_of_several_gpus_a_job_is_given_the_first_unless_the_user_chose(tmp_path):
    two = facts(gpus=(GpuFacts(index=0), GpuFacts(index=1)))
    launch = a_launch("ok", tmp_path).model_copy(update={"machine": two})
    found = child_environment({}, launch)
    assert (found["CUDA_VISIBLE_DEVICES"], found["CUDA_DEVICE_ORDER"]) == ("0", "PCI_BUS_ID")
    by_user = {"CUDA_VISIBLE_DEVICES": "1,0", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    found = child_environment(by_user, launch)  # numbers are NVML's, as nvidia-smi's are
    assert (found["CUDA_VISIBLE_DEVICES"], found["CUDA_DEVICE_ORDER"]) == ("1,0", "PCI_BUS_ID")
    alone = launch.model_copy(update={"machine": facts(gpus=(GpuFacts(index=0),))})
    assert "CUDA_VISIBLE_DEVICES" not in child_environment({}, alone)
