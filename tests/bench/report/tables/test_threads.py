"""The table of threads, and what it says in words."""

from __future__ import annotations

from builders import a_job, a_measurement, a_record, a_run, facts, rows
from reporting import notes, report_of

from bench.record.measurement import ThreadFacts
from bench.report.markdown import render


def a_report(step_ms, models=("mlp",), noise=(0.995, 1.0, 1.005)):
    """Return a report of jobs whose mean steps are planted by threads."""
    records = []
    for model in models:
        for threads, planted_ms in step_ms.items():
            for seed, factor in enumerate(noise):
                time_s = planted_ms / 1000 * factor
                measured = a_measurement(
                    [[1.0, time_s], [time_s] * 2],
                    threads=ThreadFacts(asked=threads, environment={}),
                )
                job = a_job(model=model, threads=threads, seed=seed)
                records.append(
                    a_record(job, measured, label="desk", machine=facts(usable_cpus=8.0))
                )
    return report_of([a_run(records)])


def test_rows_hold_speedup_efficiency_and_which_number_is_the_fastest():
    found = rows(a_report({1: 8.0, 2: 5.0, 4: 10.0}), "threads")
    assert [row["machine"] for row in found] == ["desk"] * 3
    assert [row["threads"] for row in found] == [1, 2, 4]
    assert [row["fastest"] for row in found] == [False, True, False]
    assert [row["finding"] for row in found] == ["fewest", "help", "cost"]
    assert (found[0]["speedup"], found[0]["efficiency"]) == (1.0, 1.0)
    assert found[0]["speedup_low"] is None and found[0]["beside_fewer"] is None
    assert round(found[1]["speedup"], 3) == 1.6 and round(found[1]["efficiency"], 3) == 0.8
    assert found[1]["speedup_low"] < 1.6 < found[1]["speedup_high"]
    assert round(found[2]["beside_fewer"], 3) == 0.5


def test_a_sentence_tells_each_machine_and_model_what_threads_give():
    told = notes(a_report({1: 8.0, 2: 5.0, 4: 10.0}, models=("mlp", "cnn")), "threads")
    for model in ("mlp", "cnn"):
        assert f"desk, {model} adam 2 ep: 2 threads are 1.6" in told
    assert "times as fast as 1 (1." in told
    assert "the efficiency is 0.80. From 4 threads on, more threads cost." in told


def test_a_slowdown_within_the_noise_is_said_not_to_be_shown():
    told = notes(a_report({1: 5.0, 2: 5.3}, noise=(0.8, 1.0, 1.3)), "threads")
    assert "desk, mlp adam 2 ep: 1 thread took the least time. 2 threads are 0.9" in told
    assert "Whether more threads than 1 cost is not shown" in told


def test_if_the_most_threads_are_the_fastest_no_larger_number_was_measured():
    told = notes(a_report({1: 8.0, 2: 5.0}), "threads")
    assert "No larger number than 2 was measured." in told


def test_there_is_no_such_table_for_one_number_of_threads():
    assert "## Threads" not in render(a_report({2: 5.0}))
    assert "## Threads" in render(a_report({1: 8.0, 2: 5.0}))
