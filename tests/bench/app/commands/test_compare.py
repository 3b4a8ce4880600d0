"""`mnist-bench compare`: known machines give known answers, and CI can act on the exit code."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from builders import conditions
from command_line import run_command
from conftest import ROOT
from sittings_on_disk import a_sitting, machine, write

#: Speeds of rack over desk by cell.
PLANTED = {"mlp": 1.02, "cnn": 1.10, "large": 1.60}
STEPS = {"mlp": 0.004, "cnn": 0.020, "large": 0.009}


def faster(speeds):
    """Return the steps of a machine that is faster by these factors."""
    return {cell: STEPS[cell] / factor for cell, factor in speeds.items()}


def slower(factor, cells=STEPS):
    """Return the steps of a machine that takes `factor` times as long in every cell."""
    return {cell: STEPS[cell] * factor for cell in cells}


def sittings(label, steps_s, logs, shift=0.0, **changes):
    """Return a sitting an hour for each log by which it is slower."""
    return [
        a_sitting(
            label, {k: v * math.exp(log) for k, v in steps_s.items()}, hour=hour + shift, **changes
        )
        for hour, log in enumerate(logs)
    ]


@pytest.fixture
def compare(tmp_path, capsys):
    """Write runs and compare them; return the exit code and the output, as JSON if asked for."""

    def run(runs, *words):
        if not (tmp_path / "journals").exists():
            write(tmp_path, runs)
        code = run_command(["compare", *words, "--out", str(tmp_path)])
        printed = capsys.readouterr()
        out = json.loads(printed.out) if "--json" in words and code in (0, 3) else printed.out
        return code, out if code in (0, 3) else printed.err

    return run


@pytest.fixture
def three_sittings():
    """Two machines that differ by 1.02, 1.10 and 1.60, without any noise."""
    return sittings("desk", STEPS, [0.0] * 3) + sittings("rack", faster(PLANTED), [0.0] * 3, 0.3)


def test_a_machine_that_is_faster_in_every_cell_is_told_apart_in_each_and_in_the_mean(
    compare, three_sittings
):
    code, found = compare(three_sittings, "desk", "rack", "--json")
    assert code == 0
    speeds = {
        cell["optimizer"] + str(cell["batch_size"]): cell["speed"]["rack"]
        for cell in found["cells"]
    }
    for name, planted in (("sgd128", 1.02), ("adam128", 1.10), ("sgd512", 1.60)):
        assert speeds[name]["estimate"] == pytest.approx(planted, rel=1e-4)
    assert speeds["adam128"]["low"] > 1
    assert speeds["sgd512"]["low"] > 1
    (pair,) = found["pairs"]
    mean = math.prod(PLANTED.values()) ** (1 / 3)
    side = 1 if pair["first"] == "rack" else -1
    assert pair["speed"]["estimate"] ** side == pytest.approx(mean, rel=1e-4)
    assert pair["finding"] == ("faster" if side == 1 else "slower")
    assert found["verdict"].startswith("Train on rack: 1.2")
    assert [one["rank"] for one in found["machines"]] == [[2, 2], [1, 1]]


def test_the_table_shows_each_cell_the_mean_and_one_verdict_sentence(compare, three_sittings):
    code, out = compare(three_sittings, "desk", "rack")
    assert code == 0
    lines = out.splitlines()
    assert sum(line.startswith(("mlp", "cnn")) for line in lines) == 3
    assert any(line.startswith("mean of 3, equal weights") for line in lines)
    assert sum(line.startswith("Train on rack: ") for line in lines) == 1
    assert "99 of 100" in out
    assert "rack is 1.02 to 1.60 times as fast as desk" in out.replace("\n", " ")


def test_equal_machines_are_not_called_different(compare):
    logs = [-0.01, 0.0, 0.01, 0.004, -0.004, 0.002, -0.002, 0.0]
    runs = sittings("desk", STEPS, logs) + sittings("rack", STEPS, logs[::-1], 0.3)
    code, found = compare(runs, "desk", "rack", "--json")
    assert code == 0
    (pair,) = found["pairs"]
    assert pair["finding"] == "equal"
    assert " are equal within 3%: " in found["verdict"]
    assert found["sittings_needed"] is None


def test_an_open_comparison_says_how_many_sittings_would_settle_it(compare):
    runs = sittings("desk", STEPS, [0.0, 0.05]) + sittings("rack", slower(1.05), [0.05, 0.0], 0.3)
    code, found = compare(runs, "desk", "rack", "--json")
    assert code == 0
    assert found["pairs"][0]["finding"] == "open"
    assert found["sittings_needed"] > 2
    code, out = compare(runs, "desk", "rack")
    assert "sittings of each machine would settle it" in out.replace("\n", " ")
    assert "Train on" not in out


def test_one_sitting_shows_a_bracket_within_it_and_an_assumed_one_for_another_day(compare):
    runs = [a_sitting("desk", STEPS), a_sitting("rack", slower(0.8), hour=0.3)]
    code, found = compare(runs, "desk", "rack", "--json")
    (pair,) = found["pairs"]
    here, day = pair["within_these_sittings"], pair["speed"]
    assert here["high"] / here["low"] < day["high"] / day["low"]
    assert pair["assumed"] > 0.5
    code, out = compare(runs, "desk", "rack")
    text = out.replace("\n", " ")
    assert code == 0
    assert "In these sittings alone it is" in text
    assert "assumes that sittings differ by 5%" in text


def test_no_chance_above_99_of_100_is_ever_printed(compare):
    runs = sittings("desk", STEPS, [0.0] * 6) + sittings("rack", slower(0.1), [0.0] * 6, 0.3)
    _, out = compare(runs, "desk", "rack")
    assert "surely (99 of 100)" in out
    assert "100 of 100" not in out


def test_unlike_grids_without_a_common_cell_are_a_clear_error(compare):
    runs = [a_sitting("desk", {"mlp": 0.01}), a_sitting("rack", {"cnn": 0.01}, hour=0.3)]
    code, error = compare(runs, "desk", "rack")
    assert code == 2
    assert "no kind of job in common" in error
    assert "no job links desk from rack" in error
    assert "mnist-bench run --grid NAME" in error


def test_three_machines_get_rank_sets_and_speeds_over_the_baseline(compare):
    runs = [
        *sittings("desk", STEPS, [0.0, 0.02, -0.02]),
        *sittings("rack", slower(0.5), [0.02, 0.0, -0.02], 0.2),
        *sittings("twin", slower(0.5), [-0.02, 0.0, 0.02], 0.4),
    ]
    code, found = compare(runs, "desk", "rack", "twin", "--json")
    assert code == 0
    ranks = {one["name"]: one["rank"] for one in found["machines"]}
    assert ranks == {"desk": [3, 3], "rack": [1, 2], "twin": [1, 2]}
    assert len(found["pairs"]) == 3
    code, out = compare(runs, "desk", "rack", "twin", "--baseline", "rack")
    assert "speed (rack = 1)" in out
    assert "rack and twin may be the fastest: no machine is shown" in out.replace("\n", " ")
    code, error = compare(runs, "desk", "rack", "--baseline", "rick")
    assert code == 2
    assert "did you mean rack?" in error
    code, out = compare(runs, "--json")
    assert {one["name"] for one in out["machines"]} == {"desk", "rack", "twin"}


def test_a_near_miss_is_answered_with_the_nearest_name_and_the_list(compare, three_sittings):
    code, error = compare(three_sittings, "desk", "rick")
    assert code == 2
    assert "did you mean rack?" in error
    assert "seen: desk, rack, " in error
    code, error = compare(three_sittings, "desk")
    assert code == 2
    assert "needs two names" in error
    code, error = compare(three_sittings, "desk", "rack", "desk")
    assert code == 2
    assert "a name was given twice among others" in error
    code, error = compare(three_sittings, "desk", "x" * 300)
    assert code == 2
    assert "is neither a journal nor the name" in error


@pytest.mark.parametrize("words", [["compare", "desk", "rack"], ["machines", "diff", "desk", "a"]])
def test_without_any_machine_the_next_step_is_not_to_name_one_of_them(
    tmp_path, monkeypatch, capsys, words
):
    monkeypatch.chdir(tmp_path)
    assert run_command(words) == 2
    assert "name one of them" not in capsys.readouterr().err


def test_runs_journals_folders_and_ids_name_sides_too(compare, three_sittings, tmp_path):
    first, *_, last = three_sittings
    by_run = compare(three_sittings, first.header.run_id, last.header.run_id, "--json")[1]
    paths = [str(tmp_path / "journals" / f"{run.header.run_id}.jsonl") for run in (first, last)]
    by_path = compare(three_sittings, *paths, "--json")[1]
    ids = [run.records[0].machine.machine_id[:8] for run in (first, last)]
    assert by_run["pairs"] == by_path["pairs"]
    assert [one["sittings"] for one in by_path["machines"]] == [1, 1]
    by_id = compare(three_sittings, *ids, "--json")[1]
    assert [one["sittings"] for one in by_id["machines"]] == [3, 3]
    code, error = compare(three_sittings, str(tmp_path), "desk")
    assert code == 2
    assert f"{tmp_path}:desk" in error
    by_folder = compare(three_sittings, f"{tmp_path}:desk", f"{tmp_path}:rack", "--json")[1]
    assert by_folder["pairs"] == by_id["pairs"]


def test_a_label_of_unlike_machines_is_answered_with_a_note(tmp_path, capsys):
    newer = {"keras": "3.12.0", "tensorflow": "2.19.0", "ray": "2.50.0"}
    runs = sittings("vm", STEPS, [0.0, 0.01])
    runs += sittings("vm", STEPS, [0.0], 5, machine_facts=machine("vm", packages=newer))
    write(tmp_path, [*runs, *sittings("desk", STEPS, [0.0], 7)])
    assert run_command(["compare", "vm", "desk", "--out", str(tmp_path)]) == 0
    assert "vm and vm [2] have the same label but are not pooled: keras" in capsys.readouterr().err
    assert run_command(["compare", "vm", "vm [2]", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "keras: 3.10.0 on vm, 3.12.0 on vm [2]" in printed.out


def test_two_runs_of_one_machine_are_called_by_what_was_typed(compare):
    runs = sittings("vm", STEPS, [0.0, 0.3])
    ids = [run.header.run_id for run in runs]
    _, found = compare(runs, *ids, "--json")
    assert [one["name"] for one in found["machines"]] == ids


def test_two_journals_of_one_machine_are_called_by_their_stems_if_these_are_unique(
    compare, tmp_path
):
    runs = sittings("vm", STEPS, [0.0, 0.3])
    write(tmp_path, runs)
    paths = [str(tmp_path / "journals" / f"{run.header.run_id}.jsonl") for run in runs]
    _, found = compare(runs, *paths, "--baseline", paths[1], "--json")
    assert [one["name"] for one in found["machines"]] == [run.header.run_id for run in runs]
    other = tmp_path / "other"
    other.mkdir()
    moved = (tmp_path / "journals" / f"{runs[1].header.run_id}.jsonl").rename(
        other / f"{runs[0].header.run_id}.jsonl"
    )
    _, found = compare(runs, paths[0], str(moved), "--json")
    assert [one["name"] for one in found["machines"]] == [paths[0], str(moved)]


def test_a_machine_against_itself_says_what_changed_between_its_farthest_sittings(compare):
    runs = sittings("vm", STEPS, [0.0, 0.01])
    runs += sittings("vm", STEPS, [0.05], 9, machine_facts=machine("vm", kernel="6.9"))
    _, found = compare(runs, "vm", "vm", "--json")
    assert found["called_different"] == []
    assert found["farthest"]["sittings"] == ["sitting 1", "sitting 3"]
    assert [one["fact"] for one in found["farthest"]["differences"]] == ["kernel"]
    _, out = compare(runs, "vm", "vm")
    assert "sitting 1 and sitting 3 differ most in speed. What changed" in " ".join(out.split())


def test_a_job_is_never_compared_with_itself(compare, three_sittings):
    code, error = compare(three_sittings, "desk", three_sittings[0].header.run_id)
    assert code == 2
    assert "hold some of the same jobs" in error


def test_an_instance_type_pools_its_instances_and_the_claim_is_about_the_type(compare):
    runs = [
        a_sitting(
            f"node{n}",
            slower(1 + 0.01 * n),
            hour=n,
            machine_facts=machine(
                f"node{n}", cloud_instance_type="c7i.large", microarchitecture=f"lake{n % 2}"
            ),
        )
        for n in range(3)
    ]
    runs += sittings("desk", slower(1.5), [0.0, 0.01], 0.5)
    _, found = compare(runs, "desk", "c7i.large", "--json")
    kind = found["machines"][1]
    assert (kind["instances"], kind["sittings"]) == (3, 3)
    _, out = compare(runs, "desk", "c7i.large")
    assert "The instances of c7i.large differ in these facts: microarchitecture." in out
    assert "The claim is about the type c7i.large and rests on 3 instances" in out.replace(
        "\n", " "
    )


def test_further_sittings_of_two_instances_do_not_narrow_the_claim_about_their_type(compare):
    runs = sittings("desk", slower(1.5), [0.0, 0.01], 0.5)
    for number, factor in enumerate((1.0, 1.2)):
        facts = machine(f"node{number}", cloud_instance_type="c7i.large")
        logs = [0.0, 0.001] * 4
        runs += sittings(f"node{number}", slower(factor), logs, number / 5, machine_facts=facts)
    _, found = compare(runs, "desk", "c7i.large", "--json")
    kind = found["machines"][1]
    assert (kind["instances"], kind["sittings"]) == (2, 16)
    assert kind["spread_between_sittings"] > 0.05
    assert found["pairs"][0]["speed"]["high"] / found["pairs"][0]["speed"]["low"] > 1.4


def test_one_instance_gives_no_bracket_for_its_type(compare):
    facts = machine("node", cloud_instance_type="c7i.large")
    runs = sittings("node", STEPS, [0.0, 0.01], machine_facts=facts)
    _, out = compare([*runs, *sittings("desk", STEPS, [0.0, 0.01], 0.5)], "desk", "c7i.large")
    assert "the bracket is for this instance alone, and there is none for the type" in " ".join(
        out.split()
    )


def test_other_machines_of_the_type_inform_the_bracket_whether_they_are_named_or_not(compare):
    runs = []
    for number, logs in enumerate(([0.0], [0.0, 0.02, 0.01, -0.01], [0.0, 0.01])):
        name = f"node{number}"
        facts = machine(name, cloud_instance_type="c7i.large")
        runs += sittings(name, slower(1 + number / 5), logs, number / 5, machine_facts=facts)
    _, two = compare(runs, "node0", "node2", "--json")
    _, all_ = compare(runs, "--json")
    (pair,) = two["pairs"]
    same = [one for one in all_["pairs"] if {one["first"], one["second"]} == {"node0", "node2"}]
    width = [one["speed"]["high"] / one["speed"]["low"] for one in (pair, *same)]
    assert width[0] == pytest.approx(width[1])
    assert two["machines"][0]["prior"]["source"] == "other machines of the type c7i.large"


def test_a_kind_of_job_that_a_side_trains_wrong_is_left_out_and_named(compare):
    runs = sittings("desk", STEPS, [0.0] * 3)
    runs += sittings("rack", slower(0.5, ["mlp", "cnn"]), [0.0] * 3, 0.3)
    wrong = sittings("rack", slower(0.1, ["large"]), [0.0], 9, diverged=True)
    _, found = compare([*runs, *wrong], "desk", "rack", "--json")
    assert [(one["machine"], one["batch_size"]) for one in found["trained_wrong"]] == [
        ("rack", 512)
    ]
    assert found["pairs"][0]["speed"]["estimate"] in (pytest.approx(2), pytest.approx(0.5))
    assert len(found["cells"]) == 2
    _, out = compare(runs, "desk", "rack")
    assert "rack trains mlp sgd" in out
    assert "so its speed is not ranked there: a metric of the job is not finite" in " ".join(
        out.split()
    )


def test_a_sitting_that_shows_no_speed_is_skipped_in_a_comparison_with_itself(compare):
    runs = [*sittings("vm", STEPS, [0.0, 0.01, 0.02]), a_sitting("vm", {"large": 0.1}, hour=9)]
    broken = a_sitting("vm", {"large": 0.1}, hour=10, diverged=True)
    _, found = compare([*runs, broken], "vm", "vm", "--json")
    assert found["pairs"] == 3


def test_a_machine_that_trains_every_job_wrong_is_refused(compare):
    runs = sittings("desk", STEPS, [0.0]) + sittings("rack", STEPS, [0.0], 1, diverged=True)
    code, error = compare(runs, "desk", "rack")
    assert code == 2
    assert "rack trains every kind of job wrong" in error


def test_of_several_machines_one_that_trains_everything_wrong_is_left_out_with_a_sentence(compare):
    runs = [
        *sittings("wrong", STEPS, [0.0], 2, diverged=True),
        *sittings("desk", STEPS, [0.0, 0.01]),
        *sittings("rack", slower(0.8), [0.0, 0.01], 0.3),
    ]
    code, out = compare(runs)
    assert code == 0
    assert "wrong trains every kind of job wrong, so its speed is not compared." in " ".join(
        out.split()
    )
    assert "Train on rack" in out
    _, found = compare(runs, "--json")
    assert [one["name"] for one in found["machines"]] == ["desk", "rack"]
    assert found["left_out_because_trained_wrong"] == ["wrong"]
    code, error = compare(runs, "--baseline", "wrong")
    assert code == 2
    assert "--baseline wrong trains every kind of job wrong" in error


def test_a_disturbed_job_has_no_weight_against_another_sitting_of_its_machine_either(compare):
    """Two sittings are half as fast while disturbed; one of them has a quiet job of one kind."""
    quiet = sittings("vm", STEPS, [0.0, 0.01, -0.01])
    disturbed = {"conditions": conditions("disturbed", "foreign CPU (1 CPUs)")}
    lost = a_sitting("vm", slower(2.0), hour=5, **disturbed)
    mixed = a_sitting("vm", slower(2.0, ["mlp", "large"]), hour=6, **disturbed)
    whole = a_sitting("vm", {"cnn": STEPS["cnn"]}, hour=6)
    mixed = type(mixed)(
        mixed.path, mixed.header, (*mixed.records, *whole.records), machines=mixed.machines
    )
    code, found = compare([*quiet, lost, mixed], "vm", "vm", "--json")
    assert code == 0
    assert (len(found["sittings"]), found["pairs"]) == (4, 6)
    assert found["called_different"] == []
    assert found["sittings_without_weight"] == 1
    assert None not in [one["effect"] for one in found["sittings"]]
    _, out = compare([], "vm", "vm")
    said = " ".join(out.split())
    assert "5 disturbed jobs of vm have no weight" in said
    assert "1 sitting of vm does not count: all of its jobs were disturbed" in said


def test_a_machine_against_itself_counts_the_pairs_that_were_called_different(compare):
    quiet = [0.0, 0.02, -0.01, 0.03, -0.02]
    _, found = compare(sittings("vm", STEPS, quiet), "vm", "vm", "--json")
    assert found["pairs"] == 10
    assert found["called_different"] == []
    assert 0.03 < found["noise_floor"] < 0.2


def test_a_sitting_that_went_wrong_is_called_different_and_what_differs_is_shown(compare):
    runs = sittings("vm", STEPS, [0.0, 0.02, -0.01, 0.02])
    runs += sittings(
        "vm", slower(2.0), [0.0], 9, machine_facts=machine("vm", cpu_model="Other CPU")
    )
    code, out = compare(runs, "vm", "vm")
    assert code == 0
    text = out.replace("\n", " ")
    assert "4 of the 10 pairs of its sittings were called different (40%)" in text
    assert "CPU model: " in out


def test_what_differs_stands_beside_the_ratio(compare):
    runs = [
        a_sitting("desk", STEPS, machine_facts=machine("desk", cpu_model="Old CPU")),
        a_sitting("rack", STEPS, hour=1, machine_facts=machine("rack", cpu_model="New CPU")),
    ]
    _, out = compare(runs, "desk", "rack")
    assert "  - CPU model: Old CPU on desk, New CPU on rack\n" in out
    _, found = compare(runs, "desk", "rack", "--json")
    assert {
        "fact": "cpu_model",
        "gpu": None,
        "subject": "CPU",
        "desk": "Old CPU",
        "rack": "New CPU",
    } in (found["differences"]["rack"])


NOISE = [0.01, -0.015, 0.005, -0.01, 0.012, -0.002, 0.008, -0.008]


def test_a_slowdown_beyond_the_limit_ends_with_exit_code_3(compare):
    runs = sittings("main", STEPS, NOISE) + sittings("change", slower(1.25), NOISE[::-1], 0.3)
    code, out = compare(runs, "main", "change", "--fail-if-slower", "10%")
    assert code == 3
    assert "--fail-if-slower 10% is met (exit code 3)" in out
    code, found = compare(runs, "main", "change", "--fail-if-slower", "10%", "--json")
    assert code == 3
    assert found["fail_if_slower"]["met"] is True
    assert found["fail_if_slower"]["pairs_of_sittings"] == 8
    assert found["fail_if_slower"]["time"]["estimate"] == pytest.approx(1.25, rel=0.01)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.0, "so it is not slower by more than 10%"),
        (1.1, "neither shows nor excludes a slowdown of more than"),
    ],
)
def test_a_slowdown_that_is_not_shown_ends_with_exit_code_0(compare, factor, words):
    runs = sittings("main", STEPS, NOISE) + sittings("change", slower(factor), NOISE[::-1], 0.3)
    code, out = compare(runs, "main", "change", "--fail-if-slower", "10%")
    assert code == 0
    assert words in out.replace("\n", " ")


def test_one_sitting_a_side_gives_no_bounds_and_says_what_is_missing(compare):
    runs = [a_sitting("main", STEPS), a_sitting("change", slower(3.0), hour=0.3)]
    code, out = compare(runs, "main", "change", "--fail-if-slower", "10%")
    assert code == 0
    text = out.replace("\n", " ")
    assert "is not met (exit code 0): 1 pair of sittings gives no bounds yet" in text
    assert "At least 3 sittings of each are needed" in text


def test_a_faster_candidate_never_fails_and_the_order_of_names_counts(compare):
    runs = sittings("main", STEPS, NOISE) + sittings("change", slower(1.25), NOISE[::-1], 0.3)
    assert compare(runs, "change", "main", "--fail-if-slower", "10%")[0] == 0
    words = ["change", "main", "--baseline", "main", "--fail-if-slower", "10%"]
    assert compare(runs, *words)[0] == 3


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--margin", "few"], "'few' is not a share above 0. Next: write 3% or 0.03"),
        (["--margin", "3"], "'3' is not a share above 0. Next: did you mean 3%?"),
        (["--fail-if-slower", "-1%"], "is not a share above 0"),
        (["--by", "median"], "use one of step, total, p10"),
    ],
)
def test_a_wrong_option_is_named(compare, three_sittings, words, answer):
    code, error = compare(three_sittings, "desk", "rack", *words)
    assert code == 2
    assert answer in error


def test_total_and_p10_can_be_compared_too(compare, three_sittings):
    for by in ("total", "p10"):
        _, found = compare(three_sittings, "desk", "rack", "--by", by, "--json")
        assert found["by"] == by
        assert set(found["by_other_quantities"]) == {"step", "total", "p10"} - {by}


def test_the_help_says_which_name_is_the_baseline_and_what_exit_code_3_is(capsys):
    assert run_command(["compare", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "The first name is the baseline, and the second one is the candidate." in out
    assert "3 --fail-if-slower is met with confidence" in out


def test_an_unreadable_journal_is_skipped_with_a_note(compare, three_sittings, tmp_path, capsys):
    write(tmp_path, three_sittings)
    (tmp_path / "journals" / "00-broken.jsonl").write_text("no journal\n")
    assert run_command(["compare", "desk", "rack", "--out", str(tmp_path)]) == 0
    assert "00-broken.jsonl" in capsys.readouterr().err


def test_a_comparison_waits_for_neither_pandas_nor_a_framework(three_sittings, tmp_path):
    write(tmp_path, three_sittings)
    source = (
        "import sys\nfrom mnist_bench.cli import main\n"
        f"main(['compare', 'desk', 'rack', '--out', {str(tmp_path)!r}])\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch', 'ray', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_escape_sequences_of_a_machine_reach_no_terminal(compare):
    runs = [
        a_sitting("desk", STEPS, machine_facts=machine("desk", cpu_model="\x1b[31mred")),
        a_sitting("rack", STEPS, hour=1),
    ]
    _, out = compare(runs, "desk", "rack")
    assert "CPU model: U+001B[31mred on desk" in out
