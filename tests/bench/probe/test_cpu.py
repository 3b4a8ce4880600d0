"""CPU facts and layout, on recorded texts of x86, Arm and Apple machines and on this one."""

from __future__ import annotations

import platform

import pytest
from faked_roots import faked_root
from machine_samples import (
    AMD,
    APPLE,
    ASAHI,
    BIG_LITTLE,
    GRAVITON,
    INTEL,
    INTEL_MAC,
    INTEL_MAC_PRO,
    LOONGSON,
    OLD_ARM,
    POWER,
    QEMU_USER,
    RASPBERRY,
    RISCV,
    ROSETTA_FOR_LINUX,
    UNNAMED_ARM,
    UNNAMED_BIG,
)

import bench.probe.cpu as cpu
import bench.probe.system as system
import bench.probe.topology as topology
import bench.probe.virtual as virtual
from bench.probe.fact import Absent, was_given_up
from bench.probe.translation import translator

READ = {fact.name: fact.read for fact in (*cpu.FACTS, *topology.FACTS)}


@pytest.fixture
def linux(tmp_path):
    """Return a reader of facts of a Linux machine with a cpuinfo text and files of its CPUs."""

    def make(cpuinfo: str = "", files: dict[str, str] | None = None):
        below = {f"/sys/devices/system/cpu/{name}": text for name, text in (files or {}).items()}
        return reader(faked_root(tmp_path, {"/proc/cpuinfo": cpuinfo, **below}))

    return make


@pytest.fixture
def mac(tmp_path):
    """Return a reader of facts of a Mac with a sysctl text; there is no Mac here to ask."""

    def make(text: str):
        return reader(faked_root(tmp_path, system="Darwin", sysctl=system.parse_sysctl(text)))

    return make


def reader(root):
    return lambda name: READ[name](root)


@pytest.mark.parametrize(
    ("text", "model", "vendor", "sets"),
    [
        (
            INTEL,
            "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
            "GenuineIntel",
            [
                *("SSE4.2", "AVX", "AVX2", "FMA", "F16C", "AVX512F", "AVX512BW", "AVX512VL"),
                *("AVX512_VNNI", "AVX512_BF16", "AVX512_FP16", "AVX_VNNI"),
                *("AMX_TILE", "AMX_BF16", "AMX_INT8"),
            ],
        ),
        (
            AMD,
            "AMD EPYC 7B13 64-Core Processor",
            "AuthenticAMD",
            ["SSE4.2", "AVX", "AVX2", "FMA", "F16C"],
        ),
        (GRAVITON, "Neoverse V1", "ARM", ["NEON", "FP16", "DOTPROD", "BF16", "I8MM", "SVE"]),
        (RASPBERRY, "Cortex-A76", "ARM", ["NEON", "FP16", "DOTPROD"]),
        (UNNAMED_ARM, "implementer 0x99, part 0x123", None, ["NEON", "SVE", "SVE2"]),
    ],
    ids=["Intel with AMX", "AMD", "Arm like Graviton 3", "Raspberry Pi", "an Arm nobody knows"],
)
def test_a_linux_machine_s_cpuinfo_gives_model_and_instruction_sets(
    linux, text, model, vendor, sets
):
    read = linux(text)
    assert read("cpu_model") == model
    assert read("cpu_vendor") == vendor
    assert read("instruction_sets") == tuple(sets)


