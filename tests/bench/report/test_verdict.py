"""The verdict says which machine to train on, and no more than the jobs allow."""

from __future__ import annotations

import json

import pytest
from builders import (
    a_job,
    a_measurement,
    a_record,
    a_run,
    cnn_run,
    conditions,
    rows,
    sittings_of,
    steady_run,
    throttled_run,
)
from reporting import notes, report_of

from bench.report.data import summary_json
from bench.report.markdown import render

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]


def test_a_planted_machine_twice_as_fast_is_the_one_to_train_on_with_its_chance():
    report = report_of(
        [*sittings_of("slow", 0.02, jobs=JOBS), *sittings_of("fast", 0.01, jobs=JOBS)]
    )
    assert report.verdict[0].startswith("Train on fast: 2.00 times as fast as slow (")
    assert report.verdict[0].endswith("on another day), surely (99 of 100).")
    (row,) = rows(report, "comparison")
    assert (row["machine"], row["against"], row["conclusion"]) == ("fast", "slow", "faster")
    assert row["speed_step"] == pytest.approx(2)
    assert row["speed_step_low"] < row["speed_step"] < row["speed_step_high"]


def test_a_quota_that_no_quantile_shows_decides_by_the_mean_step_and_it_is_said():
    report = report_of(
        [throttled_run("half", 0.5, jobs=JOBS), steady_run("whole", 0.01, jobs=JOBS)]
    )
    assert report.verdict[0].startswith("Train on whole: 2.00 times as fast as half")
    (half,) = (text for text in report.details if text.startswith("half, cnn"))
    assert "20 ms per step (mean) and 10 ms (p10). Its CPU quota pauses it" in half
    assert "GFLOP" not in half
    (job,) = (row for row in rows(report, "capacity") if row["machine"] == "half")
    assert job["held_by_quota"] == 3
    (limit,) = (row for row in rows(report, "limits") if row["machine"] == "half")
    assert "its CPU quota pauses it" in limit["limits_reason"]
    (row,) = rows(report, "comparison")
    assert row["speed_p10"] == pytest.approx(1)
    assert row["speed_step"] == pytest.approx(2)


def test_three_machines_are_ranked_and_neighbours_compared():
    times = {"mid": 0.02, "slow": 0.04, "fast": 0.01}
    runs = [run for name, time in times.items() for run in sittings_of(name, time, jobs=JOBS)]
    report = report_of(runs)
    assert report.verdict[0].startswith("Train on fast: 2.00 times as fast as mid")
    assert report.details[0].startswith("mid is 2.00 times as fast as slow")
    assert len(rows(report, "comparison")) == 3
    ranks = {row["machine"]: row["rank"] for row in rows(report, "ranking")}
    assert ranks == {"fast": "1", "mid": "2", "slow": "3"}


def test_a_machine_that_shares_no_job_is_named_and_nothing_is_claimed_over_it():
    report = report_of(
        [
            *sittings_of("slow", 0.02, jobs=JOBS),
            *sittings_of("fast", 0.01, jobs=JOBS),
            *sittings_of("apart", 0.001, jobs=[a_job(optimizer="sgd")]),
        ]
    )
    assert report.verdict[0].startswith("Train on fast: 2.00 times as fast as slow")
    (apart,) = (one.text for one in report.remarks if one.kind == "unranked")
    assert apart == "apart (no job in common with the ranked machines)."
    assert "apart" not in {row["machine"] for row in rows(report, "ranking")}


def test_two_equal_machines_without_spread_give_no_winner():
    report = report_of([steady_run("a", 0.01, jobs=JOBS), steady_run("b", 0.01, jobs=JOBS)])
    assert report.verdict[0].startswith("It is not known which of a and b is faster")
    assert "sittings of each machine would settle it" in report.details[0]
    assert {row["rank"] for row in rows(report, "ranking")} == {"1 to 2"}


def test_one_sitting_a_side_says_what_another_day_assumes():
    report = report_of([steady_run("a", 0.01, jobs=JOBS), steady_run("b", 0.011, jobs=JOBS)])
    assert "In these sittings alone it is" in " ".join(report.details)
    assert "assumes that sittings differ by 5%" in " ".join(report.details)
    (assumed,) = (one.text for one in report.remarks if one.kind == "assumed")
    assert assumed.startswith("sittings differ by 5% (a machine has only 1 sitting); ")


def test_several_machines_that_may_be_the_fastest_are_all_named():
    runs = [
        run
        for name, time in {"a": 0.01, "b": 0.0101, "slow": 0.05}.items()
        for run in sittings_of(name, time, jobs=JOBS, days=(0.05, -0.05))
    ]
    report = report_of(runs)
    assert report.verdict[0].startswith(
        "No machine is shown to be the fastest: it may be a or b, and the chance that a is faster "
    )


def test_one_machine_states_what_its_figures_rest_on():
    report = report_of([cnn_run()])
    assert report.verdict[0] == (
        "One machine was measured: with cnn adam 15 ep, lab is 2.82 times as fast as the 2020 "
        "laptop (2.27 to 3.49 on another day), and the chance that it is faster is 99 of 100."
    )
    assert any("These figures rest on one job" in text for text in report.details)
    assert "A single sitting on another day may differ from them by about" in report.details[0]
    assert any("one published run each" in text for text in report.details)
    assert [one.kind for one in report.remarks] == ["measured", "assumed", "assumed"]
    assert "do not predict" in report.caveat
    assert rows(report, "comparison") == ()


def test_runs_on_unlike_datasets_are_not_compared_and_it_is_said():
    synthetic = [a_job(seed=seed, dataset="synthetic") for seed in (1, 2)]
    report = report_of([steady_run("a", 0.01, jobs=JOBS), steady_run("b", 0.02, jobs=synthetic)])
    assert rows(report, "comparison") == ()
    assert "no job in common" in report.verdict[0]
    assert "mnist, synthetic" in notes(report, "comparison")


@pytest.mark.parametrize("runs", [[], [a_run([], planned=JOBS)]])
def test_nothing_measured_is_said_plainly(runs):
    report = report_of(runs)
    assert report.verdict[0].startswith("Nothing was measured: ")
    assert len(rows(report, "failures")) == (3 if runs else 0)
    assert "Nothing was measured: " in render(report)
    json.loads(summary_json(report))


def test_the_figures_rest_on_the_jobs_that_have_a_weight():
    """Two of three jobs were disturbed, and a quiet one was measured, so they have no weight."""
    records = [
        a_record(
            a_job(seed=seed), a_measurement([[1.0, 0.1], [0.1, 0.1]]), conditions=conditions(flag)
        )
        for seed, flag in ((1, "quiet"), (2, "disturbed"), (3, "disturbed"))
    ]
    details = report_of([a_run(records)]).details
    assert any("These figures rest on one job" in text for text in details)
