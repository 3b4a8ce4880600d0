"""Which of a machine's thermometers are the CPU's, on trees of /sys made after real machines'."""

from __future__ import annotations

import pytest
from faked_roots import faked_root

from bench.probe.fact import Absent
from bench.watch.temperatures import temperature


def zone(number, name, value):
    folder = f"/sys/class/thermal/thermal_zone{number}"
    return {f"{folder}/type": name, f"{folder}/temp": value}


def chip(number, name, *inputs):
    """Return the files of a chip; an input is its value, or its value and its label."""
    folder = f"/sys/class/hwmon/hwmon{number}"
    files = {f"{folder}/name": name}
    for index, entry in enumerate(inputs, 1):
        value, label = entry if isinstance(entry, tuple) else (entry, None)
        files[f"{folder}/temp{index}_input"] = value
        if label:
            files[f"{folder}/temp{index}_label"] = label
    return files


@pytest.mark.parametrize(
    ("files", "degrees_c"),
    [
        (
            zone(0, "x86_pkg_temp", 71000)
            | zone(1, "iwlwifi_1", 99000)
            | chip(0, "k10temp", 82500)
            | chip(1, "nvme", 95000),
            82.5,
        ),
        (zone(0, "acpitz", 99000) | chip(0, "coretemp", 61000, 64000), 64.0),
        (zone(0, "acpitz", 43000) | zone(1, "pch_skylake", 60000), 43.0),
        (chip(0, "k10temp", (95000, "Tctl"), (68000, "Tdie"), (71000, "Tccd1")), 71.0),
        (chip(0, "zenpower", (55000, "Tdie"), (75000, "Tctl")), 55.0),
        (chip(0, "k10temp", (62000, "Tctl"), (206500, "Tccd1"), (-49000, "Tccd2")), 62.0),
        (chip(0, "coretemp", 0, 127000, -128000, 48000, 255000), 48.0),
        (zone(0, "soc-thermal", 61000) | zone(1, "gpu-thermal", 90000), 61.0),
        (zone(0, "soc-thermal", 61000) | zone(1, "littlecore-thermal", 58000), 58.0),
        (zone(0, "cpu-1-2-usr", 66000) | zone(1, "cpuss-0-usr", 64000), 66.0),
        (zone(0, "CPU-therm", 41500) | zone(1, "PLL-therm", 44000), 41.5),
        (zone(0, "cpu_thermal", 47), 47.0),  # in whole degrees
        (chip(0, "thinkpad", (52000, "CPU"), (88000, "GPU"), 70000), 52.0),
        (chip(0, "cpu_hwmon", (51000, "CPU 0 Temperature")), 51.0),
    ],
)
def test_the_hottest_believable_sensor_of_the_cpu_itself_counts(tmp_path, files, degrees_c):
    assert temperature(faked_root(tmp_path, files))() == {"temperature_c": degrees_c}


def test_an_input_that_says_that_it_is_faulty_does_not_count(tmp_path):
    files = chip(0, "coretemp", 50000, 99000) | {"/sys/class/hwmon/hwmon0/temp2_fault": 1}
    assert temperature(faked_root(tmp_path, files))() == {"temperature_c": 50.0}


def test_a_sensor_that_fails_leaves_the_others(tmp_path):
    read = temperature(faked_root(tmp_path, chip(0, "coretemp", 70000, 60000)))
    assert read() == {"temperature_c": 70.0}
    faked_root(tmp_path, chip(0, "coretemp", "", 61000))
    assert [read() for _ in range(4)] == [{"temperature_c": 61.0}] * 4
    faked_root(tmp_path, chip(0, "coretemp", 70000, 62000))
    assert read() == {"temperature_c": 62.0}  # the first was given up after three looks


@pytest.mark.parametrize("files", [{}, chip(0, "nvme", 40000), zone(0, "cpu_fan", 40000)])
def test_a_machine_without_a_thermometer_of_its_cpu_says_so(tmp_path, files):
    with pytest.raises(Absent, match="no temperature sensor of a CPU"):
        temperature(faked_root(tmp_path, files))
