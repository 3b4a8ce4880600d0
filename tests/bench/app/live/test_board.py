"""The states of jobs, from the lines of a journal and the events of a run."""

from __future__ import annotations

import json
from dataclasses import replace

from builders import a_job, a_measurement, a_record, a_run, conditions, facts
from toy_workload import DESCRIPTION

from bench.app.live.board import Board
from bench.dispatch.events import Event
from bench.record.failure import Failure
from bench.record.job_states import JobState
from bench.record.lines import MachineEntry, OutOfTime, Skip
from bench.report.page.live import states_json
from bench.report.words import live as words
from bench.report.words.phrasebook import phrasebook
from mnist_bench.description import DESCRIPTION as MNIST

JOBS = tuple(a_job(seed=seed) for seed in (1, 2, 3))
UNABLE = a_job(seed=9)
STEPS = a_measurement([[0.02] * 5])


def entry(label="desk", *, own=True, **changes):
    fields = {"run_id": "r", "label": label, "own": own, "jobs": tuple(j.job_id for j in JOBS)}
    fields["machine"] = None if "reason" in changes else facts()
    return MachineEntry(**{**fields, **changes})


def header(records=(), **changes):
    run = a_run(records or [a_record(JOBS[0], STEPS, label="desk")])
    return run.header.model_copy(update={"jobs": JOBS, "label": "desk", **changes})


def a_board(**changes):
    board = Board("session", DESCRIPTION.outline, clock=lambda: board.now_s)
    board.now_s = 100.0
    board.begin(header(**changes), None)
    return board


def states(board, machine=0):
    return [job.state for job in board.snapshot().machines[machine].jobs.values()]


def test_a_job_that_only_measures_ceilings_is_no_job_of_the_run_but_is_told():
    bare = a_job(seed=1, backend="jax")
    board = Board("session", MNIST.outline)
    board.begin(header(), None)
    board.take(entry(ceiling_jobs=(bare,)))
    board.show(Event("started", bare.job_id))
    (seen,) = board.snapshot().machines
    assert seen.now == "the ceilings of float32 jax"
    assert [job.state for job in seen.jobs.values()] == ["waiting"] * 3
    record = a_record(
        bare, Failure(reason="crash", message="planted"), label="desk", only_ceilings=True
    )
    board.take(record)
    board.show(Event("record", bare.job_id, record=record))
    (seen,) = board.snapshot().machines
    assert (seen.now, len(seen.jobs)) == ("", 3)


def test_what_a_job_does_is_told_in_the_language_of_the_page():
    bare = a_job(seed=1, backend="jax", threads=2)
    board = Board("session", MNIST.outline, phrasebook("es", MNIST.translations["es"], "_page"))
    board.begin(header(), None)
    board.take(entry(ceiling_jobs=(bare,)))
    told = {"epoch": 1, "epochs": 2, "wall_s": 2.0, "metrics": {"train_accuracy": 0.5}}
    spoken = "época 1 de 2, 2 s, exactitud en entrenamiento 0.5000"
    for job, detail, now in (
        (JOBS[0], {"event": "start"}, "primera época"),
        (JOBS[0], {"event": "epoch", **told}, spoken),
        (JOBS[0], {"event": "epoch", "metrics": 5}, "en curso"),
        (bare, {}, "los techos de float32 jax 2 hilos"),
    ):
        board.show(Event("progress", job.job_id, detail=detail))
        assert board.snapshot().machines[0].now == now


def test_the_run_goes_on_until_the_last_ceilings_have_a_record():
    """So that the page shows the figures of the last job while ceilings are measured."""
    bare = a_job(seed=1, backend="jax")
    board = Board("session", MNIST.outline)
    board.begin(header(), None)
    board.take(entry(jobs=(JOBS[0].job_id,), ceiling_jobs=(bare,)))
    board.take(a_record(JOBS[0], STEPS, label="desk"))
    assert board.goes_on
    failure = Failure(reason="crash", message="planted")
    record = a_record(bare, failure, label="desk", only_ceilings=True)
    board.take(record)
    assert not board.goes_on
    run = a_run([a_record(JOBS[0], STEPS, label="desk")])
    own = entry(jobs=(JOBS[0].job_id,), ceiling_jobs=(bare,))
    board.begin(header(), replace(run, machines=(own,), ceiling_records=(record,)))
    assert not board.goes_on


