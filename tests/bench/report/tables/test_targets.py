"""The table of targets: what a training takes until it reaches each of them."""

from __future__ import annotations

import pytest
from builders import cnn_run, rows
from evaluated_runs import evaluated_run
from reporting import notes, report_of, table

from bench.record.conditions import Conditions, EnergyReading, Interference
from bench.record.price import read_rules


def targets(*runs):
    return rows(report_of(runs), "targets")


def names(report):
    return [table.name for table in report.tables]


def test_a_row_holds_epochs_seconds_dollars_and_joules_of_a_target():
    energy = (EnergyReading(source="RAPL package-0", covers="x", joules=60, basis="measured"),)
    seen = Interference(wall_s=20.0, flag="quiet", energy=energy)
    conditions = Conditions(period_s=0.1, samples=9, rss_peak_bytes=None, whole=seen)
    run = evaluated_run(
        "a", 2.0, {1: 3, 2: 3, 3: None}, conditions=conditions, prices=read_rules("3.6")
    )
    row = next(row for row in targets(run) if row["target"] == 0.98)
    assert (row["seeds"], row["epochs"], row["training"]) == ("2 of 3", "3", "cnn adam")
    assert (row["seeds_share_low"], row["seeds_share_high"]) == pytest.approx((0.094, 0.992), 0.01)
    assert row["time_s"] == pytest.approx(1 + 3 * 2)
    assert row["time_low_s"] < row["time_s"] < row["time_high_s"]
    assert row["usd_per_1000_trainings"] == pytest.approx(1000 * 7 * 3.6 / 3600)
    assert row["joules"] == pytest.approx(7 * 60 / 20)
    assert row["stays"] == "2 of 2"


def test_a_target_that_most_seeds_missed_is_more_than_all_that_was_trained():
    row = next(row for row in targets(evaluated_run("a", 2.0, {1: 3, 2: None, 3: None})))
    assert (row["seeds"], row["epochs"]) == ("1 of 3", "more than 10")
    assert row["time"] == "more than 21"
    assert (row["time_s"], row["usd_per_1000_trainings"]) == (None, None)


def test_a_machine_with_one_seed_has_the_epochs_of_all_seeds():
    found = targets(evaluated_run("a", 2.0, {1: 3, 2: 4, 3: 5}), evaluated_run("b", 4.0, {1: 3}))
    times = {row["machine"]: row["time_s"] for row in found if row["target"] == 0.98}
    assert times == pytest.approx({"a": 1 + 4 * 2, "b": 1 + 4 * 4})


def test_a_training_that_was_evaluated_now_and_then_says_at_most():
    report = report_of([cnn_run(seeds=(1, 2))])
    row = next(row for row in rows(report, "targets") if row["target"] == 0.98)
    assert (row["epochs"], row["epochs_low"], row["epochs_high"]) == ("at most 15", 3, 15)
    assert row["time"].startswith("at most ")
    assert row["time_low_s"] < 3 * 6 + 20
    assert "between two evaluations" in notes(report, "targets")


def test_without_a_second_evaluation_there_is_no_table():
    from builders import a_job, steady_run

    assert "targets" not in names(report_of([steady_run("a", 0.1, jobs=[a_job()])]))


def test_the_columns_that_tell_nothing_are_folded():
    found = table(report_of([evaluated_run("a", 2.0, {1: 3})]), "targets")
    assert {"joules", "usd_per_1000_trainings"} <= set(found.constants)


def test_dollars_and_joules_are_of_the_mean_seed_with_the_bracket_of_its_time():
    """The seeds need 3, 3 and 6 epochs: the median takes 7 s, and the mean of 4 epochs 9 s."""
    energy = (EnergyReading(source="RAPL package-0", covers="x", joules=60, basis="measured"),)
    seen = Interference(wall_s=20.0, flag="quiet", energy=energy)
    conditions = Conditions(period_s=0.1, samples=9, rss_peak_bytes=None, whole=seen)
    run = evaluated_run(
        "a", 2.0, {1: 3, 2: 3, 3: 6}, conditions=conditions, prices=read_rules("3.6")
    )
    row = next(row for row in targets(run) if row["target"] == 0.98)
    assert row["time_s"] == pytest.approx(7)
    for key, rate in (("usd_per_1000_trainings", 1.0), ("joules", 3.0)):
        assert row[key] == pytest.approx(9 * rate)
        bracket = (row[f"{key}_low"] / row[key], row[f"{key}_high"] / row[key])
        assert bracket == pytest.approx(
            (row["time_low_s"] / row["time_s"], row["time_high_s"] / row["time_s"])
        )
