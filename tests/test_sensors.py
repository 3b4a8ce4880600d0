"""Sensors of the hardware, on trees of /sys made by hand after real machines'."""

from __future__ import annotations

import pytest

import bench.conditions.sensors as sensors
from bench.probe.fact import Absent


@pytest.fixture
def tree(tmp_path):
    """Write files below a root; return a function that writes more, and the root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return tmp_path

    return write


CPUS = "devices/system/cpu"


def test_the_clock_is_the_mean_of_the_cpus(tree):
    root = tree({f"{CPUS}/cpu{n}/cpufreq/scaling_cur_freq": 2_000_000 + n * 1e6 for n in (0, 1)})
    tree({f"{CPUS}/cpu1/cpufreq/scaling_cur_freq": 3_000_000})
    tree({f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": 2_000_000})
    read = sensors.frequency(root)
    assert read() == {"frequency_hz": 2.5e9}
    tree({f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": 1_000_000})
    assert read() == {"frequency_hz": 2.0e9}


def test_the_hottest_sensor_of_the_cpu_counts_and_others_do_not(tree):
    root = tree(
        {
            "class/thermal/thermal_zone0/type": "x86_pkg_temp",
            "class/thermal/thermal_zone0/temp": 71000,
            "class/thermal/thermal_zone1/type": "iwlwifi_1",
            "class/thermal/thermal_zone1/temp": 99000,
            "class/hwmon/hwmon0/name": "k10temp",
            "class/hwmon/hwmon0/temp1_input": 82500,
            "class/hwmon/hwmon1/name": "nvme",
            "class/hwmon/hwmon1/temp1_input": 95000,
        }
    )
    assert sensors.temperature(root)() == {"temperature_c": 82.5}


def test_throttle_events_of_cores_and_package_are_added_up(tree):
    folder = f"{CPUS}/cpu0/thermal_throttle"
    root = tree(
        {
            f"{folder}/core_throttle_count": 3,
            f"{folder}/package_throttle_count": 4,
            f"{CPUS}/cpu1/thermal_throttle/core_throttle_count": 5,
        }
    )
    assert sensors.thermal_throttling(root)() == {"thermal_throttles": 12}


def test_a_raspberry_pi_s_active_throttle_bits_are_counted_by_looks(tree):
    name = "devices/platform/soc/soc:firmware/get_throttled"
    root = tree({name: "50000"})  # it was throttled since boot, it is not now
    read = sensors.thermal_throttling(root)
    assert read() == {"thermal_throttles": 0}
    tree({name: "50005"})
    assert read() == {"thermal_throttles": 1}
    assert read() == {"thermal_throttles": 2}


def test_rapl_counters_are_joules_by_package_and_do_not_wrap(tree):
    zone = "class/powercap/intel-rapl:0"
    root = tree(
        {
            f"{zone}/name": "package-0",
            f"{zone}/energy_uj": 900_000,
            f"{zone}/max_energy_range_uj": 1_000_000,
            "class/powercap/intel-rapl:0:0/name": "core",
            "class/powercap/intel-rapl:0:0/energy_uj": 1,
            "class/powercap/intel-rapl:0:1/name": "dram",
            "class/powercap/intel-rapl:0:1/energy_uj": 500_000,
        }
    )
    read = sensors.rapl(root)
    assert read() == {
        "energy_j:RAPL package-0": pytest.approx(0.9),
        "energy_j:RAPL package-0 dram": pytest.approx(0.5),
    }
    tree({f"{zone}/energy_uj": 100_000})
    assert read()["energy_j:RAPL package-0"] == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("full", "less", "joules"),
    [
        ({"energy_now": 50_000_000}, {"energy_now": 49_000_000}, 3600.0),
        (
            {"charge_now": 4_000_000, "voltage_now": 12_000_000},
            {"charge_now": 3_900_000, "voltage_now": 12_000_000},
            4320.0,
        ),
    ],
    ids=["in watt-hours", "in ampere-hours"],
)
def test_a_battery_that_discharges_gives_joules(tree, full, less, joules):
    cell = "class/power_supply/BAT0"
    fixed = {f"{cell}/type": "Battery", f"{cell}/status": "Discharging"}
    root = tree({**fixed, **{f"{cell}/{name}": value for name, value in full.items()}})
    read = sensors.battery(root)
    tree({f"{cell}/{name}": value for name, value in less.items()})
    assert read() == {"energy_j:battery": pytest.approx(joules)}


def test_a_battery_on_mains_and_a_mouse_s_battery_tell_nothing(tree):
    mouse = "class/power_supply/hid"
    root = tree({f"{mouse}/type": "Battery", f"{mouse}/scope": "Device"})
    with pytest.raises(Absent, match="no battery"):
        sensors.battery(root)
    cell = "class/power_supply/BAT0"
    tree({f"{cell}/type": "Battery", f"{cell}/status": "Charging", f"{cell}/energy_now": 1})
    with pytest.raises(Absent, match="not discharging"):
        sensors.battery(root)


@pytest.mark.parametrize(
    "sensor",
    [
        sensors.frequency,
        sensors.temperature,
        sensors.thermal_throttling,
        sensors.rapl,
        sensors.battery,
    ],
)
def test_a_machine_without_the_sensor_says_so_in_words(tmp_path, sensor):
    with pytest.raises(Absent) as caught:
        sensor(tmp_path)
    assert len(str(caught.value)) > 10
