"""The command line: help, near misses, exit codes, completion, and the options of a workload."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest
from command_line import PROGRAM, run_command
from conftest import ROOT

from bench.app import main as app_main
from bench.errors import (
    DataError,
    DispatchError,
    OutputError,
    RequestError,
    StoreError,
    WorkloadError,
)

TINY = str(ROOT / "tests" / "tiny_workload.py")

#: Every option of `run` that the version before this parser had.
OPTIONS = """
--grid --models --optimizers --batch-sizes --loops --precisions --backends --epochs --seeds
--repeats --as-published --dataset --data --label --out --threads --dispatch --order-seed
--job-timeout --price --wait-quiet --show-hostnames --fresh --cluster --address --local-only --down
--max-usd --max-minutes --list --json --dry-run
"""


def helped(capsys, *words):
    """Return the help that a command prints."""
    assert run_command([*words, "--help"]) == 0
    return capsys.readouterr().out


def refused(capsys, *words):
    """Return the message with which a wrong request ends."""
    assert run_command(list(words)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1, "one message, in one line"
    return printed.err


def test_the_help_names_every_command_in_the_order_of_their_use(capsys):
    text = helped(capsys)
    places = [text.index(f"\n  {name} ") for name, *_ in app_main.COMMANDS]
    assert places == sorted(places)
    assert "which machine should i train on" in text.lower()


@pytest.mark.parametrize("command", [[], *([name] for name, *_ in app_main.COMMANDS)], ids=str)
def test_every_help_ends_with_words_on_how_it_is_used(capsys, command):
    text = helped(capsys, *command)
    assert text.startswith(f"Usage: {' '.join([PROGRAM.name, *command])}")
    assert "{program}" not in text


def test_the_help_of_run_has_its_sections_and_the_exit_codes(capsys):
    text = helped(capsys, "run")
    titles = ("What to run", "How to run it", "Where: this machine", "Only show", "Exit codes:")
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert [code for code in ("0 ", "1 ", "2 ", "130 ") if f"\n    {code}" not in text] == []


SUBCOMMANDS = [
    ["run"],
    ["report"],
    ["history"],
    ["machine"],
    ["machines", "list"],
    ["machines", "diff"],
    ["export"],
    ["share"],
    ["cluster", "prepare"],
    ["cluster", "check"],
    ["doctor"],
    ["schema"],
]


@pytest.mark.parametrize("command", SUBCOMMANDS, ids=" ".join)
def test_the_help_of_every_command_ends_with_its_own_exit_codes(capsys, command):
    text = helped(capsys, *command)
    codes = text.partition("Exit codes:\n")[2].split("\n")
    assert [line.split()[0] for line in codes if line] == ["0", "1", "2", "130"]
    assert ("all jobs measured" in text) == (command == ["run"])


def test_the_exit_codes_of_a_check_say_that_1_is_a_finding(capsys):
    assert "1    something is missing or open" in helped(capsys, "cluster", "check")


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        (["report"], "[JOURNALS]..."),
        (["cluster", "prepare"], "[FILE]"),
        (["machines", "diff"], "LEFT"),
    ],
    ids=str,
)
def test_the_arguments_of_a_command_have_a_section_of_their_own(capsys, command, argument):
    text = helped(capsys, *command)
    section = text.partition("\nArguments:\n")[2].partition("\n\n")[0]
    assert section.split()[0] == argument
    assert "--help" not in section


@pytest.mark.parametrize(("name", "about"), [row[:2] for row in app_main.COMMANDS])
def test_the_help_of_a_command_begins_as_the_list_of_commands_says(capsys, name, about):
    assert helped(capsys, name).split("\n")[2] == f"  {about}"


def test_run_has_every_option_that_it_had(capsys):
    shown = re.findall(r"--[\w-]+", helped(capsys, "run"))
    assert [word for word in OPTIONS.split() if word not in shown] == []


def test_the_help_shows_what_an_axis_means_and_its_choices(capsys):
    text = " ".join(helped(capsys, "run").split())
    assert (
        "--optimizers A,B the Keras optimizer with its default settings; choices: sgd, rmsprop"
        in text
    )


def test_the_help_of_a_workload_in_a_file_shows_its_own_axes_and_no_other(capsys):
    text = helped(capsys, "run", "--workload", TINY)
    for word in ("--sizes A,B", "--dtypes A,B", "--fills A,B", "--in-place / --no-in-place"):
        assert word in text
    for word in ("--models", "--optimizers", "--dataset", "--data "):
        assert word not in text, "this workload has no such axis, and no data"


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["rnu"], ["'rnu'", "Did you mean 'run'?", "mnist-bench --help"]),
        (["cluster", "chek"], ["'chek'", "Did you mean 'check'?", "mnist-bench cluster --help"]),
        (["machines", "dif"], ["'dif'", "Did you mean 'diff'?"]),
        (["run", "--optimizer", "sgd"], ["'--optimizer'", "'--optimizers'", "run --help"]),
        (["run", "--max-minute", "3"], ["'--max-minute'", "'--max-minutes'"]),
        (["report", "--lable", "x"], ["'--lable'", "'--label'"]),
        (["run", "--grid", "qiuck"], ["unknown grid", "qiuck", "did you mean quick?"]),
        (["run", "--optimizers", "sgd,adan"], ["optimizers", "'adan'", "did you mean adam?"]),
        (["run", "--dispatch", "rey"], ["--dispatch", "'rey'", "did you mean ray?"]),
        (["run", "--dataset", "minst"], ["--dataset", "'minst'", "did you mean mnist?"]),
        (["run", "--workload", TINY, "--dtypes", "float46"], ["'float46'", "mean float64?"]),
        (["run", "--gpu"], ["'--gpu'", "doctor gpu", "export CUDA_VISIBLE_DEVICES="]),
    ],
    ids=lambda value: " ".join(value[:3]),
)
def test_a_near_miss_is_answered_with_the_nearest_right_word(capsys, words, answers):
    message = refused(capsys, *words)
    assert [answer for answer in answers if answer not in message] == []


@pytest.mark.parametrize("word", ["--gpu", "--gpus", "--cpu", "--zap", "--frequency"])
def test_an_option_that_is_far_from_every_other_one_is_answered_without_a_guess(capsys, word):
    assert "ean '--" not in refused(capsys, "run", word)


def test_a_dry_run_refuses_a_file_in_the_place_of_the_folder_of_results(capsys, tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    words = ["run", "--workload", TINY, "--dry-run", "--out", str(taken / "in")]
    assert run_command(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"cannot write {taken / 'in'} (seen: Not a directory). Next: name" in said.err


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["run", "--epochs", "0"], ["--epochs", "'0' is not 1 or more"]),
        (["run", "--epochs", "many"], ["--epochs", "'many' is not a whole number"]),
        (["run", "--seeds", "-1"], ["--seeds", "'-1' is not 0 or more"]),
        (["run", "--batch-sizes", ","], ["--batch-sizes", "no value"]),
        (["run", "--repeats", "1001"], ["--repeats", "1001", "1<=x<=1000"]),
        (["run", "--threads", "1,0"], ["--threads", "'1,0'", "from 1 to 100000, or max"]),
        (["run", "--threads", "maximum"], ["--threads", "'maximum'", "from 1 to 100000, or max"]),
        (["run", "--max-usd", "inf"], ["--max-usd", "'inf'", "above 0"]),
        (["run", "--max-minutes", "nan"], ["--max-minutes", "'nan'", "above 0"]),
        (["run", "--workload", TINY, "--fills", "half"], ["--fills", "'half' is not a number"]),
        (["run", "--workload", "nowhere.py"], ["nowhere.py", "cannot be imported"]),
        (["run", "--sittings", "2", "--gap", "30x"], ["--gap", "'30x' is not a time", "90s"]),
        (["run", "--sittings", "2", "--gap", "0s"], ["--gap", "'0s' is not a time above 0"]),
        (["run", "--gap", "30m"], ["--gap is the pause between two", "add --sittings 3"]),
        (["run", "--sittings", "0"], ["--sittings", "0"]),
        (["run", "--json"], ["--json goes with --list"]),
        (["run", "extra"], ["extra"]),
        (["run", "--models"], ["--models", "requires an argument", "Next: mnist-bench run --help"]),
        (["cluster", "prepare", "x.yaml", "--from", "home"], ["not an address", "home"]),
    ],
    ids=lambda value: " ".join(value[-3:]),
)
def test_a_wrong_value_is_named_in_one_sentence_with_the_next_step(capsys, words, answers):
    message = refused(capsys, *words)
    assert [answer for answer in (*answers, "Next: ") if answer not in message] == []


@pytest.mark.parametrize("place", ["", "    def dataset(self, which, path): sys.exit(0)\n"])
def test_a_workload_that_ends_the_program_is_a_wrong_request(capsys, tmp_path, place):
    """If it does so only once it is asked for its data, the plan is what asks."""
    path = tmp_path / "own.py"
    own = "class Own(type(tiny_workload.WORKLOAD)):\n" + place + "WORKLOAD = Own()\n"
    path.write_text(f"import sys, tiny_workload\n{own if place else 'sys.exit(0)'}\n")
    text = refused(capsys, "run", "--workload", str(path), "--list")
    assert "SystemExit: 0" in text


def test_no_command_at_all_is_answered_with_the_help(capsys):
    assert run_command([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    assert run_command(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mnist-bench 0.")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            RequestError("wrong", next_step="{program} run"),
            2,
            "error: wrong. Next: mnist-bench run",
        ),
        (DataError("no data"), 2, "error: no data"),
        (StoreError("no journal"), 2, "error: no journal"),
        (WorkloadError("two axes"), 2, "error: two axes"),
        (DispatchError("no Ray"), 1, "error: no Ray"),
        (OutputError("cannot write x", seen="No space left"), 1, "error: cannot write x (seen: No"),
        (KeyboardInterrupt(), 130, "interrupted: nothing was measured"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_has_its_exit_code_and_a_full_disk_is_no_wrong_request(
    monkeypatch, capsys, error, code, message
):
    def fail():
        raise error

    group = click.Group("x", commands=[click.Command("go", callback=lambda: fail)])
    monkeypatch.setattr(app_main, "command_line", lambda program: group)
    assert run_command(["go"]) == code
    assert capsys.readouterr().err.startswith(message)


def test_a_reader_that_has_gone_ends_a_command_in_good_order():
    words = [sys.executable, "-m", "mnist_bench", "schema"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as done:
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mnist-bench ", {name for name, *_ in app_main.COMMANDS}),
        ("mnist-bench run --mod", {"--models"}),
        ("mnist-bench run --optimizers sgd,", {"sgd,sgd", "sgd,rmsprop", "sgd,adam"}),
        ("mnist-bench run --dispatch i", {"inline"}),
        (f"mnist-bench run --workload {TINY} --siz", {"--sizes"}),
        ("mnist-bench run --workload nowhere.py --mod", set()),
        ("mnist-bench cluster c", {"check"}),
    ],
)
def test_a_shell_completes_commands_options_and_the_values_of_axes(words, expected):
    variables = {"_MNIST_BENCH_COMPLETE": "bash_complete", "COMP_WORDS": words}
    variables["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run(
        [sys.executable, "-m", "mnist_bench"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert {line.partition(",")[2] for line in done.stdout.split()} == expected
