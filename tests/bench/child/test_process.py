"""A job's child process: what comes back from it, how it ends, and what of its parent it sees."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from dataclasses import replace

import numpy as np
import pytest
import toy_workload
from launches import a_launch, a_parent, is_gone, living_jobs, notes, only_record, wait_for
from toy_workload import GROWTH_BYTES, LAST_WORDS, LONG_NOTE

from bench.child import process
from bench.child.launch import child_environment
from bench.child.left import tail
from bench.child.meter import arrays_digest
from bench.child.process import run_child
from bench.probe.machine import probe
from bench.record.lines import JobRecord
from bench.spec.description import Description
from bench.spec.privacy import Privacy
from bench.spec.variables import THREAD_VARIABLES
from bench.watch.sampler import PERIOD_S

PARENT = """
import json, sys
from bench.child.launch import LaunchSpec
from bench.child.process import run_child
for item in run_child(LaunchSpec.model_validate_json(sys.stdin.readline())):
    print(json.dumps(dict(item)), flush=True)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of the test's own, for what a run puts into the system's."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def until(items, key):
    """Take events until one has `key`; return its value."""
    for item in items:
        if key in item:
            return item[key]
    raise AssertionError(f"no event has {key}")


def test_events_come_in_order_and_then_one_record(tmp_path):
    launch = a_launch("ok", tmp_path)
    *events, record = run_child(launch)
    names = ["training", "begun", "epoch", "epoch", "measured"]
    assert [event["event"] for event in events] == names
    assert [event.get("epoch") for event in events] == [None, None, 1, 2, None]
    assert isinstance(record, JobRecord)
    assert record.failure is None
    assert record.job == launch.job
    assert record.measurement.final.metrics == {"train_accuracy": 0.75, "test_accuracy": 0.75}
    assert record.measurement.final.weights_digest == arrays_digest([np.ones(1)])


def test_the_record_repeats_what_the_launch_said_of_it(tmp_path):
    launch = a_launch("ok", tmp_path, label="a label", attempt=3, placed_by="inline")
    record = only_record(run_child(launch))
    assert (record.label, record.attempt, record.placed_by) == ("a label", 3, "inline")
    assert record.started_at <= record.ended_at


def test_an_exception_is_a_failure_with_its_traceback(tmp_path):
    record = only_record(run_child(a_launch("raise", tmp_path)))
    assert record.measurement is None
    assert (record.failure.reason, record.failure.exception) == ("exception", "RuntimeError")
    assert record.failure.message.startswith("toy trouble")
    assert "toy_workload.py" in record.failure.traceback


def test_an_exception_without_words_is_named_by_its_kind(tmp_path):
    assert only_record(run_child(a_launch("empty", tmp_path))).failure.message == "RuntimeError"


def test_an_event_that_is_no_json_fails_its_job_and_not_the_parent(tmp_path):
    failure = only_record(run_child(a_launch("bad-event", tmp_path))).failure
    assert (failure.reason, failure.exception) == ("exception", "TypeError")


def test_a_workload_that_cannot_be_imported_is_a_failure_that_names_it(tmp_path):
    launch = a_launch("ok", tmp_path, workload="no_such_module:WORKLOAD")
    failure = only_record(run_child(launch)).failure
    assert failure.reason == "exception"
    assert "no_such_module" in failure.message


@pytest.mark.parametrize(("model", "name"), [("segv", "SIGSEGV"), ("kill9", "SIGKILL")])
def test_a_crash_names_its_signal_and_keeps_the_end_of_the_output(tmp_path, model, name):
    *events, record = run_child(a_launch(model, tmp_path))
    assert [event["event"] for event in events] == ["training", "begun"]
    assert record.failure.reason == "crash"
    assert name in record.failure.message
    assert LAST_WORDS in record.failure.log_tail


def test_a_child_that_exits_without_a_record_is_a_crash_with_its_exit_code(tmp_path):
    failure = only_record(run_child(a_launch("exit7", tmp_path))).failure
    assert failure.reason == "crash"
    assert "exit code 7" in failure.message
    assert failure.log_tail is None


