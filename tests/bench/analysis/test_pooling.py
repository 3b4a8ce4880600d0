"""Which records are one machine: unlike CPUs behind one id, and journals that know less of them."""

from __future__ import annotations

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts

from bench.analysis.machines import unlike_machines
from bench.analysis.results import analyse
from mnist_bench.description import DESCRIPTION

ZEN3 = {
    "cpu_signature": "family 25, model 1, stepping 1",
    "microarchitecture": "zen3",
    "instruction_sets": ("AVX2",),
    "caches_bytes": {"L3": 2**25},
}
ZEN4 = {
    "cpu_signature": "family 25, model 17, stepping 1",
    "microarchitecture": "zen4",
    "instruction_sets": ("AVX2", "AVX512F"),
    "caches_bytes": {"L3": 2**26},
}
OLD = {name: None for name in ZEN3}


def results_of(*machines):
    """Return the results of a run with a job on each of `machines`, all with one id."""
    records = []
    for seed, changes in enumerate(machines):
        step_s = 0.0326 if "AVX512F" not in (changes["instruction_sets"] or ()) else 0.0104
        steps = [[1.0, *[step_s] * 9], [step_s] * 10]
        measured = a_measurement(steps)
        records.append(a_record(a_job(seed=seed), measured, machine=facts(**changes)))
    return analyse([a_run(records)], DESCRIPTION.outline)


def pooled(*machines):
    return [machine.jobs for machine in results_of(*machines).machines]


def test_hosts_of_unlike_cpus_behind_one_id_are_two_machines_with_a_note():
    results = results_of(ZEN3, ZEN4, ZEN3, ZEN4)
    assert [machine.jobs for machine in results.machines] == [2, 2]
    steps = [group.times.step_p10.value for group in results.groups]
    assert steps == pytest.approx([0.0326, 0.0104])
    (unlike,) = unlike_machines(results.machines)
    assert {one.fact for one in unlike.differences} == {*ZEN3}


@pytest.mark.parametrize("fact", ZEN3)
def test_each_telling_fact_of_a_cpu_keeps_records_apart(fact):
    assert pooled(ZEN3, {**ZEN3, fact: ZEN4[fact]}) == [1, 1]


def test_a_record_that_knows_less_is_pooled_with_the_only_cpu_that_agrees():
    assert pooled(OLD, ZEN3) == [2]
    assert pooled(ZEN3, {**ZEN3, "cpu_signature": None}) == [2]
    assert pooled({**OLD, "microarchitecture": "zen4"}, ZEN3, ZEN4) == [2, 1]


def test_a_record_that_agrees_with_unlike_cpus_is_pooled_with_neither():
    assert pooled(OLD, ZEN3, ZEN4) == [1, 1, 1]


def test_records_that_know_nothing_of_the_cpu_are_one_machine():
    assert pooled(OLD, OLD) == [2]


def test_a_set_that_an_older_table_did_not_name_splits_no_machine():
    flags = ("avx2", "avx512f")
    older = {**ZEN4, "cpu_flags": flags, "instruction_sets": ("AVX2",)}
    assert pooled(older, {**ZEN4, "cpu_flags": flags}) == [2]
