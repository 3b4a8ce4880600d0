"""Who a machine is: ids from fixed facts alone, and nothing that tells whose it is."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from faked_roots import faked_root

import bench.probe.gpu as gpu
import bench.probe.identity as identity
from bench.probe.fact import Absent, read_facts
from bench.probe.machine import probe
from bench.record.facts import (
    UNREAD_GPUS,
    WRONG_VALUE,
    GpuFacts,
    MachineFacts,
    field_differences,
)
from bench.spec.privacy import Privacy

FIXED = {
    "cpu_model": "Planted CPU",
    "cpu_architecture": "x86_64",
    "microarchitecture": "zen3",
    "cpu_signature": "family 25, model 1, stepping 1",
    "instruction_sets": ("AVX", "AVX2"),
    "caches_bytes": {"L1d": 32768, "L2": 2**19},
    "sockets": 1,
    "physical_cores": 2,
    "logical_cores": 4,
    "memory_total_bytes": 8 * 2**30 - 300 * 2**20,
    "host_hash": "a" * 16,
}
VARYING = {
    "cpu_now_hz": 1.2e9,
    "kernel": "6.9",
    "usable_cpus": 0.5,
    "memory_limit_bytes": 2**30,
    "cpu_governor": "powersave",
    "cloud_instance_type": "c7i.large",
    "environment": {"OMP_NUM_THREADS": "1"},
    "boot_hash": "c" * 16,
    "memory_total_bytes": 8 * 2**30 - 310 * 2**20,  # another kernel keeps some MiB more
}


def test_the_machine_id_is_the_same_each_time():
    first, second = probe(), probe(("numpy",))
    assert (first.machine_id, first.machine_type) == (second.machine_id, second.machine_type)
    assert len(first.machine_id) == len(first.machine_type) == 16
    assert set(first.machine_id) <= set("0123456789abcdef")


@pytest.mark.parametrize("fact", VARYING)
def test_what_may_vary_on_one_machine_changes_neither_id(fact):
    changed = {**FIXED, fact: VARYING[fact]}
    assert identity.machine_id(changed) == identity.machine_id(FIXED)
    assert identity.machine_type(changed) == identity.machine_type(FIXED)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("cpu_model", "Another CPU"),
        ("cpu_signature", "family 26, model 2, stepping 1"),
        ("instruction_sets", ("AVX", "AVX2", "AVX512F")),
        ("caches_bytes", {"L1d": 49152, "L2": 2**20}),
        ("microarchitecture", "zen5"),
        ("sockets", 2),
        ("logical_cores", 2),
        ("memory_total_bytes", 16 * 2**30),
        ("gpus", (GpuFacts(index=0, model="Planted GPU"),)),
        ("firmware_instance_type", "t3.large"),
    ],
)
def test_other_hardware_is_another_type_and_another_machine(fact, value):
    changed = {**FIXED, fact: value}
    assert identity.machine_type(changed) != identity.machine_type(FIXED)
    assert identity.machine_id(changed) != identity.machine_id(FIXED)


def test_two_hosts_of_one_make_are_two_machines_of_one_type():
    other = {**FIXED, "host_hash": "b" * 16}
    assert identity.machine_type(other) == identity.machine_type(FIXED)
    assert identity.machine_id(other) != identity.machine_id(FIXED)


def test_no_fact_tells_the_host_s_name_or_machine_id_unless_asked(tmp_path):
    """The name and the machine-id are planted, so that they can be told from any other text."""
    files = {"/etc/machine-id": "0123456789abcdef0123456789abcdef"}
    root = faked_root(tmp_path, files, node="someones-laptop")
    text = probe(root=root).model_dump_json()
    assert "someones-laptop" not in text
    assert "0123456789abcdef0123" not in text
    shown = probe(privacy=Privacy(show_hostnames=True), root=root)
    assert shown.host_name == "someones-laptop"
    assert "0123456789abcdef0123" not in shown.model_dump_json()


def test_without_a_machine_id_the_host_is_told_by_its_hashed_name(tmp_path):
    first, second = (identity.host_hash(faked_root(tmp_path, node=name)) for name in ("one", "two"))
    assert first != second
    assert "one" not in first


def test_a_container_s_drawn_host_name_is_no_identity(tmp_path):
    """A container without a machine-id is planted: its host name is new with each start."""
    with pytest.raises(Absent, match="only its hardware"):
        identity.host_hash(faked_root(tmp_path, {"/.dockerenv": ""}, node="0123abcd"))


@pytest.mark.parametrize(
    ("serials", "expected"),
    [
        ({"product_uuid": "4c4c4544-0042", "board_serial": "N/A"}, "4c4c4544-0042"),
        ({"product_uuid": "00000000-0000-0000", "board_serial": "CN7016"}, "CN7016"),
        ({"board_serial": "To Be Filled By O.E.M."}, "baked-in"),
        ({}, "baked-in"),
    ],
)
def test_in_a_container_the_firmware_s_serial_goes_before_the_image_s_machine_id(
    tmp_path, serials, expected
):
    """Two hosts that run one image have one machine-id; what firmware says is planted."""
    files = {f"/sys/class/dmi/id/{name}": text for name, text in serials.items()}
    files |= {"/etc/machine-id": "baked-in", "/proc/self/cgroup": "0::/kubepods.slice/pod1/abc"}
    assert identity.host_hash(faked_root(tmp_path, files)) == identity.salted(expected)


@pytest.mark.parametrize(
    "place",
    [
        *(
            "/sys/class/dmi/id/product_uuid",
            "/sys/class/dmi/id/board_serial",
            "/sys/hypervisor/uuid",
        ),
        *("/proc/device-tree/serial-number", "/var/lib/cloud/data/instance-id"),
    ],
)
def test_clones_of_one_image_are_two_hosts_if_a_serial_differs(tmp_path, place):
    files = {"/etc/machine-id": "cloned"}
    hashes = [
        identity.host_hash(faked_root(tmp_path, {**files, place: serial}))
        for serial in ("serial-1", "serial-2", "serial-2", "Default string")
    ]
    assert hashes[0] != hashes[1] == hashes[2]
    assert hashes[3] == identity.salted("cloned")  # a placeholder tells nothing


#: Two virtual machines that a provider both calls "AMD EPYC", with 2 CPUs and 24 GiB.
ZEN_3 = (
    "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n"
    "stepping\t: 1\nflags\t\t: fpu sse4_2 fma avx f16c avx2 hypervisor"
)
ZEN_5 = (
    "vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\n"
    "stepping\t: 1\nflags\t\t: fpu sse4_2 fma avx f16c avx2 avx512f avx512bw avx512vl hypervisor"
)


def a_vm(folder, cpuinfo, l1d, l2):
    """Return the root of a virtual machine of two CPUs, which has the machine-id of its image."""
    files = {
        "/etc/machine-id": "0123456789abcdef0123456789abcdef",
        "/proc/meminfo": "MemTotal:       24684092 kB",
        "/proc/cpuinfo": "\n\n".join(f"processor\t: {n}\n{cpuinfo}" for n in (0, 1)),
    }
    for cpu in (0, 1):
        for index, (level, kind, size) in enumerate([(1, "Data", l1d), (2, "Unified", l2)]):
            place = f"/sys/devices/system/cpu/cpu{cpu}/cache/index{index}"
            names = {"level": level, "type": kind, "size": size, "shared_cpu_list": cpu}
            files |= {f"{place}/{name}": value for name, value in names.items()}
        files[f"/sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id"] = 0
    return faked_root(folder, files, architecture="x86_64", hypervisor="kvm")


def test_two_vms_of_one_general_name_and_unlike_cpus_are_two_types_and_two_machines(tmp_path):
    first = probe(root=a_vm(tmp_path / "a", ZEN_3, "32K", "512K"))
    second = probe(root=a_vm(tmp_path / "b", ZEN_5, "48K", "1024K"))
    assert first.cpu_model == second.cpu_model == "AMD EPYC"
    assert first.host_hash == second.host_hash
    assert None not in {first.machine_type, second.machine_type}
    assert first.machine_type != second.machine_type
    assert first.machine_id != second.machine_id
    assert probe(root=a_vm(tmp_path / "c", ZEN_3, "32K", "512K")).machine_type == first.machine_type


@pytest.mark.parametrize(
    ("gpus", "reason"),
    [
        ((GpuFacts(index=0, model="Planted GPU"), GpuFacts(index=1)), None),
        (None, f"{UNREAD_GPUS}: NVMLError: Driver/library version mismatch"),
        (None, f"{WRONG_VALUE} (str): no tuple"),
    ],
)
def test_a_machine_whose_gpus_are_there_and_unread_has_no_type(gpus, reason):
    read = {**FIXED, "gpus": gpus}
    unknown = {"gpus": reason} if reason else {}
    assert identity.machine_type(read, unknown) is None
    assert identity.machine_id(read, unknown).startswith("unknown-")
    assert identity.why_unsure(read, unknown)["machine_type"] == "unknown: gpus could not be read"


def test_a_machine_whose_cpu_nothing_names_has_no_type():
    read = {**FIXED, "cpu_model": None, "cpu_signature": None}
    unknown = {"cpu_model": "OSError: [Errno 5] Input/output error"}
    assert identity.machine_type(read, unknown) is None
    assert identity.machine_id(read, unknown).startswith("unknown-")
    assert "cpu_model could not be read" in identity.why_unsure(read, unknown)["machine_type"]


@pytest.mark.parametrize(
    ("file", "one", "other"),
    [
        ("/sys/class/dmi/id/chassis_serial", "CH1234", "CH1235"),
        ("/proc/cpuinfo", "Serial\t\t: 10000000abcdef01", "Serial\t\t: 10000000abcdef02"),
        ("/proc/sysinfo", "VM00 UUID: 1111-22", "VM00 UUID: 1111-23"),
    ],
)
def test_clones_are_told_apart_by_any_serial_that_can_be_read(tmp_path, file, one, other):
    clone = {"/etc/machine-id": "feedface" * 4}
    first = faked_root(tmp_path / "a", {**clone, file: one})
    second = faked_root(tmp_path / "b", {**clone, file: other})
    assert identity.host_hash(first) != identity.host_hash(second)


def test_ids_of_two_versions_of_the_rules_are_never_alike(monkeypatch):
    now = identity.machine_id(FIXED), identity.machine_type(FIXED)
    monkeypatch.setattr(identity, "VERSION", identity.VERSION + 1)
    assert not {*now} & {identity.machine_id(FIXED), identity.machine_type(FIXED)}
    assert probe().id_version == identity.VERSION


def test_a_container_that_knows_neither_serial_nor_machine_id_has_no_identity(tmp_path):
    files = {"/etc/machine-id": "uninitialized", "/run/.containerenv": ""}
    with pytest.raises(Absent, match="only its hardware"):
        identity.host_hash(faked_root(tmp_path, files))


@pytest.mark.parametrize("fact", ["gpus", "cpu_model", "host_hash"])
def test_a_fact_that_did_not_answer_in_time_gives_an_id_of_its_own(fact):
    unknown = {fact: "gave no answer within 2 s"}
    read = {**FIXED, fact: None}
    assert identity.machine_id(read, unknown).startswith("unknown-")
    assert identity.machine_id(read, unknown) == identity.machine_id(read, dict(unknown))
    assert identity.machine_id(read).startswith("unknown-") is False
    kept = identity.machine_type(FIXED) if fact == "host_hash" else None
    assert identity.machine_type(read, unknown) == kept


def test_a_fact_that_is_absent_for_good_is_part_of_the_id():
    unknown = {"gpus": "no NVIDIA driver answers: NVML Shared Library Not Found"}
    assert identity.machine_id(FIXED, unknown) == identity.machine_id(FIXED)
    assert identity.machine_type(FIXED, unknown) == identity.machine_type(FIXED)


def test_a_probe_whose_gpus_hang_says_why_the_machine_has_no_type(monkeypatch):
    """The reader of the GPUs is made to hang, and its time-out shortened."""
    rows = tuple(
        replace(f, read=lambda root: time.sleep(30), limit_s=0.05) if f.name == "gpus" else f
        for f in gpu.FACTS
    )
    whole = probe()
    monkeypatch.setattr(gpu, "FACTS", rows)
    facts = probe()
    assert facts.machine_type is None
    assert facts.unknown["machine_type"] == "unknown: gpus gave no answer in time"
    assert facts.machine_id.startswith("unknown-")
    assert facts.machine_id != whole.machine_id
    assert "machine_type" not in whole.unknown


@pytest.mark.parametrize(
    ("stated", "sold"),
    [
        ([503.9, 504.1, 509.0], 512),
        ([125.6, 125.9], 128),
        ([62.4, 62.9], 64),
        ([30.6, 31.4], 32),
        ([15.2, 15.7], 16),
        ([7.6, 7.8], 8),
        ([3.7, 3.9], 4),
        ([0.4, 0.95], 1),
    ],
)
def test_memory_is_counted_as_it_is_sold_whatever_a_kernel_keeps(stated, sold):
    assert {identity.memory_gib(round(gib * 2**30)) for gib in stated} == {sold}


def test_memory_that_is_not_known_has_no_size():
    assert identity.memory_gib(None) is None


def test_each_boot_has_a_digest_that_does_not_show_the_id(tmp_path):
    found = []
    for number in (1, 1, 2):
        root = faked_root(tmp_path, {identity.BOOT_ID: f"41a0d846-{number}"})
        found.append(probe(root=root).boot_hash)
    assert found[0] == found[1] != found[2]
    assert "41a0d846" not in "".join(found)


@pytest.mark.parametrize(
    ("stated", "known"),
    [
        ({"kern.bootsessionuuid": "A-1", "kern.boottime": "{ sec = 5, usec = 1 }"}, "A-1"),
        ({"kern.boottime": "{ sec = 1764000000, usec = 12 } Mon Nov 24"}, "1764000000"),
        ({}, None),
    ],
)
def test_macos_states_an_id_of_its_boot_or_else_the_second_of_it(tmp_path, stated, known):
    root = faked_root(tmp_path, system="Darwin", sysctl=stated)
    assert identity.boot_hash(root) == (known and identity.salted(known))


def test_a_system_that_states_no_boot_gives_the_reason(tmp_path):
    rows = [row for row in identity.FACTS if row.name == "boot_hash"]
    found = read_facts(rows, root=faked_root(tmp_path))
    assert found.values == {"boot_hash": None}
    assert found.unknown == {"boot_hash": "this system states no id of its boot"}


def test_two_machines_are_set_side_by_side_field_by_field():
    left = MachineFacts(machine_id="a", cpu_model="X", packages={"numpy": "1"}, sockets=1)
    right = MachineFacts(machine_id="b", cpu_model="Y", packages={"numpy": "2"}, sockets=1)
    assert field_differences(left, right) == {
        "machine_id": ("a", "b"),
        "cpu_model": ("X", "Y"),
        "numpy": ("1", "2"),
    }
    assert field_differences(left, left) == {}