def test_a_record_that_cannot_be_read_is_a_crash_that_says_so(tmp_path):
    failure = only_record(run_child(a_launch("scribble", tmp_path))).failure
    assert failure.reason == "crash"
    assert failure.message.startswith("the record that the child left cannot be read: ")


def test_a_job_that_was_measured_counts_although_the_disk_takes_neither_record_nor_event(tmp_path):
    *events, record = run_child(a_launch("no-space", tmp_path, data_path=None))
    assert [event["event"] for event in events] == ["training", "begun"]
    assert record.failure is None
    assert record.measurement.final.metrics["test_accuracy"] == 0.75
    assert [len(note) for note in record.measurement.notes] == [LONG_NOTE]


def test_a_long_output_is_kept_at_its_end_alone(tmp_path):
    failure = only_record(run_child(a_launch("print-raise", tmp_path))).failure
    assert failure.log_tail.endswith(LAST_WORDS)
    assert len(failure.log_tail) <= 2000


def test_noise_on_the_output_disturbs_no_measurement(tmp_path):
    assert only_record(run_child(a_launch("print", tmp_path))).measurement is not None


@pytest.mark.slow
def test_an_overrun_is_a_failure_and_leaves_no_process(tmp_path):
    record = only_record(run_child(a_launch("hang", tmp_path, time_limit_s=3)))
    assert record.failure.reason == "time limit"
    assert record.failure.message == "not done after 3 s"
    assert living_jobs() == []


@pytest.mark.slow
def test_what_has_left_the_session_of_a_job_ends_at_its_time_limit_too(tmp_path):
    *events, record = run_child(a_launch("fork-away", tmp_path, time_limit_s=3))
    assert record.failure.reason == "time limit"
    assert is_gone(until(events, "grandchild"))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fork", "fork-deaf", "fork-away"])
def test_closing_the_iterator_ends_the_child_and_what_it_started(tmp_path, temporary, model):
    items = run_child(a_launch(model, tmp_path))
    child, grandchild = until(items, "pid"), until(items, "grandchild")
    assert not is_gone(child)
    assert not is_gone(grandchild)
    assert list(temporary.iterdir()) != []
    items.close()
    assert is_gone(child)
    wait_for(lambda: is_gone(grandchild))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("model", ["fork-die", "fork-return"])
def test_what_a_child_started_ends_with_it_however_it_ends(tmp_path, model):
    grandchildren = [
        item["grandchild"]
        for item in run_child(a_launch(model, tmp_path))
        if not isinstance(item, JobRecord) and "grandchild" in item
    ]
    assert len(grandchildren) == 1
    wait_for(lambda: is_gone(grandchildren[0]))


@pytest.mark.parametrize("model", ["fork", "fork-away"])
def test_a_child_ends_with_what_it_started_when_its_parent_is_killed(tmp_path, model):
    with a_parent(PARENT, a_launch(model, tmp_path), tmp_path) as (parent, pids):
        assert not any(map(is_gone, pids))
        parent.kill()
        wait_for(lambda: all(map(is_gone, pids)))


def test_thread_settings_are_the_launch_s_and_nothing_of_ray_s_gets_through(tmp_path, monkeypatch):
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("RAY_ADDRESS", "203.0.113.1:6379")
    monkeypatch.setenv("RAY_worker_niceness", "15")
    record = only_record(run_child(a_launch("ok", tmp_path, threads=3)))
    (note,) = notes(tmp_path)
    seen = note["environment"]
    assert {name: seen[name] for name in THREAD_VARIABLES} == dict.fromkeys(THREAD_VARIABLES, "3")
    assert [name for name in seen if name.startswith("RAY_")] == []
    assert record.measurement.threads.asked == 3
    assert record.measurement.threads.environment["OMP_NUM_THREADS"] == "3"


