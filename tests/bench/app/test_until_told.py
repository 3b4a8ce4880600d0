"""Sittings are added in turn until two sides are told apart, and never without end."""

from __future__ import annotations

import itertools
import json

import pytest
import toy_workload
from command_line import run_command
from sittings_on_disk import a_sitting, machine, write
from toy_runs import look_shortly

from bench.analysis.comparison import compare
from bench.analysis.entrants import entrants
from bench.analysis.ratios import Finding
from bench.analysis.slowdown import sitting_by_sitting
from bench.app.commands.compare import request_of
from bench.app.commands.compare_output import Look, print_comparison
from bench.app.side_lookup import find_sides, read_known
from bench.app.until_told import Recipe, Stop, elsewhere, recipes, repeat
from bench.errors import RequestError
from mnist_bench import cli
from mnist_bench.description import DESCRIPTION

STEPS = {"mlp": 0.004, "cnn": 0.02}
NOISE = itertools.cycle([0.01, -0.015, 0.005, -0.01, 0.012, -0.002, 0.008])


class Bench:
    """Two labels of one machine; a repeated run adds a planted sitting of its label."""

    def __init__(self, out, factor):
        self.out, self.factor, self.calls, self.time_s = out, factor, [], 0.0
        for label in ("one", "two"):
            self.measure([label])
        self.calls.clear()

    def measure(self, words):
        (label,) = words
        scale = (self.factor if label == "two" else 1.0) * (1 + next(NOISE))
        steps = {cell: step_s * scale for cell, step_s in STEPS.items()}
        sitting = a_sitting(label, steps, hour=self.time_s / 3600, machine_facts=machine("here"))
        write(self.out, [sitting])
        self.calls.append(label)
        self.time_s += 600
        return 0

    def look(self):
        sides = find_sides(["one", "two"], read_known(self.out))
        return sitting_by_sitting(*entrants(sides, DESCRIPTION.outline))

    def repeat(self, stop, **changes):
        said = []
        both = [Recipe((label,), label, None, label) for label in ("one", "two")]
        fields = {"measure": self.measure, "clock": lambda: self.time_s, **changes}
        code = repeat(both, self.look, stop=stop, say=said.append, **fields)
        return code, said


def test_sittings_are_added_until_a_difference_is_told_apart(tmp_path):
    bench = Bench(tmp_path, 1.4)
    code, said = bench.repeat(Stop(0.03, None, 1e6))
    assert code == 0
    assert [one.finding() is Finding.OPEN for one in said] == [*[True] * (len(said) - 1), False]
    assert said[-1].finding() is Finding.FASTER
    assert 3 <= len(said[-1].logs) <= 8
    assert bench.calls[:4] == ["one", "two", "two", "one"]


def test_equal_sides_end_as_equal_within_the_margin(tmp_path):
    code, said = Bench(tmp_path, 1.0).repeat(Stop(0.05, None, 1e6))
    assert (code, said[-1].finding(0.05)) == (0, Finding.EQUAL)


def test_with_a_limit_it_ends_when_the_limit_is_answered(tmp_path):
    code, said = Bench(tmp_path, 1.4).repeat(Stop(0.03, 0.10, 1e6))
    assert (code, said[-1].slower_than(0.10)) == (0, True)
    assert [one.slower_than(0.10) for one in said[:-1]] == [None] * (len(said) - 1)


def test_no_round_begins_that_does_not_fit_into_the_time(tmp_path):
    bench = Bench(tmp_path, 1.0)
    began = bench.time_s
    code, said = bench.repeat(Stop(0.001, None, 3000.0))
    assert code == 1
    assert len(said) == 2  # rounds of 1200 s: a third one would end after 3000 s
    assert bench.time_s - began == 2400


@pytest.mark.parametrize(("code", "expected"), [(2, 2), (130, 130), (1, 1)])
def test_a_run_that_adds_nothing_ends_it(tmp_path, code, expected):
    bench = Bench(tmp_path, 1.4)
    found, said = bench.repeat(Stop(0.03, None, 1e6), measure=lambda words: code)
    assert (found, said) == (expected, [])


