"""Every command that the documentation shows exists, and each that measures nothing is really run.

No command is left out silently: what is not run stands in a table here, with the reason.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import documented
import documented_project
import pytest
from command_line import PROGRAM, run_command
from documented import Typed

from bench.app.main import command_line

ROOT = documented.ROOT
COMMANDS = documented.commands()

#: How the documentation names the program and its modules: the words, and what they stand for.
NAMES = {
    ("mnist-bench",): (),
    ("~/bench/bin/mnist-bench",): (),
    ("python", "-m", "mnist_bench.run"): ("run",),
    ("python", "-m", "mnist_bench.report"): ("report",),
    ("python", "-m", "mnist_bench"): (),
}

#: Commands of ours that are only parsed: a word of theirs, and why.
ONLY_PARSED = {
    "doctor": "it starts a Ray and watches for seconds; tests/bench/app/doctor runs each check",
    "cluster": "it asks a cloud or hosts; tests/bench/cluster and tests/e2e/test_onprem.py run it",
    "--until-told": "it measures; tests/bench/app/test_until_told.py runs it",
    "--look": "it watches for 3 s; tests/bench/app/commands/test_machine.py runs it",
    "--frameworks": "it imports every framework; tests/bench/app/commands/test_machine.py runs it",
}

#: Programs of others, and why none of their commands is run or parsed here.
OTHERS = {
    **dict.fromkeys(("cd", "cp", "less", "head", "export", "for", "done", "git"), "usual"),
    ".": "it activates the environment that `make setup` created",
    "ssh": "it opens a tunnel to a machine that the reader has",
    "kubectl": "it needs a Kubernetes cluster; the page says that it was not tried",
    "ray": "tests/e2e/test_onprem.py and test_fake_ec2.py type `ray up` and `ray down`",
    "~/bench/bin/pip": "tests/tools/test_built.py installs the wheel",
    "python3 -m venv": "tests/tools/test_built.py makes an environment",
    "python3 -m pip download": "it downloads hundreds of megabytes",
    "python -m json.tool": "usual",
    "python -m bench.child.entry": "tests/e2e/test_same_job.py hands it a job",
}

#: What is added to a command, so that it measures nothing or takes less time.
ADDED = {"run": "--list", "report": "--no-figures"}

#: A value that a page shows as an example of a mistake.
REFUSED = "mpl"

#: Exit codes that a right command may end with, beside 0, by a word of it: no planted machine may
#: reach the target, a planted one may be slower, planted runs may have failed jobs.
MAY_END_WITH = {"choose": 1, "--fail-if-slower": 3, "report": 1}


def of_ours(typed: Typed) -> list[str] | None:
    """Return the words after the program's name; None if the program is not ours."""
    for name, stands_for in sorted(NAMES.items(), key=lambda item: -len(item[0])):
        if typed.words[: len(name)] == name:
            return [*stands_for, *typed.words[len(name) :]]
    return None


OURS = [typed for typed in COMMANDS if of_ours(typed) is not None]
MADE = [typed for typed in COMMANDS if typed.words[0] == "make"]


#: The commands that are run: those of the same words once.
RUN = list(
    {
        typed.words: typed for typed in OURS if not set(ONLY_PARSED) & set(of_ours(typed) or [])
    }.values()
)


# --- where the commands are typed -------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The folder in which the commands are typed."""
    return documented_project.plant(tmp_path_factory.mktemp("project"))


@pytest.fixture
def typed_there(project, tmp_path, monkeypatch):
    """Change into a copy of the folder, without network or MNIST; the real one takes seconds."""
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MNIST_BENCH_OFFLINE", "1")
    monkeypatch.delenv("MNIST_BENCH_DATA", raising=False)


# --- the tests --------------------------------------------------------------------------------


def test_the_pages_show_commands_and_none_stands_in_a_block_of_output():
    assert len(OURS) > 100 and len(MADE) > 20
    assert documented.commands_in_output() == []