def test_a_variable_that_nobody_sets_is_recorded_as_unknown(tmp_path, monkeypatch):
    monkeypatch.delenv("KMP_AFFINITY", raising=False)
    record = only_record(run_child(a_launch("ok", tmp_path)))
    assert record.measurement.threads.environment["KMP_AFFINITY"] is None


def test_a_child_s_environment_is_its_parent_s_but_for_what_is_named(tmp_path):
    parent = {"HOME": "/home/x", "TF_CPP_MIN_LOG_LEVEL": "0", "PYTHONPATH": "/there"}
    foreign = {"RAY_x": "1", "PYTHONINSPECT": "1", "PYTHONWARNINGS": "error", "W_UNSEEN": "1"}
    own_words = Description("w", "W", (), thread_variables=("W_THREADS",))
    defaults = replace(own_words, default_variables={"TF_CPP_MIN_LOG_LEVEL": "2", "W_MODE": "x"})
    ruled = replace(
        defaults,
        fixed_variables={"W_HOME": "none"},
        recorded_variables=("W_SEEN",),
        variable_families=("W_", "TF_"),
    )
    given = {**parent, **foreign, "W_SEEN": "1", "W_HOME": "mine"}
    child = child_environment(given, a_launch("ok", tmp_path, threads=5), ruled)
    assert child["HOME"] == "/home/x"
    assert (child["TF_CPP_MIN_LOG_LEVEL"], child["W_MODE"]) == ("0", "x")
    assert child["W_THREADS"] == "5"
    assert child["PYTHONPATH"].endswith(":/there")
    assert (child["W_SEEN"], child["W_HOME"]) == ("1", "none")
    own = {"PYTHONHASHSEED", "PYTHONUTF8", "CUDA_DEVICE_ORDER"}
    named = {"W_THREADS", "W_MODE", "W_SEEN", "W_HOME"}
    assert set(child) == {*parent, *THREAD_VARIABLES, *own, *named}