@pytest.mark.parametrize(
    ("text", "model", "vendor", "sets", "signature"),
    [
        (POWER, "POWER9 (architected)", "IBM", ("AltiVec",), "revision 2.2 (pvr 004e 1202)"),
        (
            *(RISCV, "T-Head core 0x0", "T-Head", ("RVV",)),
            "vendor 0x5b7, architecture 0x0, implementation 0x0",
        ),
        (
            *(LOONGSON, "Loongson-3A5000", "Loongson", ("LSX", "LASX")),
            "family Loongson-64bit, revision 0x10",
        ),
        (OLD_ARM, "Cortex-A9", "ARM", ("NEON",), "implementer 0x41, part 0xc09"),
        (
            *(ASAHI, "Firestorm M1 + Icestorm M1", "Apple", ("NEON",)),
            "implementer 0x61, part 0x022; implementer 0x61, part 0x023",
        ),
        (
            "processor\t: 0\nvendor_id\t: X\ncpu family\t: 6\nmodel\t: 1\nflags\t: avx",
            *("X family 6 model 1", "X", ("AVX",), "family 6, model 1"),
        ),
    ],
    ids=["POWER", "RISC-V", "LoongArch", "32-bit Arm", "unlike Arm cores", "x86 without a name"],
)
def test_each_architecture_s_cpuinfo_names_its_cpu(linux, text, model, vendor, sets, signature):
    read = linux(text)
    assert (read("cpu_model"), read("cpu_vendor")) == (model, vendor)
    assert read("instruction_sets") == sets
    assert read("cpu_signature") == signature


def test_an_architecture_that_lists_no_flags_says_so_in_words(linux):
    with pytest.raises(Absent, match="lists no instruction sets"):
        linux("processor\t: 0\ncpu\t: UltraSparc T5\n")("cpu_flags")


@pytest.mark.parametrize(
    ("cpuinfo", "architecture", "words"),
    [
        (QEMU_USER, "x86_64", "an emulator (the real CPU is arm)"),
        (INTEL, "aarch64", "an emulator (the real CPU is x86)"),
        (ROSETTA_FOR_LINUX, "x86_64", "Rosetta 2"),
    ],
)
def test_translated_instructions_are_told_and_the_real_cpu_s_sets_are_not_listed(
    tmp_path, cpuinfo, architecture, words
):
    files = {"/proc/cpuinfo": cpuinfo}
    root = faked_root(tmp_path, files, architecture=architecture, hypervisor="none")
    assert virtual.virtualisation(root).endswith(f"translated by {words}")
    if words == "Rosetta 2":
        assert READ["instruction_sets"](root) == ("SSE4.2", "AVX", "AVX2")
        return
    for name in ("instruction_sets", "cpu_flags"):
        with pytest.raises(Absent, match="does not state its instruction sets"):
            READ[name](root)


def test_a_cpu_of_the_process_s_own_architecture_is_not_translated(tmp_path):
    for cpuinfo, architecture in ((INTEL, "x86_64"), (INTEL, "i686"), (GRAVITON, "aarch64")):
        root = faked_root(tmp_path, {"/proc/cpuinfo": cpuinfo}, architecture=architecture)
        assert translator(root) is None


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (AMD, "family 25, model 1, stepping 1"),
        (GRAVITON, "implementer 0x41, part 0xd40"),
        ("processor\t: 0\n", None),
    ],
)
def test_numbers_tell_cpus_of_one_name_apart(linux, text, signature):
    read = linux(text)
    assert read("cpu_signature") == signature


@pytest.mark.parametrize(
    ("text", "model"),
    [(BIG_LITTLE, "Cortex-A72 + Cortex-A53"), (UNNAMED_BIG, "ARM part 0xfff + Cortex-A55")],
)
def test_each_kind_of_an_arm_machine_s_cores_is_named_the_biggest_first(linux, text, model):
    read = linux(text)
    assert read("cpu_model") == model


@pytest.mark.parametrize(
    ("part", "name"),
    [("0xd05", "Cortex-A55"), ("0xd41", "Cortex-A78"), ("0xd4f", "Neoverse V2")],
)
def test_a_part_number_of_arm_s_is_the_core_s_name(linux, part, name):
    """The numbers are those of the kernel's cputype.h."""
    read = linux(f"processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: {part}\n")
    assert read("cpu_model") == name


