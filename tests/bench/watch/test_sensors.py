"""Sensors of the hardware, on trees of /sys made by hand after real machines'."""

from __future__ import annotations

import pytest

import bench.watch.sensors as sensors
from bench.probe.fact import Absent

CPUS = "devices/system/cpu"


def test_the_clock_is_the_mean_of_the_fastest_cpus_that_a_job_may_fill(tree):
    """The tenth CPU is the fastest by far, and none of the job's."""
    clocks = {0: 1_000_000, 1: 3_000_000, 2: 2_000_000, 10: 9_000_000}
    root = tree({f"{CPUS}/cpu{n}/cpufreq/scaling_cur_freq": hz for n, hz in clocks.items()})
    read = sensors.frequency(root, cpus=frozenset({0, 1, 2}), threads=2)
    assert read() == {"frequency_hz": 2.5e9}
    assert sensors.frequency(root, threads=64)() == {"frequency_hz": 3.75e9}


def test_the_clock_is_read_anew(tree):
    root = tree({f"{CPUS}/cpu{n}/cpufreq/scaling_cur_freq": 2_000_000 + n * 1e6 for n in (0, 1)})
    tree({f"{CPUS}/cpu1/cpufreq/scaling_cur_freq": 3_000_000})
    tree({f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": 2_000_000})
    read = sensors.frequency(root, threads=2)
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


def test_throttle_events_are_those_of_each_core_and_each_package_once(tree):
    """Two packages of one core with two threads each, which repeat their core's count."""
    files = {}
    for number in range(4):
        cpu = f"{CPUS}/cpu{number}"
        files |= {
            f"{cpu}/topology/physical_package_id": number // 2,
            f"{cpu}/topology/core_id": 0,
            f"{cpu}/thermal_throttle/core_throttle_count": 3 + number // 2,
            f"{cpu}/thermal_throttle/package_throttle_count": 10,
        }
    assert sensors.thermal_throttling(tree(files))() == {"thermal_throttles": 3 + 4 + 10 + 10}


def test_a_raspberry_pi_s_active_throttle_bits_are_counted_by_looks(tree):
    name = "devices/platform/soc/soc:firmware/get_throttled"
    root = tree({name: "50000"})  # it was throttled since boot, it is not now
    read = sensors.thermal_throttling(root)
    assert read() == {"thermal_throttles": 0}
    tree({name: "50005"})
    assert read() == {"thermal_throttles": 1}
    assert read() == {"thermal_throttles": 2}


@pytest.mark.parametrize(
    "sensor", [sensors.frequency, sensors.temperature, sensors.thermal_throttling]
)
def test_a_machine_without_the_sensor_says_so_in_words(tmp_path, sensor):
    with pytest.raises(Absent) as caught:
        sensor(tmp_path)
    assert len(str(caught.value)) > 10
