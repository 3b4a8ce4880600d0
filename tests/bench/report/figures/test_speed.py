"""The figure of speeds shows every machine of the headline, its bracket and its sittings."""

from __future__ import annotations

import pytest
from builders import a_job, cnn_run, sittings_of
from sittings_on_disk import machine

from bench.analysis.results import analyse
from bench.report.figures.speed import speed_figure
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

JOBS = [a_job(seed=seed) for seed in (1, 2)]


def results_of(runs, reference=None):
    return analyse(runs, DESCRIPTION.outline, reference)


def test_machines_stand_in_order_of_their_speed_relative_to_the_fastest():
    runs = [
        *sittings_of("slow", 0.02, jobs=JOBS, machine=machine("slow")),
        *sittings_of("fast", 0.01, jobs=JOBS, machine=machine("fast")),
    ]
    figure = speed_figure(results_of(runs))
    brackets = [row for row in figure.rows if row["part"] == "bracket"]
    assert [row["machine"] for row in brackets] == ["fast", "slow"]
    assert brackets[0]["is_baseline"]
    assert brackets[0]["speed"] == 1
    assert brackets[1]["speed"] == pytest.approx(0.5)
    assert brackets[1]["low"] < 0.5 < brackets[1]["high"]


def test_each_sitting_has_a_mark_where_its_own_speed_is():
    runs = [
        *sittings_of("slow", 0.02, jobs=JOBS, machine=machine("slow")),
        *sittings_of("fast", 0.01, jobs=JOBS, days=(0.1, -0.1), machine=machine("fast")),
    ]
    figure = speed_figure(results_of(runs))
    marks = [
        row["speed"] for row in figure.rows if row["part"] == "sitting" and row["machine"] == "fast"
    ]
    assert sorted(marks) == pytest.approx([0.9048, 1.1052], abs=1e-3)


def test_jobs_of_one_machine_stand_beside_the_published_machine():
    figure = speed_figure(results_of([cnn_run(total_s=100.0)], published_2020()))
    (row,) = figure.rows
    assert "2020 laptop" in figure.title
    assert row["speed"] == pytest.approx(2.816, abs=1e-3)


def test_one_machine_without_published_figures_has_no_figure_of_speeds():
    assert speed_figure(results_of([cnn_run()])) is None
