"""Machine facts: true of this machine, honest where they cannot be read, and of no one's name."""

from __future__ import annotations

import os
import platform

import psutil
import pytest

from bench import probe as probe_module
from bench.probe import IDENTITY, SUBJECTS, cpu, memory, probe
from bench.record import MachineFacts

#: Made by hand after real machines' texts: the fields that are read, and some that are not.
INTEL = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu sse sse2 sse4_1 sse4_2 avx f16c avx2 fma avx512f avx512bw avx512vl avx512_vnni \
avx512_bf16 avx512_fp16 amx_bf16 amx_tile amx_int8 avx_vnni
bugs\t\t: spectre_v1

processor\t: 1
model name\t: another CPU
flags\t\t: none
"""
AMD = """\
processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7B13 64-Core Processor
flags\t\t: fpu sse4_2 fma avx f16c avx2 sse4a
"""
GRAVITON = """\
processor\t: 0
BogoMIPS\t: 2100.00
Features\t: fp asimd evtstrm aes asimdhp asimddp sve bf16 i8mm
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""
APPLE = """\
machdep.cpu.brand_string: Apple M2 Pro
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_FP16: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.AdvSIMD: 1
hw.optional.avx2_0: 0
hw.optional.neon: 1
kern.hostname: someones-laptop
"""

ROWS = [name for subject in SUBJECTS for name, _ in subject.FACTS]


def test_the_facts_of_this_machine_are_those_that_the_system_states():
    facts = probe(("numpy", "no-such-distribution"))
    assert facts.logical_cores == psutil.cpu_count()
    assert facts.physical_cores == psutil.cpu_count(logical=False)
    assert facts.memory_total_bytes == psutil.virtual_memory().total
    assert facts.swap_total_bytes == psutil.swap_memory().total
    assert facts.cpu_architecture == platform.machine()
    assert facts.kernel == os.uname().release
    assert facts.python == platform.python_version()
    assert 0 < facts.usable_cpus <= os.cpu_count()
    assert facts.packages["numpy"].count(".") >= 1
    assert facts.packages["no-such-distribution"] is None


def test_a_job_may_use_no_more_cpus_than_it_is_bound_to(monkeypatch):
    monkeypatch.setattr(cpu, "cpu_quota", lambda: None)
    if not hasattr(os, "sched_getaffinity"):
        assert cpu.usable_cpus() == os.cpu_count()
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cpu.usable_cpus() == 1.0
    finally:
        os.sched_setaffinity(0, before)
    assert cpu.usable_cpus() == len(before)


def test_a_quota_below_the_bound_cpus_is_what_a_job_may_use(monkeypatch):
    """The quota is planted: a test cannot set one on the machine that it runs on."""
    monkeypatch.setattr(cpu, "cpu_quota", lambda: 0.5)
    assert cpu.usable_cpus() == 0.5


@pytest.mark.parametrize("row", ROWS)
def test_a_fact_that_cannot_be_read_is_none_with_its_reason(monkeypatch, row):
    """The reader is made to fail: no machine can be had on which each of them does."""

    def fail():
        raise OSError("planted")

    for subject in SUBJECTS:
        rows = tuple((name, fail if name == row else read) for name, read in subject.FACTS)
        monkeypatch.setattr(subject, "FACTS", rows)
    facts = probe()
    assert getattr(facts, row) is None
    assert facts.unknown[row] == "OSError: planted"
    assert facts.machine_id


def test_a_machine_of_which_nothing_can_be_read_still_has_facts(monkeypatch):
    """All readers are made to fail at once, with an error that no reader expects."""

    def fail():
        raise ZeroDivisionError("planted")

    for subject in SUBJECTS:
        monkeypatch.setattr(subject, "FACTS", tuple((name, fail) for name, _ in subject.FACTS))
    facts = probe()
    assert {getattr(facts, row) for row in ROWS} == {None}
    assert set(facts.unknown) == set(ROWS)
    assert MachineFacts.model_validate_json(facts.model_dump_json()) == facts


