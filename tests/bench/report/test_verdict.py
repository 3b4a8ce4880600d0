"""The verdict says which machine to train on, and no more than the jobs allow."""

from __future__ import annotations

import json

import pytest
from builders import a_job, a_run, cnn_run, rows, steady_run, throttled_run
from reporting import notes, report_of

from bench.report.data import summary_json
from bench.report.markdown import render

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]


def test_a_planted_machine_twice_as_fast_is_the_one_to_train_on():
    report = report_of(
        [steady_run("slow", 0.02, jobs=JOBS), steady_run("fast", 0.01, jobs=JOBS, drift=0.01)]
    )
    assert report.verdict[0].startswith("Train on fast:")
    (row,) = rows(report, "comparison")
    assert (row["machine"], row["against"], row["n"]) == ("fast", "slow", 3)
    assert row["speed_p10"] == pytest.approx(2 / 1.0099, rel=1e-3)
    assert row["speed_p10_low"] < row["speed_p10"] < row["speed_p10_high"]


def test_a_quota_that_no_quantile_shows_decides_by_the_mean_step_and_it_is_said():
    report = report_of(
        [throttled_run("half", 0.5, jobs=JOBS), steady_run("whole", 0.01, jobs=JOBS)]
    )
    assert report.verdict[0].startswith("Train on whole:")
    assert (
        "by mean of steady steps, because half is held up by its own CPU quota:"
        in report.verdict[1]
    )
    assert "whole is 2x [2, 2] as fast as half" in report.verdict[1]
    (half,) = (text for text in report.verdict if text.startswith("half, cnn"))
    assert "and 10 ms (p10). Its CPU quota pauses it: the mean step takes 20 ms." in half
    assert "GFLOP" not in half
    (job,) = (row for row in rows(report, "capacity") if row["machine"] == "half")
    assert job["held_by_quota"] == 3
    (limit,) = (row for row in rows(report, "limits") if row["machine"] == "half")
    assert "its CPU quota pauses it" in limit["limits_reason"]
    (row,) = rows(report, "comparison")
    assert (row["speed_p10"], row["basis"]) == (pytest.approx(1), "mean")
    assert row["speed_mean"] == pytest.approx(2)


def test_three_machines_are_ranked_and_neighbours_compared():
    times = {"mid": 0.02, "slow": 0.04, "fast": 0.01}
    report = report_of([steady_run(name, time, jobs=JOBS) for name, time in times.items()])
    assert report.verdict[0].startswith("Train on fast:")
    assert "fast is 2x [2, 2] as fast as mid" in report.verdict[1]
    assert "mid is 2x [2, 2] as fast as slow" in report.verdict[1]
    assert len(rows(report, "comparison")) == 3


def test_a_machine_that_shares_no_job_is_named_and_nothing_is_claimed_over_it():
    report = report_of(
        [
            steady_run("slow", 0.02, jobs=JOBS),
            steady_run("fast", 0.01, jobs=JOBS),
            steady_run("apart", 0.001, jobs=[a_job(optimizer="sgd")]),
        ]
    )
    assert not report.verdict[0].startswith("Train on")
    assert "cnn: fast." in report.verdict[0]
    assert "These machines share no job with another one: apart." in report.verdict[0]


def test_neighbours_whose_own_jobs_say_the_opposite_of_the_ranking_are_not_called_alike():
    """First is ranked before second by the jobs that it shares with third, and they are not."""
    others = [a_job(seed=seed) for seed in (4, 5, 6)]
    report = report_of(
        [
            steady_run("first", 0.011, jobs=[*JOBS, *others]),
            steady_run("second", 0.01, jobs=JOBS),
            steady_run("third", 0.1, jobs=others),
        ]
    )
    assert (
        "first is 0.909x [0.909, 0.909] as fast as second in their own 3 jobs"
        in (report.verdict[1])
    )
    assert "cannot be told apart" not in report.verdict[1]


def test_machines_within_chance_cannot_be_told_apart():
    report = report_of(
        [
            steady_run("a", 0.01, jobs=JOBS, drift=0.2),
            steady_run("b", 0.0118, jobs=JOBS),
        ]
    )
    assert any("cannot be told apart" in text for text in report.verdict)
    assert not report.verdict[0].startswith("Train on")


def test_one_common_job_is_a_hint_and_not_a_finding():
    report = report_of([steady_run("a", 0.01, jobs=JOBS[:1]), steady_run("b", 0.02, jobs=JOBS[:1])])
    assert any("a hint and not a finding" in text for text in report.verdict)
    assert not report.verdict[0].startswith("Train on")


def test_one_machine_states_what_its_figures_rest_on():
    report = report_of([cnn_run()])
    assert report.verdict[0].startswith("One machine was measured, lab")
    assert any("These figures rest on one job" in text for text in report.verdict)
    assert any("2.82x as fast as the 2020 laptop" in text for text in report.verdict)
    assert "do not predict" in report.verdict[-1]
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
    assert report.verdict[0].startswith("Nothing was measured.")
    assert len(rows(report, "failures")) == (3 if runs else 0)
    assert "Nothing was measured." in render(report)
    json.loads(summary_json(report))