@pytest.mark.parametrize("name", ["core_cpus_list", "thread_siblings_list"])
def test_a_hybrid_s_big_cores_say_how_many_threads_a_core_has(linux, name):
    """Two big cores of two threads, three small ones of one: 7 CPUs on 5 cores."""
    lists = ["0-1", "0-1", "2-3", "2-3", "4", "5", "6"]
    read = linux(INTEL, {f"cpu{n}/topology/{name}": text for n, text in enumerate(lists)})
    assert read("threads_per_core") == 2


def test_without_a_layout_threads_per_core_are_the_ratio_of_the_counts(linux):
    package = "physical id\t: 0\ncpu cores\t: 2\n"
    read = linux("\n".join(f"processor\t: {n}\n{package}" for n in range(4)))
    assert [read(f"{name}_cores") for name in ("physical", "logical")] == [2, 4]
    assert read("threads_per_core") == 2


def test_archspec_names_a_mac_by_its_brand(mac, monkeypatch):
    """archspec asks sysctl itself: its answer is planted. No Mac is here to ask."""
    from archspec.cpu import detect

    read = mac(APPLE)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(detect, "_darwin_sysctl_data", lambda: system.parse_sysctl(APPLE))
    caches = (detect.host, detect._machine)
    for function in caches:
        function.cache_clear()
    try:
        assert read("microarchitecture") == "m2"
    finally:
        for function in caches:
            function.cache_clear()


def test_raw_flags_are_kept_beside_the_named_ones(linux):
    read = linux(AMD)
    assert read("cpu_flags") == ("avx", "avx2", "f16c", "fma", "fpu", "sse4_2", "sse4a")


def test_a_mac_s_sysctl_gives_model_instruction_sets_and_caches(mac):
    read = mac(APPLE)
    assert read("cpu_model") == "Apple M2 Pro"
    assert read("cpu_vendor") == "Apple"
    assert read("instruction_sets") == ("NEON", "FP16", "DOTPROD", "BF16", "I8MM")
    flags = read("cpu_flags")
    assert {"arm.FEAT_LSE", "arm.FEAT_BF16", "AdvSIMD", "asimd", "bf16"} <= set(flags)
    assert not {"arm.FEAT_SME", "arm.caps", "avx2_0", "sme"} & set(flags)
    assert read("caches_bytes") == {"L1d": 131072, "L1i": 196608, "L2": 16777216}
    assert (read("sockets"), read("numa_nodes")) == (1, 1)
    assert read("core_kinds") == {"performance": 8, "efficiency": 4}
    assert read("cpu_base_hz") is None


def test_an_intel_mac_s_sysctl_gives_its_nominal_clock(mac):
    read = mac(INTEL_MAC)
    assert read("cpu_vendor") == "GenuineIntel"
    assert read("instruction_sets") == ("SSE4.2", "AVX", "AVX2", "FMA", "F16C")
    assert {"rdwrfsgs", "bmi1", "sse4.1"} <= set(read("cpu_flags"))
    assert read("cpu_base_hz") == 2.8e9
    assert read("caches_bytes") == {"L3": 8388608}
    assert read("core_kinds") is None


def test_an_intel_mac_s_lists_give_avx_512(mac):
    read = mac(INTEL_MAC_PRO)
    assert read("instruction_sets") == (
        *("SSE4.2", "AVX", "AVX2", "FMA", "F16C"),
        *("AVX512F", "AVX512BW", "AVX512VL", "AVX512_VNNI"),
    )


def test_clocks_come_from_cpufreq_where_there_is_a_driver(linux):
    read = linux(
        INTEL,
        {
            "cpu0/cpufreq/base_frequency": "2000000",
            "cpu0/cpufreq/cpuinfo_max_freq": "3800000",
            "cpu0/cpufreq/scaling_cur_freq": "3100000",
            "cpu0/cpufreq/scaling_governor": "powersave",
            "intel_pstate/no_turbo": "1",
        },
    )
    clocks = [read(f"cpu_{name}_hz") for name in ("base", "max", "now")]
    assert clocks == [2.0e9, 3.8e9, 3.1e9]
    assert read("cpu_governor") == "powersave"
    assert read("cpu_boost") is False