def test_a_job_waits_runs_and_is_measured_disturbed_or_failed():
    board = a_board()
    board.take(entry(skipped=(Skip(job=UNABLE, reason="planted"),)))
    assert states(board) == ["waiting", "waiting", "waiting", "skipped"]
    assert board.goes_on
    board.show(Event("started", JOBS[0].job_id), left_s=30.0)
    detail = {"event": "epoch", "epoch": 1, "epochs": 2, "wall_s": 2.0, "metrics": {}}
    board.show(Event("progress", JOBS[0].job_id, detail=detail))
    board.now_s += 10
    seen = board.snapshot()
    assert states(board)[0] == "running"
    assert seen.machines[0].now == "epoch 1 of 2, 2 s"
    assert seen.left_s == 20
    board.take(a_record(JOBS[0], STEPS, label="desk", conditions=conditions("quiet")))
    disturbed = conditions("disturbed", "foreign CPU (0.9 CPUs)")
    board.take(a_record(JOBS[1], STEPS, label="desk", conditions=disturbed))
    failed = Failure(reason="time limit", message="not done after 600 s\nand more")
    board.take(a_record(JOBS[2], failed, label="desk"))
    (machine,) = board.snapshot().machines
    assert list(machine.jobs.values()) == [
        JobState("measured"),
        JobState("disturbed", "foreign CPU"),
        JobState("failed", "time limit: not done after 600 s"),
        JobState("skipped", "planted"),
    ]
    assert machine.now == ""
    assert not board.goes_on
    assert words.counts(machine) == "1 measured, 1 disturbed, 1 failed, 1 skipped"


def test_a_disturbed_job_makes_a_repeat_wait_as_often_as_the_run_repeats():
    board = a_board(repeat_disturbed=1)
    board.take(entry(jobs=(JOBS[0].job_id,)))
    seen = conditions("disturbed", "planted (1)")
    board.take(a_record(JOBS[0], STEPS, label="desk", conditions=seen))
    assert states(board) == ["disturbed", "waiting"]
    repeat = JOBS[0].once_more()
    board.show(Event("started", repeat.job_id))
    board.take(a_record(repeat, STEPS, label="desk", conditions=seen))
    assert states(board) == ["disturbed", "disturbed"]


def test_each_machine_has_its_own_states_and_one_that_is_missing_has_its_reason():
    board = a_board()
    board.take(entry())
    board.take(entry("node", own=False))
    board.take(entry("gpu", own=False, reason="0 of 1 came up", jobs=()))
    board.show(Event("started", JOBS[1].job_id, host="node"))
    board.show(Event("started", JOBS[0].job_id))
    assert states(board) == ["running", "waiting", "waiting"]
    assert states(board, 1) == ["waiting", "running", "waiting"]
    assert words.counts(board.snapshot().machines[2]) == "unavailable: 0 of 1 came up"


def test_jobs_without_time_are_left_out_and_an_ended_job_waits_again():
    board = a_board()
    board.take(entry())
    board.show(Event("started", JOBS[0].job_id))
    board.take(OutOfTime(run_id="r", label="desk", jobs=(JOBS[2].job_id,)))
    assert states(board) == ["running", "waiting", "left out"]
    board.enter("reporting")
    assert states(board) == ["waiting", "waiting", "left out"]
    board.end(report=True)
    assert board.snapshot().report
    assert words.now(board.snapshot()) == "The run has ended."


def test_a_run_that_goes_on_begins_with_what_its_journal_holds():
    lost = Failure(reason="lost", message="the host was lost")
    records = [a_record(JOBS[0], STEPS, label="desk"), a_record(JOBS[1], lost, label="desk")]
    continued = a_run(records)
    own = next(one for one in continued.machines if one.label == "desk")
    assert own.own
    board = Board("session", DESCRIPTION.outline)
    board.begin(continued.header, continued)
    found = board.snapshot().machines[0].jobs
    assert found[JOBS[0].job_id].state == "measured"
    assert found[JOBS[1].job_id].state == "waiting", "a lost job is tried again"


def test_the_states_as_json_hold_a_letter_for_each_job_and_no_odd_character():
    board = a_board()
    board.take(entry())
    board.take(entry("<b>\n\u202e", own=False, jobs=(JOBS[1].job_id,)))
    failed = Failure(reason="crash", message="<script>alert(1)</script>")
    board.take(a_record(JOBS[0], failed, label="desk"))
    document = json.loads(states_json(board.snapshot()))
    assert document["jobs"] == [job.job_id for job in JOBS]
    first, second = document["machines"]
    assert (first["states"], second["states"]) == ("fww", "-w-")
    assert first["notes"] == {"0": "crash: <script>alert(1)</script>"}
    assert {document["letters"][letter] for letter in "fw"} == {"failed", "waiting"}
    assert "\n" not in second["name"] and "\u202e" not in second["name"]


def test_what_the_run_does_is_said_with_its_sitting_and_its_figures():
    board = a_board()
    assert words.now(board.snapshot()) == "The run goes on."
    board.wait(2, 3, "2026-11-25 14:30")
    assert "sitting 2 of 3 begins at 2026-11-25 14:30" in words.now(board.snapshot())
    assert words.figures(board.snapshot()) == words.NO_FIGURES
    board.figures(1, 4)
    assert "hold 4 jobs" in words.figures(board.snapshot())
    board.trouble("ValueError: planted")
    assert words.figures(board.snapshot()).endswith("could not be made: ValueError: planted")
