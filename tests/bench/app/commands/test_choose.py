"""The command `choose`: its answer, its exit codes, and what it says to a wrong request."""

from __future__ import annotations

import json

import pytest
from command_line import run_command
from evaluated_runs import evaluated_run

from bench.app.commands.choose import choose_options
from bench.clock import utc_today
from bench.record.journal import Journal
from bench.record.price import read_rules
from bench.spec.axes import Metric
from bench.spec.description import Description
from bench.spec.request import Program

THREE = {1: 3, 2: 3, 3: 4}


@pytest.fixture
def reports(tmp_path):
    """A folder of reports with journals of a cheap slow machine and of a fast one without price."""
    for run in (
        evaluated_run("cheap", 8.0, THREE, prices=read_rules("0.36")),
        evaluated_run("fast", 2.0, THREE),
    ):
        journal = Journal(tmp_path / "journals" / f"{run.header.run_id}.jsonl")
        journal.create(run.header)
        for line in (*run.machines, *run.records):
            journal.append(line)
    return tmp_path


def test_the_best_machine_stands_first_with_its_chance_in_words(reports, capsys):
    words = ["choose", "--accuracy", "0.98", "--deadline", "12s", "--out", str(reports)]
    assert run_command(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("# Reach test accuracy 0.98 within 12 s")
    assert "Train cnn adam on fast" in out
    assert "(3 seeds)" in out
    assert "the quickest of 3 seeds of cnn adam needs 25 s; the deadline is 12 s" in out


def test_a_budget_excludes_a_machine_without_a_price_and_says_what_to_do(reports, capsys):
    words = ["choose", "--accuracy", "0.98", "--budget", "5usd", "--out", str(reports)]
    assert run_command(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Train cnn adam on cheap: the chance to reach test accuracy 0.98 is about 6 in 7" in out
    assert "there is a budget, but no price: no instance type is known: give --price" in out


def test_the_json_holds_the_same_answer(reports, capsys):
    words = ["choose", "--target", "0.98", "--budget", "5", "--deadline", "30m", "--json"]
    assert run_command([*words, str(reports / "journals")]) == 0
    document = json.loads(capsys.readouterr().out)
    (row,) = document["ranking"]
    assert (row["machine"], row["rank"], row["seeds_trained"]) == ("cheap", 1, 3)
    assert row["chance"] == pytest.approx(3 / 3.5, abs=0.001)
    assert row["usd"] == pytest.approx(25 * 0.36 / 3600)
    assert (row["price_source"], row["price_date"]) == ("--price", utc_today())
    assert [row["why"] for row in document["excluded"]] == ["no_price"]


def test_no_machine_that_qualifies_is_exit_code_1(reports, capsys):
    words = ["choose", "--accuracy", "0.99", "--out", str(reports)]
    assert run_command(words) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "No machine qualifies." in out
    assert "0 of 3 seeds reached test accuracy 0.99 in 10 epochs of cnn adam" in out


def test_a_small_chance_is_no_recommendation(reports, capsys):
    words = ["choose", "--accuracy", "0.98", "--deadline", "6.4s", "--out", str(reports)]
    assert run_command(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "No machine is likely to reach test accuracy 0.98 within the limits." in out


def test_the_trainings_can_be_chosen_by_their_axes(reports, capsys):
    words = ["choose", "--accuracy", "0.98", "--models", "mlp", "--out", str(reports)]
    assert run_command(words) == 1
    assert "no measured job on mnist data of the kind" in " ".join(capsys.readouterr().out.split())
    assert run_command([*words[:3], "--models", "cnn,mlp", *words[5:]]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--accuracy", "98"], "did you mean 0.98? give a value from 0 to 1"),
        (["--accuracy", "-0.5"], "no test accuracy is -0.5"),
        (["--deadline", "5 bananas", "--accuracy", "0.98"], "write 90s, 30m or 1.5h"),
        (["--budget", "5 bananas", "--accuracy", "0.98"], "give one such as 5usd"),
        (["--accuracy", "high"], "'high' is not a finite number"),
        (["--accuracy", "nan"], "'nan' is not a finite number"),
        (["--accuracy", "0.98", "--models", "clp"], "did you mean mlp? use one of mlp, cnn"),
        ([], "Missing option '--accuracy' / '--target'"),
    ],
)
def test_a_wrong_request_says_what_to_type(reports, capsys, words, told):
    assert run_command(["choose", *words, "--out", str(reports)]) == 2
    assert told in capsys.readouterr().err


def test_a_folder_without_a_journal_says_to_measure_first(tmp_path, capsys):
    assert run_command(["choose", "--accuracy", "0.98", "--out", str(tmp_path)]) == 2
    assert "measure first: mnist-bench run" in capsys.readouterr().err


def words_of(metrics):
    description = Description(name="w", title="W", axes=(), metrics=metrics)
    options = choose_options(description, Program("p", "w"))
    return next(option.opts for option in options if option.name == "target")


def test_the_option_of_the_target_is_named_by_the_scored_metric():
    assert words_of((Metric("test_loss", "lower", scored=True),)) == ["--loss", "--target"]
    assert words_of(()) == ["--target"]
    assert words_of((Metric("energy_budget", "lower", scored=True),)) == ["--target"]