#: Variables that change times; those that a job inherits stand in its record.
UNSEEN = ("OMP_THREAD_LIMIT", "GOMP_SPINCOUNT", "KMP_LIBRARY", "MKL_VERBOSE", "OPENBLAS_VERBOSE")
UNSEEN += ("BLIS_ARCH_TYPE", "NPY_PROMOTION_STATE", "CUDA_DISABLE_PTX_JIT", "CUDNN_LOGDEST_DBG")
UNSEEN += ("CUBLAS_LOGDEST_DBG", "NCCL_DEBUG", "MALLOC_PERTURB_")
SEEN = ("OMP_SCHEDULE", "KMP_HW_SUBSET", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES")
SEEN += ("CUBLAS_WORKSPACE_CONFIG", "CUDA_CACHE_DISABLE", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")


@pytest.mark.parametrize("described", [toy_workload.DESCRIPTION, None], ids=["described", "not"])
def test_a_variable_of_a_numerical_library_reaches_a_job_only_if_its_record_shows_it(
    tmp_path, described
):
    given = dict.fromkeys((*UNSEEN, *SEEN), "1")
    found = child_environment(given, a_launch("ok", tmp_path), described)
    assert {*found} & {*given} == {*SEEN}


def test_the_path_of_libraries_is_recorded_without_the_home_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/opt/lib:{os.path.expanduser('~')}/lib")
    record = only_record(run_child(a_launch("ok", tmp_path)))
    shown = record.measurement.threads.environment
    assert {*SEEN} <= {*shown} and not {*UNSEEN} & {*shown}
    assert shown["LD_LIBRARY_PATH"] == "/opt/lib:~/lib"
    assert "LD_LIBRARY_PATH" not in record.machine.environment


def test_the_priority_asked_for_and_the_one_seen_are_recorded(tmp_path):
    niceness = os.getpriority(os.PRIO_PROCESS, 0) + 3
    record = only_record(run_child(a_launch("ok", tmp_path, niceness=niceness)))
    threads = record.measurement.threads
    assert (threads.niceness_asked, threads.niceness) == (niceness, niceness)
    assert notes(tmp_path)[0]["niceness"] == niceness


def test_a_priority_that_nobody_asked_for_is_the_parent_s(tmp_path):
    threads = only_record(run_child(a_launch("ok", tmp_path))).measurement.threads
    assert threads.niceness_asked is None
    assert threads.niceness == os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.slow
def test_memory_that_a_child_takes_is_seen_from_outside(tmp_path):
    record = only_record(run_child(a_launch("grow", tmp_path)))
    seen = record.conditions
    assert seen.period_s == PERIOD_S
    assert seen.samples > 0
    assert seen.rss_peak_bytes >= GROWTH_BYTES
    assert len(seen.epochs) == 2
    assert max(epoch.rss_peak_bytes or 0 for epoch in seen.epochs) >= GROWTH_BYTES
    assert record.measurement.memory.peak_bytes >= GROWTH_BYTES


@pytest.mark.slow
def test_a_failure_has_conditions_too(tmp_path):
    record = only_record(run_child(a_launch("hang", tmp_path, time_limit_s=2)))
    assert record.conditions.samples > 0
    assert record.conditions.epochs == ()


@pytest.mark.parametrize("model", ["ok", "raise", "segv"])
def test_a_run_leaves_nothing_in_the_temporary_folder(tmp_path, temporary, model):
    only_record(run_child(a_launch(model, tmp_path)))
    assert list(temporary.iterdir()) == []


def test_a_run_s_files_lie_below_the_folder_that_is_named(tmp_path, temporary):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    items = run_child(a_launch("hang", tmp_path), str(scratch))
    until(items, "pid")
    assert len(list(scratch.iterdir())) == 1
    assert list(temporary.iterdir()) == []
    items.close()
    assert list(scratch.iterdir()) == []


def test_machine_facts_are_read_once_by_the_parent_where_the_launch_has_none(tmp_path):
    record = only_record(run_child(a_launch("ok", tmp_path)))
    assert record.machine.machine_id == probe().machine_id
    assert set(record.machine.packages) == set(toy_workload.DESCRIPTION.packages)


def test_a_workload_that_cannot_be_imported_is_a_failure_that_says_so(tmp_path):
    record = only_record(run_child(a_launch("ok", tmp_path, workload="no_such_module:WORKLOAD")))
    assert record.failure.exception == "RequestError"
    assert "no_such_module" in record.failure.message


def test_machine_facts_of_the_launch_are_kept_as_they_are(tmp_path):
    planted = probe().model_copy(update={"cpu_model": "Planted CPU"})
    for model in ("ok", "segv"):
        record = only_record(run_child(a_launch(model, tmp_path, machine=planted)))
        assert record.machine.cpu_model == "Planted CPU"


def test_the_end_of_a_log_holds_no_half_of_a_name(tmp_path):
    log = tmp_path / "log"
    serial = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
    log.write_text(f"{serial} {'x' * 1980}")
    assert "d72c" not in tail(log, Privacy())
    assert tail(log, Privacy()).endswith("xxx")
    assert len(tail(log, Privacy())) <= 2000


def test_the_end_of_a_child_wakes_its_parent(tmp_path, monkeypatch):
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        pytest.skip(f"this system does not tell of the end of a process ({error})")

    def fail(seconds):
        raise AssertionError("it sleeps, whatever the child does")

    monkeypatch.setattr(process.time, "sleep", fail)
    assert only_record(run_child(a_launch("ok", tmp_path))).failure is None


def no_descriptor(pid):
    raise OSError(errno.EMFILE, "planted")


@pytest.mark.parametrize("opens", [None, no_descriptor])
def test_a_system_that_does_not_tell_of_the_end_is_asked_for_it(tmp_path, monkeypatch, opens):
    monkeypatch.setattr(process, "PIDFD_OPEN", opens)
    assert only_record(run_child(a_launch("ok", tmp_path))).failure is None


def test_a_child_imports_nothing_that_reads_the_facts_of_a_machine():
    code = (
        "import sys, bench.child.entry, mnist_bench.workload;"
        "print('bench.probe.machine' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert told.strip() == "False"
