"""The reasons of failures: a closed list; each says what to do, and what is tried again."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest
from groups import limited_to, starving
from launches import a_launch, only_record

from bench.child.process import run_child
from bench.child.reasons import reason_of
from bench.child.workload import load_workload
from bench.errors import ClockError, DataError, DeviceError, DivergedError, RequestError
from bench.record.failure import REASONS, Failure
from bench.record.lines import JobRecord
from bench.watch.standstill import queue_of_this_thread
from mnist_bench.data import load_copy


class ResourceExhaustedError(Exception):
    """Named as a framework names its own."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("toy trouble"), "exception"),
        (DeviceError("no device"), "no GPU visible"),
        (DataError("the data are not the data of the run"), "wrong digest"),
        (DivergedError("the training diverged"), "diverged"),
        (ClockError("the machine slept"), "impossible time"),
        (ModuleNotFoundError("No module named 'x'"), "backend missing"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk full"),
        (OSError(errno.EACCES, "Permission denied"), "exception"),
        (MemoryError(), "out of memory"),
        (ResourceExhaustedError("failed to allocate"), "out of memory"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying"), "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "out of memory"),
    ],
)
def test_an_error_of_a_job_has_its_row(error, reason):
    assert reason_of(error) == reason
    assert reason in REASONS


def raised_from(cause, error):
    """Return `error` as it is after `raise error from cause`."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (raised_from(ModuleNotFoundError("x"), RequestError("no import")), "backend missing"),
        (raised_from(ValueError("x"), RequestError("no import")), "exception"),
        (raised_from(FileNotFoundError("x"), DataError("it cannot be read")), "data unreadable"),
        (
            raised_from(raised_from(PermissionError("x"), DataError("inner")), DataError("outer")),
            "data unreadable",
        ),
        (raised_from(ValueError("x"), DataError("it is no npz file")), "wrong digest"),
    ],
)
def test_an_error_of_ours_has_the_row_of_what_it_was_raised_from(error, reason):
    assert reason_of(error) == reason


def test_a_workload_that_lacks_a_package_and_a_copy_that_is_missing_have_their_rows(tmp_path):
    lacking = tmp_path / "lacking.py"
    lacking.write_text("import no_such_package_of_anyone")
    for work, reason in (
        (lambda: load_workload(str(lacking)), "backend missing"),
        (lambda: load_workload("no_such_module:WORKLOAD"), "exception"),
        (lambda: load_copy(tmp_path / "missing.npz"), "data unreadable"),
    ):
        with pytest.raises(RequestError) as raised:
            work()
        assert reason_of(raised.value) == reason


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.name)
def test_every_reason_says_what_to_do_and_only_a_passing_one_is_tried_at_once(reason):
    assert reason.advice
    assert reason.again or reason.attempts == 1


def test_a_reason_of_an_earlier_version_is_read_by_its_new_name():
    assert Failure(reason="lost", message="").reason == "host lost"


@pytest.mark.parametrize(
    ("model", "reason", "words"),
    [
        ("stop-then-raise", "exception", "toy trouble"),
        ("not-finite", "diverged", "test_accuracy is nan"),
        ("weights-nan", "diverged", "weights that are not finite"),
        ("term", "interrupted", "SIGTERM"),
        ("full", "disk full", "No space left"),
    ],
)
def test_a_job_that_ends_so_has_the_reason(tmp_path, model, reason, words):
    failure = only_record(run_child(a_launch(model, tmp_path))).failure
    assert failure.reason == reason
    assert words in failure.message


def test_a_folder_that_takes_no_files_is_a_failure_and_no_traceback(tmp_path):
    missing = tmp_path / "missing"
    failure = only_record(run_child(a_launch("ok", tmp_path), str(missing))).failure
    assert failure.reason == "exception"
    assert "missing" in failure.message


def record_by_a_run_of_its_own(model, folder):
    """Run a job from a process of its own, which may be stopped without stopping other tests."""
    source = (
        "import sys\nfrom bench.child.launch import LaunchSpec\n"
        "from bench.child.process import run_child\n"
        "*_, record = run_child(LaunchSpec.model_validate_json(sys.stdin.read()))\n"
        "print(record.model_dump_json())"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        input=a_launch(model, folder).model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    return JobRecord.model_validate_json(done.stdout)


@pytest.mark.slow
def test_a_job_that_was_stopped_together_with_its_run_gives_no_times(tmp_path):
    failure = record_by_a_run_of_its_own("freeze", tmp_path).failure
    assert failure.reason == "impossible time"
    assert "paused container" in failure.message


@pytest.mark.slow
def test_a_job_that_went_on_while_its_run_got_no_cpu_is_measured(tmp_path):
    """A signal to the run alone stands for others that take its CPUs; the child keeps them busy."""
    record = record_by_a_run_of_its_own("go-on-alone", tmp_path)
    assert record.failure is None
    assert record.measurement.epochs[0].wall_s > 3


#: Runs a job. Prints a line when it has begun and one when nobody looked at it for 3 s; then its
#: record.
LOOKING = """
import sys, time
from bench.child.launch import LaunchSpec
from bench.child.process import run_child
looked_s = time.perf_counter()
for event in run_child(LaunchSpec.model_validate_json(sys.stdin.read()), beats=True):
    now_s = time.perf_counter()
    if now_s - looked_s > 3:
        print("late", flush=True)
    looked_s = now_s
    if isinstance(event, dict) and event.get("event") == "begun":
        print("begun", flush=True)
print(event.model_dump_json())
"""


@pytest.mark.slow
@pytest.mark.skipif(not queue_of_this_thread()(), reason="this kernel counts no waits for a CPU")
def test_a_job_whose_run_is_kept_from_the_cpus_for_seconds_is_measured(tmp_path):
    """A quota keeps both from them, and the child sleeps: it uses no CPU time that could tell."""
    with limited_to(cpus=1.0, memory_bytes=2**30) as groups:
        words = groups.entered(groups.folders, [sys.executable, "-c", LOOKING])
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
            process.stdin.write(a_launch("until-told", tmp_path).model_dump_json())
            process.stdin.close()
            assert process.stdout.readline() == "begun\n"
            with starving(groups, of=1.0):
                assert process.stdout.readline() == "late\n"
            (tmp_path / "go").touch()
            *_, record = process.stdout
    assert JobRecord.model_validate_json(record).failure is None


def test_a_child_that_was_stopped_for_a_while_gives_no_times(tmp_path):
    failure = only_record(run_child(a_launch("stop", tmp_path))).failure
    assert failure.reason == "impossible time"
    assert "SIGSTOP" in failure.message
