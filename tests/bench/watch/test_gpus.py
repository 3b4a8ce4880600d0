"""GPU facts and conditions, on a stand-in for NVIDIA's library (no driver can be had here)."""

from __future__ import annotations

import gc
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

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


def broken(*arguments):
    raise ValueError("planted")


@pytest.mark.parametrize(
    "call", ["nvmlDeviceGetTemperature", "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetMemoryInfo"]
)
def test_a_figure_of_a_gpu_that_fails_in_any_way_fails_alone(nvml, monkeypatch, call):
    monkeypatch.setattr(nvml, call, broken)
    assert a_ledger(gpus.gpus("1", lambda pid: True)).gpus[0].power_w == 250.0


def test_a_figure_that_fails_three_looks_in_a_row_is_not_asked_for_again(nvml, monkeypatch):
    asked = []
    monkeypatch.setattr(nvml, "nvmlDeviceGetTemperature", lambda *_: (asked.append(1), broken()))
    a_ledger(gpus.gpus("1", lambda pid: True), seconds=6)
    assert len(asked) == 3


def test_a_gpu_that_is_lost_while_a_job_is_watched_leaves_the_others(nvml, monkeypatch):
    read = gpus.gpus(None, lambda pid: True)
    found = nvml.nvmlDeviceGetPowerUsage
    monkeypatch.setattr(
        nvml, "nvmlDeviceGetPowerUsage", lambda handle: found(handle) if handle else broken()
    )
    first, second = a_ledger(read).gpus
    assert (first.power_w, second.power_w) == (None, 250.0)


def test_what_a_driver_cannot_have_measured_is_dropped_with_the_reason(nvml, monkeypatch):
    monkeypatch.setattr(nvml, "nvmlDeviceGetPowerUsage", lambda handle: 2**32 - 1)
    seen = a_ledger(gpus.gpus("1", lambda pid: True))
    assert (seen.gpus[0].power_w, seen.energy) == (None, ())
    assert seen.doubts["GPU 1: power_w"] == "the driver states power_w 4.295e+06"
    assert seen.doubts["NVML GPU 1"] == seen.doubts["GPU 1: power_w"]


def test_a_gpu_whose_use_by_others_is_not_believed_makes_no_quiet_job_on_it(nvml, monkeypatch):
    nvml.STATE["users"] = {STRANGER: 2147483632}
    seen = a_ledger(gpus.gpus("1", lambda pid: pid == OWN), busy_cpu_s=0.0, own_cpu_s=0.0)
    assert seen.gpus[0].foreign_share is None
    assert "stale or impossible" in seen.doubts["GPU 1: foreign_share"]
    assert flagged(seen, Job(threads=2, cpus=2)).flag == "unknown"
    assert flagged(seen, Job(threads=2, cpus=2, on_gpu=False)).flag == "quiet"


@pytest.mark.parametrize(
    ("counted", "joules", "basis", "reason"),
    [
        ([0, 250, 500, 750, 1000], 1000, "measured", None),
        ([7, 7, 7, 7, 7], 1000, "estimated from power samples", "stood still"),
        ([7, 7, 7, 7, 107], 1000, "estimated from power samples", "100 J were counted"),
        ([9e6, 9e6 + 250, 0, 250, 500], 1000, "estimated from power samples", "it fell by 9e+06 J"),
        ([0, 250, 9e9, 9e9, 9e9], 1000, "estimated from power samples", "is impossible"),
    ],
)
def test_a_counter_of_energy_that_cannot_be_right_gives_way_to_samples_of_the_power(
    counted, joules, basis, reason
):
    ledger = Ledger()
    for second, joules_now in enumerate(counted):
        ledger.add(float(second), {"energy_j:NVML GPU:0": joules_now, "gpu_power_w:0": 250.0})
    seen = ledger.interference(0.0, 4.0, cpus=2)
    (found,) = seen.energy
    assert (found.joules, found.basis) == (joules, basis)
    assert (reason or "") in seen.doubts.get("NVML GPU 0", "")
    assert (reason is None) == (seen.doubts == {})


NOW_S = 1_700_000_000.0


def a_sample(pid, share, stamp=None, **more):
    stamp = int(NOW_S * 1e6) - 1 if stamp is None else stamp
    return SimpleNamespace(pid=pid, smUtil=share, timeStamp=stamp, **more)


@pytest.mark.parametrize(
    ("samples", "share", "since"),
    [
        ([a_sample(1, 90), a_sample(2, 2147483632)], 0.0, None),
        ([a_sample(1, 90), a_sample(2, 40), a_sample(2, 400)], 0.4, None),
        ([a_sample(2, 40), a_sample(2, 90, stamp=int((NOW_S + 3600) * 1e6))], 0.4, None),
        ([a_sample(2, 40), a_sample(2, 90, stamp=5)], 0.4, None),  # older than asked for
        ([a_sample(2, 40, memUtil=4_000_000_000), a_sample(1, 9)], 0.0, None),
        ([a_sample(2, 90), a_sample(4, 90)], 1.0, None),  # they take turns
        ([a_sample(2, 101)], "stale or impossible", 10),
        ([a_sample(2, 50), a_sample(3, 50)], None, None),
        ([], 0.0, 10),
    ],
)
def test_samples_of_processes_that_cannot_be_right_are_dropped(nvml, samples, share, since):
    driver = SimpleNamespace(
        NVMLError=nvml.NVMLError, nvmlDeviceGetProcessUtilization=lambda handle, since: samples
    )
    own = {1: True, 2: False, 3: None, 4: False}
    found, stamp = gpus.foreign_share(driver, 0, 10, own.__getitem__, NOW_S)
    if isinstance(share, str):
        assert share in found.reason
    else:
        assert found == share
    assert stamp == (int(NOW_S * 1e6) - 1 if since is None else since)


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
