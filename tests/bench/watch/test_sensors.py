"""Clocks and throttling of the CPU, on trees of /sys made by hand after real machines'."""

from __future__ import annotations

import pytest
from faked_roots import faked_root

import bench.watch.sensors as sensors
from bench.probe.fact import Absent
from bench.watch.ledger import Ledger
from bench.watch.series import Doubt

CPUS = "/sys/devices/system/cpu"
PI = "/sys/devices/platform/soc/soc:firmware/get_throttled"


@pytest.fixture
def machine(tmp_path):
    """Write files of a machine; return a function that writes more, and the machine's root."""
    return lambda files: faked_root(tmp_path, files)


def clocks(name="scaling_cur_freq", **khz):
    return {f"{CPUS}/{cpu}/cpufreq/{name}": value for cpu, value in khz.items()}


def test_the_clock_is_the_mean_of_the_fastest_cpus_that_a_job_may_fill(machine):
    """The tenth CPU is the fastest by far, and none of the job's."""
    root = machine(clocks(cpu0=1_000_000, cpu1=3_000_000, cpu2=2_000_000, cpu10=9_000_000))
    read = sensors.frequency(root, cpus=frozenset({0, 1, 2}), threads=2)
    assert read() == {"frequency_hz": 2.5e9}
    assert sensors.frequency(root, threads=64)() == {"frequency_hz": 3.75e9}


def test_the_clock_is_read_anew(machine):
    read = sensors.frequency(machine(clocks(cpu0=2_000_000, cpu1=3_000_000)), threads=2)
    assert read() == {"frequency_hz": 2.5e9}
    machine(clocks(cpu0=1_000_000))
    assert read() == {"frequency_hz": 2.0e9}


def test_a_cpu_that_states_no_clock_or_an_impossible_one_is_left_out(machine):
    """An idle CPU's measured clock is empty here; the kernel fails to give one."""
    files = clocks(cpu0=400_000, cpu1=3_000_000, cpu2=0, cpu3=4_294_967_295)
    files |= clocks("cpuinfo_avg_freq", cpu0=3_600_000, cpu1="")
    assert sensors.frequency(machine(files), threads=4)() == {"frequency_hz": 3.3e9}


def test_a_clock_that_nobody_gives_is_given_up_with_its_reason(machine):
    read = sensors.frequency(machine(clocks(cpu0=0)))
    for _ in range(4):
        with pytest.raises(ValueError, match="0 Hz are no clock of a CPU"):
            read()


LEAST = {f"{CPUS}/cpu0/cpufreq/cpuinfo_min_freq": 400_000}


@pytest.mark.parametrize(
    ("more", "khz", "job_cpu_s", "seen_hz"),
    [
        ({}, 400_000, 1.0, None),
        ({}, 400_000, 0.1, 4e8),  # an idle CPU may stand there
        ({}, 400_001, 1.0, pytest.approx(4.00001e8)),
        ({"scaling_max_freq": 400_000}, 400_000, 1.0, 4e8),  # its user holds it there
        ({"scaling_governor": "powersave", "scaling_driver": "acpi-cpufreq"}, 400_000, 1.0, 4e8),
        ({"scaling_governor": "powersave", "scaling_driver": "amd-pstate-epp"}, 4e5, 1.0, None),
    ],
)
def test_a_clock_that_stands_at_its_least_in_a_running_job_is_not_believed(
    machine, more, khz, job_cpu_s, seen_hz
):
    files = {f"{CPUS}/cpu0/cpufreq/{name}": value for name, value in more.items()}
    read = sensors.frequency(machine({**clocks(cpu0=int(khz)), **LEAST, **files}))
    ledger = Ledger()
    for second in range(3):
        ledger.add(float(second), {**read(), "tree_cpu_s": job_cpu_s * second})
    seen = ledger.interference(0.0, 2.0, cpus=2)
    assert seen.frequency_hz == seen_hz
    assert ("frequency_hz" in seen.doubts) == (seen_hz is None)


def throttles(**cpus):
    """Return the files of CPUs: their package, core, and the counts of core and package."""
    return {
        f"{CPUS}/{cpu}/{name}": value
        for cpu, values in cpus.items()
        for name, value in zip(
            (
                "topology/physical_package_id",
                "topology/core_id",
                "thermal_throttle/core_throttle_count",
                "thermal_throttle/package_throttle_count",
            ),
            values,
            strict=True,
        )
    }


def test_throttle_events_are_those_of_each_core_and_each_package_once(machine):
    """Two packages of one core with two threads each, which repeat their core's count."""
    root = machine(
        throttles(cpu0=(0, 0, 3, 10), cpu1=(0, 0, 3, 10), cpu2=(1, 0, 4, 10), cpu3=(1, 0, 4, 10))
    )
    assert sensors.thermal_throttling(root)() == {"thermal_throttles": 3 + 4 + 10 + 10}


def test_throttling_of_a_package_that_is_not_the_job_s_is_not_counted(machine):
    root = machine(throttles(cpu0=(0, 0, 0, 5), cpu80=(1, 0, 0, 7)))
    read = sensors.thermal_throttling(root, cpus=frozenset({80}))
    assert read() == {"thermal_throttles": 7}


def test_a_count_of_throttling_that_fails_or_falls_is_no_event(machine):
    root = machine(throttles(cpu0=(0, 0, 5, 0), cpu1=(0, 1, 8, 0)))
    read = sensors.thermal_throttling(root)
    assert read() == {"thermal_throttles": 13}
    count = f"{CPUS}/cpu1/thermal_throttle/core_throttle_count"
    machine({count: "unreadable", f"{CPUS}/cpu0/thermal_throttle/core_throttle_count": 6})
    assert read() == {"thermal_throttles": 14}
    machine({count: 9})
    assert read() == {"thermal_throttles": 15}
    machine({count: 2})
    assert isinstance(read()["thermal_throttles"], Doubt)
    assert read() == {"thermal_throttles": 15}


@pytest.mark.parametrize(
    ("bits", "events"),
    [
        ("50000", 0),  # it was throttled since boot, it is not now
        ("50006", 1),
        ("8", 1),
        ("50001", 0),  # a weak power supply
        ("50005", 0),  # which throttles too
        ("d", 1),  # and heat besides
    ],
)
def test_heat_that_slows_a_raspberry_pi_is_counted_by_looks_and_a_weak_supply_is_not(
    machine, bits, events
):
    read = sensors.thermal_throttling(machine({PI: bits}))
    assert [read()["thermal_throttles"] for _ in range(2)] == [events, 2 * events]


@pytest.mark.parametrize("sensor", [sensors.frequency, sensors.thermal_throttling])
def test_a_machine_without_the_sensor_says_so_in_words(machine, sensor):
    with pytest.raises(Absent, match=r"^no "):
        sensor(machine({}))
    macos = faked_root(machine({}).folder, system="Darwin")
    with pytest.raises(Absent, match="macOS"):
        sensor(macos)


def test_a_clock_that_is_there_but_closed_is_not_said_to_be_missing(machine):
    """A folder stands for a file that cannot be read."""
    root = machine({f"{CPUS}/cpu0/cpufreq/scaling_driver": "intel_pstate"})
    path = root.folder / f"{CPUS}/cpu0/cpufreq/scaling_cur_freq".lstrip("/")
    path.mkdir()
    read = sensors.frequency(root)
    with pytest.raises(OSError, match="directory"):
        read()
