"""Which records are one machine, and what sets two machines of one label apart."""

from __future__ import annotations

from builders import (
    a_job,
    a_measurement,
    a_record,
    a_run,
    facts,
    steady_run,
)

from bench.analysis.differences import Difference
from bench.analysis.machines import unlike_machines
from bench.analysis.results import analyse
from bench.record.measurement import ThreadFacts
from mnist_bench.description import DESCRIPTION

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
STEPS = [[1.0, 0.1], [0.1, 0.1]]


def machines(runs):
    return analyse(runs, DESCRIPTION.outline).machines


def test_runs_of_one_label_and_the_same_facts_are_pooled():
    runs = [steady_run("lab", 0.01, jobs=JOBS[:1]), steady_run("lab", 0.01, jobs=JOBS[1:])]
    (only,) = machines(runs)
    assert (only.name, only.jobs) == ("lab", 3)


def test_unlike_versions_are_kept_apart_and_both_values_named():
    newer = facts(packages={"keras": "3.12.0", "tensorflow": "2.19.0", "ray": "2.50.0"})
    runs = [
        steady_run("lab", 0.01, jobs=JOBS),
        steady_run("lab", 0.01, jobs=JOBS, machine=newer, run_id="later"),
    ]
    found = machines(runs)
    assert [machine.name for machine in found] == ["lab", "lab [2]"]
    (unlike,) = unlike_machines(found)
    assert (unlike.first.name, unlike.second.name) == ("lab", "lab [2]")
    assert unlike.differences == (Difference("keras", "3.10.0", "3.12.0", subject="versions"),)


def test_unlike_thread_settings_are_kept_apart():
    one = a_measurement(STEPS, threads=ThreadFacts(asked=1, environment={}))
    four = a_measurement(STEPS, threads=ThreadFacts(asked=4, environment={}))
    found = machines([a_run([a_record(JOBS[0], one), a_record(JOBS[1], four)])])
    assert [machine.name for machine in found] == ["lab, 1 thread", "lab, 4 threads"]
    assert unlike_machines(found) == ()


def test_a_label_that_looks_like_a_numbered_name_does_not_collide():
    runs = [
        steady_run("lab [2]", 0.01, jobs=JOBS),
        steady_run("lab", 0.01, jobs=JOBS),
        steady_run("lab", 0.01, jobs=JOBS, machine=facts(python="3.12.0"), run_id="later"),
    ]
    names = [machine.name for machine in machines(runs)]
    assert len(set(names)) == 3


def test_one_machine_under_two_labels_is_two_machines():
    runs = [steady_run("quiet", 0.01, jobs=JOBS), steady_run("busy", 0.02, jobs=JOBS)]
    assert [machine.name for machine in machines(runs)] == ["quiet", "busy"]
