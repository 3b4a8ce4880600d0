"""`mnist-bench history`: planted changes of speed are found, with what changed beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from builders import watched
from command_line import run_command
from conftest import ROOT
from sittings_on_disk import a_sitting, machine, write

STEPS = {"mlp": 0.004, "cnn": 0.020}
QUIET = watched("quiet")


def slower(factor):
    return {cell: step * factor for cell, step in STEPS.items()}


def sitting(hour, factor=1.0, label="desk", **changes):
    return a_sitting(label, slower(factor), hour=hour, jobs=3, **{**QUIET, **changes})


@pytest.fixture
def history(tmp_path, capsys):
    """Write runs and show their history; return the exit code and the output."""

    def run(runs, *words):
        if not (tmp_path / "journals").exists():
            write(tmp_path, runs)
        code = run_command(["history", *words, "--out", str(tmp_path)])
        printed = capsys.readouterr()
        assert not (code == 0 and printed.err)
        text = printed.out if code == 0 else printed.err
        return code, json.loads(text) if "--json" in words and code == 0 else text

    return run


def one(found):
    code, (history,) = found
    assert code == 0
    return history


def test_each_sitting_has_its_time_jobs_and_speed_beside_the_mean(history):
    found = one(history([sitting(0, 0.9), sitting(2, 1.1), sitting(1)], "desk", "--json"))
    assert [row["began_at"][11:16] for row in found["sittings"]] == ["10:00", "11:00", "12:00"]
    assert [row["jobs"] for row in found["sittings"]] == [6, 6, 6]
    mean = (0.9 * 1.0 * 1.1) ** (1 / 3)
    for row, factor in zip(found["sittings"], (0.9, 1.0, 1.1), strict=True):
        speed = row["speed"]
        assert speed["estimate"] == pytest.approx(mean / factor, rel=1e-4)
        assert speed["low"] < speed["estimate"] < speed["high"]
        assert row["seconds"] == pytest.approx(factor * (0.004 * 0.020) ** 0.5, rel=1e-4)
        assert (row["watched"], row["disturbed"]) == (6, 0)


def test_a_change_of_speed_is_found_with_the_fact_that_changed(history):
    new = machine("desk", packages={"keras": "3.11.0", "tensorflow": "2.19.0", "ray": "2.50.0"})
    runs = [
        sitting(0),
        sitting(1),
        sitting(2, 1.3, machine_facts=new),
        sitting(3, 1.3, machine_facts=new),
    ]
    found = one(history(runs, "desk", "--json"))
    (change,) = found["changes"]
    assert (change["before"], change["after"]) == (2, 3)
    assert change["speed"]["estimate"] == pytest.approx(1 / 1.3, rel=1e-4)
    assert change["speed"]["high"] < 1
    (difference,) = change["differences"]
    assert (difference["fact"], difference["before"], difference["after"]) == (
        *("keras", "3.10.0", "3.11.0"),
    )
    (setup,) = found["setups"]
    assert (setup["before"], setup["after"]) == ([1, 2], [3, 4])
    assert setup["speed_on_another_day"]["estimate"] == pytest.approx(1 / 1.3, rel=1e-3)
    day, here = setup["speed_on_another_day"], change["speed"]
    assert day["high"] - day["low"] > here["high"] - here["low"]
    _, text = history(runs, "desk")
    told = " ".join(text.split())
    assert "From sitting 2 to sitting 3 the speed fell: sitting 3 is 0.7692 (" in told
    assert "keras: 3.10.0 on sitting 2, 3.11.0 on sitting 3" in told
    assert "The setup changed with sittings 3 to 4: keras." in told
    assert "-23 %" in told


def test_a_condition_that_changed_stands_beside_a_change_and_is_no_change_of_setup(history):
    busy = watched("disturbed", foreign_cpus=1.5)
    found = one(history([sitting(0), sitting(1, 1.5, **busy)], "--json"))
    (change,) = found["changes"]
    assert "disturbed_share" in {one["fact"] for one in change["differences"]}
    assert found["setups"] == []
    assert [row["disturbed"] for row in found["sittings"]] == [0, 6]


def test_a_change_below_the_margin_or_within_the_noise_is_none(history):
    assert one(history([sitting(0), sitting(1, 1.02)], "--json"))["changes"] == []
    _, text = history([], "desk")
    assert "No change of more than 3% between two sittings of desk in a row is sure." in text


def test_a_change_within_the_noise_between_jobs_is_no_change(history):
    runs = [
        a_sitting("desk", {"mlp": 0.004 * factor}, hour=hour)
        for hour, factor in enumerate((1.0, 1.06, 0.97, 1.03))
    ]
    assert one(history(runs, "--json"))["changes"] == []


def test_a_faster_change_without_a_difference_says_that_nothing_changed(history):
    _, text = history([sitting(0), sitting(1, 0.5)], "desk")
    told = " ".join(text.split())
    assert "the speed rose: sitting 2 is 2.0" in told
    assert "The records show nothing that changed." in told


def test_one_sitting_shows_its_figures_and_no_change(history):
    code, text = history([sitting(0)], "desk")
    assert code == 0
    assert "desk has one sitting, so there is nothing that could have changed yet." in text
    assert " 1.0000 (0." in text


def test_without_a_name_every_machine_is_shown_and_hosts_of_one_label_stay_apart(history):
    other = machine("other")
    runs = [sitting(0), sitting(1, label="rack"), sitting(2, label="rack", machine_facts=other)]
    _, found = history(runs, "--json")
    names = [f"rack ({machine(name).machine_id[:8]})" for name in ("rack", "other")]
    assert [one["machine"] for one in found] == ["desk", *names]
    assert [len(one["sittings"]) for one in found] == [1, 1, 1]
    for name, expected in (
        ("rack", names),
        ("rack [2]", names[1:]),
        (other.machine_id[:8], names[1:]),
        (names[0], names[:1]),
    ):
        _, chosen = history(runs, name, "--json")
        assert [one["machine"] for one in chosen] == expected


def test_by_total_shows_totals(history):
    found = one(history([sitting(0)], "--by", "total", "--json"))
    assert found["sittings"][0]["seconds"] == pytest.approx(1000 * (0.004 * 0.020) ** 0.5, rel=1e-4)


def test_a_sitting_that_trained_wrong_has_no_speed_and_hides_no_other_one(history):
    runs = [sitting(0), sitting(1, 3.0, diverged=True), sitting(2)]
    found = one(history(runs, "desk", "--json"))
    assert [row["speed"] is None for row in found["sittings"]] == [False, True, False]
    assert found["changes"] == []
    _, text = history(runs, "desk")
    assert "n/a (no job counts)" in text


def test_sittings_without_a_common_kind_of_job_are_shown_and_not_compared(history):
    new = machine("desk", python="3.12.1")
    runs = [
        a_sitting("desk", {"mlp": 0.004}, hour=0),
        a_sitting("desk", {"cnn": 0.020}, hour=1, machine_facts=new),
    ]
    found = one(history(runs, "desk", "--json"))
    assert found["changes"] == []
    assert [row["seconds"] for row in found["sittings"]] == [None, None]
    assert found["setups"][0]["speed_on_another_day"] is None
    _, text = history(runs, "desk")
    assert "Sitting 1 and sitting 2 have no kind of job in common." in " ".join(text.split())


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["dsek"], ["dsek is no measured machine", "did you mean desk?", "desk, rack"]),
        (["desk", "--by", "totl"], ["'totl' is unknown", "did you mean total?"]),
        (["desk", "rack"], ["unexpected extra argument"]),
    ],
    ids=str,
)
def test_a_wrong_request_is_answered_with_the_nearest_right_one(history, words, answers):
    code, text = history([sitting(0), sitting(1, label="rack")], *words)
    assert code == 2
    assert [answer for answer in answers if answer not in text] == []


def test_a_folder_without_a_journal_is_a_clear_error(history):
    code, text = history([])
    assert code == 2
    assert "there is no measured job yet" in text


def test_the_shell_completes_the_machine(tmp_path):
    write(tmp_path, [sitting(0, label="a,b"), sitting(1, label="rack")])
    words = ["mnist-bench", "history", "--out", str(tmp_path), "a,"]
    done = subprocess.run(
        [sys.executable, "-m", "mnist_bench"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
            "_MNIST_BENCH_COMPLETE": "bash_complete",
        },
        cwd=ROOT,
    )
    assert done.stdout.split() == ["plain,a,b"]