def test_clocks_come_from_the_model_and_cpuinfo_where_there_is_none(linux):
    read = linux(INTEL)
    assert read("cpu_base_hz") == 2.7e9
    assert read("cpu_now_hz") == 2699998000.0
    assert [read(name) for name in ("cpu_max_hz", "cpu_governor", "cpu_boost")] == [None] * 3


def test_the_nominal_clock_is_the_firmware_s_where_neither_driver_nor_name_states_it(linux):
    read = linux(AMD, {"cpu0/acpi_cppc/nominal_freq": "2450"})
    assert read("cpu_base_hz") == 2.45e9


def test_a_driver_that_states_no_boost_is_named_as_the_reason(linux):
    read = linux(AMD, {"cpu0/cpufreq/scaling_driver": "cppc_cpufreq"})
    with pytest.raises(Absent, match="the cpufreq driver cppc_cpufreq states no boost"):
        read("cpu_boost")
    assert linux(AMD, {"cpu0/cpufreq/boost": "1"})("cpu_boost") is True


def test_the_fastest_kind_of_core_states_the_clocks(linux):
    """CPU 0 is a little one, CPU 1 states nonsense, and CPU 2 has a clock that is measured."""
    read = linux(
        AMD,
        {
            "cpu0/cpufreq/cpuinfo_max_freq": "1500000",
            "cpu0/acpi_cppc/nominal_freq": "1000",
            "cpu1/cpufreq/cpuinfo_max_freq": "4294967295",
            "cpu2/cpufreq/cpuinfo_max_freq": "2000000",
            "cpu2/acpi_cppc/nominal_freq": "1800",
            "cpu2/cpufreq/scaling_cur_freq": "400000",
            "cpu2/cpufreq/cpuinfo_avg_freq": "1900000",
            "cpu2/cpufreq/scaling_governor": "performance",
            "cpu0/cpufreq/scaling_governor": "powersave",
        },
    )
    assert [read(f"cpu_{name}_hz") for name in ("base", "max", "now")] == [1.8e9, 2.0e9, 1.9e9]
    assert read("cpu_governor") == "powersave + performance"


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        (
            {
                **{"../../cpu_core/cpus": "0-11", "../../cpu_atom/cpus": "12-19"},
                **{"../../cpu_lowpower/cpus": "20-21", "online": "0-21"},
            },
            {"performance": 12, "efficiency": 8, "low power": 2},
        ),
        (
            {"../../cpu_core/cpus": "0-3", "../../cpu_atom/cpus": "4-7", "online": "0-9"},
            {"performance": 4, "efficiency": 4, "other": 2},
        ),
        (
            {"../../cpu_core/cpus": "0-11", "../../cpu_atom/cpus": "12-19"},
            {"performance": 12, "efficiency": 8},
        ),
        (
            {f"cpu{n}/cpu_capacity": str(text) for n, text in enumerate((446, 446, 1024, 871))},
            {"capacity 1024": 1, "capacity 871": 1, "capacity 446": 2},
        ),
        ({f"cpu{n}/cpu_capacity": "1024" for n in range(4)}, None),
        ({}, None),
    ],
    ids=[
        *("three kinds", "a kind that nobody lists"),
        "Intel hybrid",
        "Arm big and little",
        "Arm server",
        "one kind",
    ],
)
def test_kinds_of_core_are_counted_where_they_differ(linux, files, kinds):
    read = linux(INTEL, files)
    assert read("core_kinds") == kinds


