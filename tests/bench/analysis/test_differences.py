"""What differs between two machines or two sittings: the order, the reduction, and what counts."""

from __future__ import annotations

import pytest
from builders import MIB, a_job, a_measurement, a_record, a_run, digest, facts

from bench.analysis.differences import (
    PARTS,
    differences,
    fact_differences,
    ranked_fields,
    setup_of,
)
from bench.analysis.pooling import measured_jobs
from bench.analysis.telling import APART, TELLING
from bench.record.conditions import Conditions, GpuConditions, Interference
from bench.record.facts import GpuFacts, MachineFacts
from bench.record.measurement import ThreadFacts

STEPS = [[1.0, 0.1], [0.1, 0.1]]


def a_setup(machine=None, seen=(), device="cpu", versions=None, threads=4, code="code"):
    """Return the setup of a run's jobs: one job for each of `seen`, or one that nobody watched."""
    told = ThreadFacts(asked=threads, environment={}, niceness=0)
    records = [
        a_record(
            a_job(seed=seed),
            a_measurement(
                STEPS,
                device=device,
                threads=told,
                versions=versions or {},
                digests={"code": digest(code)},
            ),
            machine=machine,
            conditions=None
            if figures is None
            else Conditions(
                period_s=0.2,
                samples=9,
                rss_peak_bytes=None,
                whole=Interference.model_validate({"wall_s": 1.0, **figures}),
            ),
        )
        for seed, figures in enumerate(seen or [None])
    ]
    return setup_of(measured_jobs(a_run(records).shares))


def told(first, second):
    return [(one.fact, one.first, one.second) for one in differences(first, second)]


def test_the_cpu_comes_before_versions_and_conditions_come_last():
    slow = a_setup(
        facts(cpu_model="Old CPU", python="3.12.1", cpu_boost=False), [{"steal_share": 0.2}]
    )
    fast = a_setup(facts(cpu_model="New CPU", cpu_boost=True), [{"steal_share": 0.0}])
    assert told(slow, fast) == [
        ("cpu_model", "Old CPU", "New CPU"),
        ("cpu_boost", False, True),
        ("python", "3.12.1", "3.11.7"),
        ("steal_share", 0.2, 0.0),
    ]


def test_a_gpu_comes_first_if_a_job_trained_on_it():
    with_gpu = facts(gpus=(GpuFacts(index=0, model="H"),), cpu_model="New CPU")
    names = [one.fact for one in differences(a_setup(with_gpu, device="gpu"), a_setup())]
    assert names[:3] == ["device", "model", "cpu_model"]
    names = [one.fact for one in differences(a_setup(with_gpu), a_setup())]
    assert names[:2] == ["cpu_model", "model"]


def test_of_sets_and_tables_only_the_entries_that_differ_are_told():
    left = facts(instruction_sets=("AVX2", "AVX512F"), caches_bytes={"L2": 1, "L3": 2})
    right = facts(instruction_sets=("AVX2",), caches_bytes={"L2": 1, "L3": 4})
    assert [(one.first, one.second) for one in fact_differences(left, right)] == [
        (("AVX512F",), ()),
        ({"L3": 2}, {"L3": 4}),
    ]


def test_an_unknown_set_is_unknown_and_not_empty():
    (found,) = fact_differences(facts(instruction_sets=None), facts())
    assert (found.first, found.second) == (None, ("AVX2", "FMA"))


def test_memory_that_differs_by_what_the_kernel_keeps_is_the_same():
    left = facts(memory_total_bytes=8000 * MIB)
    assert fact_differences(left, facts(memory_total_bytes=7800 * MIB)) == ()
    (found,) = fact_differences(left, facts(memory_total_bytes=16000 * MIB))
    assert found.subject == "memory"


@pytest.mark.parametrize(
    ("figures", "counts"),
    [
        (({"steal_share": 0.01}, {"steal_share": 0.02}), False),
        (({"steal_share": 0.0}, {"steal_share": 0.06}), True),
        (({"frequency_hz": 3.00e9}, {"frequency_hz": 2.95e9}), False),
        (({"frequency_hz": 3.0e9}, {"frequency_hz": 2.5e9}), True),
        (({"temperature_max_c": 90.0}, {}), False),
        (({"flag": "quiet"}, {"flag": "disturbed"}), True),
        (({"flag": "unknown"}, {"flag": "disturbed"}), False),
    ],
)
def test_a_condition_counts_if_it_is_known_on_both_sides_and_differs_enough(figures, counts):
    machine = facts()
    found = told(*(a_setup(machine, [figure]) for figure in figures))
    assert bool(found) is counts


def test_conditions_are_medians_over_the_jobs_of_each_side():
    calm = a_setup(seen=[{"foreign_cpus": value} for value in (0.0, 0.0, 2.0)])
    loud = a_setup(seen=[{"foreign_cpus": value} for value in (0.5, 0.6, 0.7)])
    assert told(calm, loud) == [("foreign_cpus", 0.0, 0.6)]


def test_each_gpu_has_its_own_conditions():
    def watched(hz):
        gpus = (GpuConditions(index=0, sm_clock_hz=2e9), GpuConditions(index=1, sm_clock_hz=hz))
        return a_setup(seen=[{"gpus": gpus}])

    (found,) = differences(watched(2e9), watched(1e9))
    assert (found.fact, found.gpu, found.subject) == ("sm_clock_hz", 1, "conditions")


def test_two_sittings_that_ran_unlike_code_and_versions_differ_in_both():
    before = a_setup(versions={"keras": "3.10.0", "numpy": "2.0"}, code="old")
    after = a_setup(versions={"keras": "3.10.0", "numpy": "2.1"}, code="new")
    names = [one.fact for one in differences(before, after)]
    assert names == ["code", "numpy"]


def test_a_package_that_only_one_side_loaded_is_no_difference():
    assert told(a_setup(versions={"torch": "2"}), a_setup(versions={"jax": "1"})) == []


def test_threads_differ_on_one_machine():
    assert told(a_setup(threads=1), a_setup(threads=2)) == [("threads_asked", 1, 2)]


def test_every_fact_of_a_machine_has_a_place():
    named = {name for _, names in TELLING for name in names}
    left_out = set(MachineFacts.model_fields) - named - APART - PARTS.keys()
    assert left_out == {"packages", "unknown"}


def test_fields_are_ranked_like_differences():
    names = ["kernel", "keras", "cpu_model", "host_hash", "environment"]
    assert ranked_fields(names) == ["cpu_model", "keras", "environment", "kernel", "host_hash"]
