"""Energy of RAPL counters and batteries, on trees of /sys made by hand after real machines'."""

from __future__ import annotations

import pytest
from faked_roots import faked_root
from machine_samples import AMD, INTEL

import bench.watch.energy as energy
from bench.probe.fact import Absent
from bench.watch.ledger import Ledger
from bench.watch.series import Doubt

ZONE, CELL = "/sys/class/powercap/intel-rapl:0", "/sys/class/power_supply/BAT0"

#: The range of a RAPL counter, in microjoules.
RANGE = 262_143_328_850


@pytest.fixture
def machine(tmp_path):
    """Write files of a machine; return a function that writes more, and the machine's root."""
    return lambda files: faked_root(tmp_path, files)


class Looks:
    """Readings of a source a second apart."""

    def __init__(self, source, root):
        self.now_s, self.ledger = 0.0, Ledger()
        self.read = source(root, lambda: self.now_s) if source is energy.rapl else source(root)
        self.look()

    def look(self, after_s=0.0):
        """Read the source `after_s` seconds after the look before."""
        self.now_s += after_s
        said = self.read()
        self.ledger.add(self.now_s, said)
        return said

    def seen(self):
        return self.ledger.interference(0.0, self.now_s, cpus=2)


def package(value, name="package-0", zone=ZONE, range_uj=RANGE):
    return {
        f"{zone}/name": name,
        f"{zone}/energy_uj": value,
        f"{zone}/max_energy_range_uj": range_uj,
        "/proc/cpuinfo": INTEL,
    }


def test_rapl_counters_are_joules_by_package_and_do_not_wrap(machine):
    files = package(900_000, range_uj=1_000_000)
    files |= package(1, "core", f"{ZONE}:0") | package(500_000, "dram", f"{ZONE}:1")
    looks = Looks(energy.rapl, machine(files))
    assert looks.read() == {
        "energy_j:RAPL package-0": pytest.approx(0.9),
        "energy_j:RAPL package-0 dram": pytest.approx(0.5),
    }
    machine({f"{ZONE}/energy_uj": 100_000})
    assert looks.look(1.0)["energy_j:RAPL package-0"] == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("first", "second", "joules", "reason"),
    [
        (RANGE - 5_000_000, 5_000_000, 10.0, None),
        (150_000_000_000, 4_000_000, None, "the counter fell from 150000 to 4 J"),
        (RANGE - 5_000_000_000, 5_000_000, None, "it began anew"),
        (RANGE + 10_000_000, 5_000_000, None, "it began anew"),
        (4_000_000, 150_000_000_000, None, "it rose by 1.5e+05 J in 1 s"),
    ],
    ids=["a wrap", "begun anew", "begun anew near its end", "no range", "a jump"],
)
def test_what_a_counter_of_rapl_does_at_an_impossible_power_is_not_believed(
    machine, first, second, joules, reason
):
    looks = Looks(energy.rapl, machine(package(first)))
    machine({f"{ZONE}/energy_uj": second})
    looks.look(1.0)
    seen = looks.seen()
    assert [one.joules for one in seen.energy] == ([pytest.approx(joules)] if joules else [])
    assert (reason is None) == ("RAPL package-0" not in seen.doubts)
    assert (reason or "") in seen.doubts.get("RAPL package-0", "")
    assert set(seen.doubts_by_meter) == ({"RAPL"} if reason else set())
    machine({f"{ZONE}/energy_uj": second + 20_000_000})
    looks.look(1.0)
    later = looks.ledger.interference(1.0, 2.0, cpus=2)
    assert [one.joules for one in later.energy] == [pytest.approx(20.0)]


def test_a_package_whose_counter_fails_leaves_the_other_packages(machine):
    other = "/sys/class/powercap/intel-rapl:1"
    looks = Looks(energy.rapl, machine(package(0) | package(0, "package-1", other)))
    machine({f"{ZONE}/energy_uj": "closed", f"{other}/energy_uj": 3_000_000})
    assert looks.look(1.0) == {"energy_j:RAPL package-1": pytest.approx(3.0)}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no RAPL in /sys/class/powercap"),
        (package(0, "psys"), "no zone of a CPU package here, only psys"),
        (package("closed"), "the RAPL counters give no answer"),
    ],
)
def test_why_rapl_gives_nothing_is_said_as_it_is(machine, files, reason):
    with pytest.raises(Absent, match=reason):
        energy.rapl(machine(files))


def test_counters_that_a_container_hides_are_not_said_to_be_missing(machine):
    root = machine({"/sys/class/powercap/.keep": ""})
    link = root.folder / ZONE.lstrip("/")
    link.symlink_to("../../devices/virtual/powercap/intel-rapl/intel-rapl:0")
    with pytest.raises(Absent, match="its files are hidden"):
        energy.rapl(root)


