"""The bare child: a job description on standard input, a record on standard output."""

from __future__ import annotations

import io
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import toy_workload
from launches import a_launch

from bench.child import entry
from bench.child.job import failure_of
from bench.probe.machine import probe
from bench.record.lines import JobRecord
from bench.spec.privacy import Privacy


def worker(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess:
    """Run `python -m bench.child.entry` to its end."""
    command = [sys.executable, "-m", "bench.child.entry", *arguments]
    return subprocess.run(command, input=given, capture_output=True, timeout=120, check=False)


@pytest.fixture
def refused(monkeypatch, capsys):
    """Return a function that calls the entry in this process: no job is run in it.

    It returns the exit code and what was printed.
    """

    def call(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = entry.main(list(arguments))
        return code, *capsys.readouterr()

    return call


def described(launch) -> bytes:
    """Return a launch as `run --list --json` prints it."""
    return launch.model_dump_json(exclude_none=True).encode()


def test_a_description_on_the_input_gives_a_record_on_the_output(tmp_path):
    launch = a_launch("ok", tmp_path)
    done = worker("-", "-", given=described(launch))
    assert done.returncode == 0, done.stderr
    record = JobRecord.model_validate_json(done.stdout)
    assert record.job == launch.job
    assert record.measurement is not None
    assert record.placed_by == "bare"
    assert record.conditions is None


def test_a_bare_child_reads_the_machine_facts_itself(tmp_path):
    done = worker("-", "-", given=described(a_launch("ok", tmp_path)))
    seen = JobRecord.model_validate_json(done.stdout).machine
    here = probe(toy_workload.DESCRIPTION.packages)
    assert (seen.machine_id, seen.packages) == (here.machine_id, here.packages)
    assert seen.memory_total_bytes == here.memory_total_bytes


def test_a_bare_child_keeps_the_environment_that_it_was_started_in(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    done = worker("-", "-", given=described(a_launch("ok", tmp_path)))
    record = JobRecord.model_validate_json(done.stdout)
    assert record.measurement.threads.environment["OMP_NUM_THREADS"] == "7"


def test_descriptions_and_records_can_be_files(tmp_path):
    source, target = tmp_path / "launch.json", tmp_path / "record.json"
    source.write_bytes(described(a_launch("ok", tmp_path)))
    done = worker(str(source), str(target))
    assert (done.returncode, done.stdout) == (0, b"")
    assert JobRecord.model_validate_json(target.read_text()).measurement is not None
    assert [path.name for path in tmp_path.glob("record*")] == ["record.json"]


def test_a_record_replaces_no_device_and_no_file_of_another_name(tmp_path):
    source = tmp_path / "launch.json"
    source.write_bytes(described(a_launch("ok", tmp_path)))
    own = tmp_path / "record.json.tmp"
    own.write_text("mine")
    (tmp_path / "link.json").symlink_to(tmp_path / "record.json")
    assert worker(str(source), str(tmp_path / "link.json")).returncode == 0
    assert (tmp_path / "link.json").is_symlink()
    assert JobRecord.model_validate_json((tmp_path / "record.json").read_text()).measurement
    assert own.read_text() == "mine"
    assert not list(tmp_path.glob(".record*"))


def test_a_pipe_that_is_named_for_the_record_takes_it_and_stays(tmp_path):
    source, pipe = tmp_path / "launch.json", tmp_path / "pipe"
    source.write_bytes(described(a_launch("ok", tmp_path)))
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        done = worker(str(source), str(pipe))
        text = reader.communicate(timeout=60)[0]
    assert done.returncode == 0
    assert JobRecord.model_validate_json(text).measurement is not None
    assert pipe.is_fifo()


def test_a_failing_job_ends_with_1_and_a_record_that_says_why(tmp_path):
    done = worker("-", "-", given=described(a_launch("raise", tmp_path)))
    assert done.returncode == 1
    record = JobRecord.model_validate_json(done.stdout)
    assert record.measurement is None
    assert record.failure.exception == "RuntimeError"


def test_a_job_that_ends_its_process_fails_with_a_record(tmp_path):
    done = worker("-", "-", given=described(a_launch("exit", tmp_path)))
    assert done.returncode == 1
    failure = JobRecord.model_validate_json(done.stdout).failure
    assert failure.reason == "exception"
    assert "ended the program (seen: SystemExit: 0)" in failure.message
    assert "toy_workload.py" in failure.traceback


def test_a_failure_tells_neither_whose_host_nor_whose_home_it_was(monkeypatch):
    """Name and home are planted; the error is one as a missing file gives it."""
    monkeypatch.setattr(platform, "node", lambda: "bobs-box")
    monkeypatch.setenv("HOME", str(Path(__file__).parent))
    try:
        raise OSError(f"no file {Path(__file__).parent}/x on bobs-box")
    except OSError as error:
        failure = failure_of(error, Privacy())
    assert failure.message.startswith("no file ~/x on host-")
    assert '"~/test_entry.py"' in failure.traceback
    assert "bobs-box" not in failure.traceback
    shown = Privacy(show_hostnames=True)
    assert failure_of(OSError("on bobs-box"), shown).message == "on bobs-box"


def test_a_job_s_environment_holds_no_serial_of_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("NVIDIA_VISIBLE_DEVICES", "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
    done = worker("-", "-", given=described(a_launch("ok", tmp_path)))
    record = JobRecord.model_validate_json(done.stdout)
    seen = record.measurement.threads.environment["NVIDIA_VISIBLE_DEVICES"]
    assert seen.startswith("GPU-")
    assert b"8932f937" not in done.stdout


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (b"", "EOF"),
        (b"not json", "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        (b"{}", "run_id: Field required"),
        (b"[1]", "should be a valid dictionary"),
    ],
)
def test_a_wrong_description_ends_with_2_and_says_what_to_do(refused, given, word):
    code, out, message = refused("-", "-", given=given)
    assert (code, out) == (2, "")
    assert message.startswith("error: the job description is wrong")
    assert word in message
    assert "Next: " in message


def test_a_description_that_has_no_end_is_refused(refused):
    for path, given in (("/dev/zero", b""), ("-", b" " * (4 * 2**20 + 1))):
        code, _, message = refused(path, "-", given=given)
        assert code == 2
        assert f"cannot read the job description {path}" in message
        assert "larger than 4096 KiB" in message


def test_a_description_with_a_byte_order_mark_is_read(tmp_path):
    given = b"\xef\xbb\xbf" + described(a_launch("ok", tmp_path))
    assert worker("-", "-", given=given).returncode == 0


def test_a_closed_standard_input_is_told_in_a_line():
    command = f"{sys.executable} -m bench.child.entry - - <&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"EOF" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("change", [{"colour": "red"}, {"threads": 0}, {"job": None}])
def test_a_description_with_one_wrong_value_ends_with_2_and_names_its_key(
    refused, tmp_path, change
):
    document = json.loads(described(a_launch("ok", tmp_path))) | change
    code, out, message = refused("-", "-", given=json.dumps(document).encode())
    assert (code, out) == (2, "")
    assert f"the job description is wrong (seen: {next(iter(change))}: " in message


def test_a_description_file_that_is_not_there_ends_with_2(tmp_path):
    done = worker(str(tmp_path / "none.json"), "-")
    assert done.returncode == 2
    assert b"none.json" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_arguments_it_says_how_it_is_used():
    done = worker()
    assert done.returncode == 2
    assert b"python -m bench.child.entry launch.json record.json" in done.stderr


@pytest.mark.parametrize("target", ["missing/record.json", "folder", "a\0b", "x" * 300])
def test_a_record_that_cannot_be_written_is_told_before_the_job_runs(refused, tmp_path, target):
    (tmp_path / "folder").mkdir()
    source = tmp_path / "launch.json"
    source.write_bytes(described(a_launch("ok", tmp_path)))
    path = f"{tmp_path}/{target}" if "\0" not in target else "/dev/null/record"
    code, _, message = refused(str(source), path)
    assert code == 2
    assert "the record cannot be written" in message
    assert not (tmp_path / "notes.jsonl").exists()


@pytest.mark.parametrize(
    "change",
    [
        *({"niceness": 20}, {"niceness": -21}, {"niceness": 10**30}, {"threads": 10**30}),
        *({"time_limit_s": 10**400}, {"time_limit_s": -1}, {"data_path": 5}),
    ],
    ids=lambda change: f"{next(iter(change))}",
)
def test_a_number_that_no_system_takes_is_a_wrong_description(refused, tmp_path, change):
    document = json.loads(described(a_launch("ok", tmp_path)))
    code, _, message = refused("-", "-", given=json.dumps({**document, **change}).encode())
    assert code == 2
    assert next(iter(change)) in message


@pytest.mark.parametrize(("inherited", "own"), [("0", 800), ("-500", 800), ("1000", 1000)])
def test_the_kernel_never_kills_the_worker_before_the_child(tmp_path, monkeypatch, inherited, own):
    score = tmp_path / "oom_score_adj"
    score.write_text(f"{inherited}\n")
    monkeypatch.setattr(entry, "OOM_SCORE_FILE", score)
    entry.go_first()
    assert int(score.read_text()) == own


@pytest.mark.parametrize(
    ("change", "most"),
    [({"seed": 2**32}, 2**32 - 1), ({"epochs": 100_001}, 100_000), ({"threads": 100_001}, 100_000)],
    ids=["seed", "epochs", "threads"],
)
def test_a_job_beyond_the_limits_of_a_grid_is_a_wrong_description(refused, tmp_path, change, most):
    document = json.loads(described(a_launch("ok", tmp_path)))
    document["job"] |= change
    code, _, message = refused("-", "-", given=json.dumps(document).encode())
    assert code == 2
    assert f"{next(iter(change))} is more than {most}" in message


WITH_A_SLOW_END = """
import atexit, pathlib
import toy_workload
from toy_workload import ToyWorkload

class Slow:
    def __del__(self):
        print("taken down")

KEPT = Slow()
atexit.register(lambda: print("the exit function ran"))
WORKLOAD = ToyWorkload()
"""


@pytest.mark.parametrize(("model", "code"), [("ok", 0), ("raise", 1)])
def test_a_child_ends_without_taking_down_its_modules_and_after_its_exit_functions(
    tmp_path, model, code
):
    file, record = tmp_path / "slow_end.py", tmp_path / "record.json"
    file.write_text(WITH_A_SLOW_END)
    launch = a_launch(model, tmp_path, workload=str(file))
    done = worker("-", str(record), given=described(launch))
    assert done.returncode == code, done.stderr
    assert JobRecord.model_validate_json(record.read_bytes()).job == launch.job
    assert done.stdout == b"the exit function ran\n"


def test_an_error_that_nothing_caught_ends_with_1(tmp_path):
    code = "from bench.child import entry; entry.end_at_once(lambda: 1); raise ValueError('odd')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"ValueError: odd" in done.stderr


def test_a_record_that_standard_output_does_not_take_ends_with_5(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    command = f"{sys.executable} -m bench.child.entry - - > /dev/full"
    launch = described(a_launch("ok", tmp_path))
    done = subprocess.run(["sh", "-c", command], input=launch, capture_output=True, check=False)
    assert done.returncode == entry.DISK_FULL
    assert b"No space left on device" in done.stderr


def test_a_child_that_ctrl_c_ends_is_seen_to_be_ended_by_it(tmp_path):
    file = tmp_path / "interrupted.py"
    file.write_text(
        "import signal\nfrom toy_workload import ToyWorkload\n"
        "class Interrupted(ToyWorkload):\n"
        "    def run_job(self, job, meter):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "WORKLOAD = Interrupted()\n"
    )
    done = worker("-", "-", given=described(a_launch("ok", tmp_path, workload=str(file))))
    assert done.returncode == -signal.SIGINT