def test_caches_are_counted_by_the_cpus_that_share_them(linux):
    files = {}
    for number in range(4):  # two cores of two threads, one cache of the third level
        core = "0-1" if number < 2 else "2-3"
        for index, (level, kind, size, shared) in enumerate(
            [
                (1, "Data", "48K", core),
                (1, "Instruction", "32K", core),
                (2, "Unified", "2048K", core),
                (3, "Unified", "105M", "0-3"),
            ]
        ):
            folder = f"cpu{number}/cache/index{index}"
            files |= {
                f"{folder}/level": str(level),
                f"{folder}/type": kind,
                f"{folder}/size": size,
                f"{folder}/shared_cpu_list": shared,
            }
        files[f"cpu{number}/topology/physical_package_id"] = str(number // 2)
    read = linux(
        INTEL, {**files, "../node/node0/x": "", "../node/node1/x": "", "../node/possible": "0-1"}
    )
    mib = 2**20
    assert read("caches_bytes") == {
        "L1d": 48 * 1024,
        "L1i": 32 * 1024,
        "L2": 2 * mib,
        "L3": 105 * mib,
    }
    assert read("cache_instances") == {"L1d": 2, "L1i": 2, "L2": 2, "L3": 1}
    assert (read("sockets"), read("numa_nodes")) == (2, 2)


def test_kinds_of_arm_cores_are_told_by_their_parts_if_no_capacity_is_stated(linux):
    read = linux(BIG_LITTLE)
    assert read("core_kinds") == {"Cortex-A72": 1, "Cortex-A53": 2}


def test_unlike_caches_of_one_name_are_both_listed(linux):
    """The smaller one is listed first, and one more states no size that can be read."""
    files = {}
    for number, size in enumerate(("32768K", "98304K", "unknown")):
        folder = f"cpu{number}/cache/index3"
        names = {"level": 3, "type": "Unified", "size": size, "shared_cpu_list": number}
        files |= {f"{folder}/{name}": str(value) for name, value in names.items()}
    read = linux(AMD, files)
    assert read("caches_bytes") == {"L3": 96 * 2**20, "L3 (2)": 32 * 2**20}
    assert read("cache_instances") == {"L3": 1, "L3 (2)": 1}


def test_packages_of_several_books_of_a_mainframe_are_counted_apart(linux):
    files = {}
    for number, (book, package) in enumerate([(0, 0), (0, 1), (1, 0), (1, 0)]):
        place = f"cpu{number}/topology"
        files |= {f"{place}/book_id": str(book), f"{place}/physical_package_id": str(package)}
    assert linux(AMD, files)("sockets") == 3


def test_packages_of_a_board_s_arm_chip_are_clusters(linux):
    files = {f"cpu{n}/topology/physical_package_id": str(n // 4) for n in range(8)}
    assert linux(GRAVITON, files)("sockets") == 2  # a server
    with pytest.raises(Absent, match="clusters of cores"):
        linux(GRAVITON, {**files, "../../../firmware/devicetree/base/model": "board"})("sockets")


def test_a_system_without_sys_states_no_layout(linux):
    read = linux(INTEL)
    for name in ("caches_bytes", "cache_instances", "sockets", "numa_nodes"):
        assert read(name) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        *(("0-3,8\n", {0, 1, 2, 3, 8}), ("5", {5}), ("", set())),
        *(("0-1,x,4", {0, 1, 4}), ("0-4294967295", set())),
    ],
)
def test_a_kernel_s_cpu_list_is_read_as_numbers(text, numbers):
    assert system.cpus_of(text) == numbers


def test_values_with_colons_are_kept_whole():
    assert system.parse_sysctl("kern.boottime: { sec = 1 } at 10:20:30\n") == {
        "kern.boottime": "{ sec = 1 } at 10:20:30"
    }


def test_a_command_of_the_system_that_takes_too_long_is_no_finding(monkeypatch):
    monkeypatch.setattr(system, "COMMAND_S", 0.05)
    with pytest.raises(Absent) as caught:
        system.output(["sleep", "5"])
    assert was_given_up(str(caught.value))