def test_a_fact_that_the_system_does_not_state_says_so(monkeypatch):
    """A system that states neither a model nor a limit stands for small Arm boards."""
    silent = {"cpu_model", "memory_limit_bytes"}
    for subject in (cpu, memory):
        rows = tuple((n, (lambda: None) if n in silent else read) for n, read in subject.FACTS)
        monkeypatch.setattr(subject, "FACTS", rows)
    facts = probe()
    assert facts.unknown["cpu_model"] == "not stated by this system"
    assert "memory_limit_bytes" not in facts.unknown  # no limit is a finding


def test_every_row_is_a_fact_and_every_fact_of_the_identity_is_a_row():
    assert len(ROWS) == len(set(ROWS))
    assert set(ROWS) <= set(MachineFacts.model_fields)
    assert set(IDENTITY) <= set(ROWS)


def test_the_machine_id_is_the_same_each_time():
    first, second = probe(), probe(("numpy",))
    assert first.machine_id == second.machine_id
    assert len(first.machine_id) == 16
    assert set(first.machine_id) <= set("0123456789abcdef")


def test_no_fact_tells_the_host_s_name(monkeypatch):
    """The name is planted, so that it can be told from any other text."""
    monkeypatch.setattr(platform, "node", lambda: "someones-laptop")
    assert "someones-laptop" not in probe().model_dump_json()


def test_another_host_of_the_same_make_has_another_machine_id(monkeypatch):
    """The second host's identity is planted."""
    first = probe().machine_id
    monkeypatch.setattr(probe_module, "_hashed_host", lambda: "0" * 16)
    assert probe().machine_id != first


@pytest.mark.parametrize(
    ("text", "model", "sets"),
    [
        (
            INTEL,
            "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
            [
                *("SSE4.2", "AVX", "AVX2", "FMA", "F16C", "AVX512F", "AVX512BW", "AVX512VL"),
                *("AVX512_VNNI", "AVX512_BF16", "AVX512_FP16", "AVX_VNNI"),
                *("AMX_TILE", "AMX_BF16", "AMX_INT8"),
            ],
        ),
        (AMD, "AMD EPYC 7B13 64-Core Processor", ["SSE4.2", "AVX", "AVX2", "FMA", "F16C"]),
        (GRAVITON, "0xd40", ["NEON", "FP16", "DOTPROD", "BF16", "I8MM", "SVE"]),
    ],
    ids=["Intel with AVX-512", "AMD", "Arm like Graviton 3"],
)
def test_a_linux_machine_s_cpuinfo_gives_model_and_instruction_sets(
    monkeypatch, tmp_path, text, model, sets
):
    """The texts are hand-made after real machines; the system's name is planted."""
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    read = dict(cpu.FACTS)
    assert read["cpu_model"]() == model
    assert read["instruction_sets"]() == tuple(sets)


def test_a_mac_s_sysctl_gives_model_and_instruction_sets(monkeypatch):
    """The text is hand-made after an M2's; there is no Mac here to ask."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(cpu, "_sysctl", lambda: cpu.parse_sysctl(APPLE))
    read = dict(cpu.FACTS)
    assert read["cpu_model"]() == "Apple M2 Pro"
    assert read["instruction_sets"]() == ("NEON", "FP16", "DOTPROD", "BF16", "I8MM")


def test_values_with_colons_are_kept_whole():
    assert cpu.parse_sysctl("kern.boottime: { sec = 1 } at 10:20:30\n") == {
        "kern.boottime": "{ sec = 1 } at 10:20:30"
    }


def test_the_peak_of_this_process_is_no_less_than_what_it_holds():
    peak, source = memory.peak_bytes()
    assert peak > 0
    assert source in {"VmHWM", "ru_maxrss"}
    assert memory.resident_bytes() <= memory.peak_bytes()[0] * 1.05
