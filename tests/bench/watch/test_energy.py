"""Energy of RAPL counters and batteries, on trees of /sys made by hand after real machines'."""

from __future__ import annotations

import platform

import pytest
from machine_samples import AMD, INTEL

import bench.watch.energy as energy
from bench.probe.fact import Absent
from bench.watch.ledger import Ledger

ZONE, CELL = "class/powercap/intel-rapl:0", "class/power_supply/BAT0"


def readings(looks, end_s=None):
    """Return the energy of looks a second apart, from the first to the last (or `end_s`)."""
    ledger = Ledger()
    for second, look in enumerate(looks):
        ledger.add(float(second), look)
    return ledger.interference(0.0, end_s or float(len(looks) - 1), cpus=2).energy


def test_rapl_counters_are_joules_by_package_and_do_not_wrap(tree):
    root = tree(
        {
            f"{ZONE}/name": "package-0",
            f"{ZONE}/energy_uj": 900_000,
            f"{ZONE}/max_energy_range_uj": 1_000_000,
            "class/powercap/intel-rapl:0:0/name": "core",
            "class/powercap/intel-rapl:0:0/energy_uj": 1,
            "class/powercap/intel-rapl:0:1/name": "dram",
            "class/powercap/intel-rapl:0:1/energy_uj": 500_000,
            "cpuinfo": INTEL,
        }
    )
    read = energy.rapl(root, root / "cpuinfo")
    assert read() == {
        "energy_j:RAPL package-0": pytest.approx(0.9),
        "energy_j:RAPL package-0 dram": pytest.approx(0.5),
    }
    tree({f"{ZONE}/energy_uj": 100_000})
    assert read()["energy_j:RAPL package-0"] == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("cpuinfo", "basis"), [(INTEL, "measured"), (AMD, "estimated by the CPU from its activity")]
)
def test_a_counter_that_is_the_cpu_s_own_model_is_no_measurement(tree, cpuinfo, basis):
    root = tree({f"{ZONE}/name": "package-0", f"{ZONE}/energy_uj": 0, "cpuinfo": cpuinfo})
    read = energy.rapl(root, root / "cpuinfo")
    looks = [read()]
    tree({f"{ZONE}/energy_uj": 7_000_000})
    (found,) = readings([*looks, read()])
    assert (found.source, found.joules, found.basis) == ("RAPL package-0", 7.0, basis)


def test_a_counter_that_stands_still_counts_nothing(tree):
    root = tree({f"{ZONE}/name": "package-0", f"{ZONE}/energy_uj": 5, "cpuinfo": INTEL})
    read = energy.rapl(root, root / "cpuinfo")
    assert readings([read(), read()]) == ()


def a_battery(tree, **values):
    fixed = {f"{CELL}/type": "Battery", f"{CELL}/status": "Discharging"}
    return tree({**fixed, **{f"{CELL}/{name}": value for name, value in values.items()}})


@pytest.mark.parametrize(
    "values",
    [{"power_now": 12_500_000}, {"current_now": -1_000_000, "voltage_now": 12_500_000}],
    ids=["in watts", "in amperes"],
)
def test_a_battery_s_power_makes_joules_of_the_time(tree, values):
    read = energy.battery(a_battery(tree, charge_now=1, **values))
    (found,) = readings([read(), read(), read()])
    assert (found.source, found.joules) == ("battery", pytest.approx(25.0))
    assert found.basis == "estimated from power samples"


@pytest.mark.parametrize(
    ("full", "less", "joules"),
    [
        ({"energy_now": 50_000_000}, {"energy_now": 49_000_000}, 3600.0),
        (
            {"charge_now": 4_000_000, "voltage_now": 12_300_000},
            {"charge_now": 3_900_000, "voltage_now": 12_000_000},
            4320.0,
        ),
        (
            {"charge_now": 4_000_000, "voltage_now": 12_300_000},
            {"charge_now": 4_000_000, "voltage_now": 12_000_000},
            None,
        ),
    ],
    ids=["in watt-hours", "in ampere-hours", "a voltage that sags is no charge"],
)
def test_a_battery_s_charge_makes_joules_where_it_states_no_power(tree, full, less, joules):
    read = energy.battery(a_battery(tree, **full))
    looks = [read()]
    a_battery(tree, **less)
    found = readings([*looks, read()])
    assert [entry.joules for entry in found] == ([] if joules is None else [pytest.approx(joules)])
    assert all(entry.basis == "estimated from the battery's charge" for entry in found)


def test_a_battery_that_is_plugged_in_meanwhile_tells_nothing(tree):
    read = energy.battery(a_battery(tree, power_now=12_500_000))
    looks = [read()]
    tree({f"{CELL}/status": "Charging"})
    assert readings([*looks, read()]) == ()


def test_a_battery_on_mains_and_a_mouse_s_battery_tell_nothing(tree):
    mouse = "class/power_supply/hid"
    root = tree({f"{mouse}/type": "Battery", f"{mouse}/scope": "Device"})
    with pytest.raises(Absent, match="no battery"):
        energy.battery(root)
    tree({f"{CELL}/type": "Battery", f"{CELL}/status": "Charging", f"{CELL}/energy_now": 1})
    with pytest.raises(Absent, match="not discharging"):
        energy.battery(root)


def test_a_battery_that_states_nothing_says_so(tree):
    with pytest.raises(Absent, match="neither power, energy nor charge"):
        energy.battery(a_battery(tree))


@pytest.mark.parametrize("source", [energy.rapl, energy.battery])
def test_a_machine_without_the_source_says_so_in_words(tmp_path, monkeypatch, source):
    with pytest.raises(Absent, match="no "):
        source(tmp_path)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(Absent, match="macOS"):
        source(tmp_path)
