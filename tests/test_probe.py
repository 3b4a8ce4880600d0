"""Machine facts as a whole: true of this machine, and honest where they cannot be read."""

from __future__ import annotations

import os
import platform
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import bench.probe.memory as memory
from bench.facts import MachineFacts
from bench.probe import SUBJECTS, all_facts, probe
from bench.probe.fact import Absent, Fact, in_time, read_facts

ROWS = [fact.name for fact in all_facts()]


def plant(monkeypatch, names, **changes):
    """Replace what is named of the rows `names`."""
    for subject in SUBJECTS:
        rows = tuple(replace(f, **changes) if f.name in names else f for f in subject.FACTS)
        monkeypatch.setattr(subject, "FACTS", rows)


def fail():
    raise ZeroDivisionError("planted")


def hang():
    threading.Event().wait(30)


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


def test_what_this_machine_states_of_its_cpu_agrees_with_itself():
    facts = probe()
    assert facts.sockets <= facts.physical_cores <= facts.logical_cores
    assert facts.threads_per_core == facts.logical_cores // facts.physical_cores
    assert facts.memory_usable_bytes <= facts.memory_total_bytes
    assert facts.usable_cpus <= facts.affinity_cpus <= facts.logical_cores


@pytest.mark.parametrize("row", ROWS)
def test_a_fact_that_raises_is_none_with_its_reason_and_all_others_are_read(monkeypatch, row):
    """The reader is made to fail: no machine can be had on which each of them does."""
    plant(monkeypatch, {row}, read=fail)
    facts = probe()
    assert getattr(facts, row) is None
    assert facts.unknown[row] == "ZeroDivisionError: planted"
    assert facts.python == (None if row == "python" else platform.python_version())


@pytest.mark.parametrize("row", ROWS)
def test_a_fact_that_hangs_costs_its_time_out_and_all_others_are_read(monkeypatch, row):
    """The reader is made to hang, and its time-out shortened, so that the test is over sooner."""
    plant(monkeypatch, {row}, read=hang, limit_s=0.05)
    facts = probe()
    assert getattr(facts, row) is None
    assert facts.unknown[row] == "gave no answer within 0.05 s"
    assert facts.python == (None if row == "python" else platform.python_version())


def test_a_machine_of_which_nothing_can_be_read_still_has_facts(monkeypatch):
    """All readers are made to fail at once, with an error that no reader expects."""
    plant(monkeypatch, set(ROWS), read=fail)
    facts = probe()
    assert {getattr(facts, row) for row in ROWS} == {None}
    assert set(facts.unknown) == set(ROWS)
    assert MachineFacts.model_validate_json(facts.model_dump_json()) == facts


def test_however_many_sources_hang_the_probe_ends_at_its_budget():
    rows = [Fact(f"fact {n}", hang, "planted", limit_s=0.2) for n in range(50)]
    begin = time.monotonic()
    found = read_facts(rows, budget_s=0.5)
    assert time.monotonic() - begin < 5  # 50 time-outs would take 10 s
    assert set(found.values.values()) == {None}
    assert found.unknown["fact 49"] == "not read: other sources had taken 0.5 s already"


def test_a_fact_that_the_system_does_not_state_says_so(monkeypatch):
    """A system that states neither a model nor a limit stands for small Arm boards."""
    plant(monkeypatch, {"cpu_model", "memory_limit_bytes"}, read=lambda: None)
    facts = probe()
    assert facts.unknown["cpu_model"] == "not stated by this system"
    assert "memory_limit_bytes" not in facts.unknown  # no limit is a finding


def test_variables_that_change_speed_are_facts_and_thread_numbers_are_each_job_s(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    environment = probe().environment
    assert environment["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert "OMP_NUM_THREADS" not in environment


def test_a_reader_can_say_in_words_why_there_is_nothing():
    def nothing():
        raise Absent("no such thing here")

    assert in_time(nothing, 1) == (None, "no such thing here")


def test_every_row_is_a_fact_of_the_record_and_says_how_it_is_read():
    assert len(ROWS) == len(set(ROWS))
    derived = {"machine_id", "machine_type", "kind", "packages", "unknown"}
    assert set(ROWS) == set(MachineFacts.model_fields) - derived
    assert [fact.name for fact in all_facts() if not fact.how] == []


def test_every_fact_is_documented_with_its_source_and_unit():
    text = (Path(__file__).parents[1] / "docs" / "machine.md").read_text(encoding="utf-8")
    lines = [
        f"| `{f.name}` | {f.how} | {f.unit} | {f.absent or 'none: a finding'} |"
        for f in all_facts()
    ]
    assert [line for line in lines if line not in text] == []


def test_the_peak_of_this_process_is_no_less_than_what_it_holds():
    peak, source = memory.peak_bytes()
    assert peak > 0
    assert source in {"VmHWM", "ru_maxrss"}
    assert memory.resident_bytes() <= memory.peak_bytes()[0] * 1.05


def test_huge_pages_are_counted_in_bytes():
    """The text is hand-made after a server that reserves 1,024 pages of 2 MiB."""
    text = "MemTotal:  1000 kB\nHugePages_Total:    1024\nHugepagesize:       2048 kB\n"
    fields = memory.parse_meminfo(text)
    assert fields["HugePages_Total"] * fields["Hugepagesize"] == 2 * 2**30
    assert fields["MemTotal"] == 1000 * 1024