@pytest.mark.parametrize("typed", OURS, ids=str)
def test_a_command_of_ours_exists_with_its_options(typed, project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    context = command_line(PROGRAM).make_context(PROGRAM.name, [], resilient_parsing=True)
    words = list(of_ours(typed) or [])
    assert words, "a command is named"
    try:
        while isinstance(context.command, click.Group):
            name, command, words = context.command.resolve_command(context, words)
            assert name is not None and command is not None
            context = command.make_context(name, words, parent=context)
    except click.exceptions.Exit:  # --help
        assert "--help" in typed.words


@pytest.mark.slow
@pytest.mark.parametrize("typed", RUN, ids=str)
def test_a_command_that_measures_nothing_is_really_run(
    typed, typed_there, synthetic_at_once, mnist_file, monkeypatch, capsys
):
    """A run lists its jobs in place of measuring them, so its grid and its values are read."""
    words = list(of_ours(typed) or [])
    added = ADDED.get(words[0])
    if added and not {added, "--dry-run", "--help"} & set(words):
        words.append(added)
    needs_mnist = "mnist" in words
    if needs_mnist and mnist_file is not None:
        monkeypatch.setenv("MNIST_BENCH_DATA", str(mnist_file))
    code = run_command(words)
    said = capsys.readouterr()
    may = {end for word, end in MAY_END_WITH.items() if word in words}
    is_refused = REFUSED in words or (needs_mnist and mnist_file is None)
    assert code in ({2} if is_refused else {0, *may}), said.err
    assert said.out or said.err


@pytest.mark.parametrize("typed", MADE, ids=str)
def test_a_target_of_make_exists_with_its_variables(typed):
    targets = [word for word in typed.words[1:] if "=" not in word]
    names = {word.partition("=")[0] for word in typed.words[1:] if "=" in word}
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {
        name for name in names if not re.search(rf"^{name} \?=|\$\({name}\)", text, re.M)
    } == set()
    assert len(targets) == 1 and re.search(rf"^{targets[0]}:", text, re.M)
    made = subprocess.run(
        ["make", "-n", *typed.words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize("typed", COMMANDS, ids=str)
def test_every_other_program_is_known(typed):
    if typed in OURS or typed in MADE or is_of_the_tree(typed):
        return
    assert any(begins_with(typed, name) for name in OTHERS), "say why in OTHERS"


def begins_with(typed: Typed, name: str) -> bool:
    words = tuple(name.split())
    return typed.words[: len(words)] == words


def test_every_exception_is_needed():
    unused = [name for name in OTHERS if not any(begins_with(one, name) for one in COMMANDS)]
    assert unused == []
    words = {word for typed in OURS for word in of_ours(typed) or []}
    assert {*ONLY_PARSED, *MAY_END_WITH, *ADDED} - words == set()


def is_of_the_tree(typed: Typed) -> bool:
    """Say whether a command is a Python file or a test of this project."""
    return any(word.startswith(("tools/", "tests/")) for word in typed.words)


@pytest.mark.parametrize("typed", [one for one in COMMANDS if is_of_the_tree(one)], ids=str)
def test_a_file_of_the_project_that_a_command_names_is_there(typed):
    named = [word for word in typed.words if word.startswith(("tools/", "tests/"))]
    assert [name for name in named if not (ROOT / name).exists()] == []
    if "--help" in typed.words:
        words = [sys.executable, *typed.words[1:]]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("typed", [one for one in COMMANDS if one.words[0] == "ray"], ids=str)
def test_a_cluster_file_that_ray_is_given_is_there_or_is_written_by_prepare(typed):
    command, path = typed.words[1:]
    assert command in ("up", "down")
    assert (ROOT / path.replace(".prepared", "")).is_file()


@pytest.mark.slow
def test_a_pipeline_of_the_pages_runs_as_it_is_typed(typed_there):
    """The one job that is handed to a bare child is measured: a product of small matrices."""
    (line,) = (
        line
        for line in shell_of("workloads.md")
        if line.startswith("mnist-bench run --workload examples/matmul.py --sizes 128 --list")
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert '"measurement": {' in done.stdout


def shell_of(page: str) -> list[str]:
    """Return the whole blocks of a page that hold shell."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [block[3] for block in documented.BLOCK.finditer(text) if not block[2]]
