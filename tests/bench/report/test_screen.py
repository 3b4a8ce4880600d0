"""The first screen: the answer, the machines and what the answer rests on, in at most 40 lines."""

from __future__ import annotations

import math

import pytest
from builders import a_job, cnn_run, sittings_of
from reporting import report_of
from screens import LINES, first_screen, loud_runs

from bench.report.figures.figure import Figure
from bench.report.markdown import PICTURE, render

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]


@pytest.mark.parametrize("machines", [1, 2, 10, 30])
def test_the_first_screen_has_at_most_40_lines_even_if_there_is_much_to_say(machines):
    report = report_of(loud_runs(machines))
    kinds = {"measured", "failed", "disturbed", "assumed", "data"}
    assert {one.kind for one in report.remarks} - {"unranked"} == kinds
    picture = Figure(PICTURE, "Speed", {}, ("One.", "Two."), "Each machine has a mark.")
    lines = first_screen(type(report)(**{**vars(report), "figures": (picture,)}))
    assert "![Each machine has a mark.](figures/speed.svg)" in lines
    assert len(lines) <= LINES


def test_without_a_picture_no_image_is_linked():
    assert "![" not in render(report_of([cnn_run()]))


def test_machines_stand_with_rank_set_speed_cost_and_energy():
    report = report_of(loud_runs(2))
    read = [column.heading for column in report.overview.read]
    assert read == ["rank", "machine", "speed", "USD per 1000 jobs", "J a job"]
    first, second, apart = report.overview.rows
    assert (first["rank"], second["rank"], apart["rank"]) == ("1 to 2", "1 to 2", None)
    assert second["speed_low"] < second["speed"] < 1.0 < second["speed_high"]
    assert first["joules"] == pytest.approx(90)
    assert first["usd_per_1000_jobs"] == pytest.approx(
        1000 * 0.5 / 3600 * report_total(report, first["machine"]), rel=1e-6
    )
    assert apart["usd_per_1000_jobs"] is None


def report_total(report, machine):
    """Return the mean total of a machine's jobs by the table of costs."""
    (cost,) = (t for t in report.tables if t.name == "cost")
    (row,) = (row for row in cost.rows if row["machine"] == machine)
    return row["usd_per_1000_jobs"] / 1000 * 3600 / 0.5


def test_columns_without_any_value_are_left_out():
    runs = [*sittings_of("slow", 0.02, jobs=JOBS), *sittings_of("fast", 0.01, jobs=JOBS)]
    report = report_of(runs)
    assert [column.key for column in report.overview.read] == ["rank", "machine", "speed"]
    assert [column.key for column in report.overview.columns][-2:] == [
        "usd_per_1000_jobs",
        "joules",
    ]


def test_one_machine_has_a_row_for_each_telling_job_beside_the_published_machines():
    report = report_of([cnn_run()])
    (row,) = report.overview.rows
    assert (row["job"], row["speed_vs_laptop_2020"]) == ("cnn adam 15 ep", pytest.approx(2.816055))
    assert "| cnn adam 15 ep |" in "\n".join(first_screen(report))


def test_remarks_are_said_only_if_there_is_something_to_say():
    report = report_of([*sittings_of("a", 0.02, jobs=JOBS), *sittings_of("b", 0.01, jobs=JOBS)])
    assert {one.kind for one in report.remarks} <= {"measured", "assumed"}
    (measured,) = (one.text for one in report.remarks if one.kind == "measured")
    assert measured == "all 24 planned jobs, on 2 machines in 8 sittings."


def test_failed_skipped_and_missing_jobs_are_counted_once_with_their_reasons():
    (failed,) = (o.text for o in report_of(loud_runs(1)).remarks if o.kind == "failed")
    assert failed == "1 job (time limit 1); 1 not run; 1 skipped (see Failures)."


def test_two_equal_machines_have_the_chance_that_they_are():
    days = [0.001 * math.sin(number) for number in range(8)]
    runs = [r for n in ("a", "b") for r in sittings_of(n, 0.01, jobs=JOBS, days=days)]
    (answer,) = report_of(runs).verdict
    assert answer.startswith("a and b are equal within 3%: ")
    assert answer.endswith("and the chance that they differ by less than 3% is 99 of 100.")


def test_the_longer_sentences_stand_in_the_annex_and_not_on_the_first_screen():
    report = report_of(loud_runs(2))
    page = render(report)
    for sentence in report.details:
        assert " ".join(sentence.split()[:6]) in page.partition("Annex:")[2]
        assert " ".join(sentence.split()[:9]) not in page.partition("Annex:")[0]