def test_a_recipe_is_the_command_of_the_newest_run_without_its_series(tmp_path):
    commands = {
        "one": "python -m mnist_bench.run --grid quick --sittings 3 --gap=30m --threads 1 --out x",
        "two": "mnist-bench run --label two",
    }
    for hour, (label, command) in enumerate(commands.items()):
        run = a_sitting(label, STEPS, hour=hour, machine_facts=machine("here"))
        header = run.header.model_copy(update={"command": command})
        write(tmp_path, [type(run)(run.path, header, run.records, machines=run.machines)])
    known = read_known(tmp_path)
    sides = find_sides(["one", "two"], known)
    found = recipes(sides, known.runs)
    assert [one.words for one in found] == [
        ("--grid", "quick", "--threads", "1"),
        ("--label", "two"),
    ]
    here = machine("here").machine_id
    assert elsewhere(found, here) == ()
    assert elsewhere(found, "another") == found
    fixed = find_sides([one.header.run_id for one in known.runs], known)
    with pytest.raises(RequestError, match="to which no sitting can be added"):
        recipes(fixed, known.runs)


def test_a_machine_that_is_not_here_is_answered_with_the_command_and_exit_code_1(tmp_path, capsys):
    write(tmp_path, [a_sitting("desk", STEPS), a_sitting("rack", STEPS, hour=1)])
    words = ["compare", "desk", "rack", "--until-told", "--out", str(tmp_path)]
    assert run_command(words) == 1
    printed = capsys.readouterr()
    assert "on the machine of rack: python -m mnist_bench.run --grid small" in printed.err
    assert "desk and rack by mean step" in printed.out


@pytest.mark.slow
def test_real_runs_of_two_labels_are_repeated_from_here(tmp_path, monkeypatch, capsys):
    """The toy workload takes a moment a job; two labels of one machine are soon called equal.

    The margin is so wide that a second pair of sittings decides.
    """
    look_shortly(monkeypatch)
    out, grid = str(tmp_path / "out"), tmp_path / "toy.yaml"
    grid.write_text("{name: toy, subgrids: [{models: ok, epochs: 2}]}")
    options = ["--workload", toy_workload.NAME, "--grid", str(grid), "--dispatch", "inline"]
    for label in ("one", "two"):
        words = ["run", *options, "--local-only", "--no-figures", "--label", label]
        assert cli.main([*words, "--out", out]) == 0  # it knows what was typed
    capsys.readouterr()
    words = ["compare", "one", "two", "--until-told", "--margin", "900%", "--json"]
    code = cli.main([*words, "--workload", toy_workload.NAME, "--out", out])
    found = json.loads(capsys.readouterr().out)
    if code == 1 and any(one["disturbed_without_weight"] for one in found["machines"]):
        pytest.skip("others use this machine, so its sittings do not count")
    assert code == 0
    assert found["sitting_by_sitting"]["pairs_of_sittings"] >= 2
    assert "pairs of sittings" in found["verdict"]
    assert found["verdict"] != found["verdict_of_a_single_look"]
    assert {one["sittings"] for one in found["machines"]} != {1}


def test_after_until_told_the_verdict_is_that_of_the_confidence_sequence(capsys, tmp_path):
    logs = [0.0, 0.01, -0.01, 0.0, 0.005]
    request = request_of(
        {"workload": "", "names": ("one", "two"), "until_told": True, "out": tmp_path}
    )
    for label, factor in (("one", 1.0), ("two", 1.4)):
        for hour, log in enumerate(logs):
            steps = {cell: factor * (1 + log) * step_s for cell, step_s in STEPS.items()}
            write(tmp_path, [a_sitting(label, steps, hour=hour + 0.3 * factor)])
    known = read_known(tmp_path)
    one, two = entrants(find_sides(["one", "two"], known), DESCRIPTION.outline)
    look = Look(compare([one, two]), DESCRIPTION.outline, sitting_by_sitting(one, two))
    print_comparison(request, look)
    out = " ".join(capsys.readouterr().out.split())
    assert "Told apart after 5 pairs of sittings: " in out
    assert "valid for a single look only" in out
    assert "Train on" not in out
