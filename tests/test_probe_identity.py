"""Who a machine is: ids from fixed facts alone, and nothing that tells whose it is."""

from __future__ import annotations

import platform

import pytest

import bench.probe.identity as identity
from bench.facts import GpuFacts, MachineFacts, field_differences
from bench.probe import probe
from bench.probe.fact import Absent

FIXED = {
    "cpu_model": "Planted CPU",
    "cpu_architecture": "x86_64",
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
        ("sockets", 2),
        ("logical_cores", 2),
        ("memory_total_bytes", 16 * 2**30),
        ("gpus", (GpuFacts(index=0, model="Planted GPU"),)),
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


def test_no_fact_tells_the_host_s_name_or_machine_id_unless_asked(monkeypatch, tmp_path):
    """The name and the machine-id are planted, so that they can be told from any other text."""
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(identity, "MACHINE_IDS", (tmp_path / "machine-id",))
    monkeypatch.setattr(platform, "node", lambda: "someones-laptop")
    monkeypatch.delenv(identity.SHOW_VARIABLE, raising=False)
    text = probe().model_dump_json()
    assert "someones-laptop" not in text
    assert "0123456789abcdef0123" not in text
    monkeypatch.setenv(identity.SHOW_VARIABLE, "1")
    shown = probe()
    assert shown.host_name == "someones-laptop"
    assert "0123456789abcdef0123" not in shown.model_dump_json()


def test_without_a_machine_id_the_host_is_told_by_its_hashed_name(monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "MACHINE_IDS", (tmp_path / "none",))
    monkeypatch.setattr(identity, "container", lambda: "none")
    monkeypatch.setattr(platform, "node", lambda: "one")
    first = identity.host_hash()
    monkeypatch.setattr(platform, "node", lambda: "two")
    assert identity.host_hash() != first
    assert "one" not in first


def test_a_container_s_drawn_host_name_is_no_identity(monkeypatch, tmp_path):
    """A container without a machine-id is planted: its host name is new with each start."""
    monkeypatch.setattr(identity, "MACHINE_IDS", (tmp_path / "none",))
    monkeypatch.setattr(identity, "container", lambda: "Docker")
    with pytest.raises(Absent, match="hardware alone"):
        identity.host_hash()


def test_two_machines_are_set_side_by_side_field_by_field():
    left = MachineFacts(machine_id="a", cpu_model="X", packages={"numpy": "1"}, sockets=1)
    right = MachineFacts(machine_id="b", cpu_model="Y", packages={"numpy": "2"}, sockets=1)
    assert field_differences(left, right) == {
        "machine_id": ("a", "b"),
        "cpu_model": ("X", "Y"),
        "numpy": ("1", "2"),
    }
    assert field_differences(left, left) == {}
