"""`mnist-bench doctor`: a line a finding or JSON, exit codes, near misses, an interrupt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import PROGRAM, run_command
from conftest import ROOT
from doctors import cluster_of

from bench.app.commands.doctor import document_of
from bench.app.doctor.check_result import problem
from bench.app.doctor.checks import NAMES
from bench.spec.request import DoctorRequest


def test_each_finding_is_a_line_and_the_last_line_sums_up(capsys, tmp_path):
    words = ["doctor", "python", "results", "completion", "--out", str(tmp_path)]
    assert run_command(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["python", "results", "completion"]
    assert lines[0].startswith("ok       python      3.")
    assert lines[-1] == "nothing found would stop a run"


def test_a_problem_is_exit_code_1_and_its_line_holds_the_command_that_mends_it(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert run_command(["doctor", "results", "--out", str(tmp_path / "file")]) == 1
    line, summary = capsys.readouterr().out.splitlines()
    assert line.startswith("problem  results     ")
    assert " -> " in line
    assert "--out FOLDER" in line
    assert summary == "1 problem would stop a run, or make it measure something else"


def test_the_json_has_a_version_and_the_same_findings(capsys, tmp_path):
    words = ["doctor", "python", "results", "ssh", "--json", "--out", str(tmp_path)]
    assert run_command(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["program"]) == (1, "mnist-bench")
    assert [set(row) for row in document["findings"]] == [{"check", "state", "seen", "cure"}] * 3
    assert [row["state"] for row in document["findings"]] == ["ok", "ok", "skipped"]


def test_the_json_for_a_bug_report_does_not_name_the_user_s_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/planted-user")
    finding = problem("/home/planted-user/x is full", "{program} run --out /home/planted-user/y")
    text = json.dumps(document_of([finding], DoctorRequest("w:W"), PROGRAM))
    assert "planted-user" not in text
    assert "mnist-bench run --out ~/y" in text


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["rya"], ["'rya'", "did you mean ray?"]),
        (["--dataset", "minst"], ["minst", "did you mean mnist?"]),
        (["--jsno"], ["--json"]),
        (["--workload", "nowhere.py"], ["nowhere.py", "cannot be imported"]),
        (["--workload", "tiny_workload:WORKLOAD", "--data", "x"], ["reads no data", "leave out"]),
        (["--cluster", "planted.yaml"], ["planted.yaml is not a cluster file"]),
        (["--cluster", "a.yaml", "--address", "http://b"], ["exclude each other"]),
        (["--serve", "70000"], ["--serve", "70000"]),
    ],
    ids=lambda value: " ".join(value[:2]),
)
def test_a_wrong_request_is_exit_code_2_with_the_next_step(capsys, words, answers):
    assert run_command(["doctor", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [answer for answer in answers if answer not in printed.err] == []


def test_a_package_that_the_own_workload_lacks_is_a_finding_and_no_wrong_request(tmp_path):
    """A module in the place of NumPy's that cannot be imported stands for one that is missing."""
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError('planted', name='numpy')\n")
    path = f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "mnist_bench", "doctor", "python", "gpu"],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode in {1, 2}
    assert "numpy" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_ctrl_c_ends_the_checks_with_130():
    words = [sys.executable, "-m", "mnist_bench", "doctor", "python", "quiet"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as done:
        assert b"python" in done.stdout.readline()
        done.send_signal(signal.SIGINT)
        assert b"interrupted" in done.stderr.read()
    assert done.returncode == 130


@pytest.mark.parametrize(("shell", "state"), [("bash", "skipped"), ("fish", "ok"), ("csh", "")])
def test_completion_is_named_with_the_one_command_that_installs_it(
    monkeypatch, tmp_path, capsys, shell, state
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    script = tmp_path / ".config" / "fish" / "completions" / "mnist-bench.fish"
    script.parent.mkdir(parents=True)
    script.write_text("env _MNIST_BENCH_COMPLETE=fish_complete mnist-bench")
    assert run_command(["doctor", "completion"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(state or "skipped")
    assert ("_MNIST_BENCH_COMPLETE=bash_source" in line) == (shell == "bash")


def test_a_shell_s_file_that_is_not_utf_8_is_read_all_the_same(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    (tmp_path / ".bashrc").write_bytes(b"# f\xfcr\n_MNIST_BENCH_COMPLETE=bash_source\n")
    assert run_command(["doctor", "completion"]) == 0
    assert capsys.readouterr().out.startswith("ok ")


def completion_installed(home, shell, by):
    """Let `by` run the command that doctor names for a user of `shell`; return the environment."""
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "HOME": str(home), "SHELL": shell}
    environment["PATH"] = f"{scripts}:{os.environ['PATH']}"
    words = [sys.executable, "-m", "mnist_bench", "doctor", "completion", "--json"]
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, check=True)
    (one,) = json.loads(done.stdout)["findings"]
    subprocess.run([by, "-c", one["cure"]], env=environment, check=True)
    return environment


@pytest.mark.slow
def test_the_command_that_installs_completion_works_in_a_real_bash(tmp_path):
    """A new shell then knows the words, also before the environment of the program is activated."""
    environment = completion_installed(tmp_path, "/bin/bash", by="bash")
    shown = subprocess.run(
        ["bash", "-c", ". ~/.bashrc; complete -p mnist-bench"],
        env={**environment, "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    assert "mnist-bench" in shown.stdout
    assert shown.stderr == ""


@pytest.mark.slow
def test_the_command_that_installs_completion_makes_the_folder_that_fish_reads(tmp_path):
    """The command is one of sh too, so that the test needs no fish."""
    completion_installed(tmp_path, "/usr/bin/fish", by="sh")
    script = tmp_path / ".config" / "fish" / "completions" / "mnist-bench.fish"
    assert "complete" in script.read_text()


@pytest.mark.slow
def test_every_check_finds_something_and_the_exit_code_follows(tmp_path):
    """A real Ray is started in tests/bench/app/doctor/test_placing.py."""
    names = [name for name in NAMES if name != "ray"]
    words = [sys.executable, "-m", "mnist_bench", "doctor", *names, "--json"]
    words += ["--dataset", "synthetic", "--out", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=240)
    document = json.loads(done.stdout)
    states = {row["check"]: row["state"] for row in document["findings"]}
    assert list(states) == names
    assert states["data"] == states["python"] == "ok"
    assert done.returncode == ("problem" in states.values())


def test_a_named_cluster_is_looked_at_and_its_file_is_named(capsys, tmp_path):
    file = cluster_of(tmp_path, "127.0.0.9")
    assert run_command(["doctor", "file", "--cluster", str(file)]) == 0
    assert f"{file} declares 1 type of hosts" in capsys.readouterr().out
