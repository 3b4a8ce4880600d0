"""`--precision`: a first stage, a plan that is printed before it is spent, and the second stage."""

from __future__ import annotations

import pytest
from command_line import run_command
from toy_runs import look_shortly, toy_words

from bench.app.commands import run_series
from bench.app.commands.run_series import Rest, SittingEnd
from bench.record.journal import find_journals, read_run
from bench.spec.request import MeasureLimits, RunRequest, SeriesRequest


def a_series(tmp_path, rest, *, sats=None, **changes):
    """Run a series with a precision whose second stage is `rest`; return code, turns and asked."""
    turns, asked = [], []
    ends = iter(sats or [SittingEnd(0)] * 50)

    def measure(turn):
        turns.append(turn)
        return next(ends)

    def second_stage(series_id, left_s, passed_s):
        asked.append((len(turns), left_s))
        return rest

    request = RunRequest("x", "quick", out=tmp_path / "out", **changes)
    series = SeriesRequest(3, 0.0, 0.03)
    code = run_series.execute(request, series, "digest", measure, second_stage)
    return code, turns, asked


def test_the_plan_comes_after_the_first_stage_and_decides_how_many_sittings_follow(
    tmp_path, capsys
):
    code, turns, asked = a_series(tmp_path, Rest(5, 5))
    assert (code, asked) == (0, [(3, None)])
    places = [(turn.place.number, turn.place.of, turn.place.first) for turn in turns]
    assert places == [(1, 3, 3), (2, 3, 3), (3, 3, 3), (4, 5, 3), (5, 5, 3)]
    assert {turn.place.precision for turn in turns} == {0.03}
    assert [turn.last for turn in turns] == [False, False, False, False, True]
    assert capsys.readouterr().out.endswith("5 of 5 sittings are measured\n")


def test_a_precision_that_is_reached_ends_after_the_first_stage(tmp_path):
    code, turns, _ = a_series(tmp_path, Rest(3, 3))
    assert (code, len(turns)) == (0, 3)


def test_a_limit_cuts_the_second_stage_and_shows_in_the_exit_code(tmp_path, capsys):
    code, turns, _ = a_series(tmp_path, Rest(12, 4, closing="what four sittings bring"))
    assert (code, len(turns)) == (1, 4)
    assert (turns[-1].place.number, turns[-1].place.of, turns[-1].last) == (4, 12, True)
    said = capsys.readouterr().out
    assert (
        "what four sittings bring\nthe limit is too low for the wanted precision: 4 of 12" in said
    )


def test_what_is_left_of_a_limit_in_dollars_is_shared_by_the_sittings_that_fit(tmp_path):
    limits = MeasureLimits(max_usd=6.0)
    _, turns, _ = a_series(tmp_path, Rest(5, 5, usd=3.0), limits=limits)
    assert [turn.limits.max_usd for turn in turns] == [2.0, 2.0, 2.0, 1.5, 1.5]


def test_a_first_stage_without_a_measurement_has_no_second_one(tmp_path):
    code, turns, _ = a_series(tmp_path, None)
    assert (code, len(turns)) == (1, 3)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Give a run of one toy with a first stage of two sittings; return code and output."""
    words = [
        *toy_words(tmp_path, "out"),
        "--repeat-disturbed",
        "0",
        "--sittings",
        "2",
        "--gap",
        "1s",
    ]
    look_shortly(monkeypatch)
    return lambda *more: (run_command([*words, *more]), capsys.readouterr().out)


def numbers(tmp_path):
    headers = [read_run(path).header for path in find_journals(tmp_path / "out/journals")]
    places = [header.series for header in sorted(headers, key=lambda one: one.started_at)]
    return [(place.number, place.of) for place in places]


@pytest.mark.slow
def test_real_toys_are_measured_in_two_stages_and_a_series_that_was_cut_off_goes_on(run, tmp_path):
    """No toy is so noisy that a factor of 10,000 needs more than two sittings, nor is any so calm
    that +-0.1% does not.

    The limit of time leaves no second stage, so the plan of the second command is not spent.
    """
    code, said = run("--precision", "999900%", "--price", "0.6")
    assert code == 0, said
    assert "after 2 sittings the bracket of desk is about +-" in said
    assert "is reached: no more sittings are needed" in said
    assert numbers(tmp_path) == [(1, 2), (2, 2)]
    code, said = run("--precision", "0.1%", "--max-minutes", "0.7")
    assert code == 1, said
    assert "+-0.1% cannot be reached within --max-minutes: it takes about" in said
    assert "the price of desk is unknown" in said
    assert "the same command measures the rest" in said
    measured = numbers(tmp_path)[2:]
    assert measured[:2] == [(1, 2), (2, 2)]
    more = [of for _, of in measured[2:]]
    assert len(set(more)) <= 1
    code, said = run("--precision", "0.1%", "--max-minutes", "0.01")
    assert code == 1, said
    assert "going on with a series" in said
    again = numbers(tmp_path)[2:]
    assert again[: len(measured)] == measured
    assert len({of for _, of in again[2:]}) <= 1, "the plan of the first stage stays"


def test_one_sitting_is_no_first_stage(run):
    assert run("--precision", "3%", "--sittings", "1")[0] == 2
