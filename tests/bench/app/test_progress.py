"""What a user sees of a run: a line for each job, and bars on a real pseudo-terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
import types

import pytest
import toy_workload
from builders import a_job, a_measurement, a_record, a_run, an_evaluation, conditions

from bench.app.announcer import Announcer
from bench.app.progress import LiveProgress, Progress, make_progress
from bench.app.progress_words import epoch_words, outcome_words
from bench.dispatch.events import Event
from bench.record.failure import Failure
from mnist_bench.description import DESCRIPTION
from mnist_bench.workload import WORKLOAD

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
GOOD = a_measurement(
    [[1.0, 0.01, 0.01], [0.01, 0.02, 0.03]],
    walls_s=[2.0, 3.5],
    evaluations=[an_evaluation(2, 12.5, test_accuracy=0.9876)],
)
SCORED = DESCRIPTION.outline.scored
HOSTILE = "[bold red]cut[/bold red] [/nothing] \x1b[31m\x1b]0;title\x07 end\nsecond line"

EPOCH = {"event": "epoch", "epoch": 1, "epochs": 2, "wall_s": 2.0}
EPOCH |= {"metrics": {"train_accuracy": 0.5}}

#: A plan as far as progress looks at it: the real one needs data and a machine.
PLAN = types.SimpleNamespace(
    skipped=(),
    grid="g",
    jobs=JOBS,
    ceiling_jobs=(),
    label="[red]box[/red]",
    threads=(1, 2, 8),
    minutes=None,
    dataset=types.SimpleNamespace(name="mnist", source="a file", note="a note", tried=None),
)


def record_event(job, outcome=GOOD):
    return Event("record", job.job_id, record=a_record(job, outcome))


def shown(progress):
    """Show a run of three jobs, the second of which fails."""
    failure = Failure(reason="crash", message=HOSTILE)
    with progress:
        progress.opening(PLAN, None)
        progress.begin(JOBS, already=1)
        for job, outcome in zip(JOBS, (GOOD, failure, GOOD), strict=True):
            progress.show(Event("started", job.job_id))
            progress.show(Event("progress", job.job_id, detail=EPOCH))
            progress.show(record_event(job, outcome))


@pytest.fixture
def lines():
    stream = io.StringIO()
    shown(Progress(stream, WORKLOAD))
    return stream.getvalue().splitlines()


def test_a_log_has_a_line_a_record_with_counts_figures_and_time_left(lines):
    found = [line for line in lines if line.startswith("[")]
    assert [line.split()[0] for line in found] == ["[2/4]", "[3/4]", "[4/4]"]
    assert [line.split()[1] for line in found] == [job.job_id for job in JOBS]
    assert "12.5 s, 3.5 s/epoch, 30 ms/step, test accuracy 0.9876" in found[0]
    assert all(re.search(r"\(about .* left\)$", line) for line in found)
    assert found[2].endswith("(about 0 s left)")


def test_a_log_says_first_what_will_run_on_which_data(lines):
    assert lines[0] == "grid g: 3 jobs on [red]box[/red], 1, 2 or 8 threads a job"
    assert lines[1] == "data: mnist (a file)"
    assert lines[2] == "note: a note"
    assert re.fullmatch(r"about .* to go", lines[3])


def test_a_failure_shows_its_reason_on_one_line_that_no_terminal_obeys(lines):
    (line,) = (line for line in lines if "FAILED" in line)
    assert "FAILED (crash): [bold red]cut[/bold red]" in line
    assert "second line" not in "".join(lines)
    assert "\x1b" not in line
    assert "\x07" not in line


def test_repeats_of_disturbed_jobs_are_counted_apart_and_their_time_is_said():
    """The first of two jobs is disturbed twice; a repeat has the estimate of its job."""
    stream, (job, other, _) = io.StringIO(), JOBS
    again = job.once_more()
    progress = Progress(stream, WORKLOAD, repeat_disturbed=2)
    progress.begin([job, other], already=0)
    bad = conditions("disturbed", "foreign CPU (1.5 CPUs)", "foreign CPU (2 CPUs)", "swap (1)")
    for one, seen in ((job, bad), (other, None), (again, bad), (again.once_more(), bad)):
        record = a_record(one, GOOD, conditions=seen)
        progress.show(Event("record", one.job_id, record=record))
    _, *lines = stream.getvalue().splitlines()
    assert [line.partition("]")[0] for line in lines] == [
        "[1/2, repeats 0/1",
        "[2/2, repeats 0/1",
        "[2/2, repeats 1/2",
        "[2/2, repeats 2/2",
    ]
    told = [("disturbed by foreign CPU and swap (it runs" in line) for line in lines]
    assert told == [True, False, True, False]
    assert "disturbed by foreign CPU and swap  (about 0 s left)" in lines[3]
    assert [line.endswith(" for repeats)") for line in lines] == [True, True, True, False]


def test_the_time_left_of_a_run_of_minutes_is_what_is_left_of_them():
    stream = io.StringIO()
    progress = Progress(stream, WORKLOAD, left_s=lambda: 100.0)
    progress.begin(JOBS[:1], already=0)
    for job in (JOBS[0], JOBS[0].replicate(1)):
        progress.show(record_event(job))
    first, second, third = stream.getvalue().splitlines()
    assert first == "about 1 min 40 s to go"
    assert second.startswith("[1/1] ")
    assert third.startswith("[1/1, 1 more] ")
    assert third.endswith("(about 1 min 40 s left)")
    progress = Progress(stream, WORKLOAD, repeat_disturbed=2, left_s=lambda: 100.0)
    progress.begin(JOBS, already=0)
    record = a_record(JOBS[0], GOOD, conditions=conditions("disturbed"))
    progress.show(Event("record", JOBS[0].job_id, record=record))
    *_, last = stream.getvalue().splitlines()
    assert last.endswith("disturbed (it runs again if there is time)  (about 1 min 40 s left)")


def test_a_run_that_goes_on_counts_the_repeats_that_it_owes():
    stream = io.StringIO()
    progress = Progress(stream, WORKLOAD, repeat_disturbed=2)
    progress.begin((), already=3, repeats=[JOBS[0].once_more()])
    progress.show(record_event(JOBS[0].once_more()))
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(r"about .* to go", first)
    assert second.startswith("[3/3, repeats 1/1] ")


def test_a_failure_without_words_still_has_a_phrase():
    record = a_record(JOBS[0], Failure(reason="lost", message=""))
    assert outcome_words(record, SCORED).startswith("FAILED (host lost)")


def test_a_job_without_steady_steps_has_no_step_time():
    epochs = [epoch.model_copy(update={"step_median_s": None}) for epoch in GOOD.epochs]
    measured = GOOD.model_copy(update={"epochs": tuple(epochs)})
    assert "n/a ms/step" in outcome_words(a_record(JOBS[0], measured), SCORED)


def test_a_workload_without_a_score_shows_times_alone():
    words = outcome_words(a_record(JOBS[0], GOOD), None)
    assert words == "12.5 s, 3.5 s/epoch, 30 ms/step"


def test_a_workload_without_estimates_has_a_time_left_all_the_same():
    stream = io.StringIO()
    Progress(stream, toy_workload.WORKLOAD).begin(JOBS, already=0)
    assert stream.getvalue() == "about 1 min 30 s to go\n"


def test_machines_work_side_by_side_so_the_time_left_is_that_of_the_last():
    stream = io.StringIO()
    progress = Progress(stream, toy_workload.WORKLOAD)
    progress.begin(JOBS, already=0, host="rack")
    progress.begin(JOBS[:1], already=0)
    assert stream.getvalue().splitlines() == ["rack is ready: 3 jobs", "about 1 min 30 s to go"]


def test_a_run_that_goes_on_says_how_to_start_anew():
    stream = io.StringIO()
    Progress(stream, WORKLOAD).opening(PLAN, a_run([a_record(JOBS[0], GOOD)], planned=JOBS))
    assert "1 job has a record (--fresh starts anew)" in stream.getvalue()


def on_terminal(show):
    """Return everything that live progress writes to a real pseudo-terminal of 200 columns."""
    leader, follower = pty.openpty()
    chunks: list[bytes] = []

    def read():
        try:
            while chunk := os.read(leader, 65536):
                chunks.append(chunk)
        except OSError:  # EIO: the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    with pytest.MonkeyPatch.context() as environment, os.fdopen(follower, "w") as stream:
        environment.setenv("TERM", "xterm-256color")
        environment.setenv("COLUMNS", "200")  # rich asks the process's own terminal for its width
        progress = make_progress(stream, WORKLOAD)
        show(progress)
    reader.join(timeout=60)
    os.close(leader)
    assert isinstance(progress, LiveProgress)
    return b"".join(chunks).decode()


@pytest.fixture(scope="module")
def terminal():
    return on_terminal(shown)


def without_control(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_terminal_shows_the_line_of_every_job(terminal):
    text = without_control(terminal)
    for number, job in enumerate(JOBS, start=2):
        assert f"[{number}/4] {job.job_id}" in text
    assert "12.5 s, 3.5 s/epoch, 30 ms/step, test accuracy 0.9876" in text


def test_a_terminal_shows_the_running_job_and_its_epoch_beside_a_bar(terminal):
    text = without_control(terminal)
    assert re.search(rf"this machine .* 1/4 {JOBS[0].job_id}: starting", text)
    assert epoch_words(EPOCH, DESCRIPTION.outline) == "epoch 1 of 2, 2 s, train accuracy 0.5000"


@pytest.mark.parametrize(
    "told",
    [{}, {"metrics": 5}, {**EPOCH, "wall_s": "long"}, {**EPOCH, "metrics": {"accuracy": []}}],
)
def test_what_a_workload_tells_under_the_name_of_an_epoch_does_not_end_the_display(told):
    words = epoch_words({**told, "event": "epoch"}, DESCRIPTION.outline)
    assert words == "running" or words.startswith("epoch 1 of 2")


def test_a_terminal_has_a_bar_for_each_machine_that_has_jobs_left():
    def several(progress):
        with progress:
            progress.begin(JOBS, already=0)
            progress.begin(JOBS[:1], already=0, host="rack")
            progress.show(Event("started", JOBS[0].job_id, host="rack"))
            progress.begin(JOBS, already=1, host="rack")  # introduced again after a cut

    text = without_control(on_terminal(several))
    last = text.rpartition("this machine")[2]
    assert "rack is ready: 1 job" in text
    assert last.count("rack") == 1
    assert re.search(r"rack .* 1/4", last)


def test_hostile_text_is_shown_as_it_is_and_not_obeyed(terminal):
    text = without_control(terminal)
    assert "on [red]box[/red]," in text
    assert "FAILED (crash): [bold red]cut[/bold red] [/nothing]" in text
    assert "\x1b[31m\x1b]0;title" not in terminal
    assert "\x1b]0;" not in terminal


def test_what_is_no_terminal_gets_lines():
    assert isinstance(make_progress(io.StringIO(), WORKLOAD), Progress)


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_cannot_redraw_gets_lines(monkeypatch, term):
    leader, follower = pty.openpty()
    monkeypatch.setenv("TERM", term)
    with os.fdopen(follower, "w") as stream:
        assert not isinstance(make_progress(stream, WORKLOAD), LiveProgress)
    os.close(leader)


@pytest.mark.parametrize("columns", ["0", "-1", "wide", ""])
def test_a_terminal_whose_stated_width_cannot_be_meant_hides_nothing(monkeypatch, columns):
    leader, follower = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", columns)
    with os.fdopen(follower, "w") as stream:
        make_progress(stream, WORKLOAD).say("data: synthetic")
        assert os.read(leader, 1000).decode().strip() == "data: synthetic"
    os.close(leader)


def test_a_note_of_what_carries_the_jobs_is_a_line_and_begins_no_machine():
    stream = io.StringIO()
    announcer = Announcer(None, None, Progress(stream, WORKLOAD))
    announcer.show(Event("note", detail={"text": "note: Ray was lost; Ray is started again"}))
    assert stream.getvalue() == "note: Ray was lost; Ray is started again\n"