@pytest.mark.parametrize(
    ("cpuinfo", "basis"), [(INTEL, "measured"), (AMD, "estimated by the CPU from its activity")]
)
def test_a_counter_that_is_the_cpu_s_own_model_is_no_measurement(machine, cpuinfo, basis):
    looks = Looks(energy.rapl, machine(package(0) | {"/proc/cpuinfo": cpuinfo}))
    machine({f"{ZONE}/energy_uj": 7_000_000})
    looks.look(1.0)
    (found,) = looks.seen().energy
    assert (found.source, found.joules, found.basis) == ("RAPL package-0", 7.0, basis)


def test_a_counter_that_stands_still_counts_nothing_and_says_why(machine):
    looks = Looks(energy.rapl, machine(package(5)))
    looks.look(1.0)
    assert looks.seen().energy == ()
    assert looks.seen().doubts == {"RAPL package-0": "its counter of energy stood still"}


def a_battery(machine, cell=CELL, **values):
    fixed = {f"{cell}/type": "Battery", f"{cell}/status": "Discharging"}
    return machine({**fixed, **{f"{cell}/{name}": value for name, value in values.items()}})


@pytest.mark.parametrize(
    "values",
    [{"power_now": 12_500_000}, {"current_now": -1_000_000, "voltage_now": 12_500_000}],
    ids=["in watts", "in amperes"],
)
def test_a_battery_s_power_makes_joules_of_the_time(machine, values):
    looks = Looks(energy.battery, a_battery(machine, charge_now=1, **values))
    looks.look(1.0)
    looks.look(1.0)
    (found,) = looks.seen().energy
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
        ({"energy_now": 50_000_000, "power_now": 0}, {"energy_now": 49_000_000}, 3600.0),
        ({"energy_now": 50_000_000}, {"energy_now": 20_000_000}, None),
    ],
    ids=[
        "in watt-hours",
        "in ampere-hours",
        "a voltage that sags is no charge",
        "a power of 0 W is none",
        "another battery was put in",
    ],
)
def test_a_battery_s_charge_makes_joules_if_it_states_no_power(machine, full, less, joules):
    looks = Looks(energy.battery, a_battery(machine, **full))
    a_battery(machine, **less)
    looks.look(1.0)
    found = looks.seen().energy
    assert [entry.joules for entry in found] == ([] if joules is None else [pytest.approx(joules)])
    assert all(entry.basis == "estimated from the battery's charge" for entry in found)


@pytest.mark.parametrize("value", ["", 65_535_000_000])
def test_a_battery_that_states_no_power_or_an_impossible_one_gives_no_sample(machine, value):
    looks = Looks(energy.battery, a_battery(machine, power_now=10_000_000))
    a_battery(machine, power_now=value)
    assert isinstance(looks.look(1.0)["power_w:battery"], Doubt)
    (found,) = looks.seen().energy
    assert found.joules == pytest.approx(10.0)
    for _ in range(9):
        looks.look(1.0)
    seen = looks.seen()
    assert seen.energy == ()  # a tenth of the time does not stand for the rest
    assert seen.doubts["battery"].startswith("BAT0 states ")


def test_of_two_batteries_the_one_that_fails_makes_no_sum_of_the_other_alone(machine):
    other = CELL.replace("BAT0", "BAT1")
    a_battery(machine, other, energy_now=9_000_000)
    looks = Looks(energy.battery, a_battery(machine, energy_now=9_000_000))
    a_battery(machine, energy_now="")
    assert looks.look(1.0) == {"on_battery": 1.0}
    a_battery(machine, energy_now=8_990_000)
    assert looks.look(1.0)["energy_j:battery"] == pytest.approx(36.0)


def test_a_battery_that_is_plugged_in_meanwhile_tells_nothing(machine):
    looks = Looks(energy.battery, a_battery(machine, power_now=12_500_000))
    machine({f"{CELL}/status": "Charging"})
    looks.look(1.0)
    assert looks.seen().energy == ()


def test_a_battery_on_mains_and_a_mouse_s_battery_and_an_empty_bay_tell_nothing(machine):
    mouse, bay = "/sys/class/power_supply/hid", "/sys/class/power_supply/BAT7"
    files = {f"{mouse}/type": "Battery", f"{mouse}/scope": "Device"}
    root = machine({**files, f"{bay}/type": "Battery", f"{bay}/present": 0})
    with pytest.raises(Absent, match="no battery"):
        energy.battery(root)
    machine({f"{CELL}/type": "Battery", f"{CELL}/status": "Charging", f"{CELL}/energy_now": 1})
    with pytest.raises(Absent, match="not discharging"):
        energy.battery(root)


def test_a_battery_that_states_nothing_says_so(machine):
    with pytest.raises(Absent, match="neither power, energy nor charge"):
        energy.battery(a_battery(machine))


@pytest.mark.parametrize("source", [energy.rapl, energy.battery])
def test_a_machine_without_the_source_says_so_in_words(machine, source):
    with pytest.raises(Absent, match="no "):
        source(machine({}))
    with pytest.raises(Absent, match="macOS"):
        source(faked_root(machine({}).folder, system="Darwin"))
