"""One run from its plan to its journal: a line for each machine, continued where it was cut off."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest
from builders import conditions, facts
from launches import living_jobs, notes, toy_job
from plans import JOBS, UNABLE, a_plan

from bench import stops
from bench.analysis.job_counts import counts_of
from bench.app import campaign as campaign_module
from bench.app import own_machine
from bench.app.campaign import Campaign
from bench.app.commands import run as run_module
from bench.app.exit_code import exit_code_of
from bench.dispatch.local import LocalTransport
from bench.errors import RequestError
from bench.spec.order import run_order
from bench.spec.request import MeasureLimits


def ordered(run, jobs=JOBS):
    """Return the jobs in the order in which the run's own machine runs them."""
    header = run.header
    return run_order(jobs, header.order_seed, header.label, header.run_id)


@pytest.mark.slow
def test_a_run_s_journal_holds_the_line_of_this_machine_before_its_records(tmp_path, capsys):
    campaign = Campaign(a_plan(tmp_path), tmp_path / "out")
    assert campaign.run() is False
    lines = [json.loads(line) for line in campaign.path.read_text().splitlines()]
    assert [line.get("entry", "header") for line in lines] == [
        *("header", "machine", "header"),  # the header again, before the first record
        *["record"] * 3,
    ]
    run = campaign.read()
    assert run.complete
    assert run.header.jobs == (*JOBS, UNABLE)
    assert run.own.entry.jobs == tuple(job.job_id for job in JOBS)
    assert [skip.reason for skip in run.own.skipped] == ["planted"]
    assert [record.job for record in run.records] == ordered(run)
    assert {record.placed_by for record in run.records} == {"inline"}
    assert {record.machine.machine_id for record in run.records} == {run.own.facts.machine_id}
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "grid small: 3 jobs on laptop, 1 threads a job"
    assert "skipped: 1 job: planted" in shown
    assert shown[-1].startswith(f"[3/3] {ordered(run)[2].job_id}  ")
    # other processes may disturb it
    assert re.search(r"test accuracy 0\.7500(, disturbed .*)?  \(about 0 s left\)$", shown[-1])


def cut(campaign, lines):
    """Leave the first lines of a journal but for the repeated header, and half of the next one."""
    kept = campaign.path.read_text().splitlines(keepends=True)
    kept = kept[: lines + 1 if lines < 2 else lines + 2]
    campaign.path.write_text("".join(kept[:-1]) + kept[-1][:40])


@pytest.mark.slow
@pytest.mark.parametrize(("lines", "left"), [(1, 3), (2, 3), (3, 2), (4, 1)])
def test_a_run_that_was_cut_off_goes_on_where_it_stopped(tmp_path, lines, left):
    """Also right after the header, when this machine has no line yet; it never has two."""
    first = Campaign(a_plan(tmp_path), tmp_path / "out")
    first.run()
    cut(first, lines)
    before = len(notes(tmp_path))
    again = Campaign(a_plan(tmp_path), tmp_path / "out")
    again.run()
    assert again.path == first.path
    assert len(notes(tmp_path)) - before == left
    run = again.read()
    assert run.complete
    assert len(run.machines) == 1
    assert [record.job for record in run.records] == ordered(run)
    assert {record.run_id for record in run.records} == {run.header.run_id}


def planted_flags(monkeypatch, flag_of):
    """Give each record of this machine the flag that `flag_of(job)` gives."""

    class Planting(LocalTransport):
        def poll(self, timeout_s):
            for message in super().poll(timeout_s):
                record = message.record
                if record is not None:
                    seen = conditions(flag_of(record.job), "planted (1)")
                    record = record.model_copy(update={"conditions": seen})
                yield replace(message, record=record)

    monkeypatch.setitem(own_machine.TRANSPORTS, "inline", Planting)


@pytest.mark.slow
def test_a_run_that_was_cut_off_among_its_repeats_runs_the_ones_that_are_still_due(
    tmp_path, monkeypatch, capsys
):
    """One job is always disturbed, another one once: three repeats, of which one is kept."""
    times = {JOBS[0].seed: 9, JOBS[2].seed: 1}
    planted_flags(
        monkeypatch,
        lambda job: "disturbed" if job.again < times.get(job.seed, 0) else "quiet",
    )
    plan = a_plan(tmp_path, repeat_disturbed=2)
    first = Campaign(plan, tmp_path / "out")
    first.run()
    jobs = [record.job for record in first.read().records]
    assert jobs[:3] == ordered(first.read())
    assert sorted(job.name for job in jobs[3:]) == [
        "ok-none-e2-s2-again1",
        "ok-none-e2-s3-again1",
        "ok-none-e2-s3-again2",
    ]
    cut(first, 5)
    assert not first.read().complete
    again = Campaign(plan, tmp_path / "out")
    again.run()
    assert again.path == first.path
    assert again.read().complete
    assert [record.job for record in again.read().records] == jobs
    counts = counts_of([again.read()])
    assert (counts.planned, counts.measured, counts.repeated, counts.disturbed) == (3, 3, 2, 1)
    assert "3 jobs have a record" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_of_minutes_uses_them_up_and_is_complete(tmp_path, monkeypatch, capsys):
    """Nine seconds for two kinds of jobs: each has one job first, then replicates come."""
    monkeypatch.setattr(campaign_module, "CLOSING_S", 0.0)
    jobs = (toy_job("ok"), toy_job("second"), toy_job("ok", seed=5))
    plan = a_plan(tmp_path, jobs, minutes=0.15)
    begin = time.monotonic()
    campaign = Campaign(plan, tmp_path / "out")
    campaign.run()
    assert time.monotonic() - begin < 30
    run = campaign.read()
    assert run.complete
    kinds = [record.job.axes["model"] for record in run.records]
    assert set(kinds[:2]) == {"ok", "second"}
    campaign.note_report()
    counts = counts_of([run])
    assert exit_code_of([run]) == 0
    assert counts.measured + counts.no_time == 3
    assert counts.added == len(run.records) - counts.measured
    said = capsys.readouterr().out
    assert "0.15 minutes: one job of each kind first" in said
    again = Campaign(plan, tmp_path / "out")
    again.run()
    assert again.path != campaign.path, "a complete run is followed by another sitting"


@pytest.mark.slow
def test_what_had_no_time_is_told_and_kept_in_the_journal(tmp_path, capsys):
    """No time is left from the start, so only one job of each kind runs."""
    jobs = (toy_job("ok"), toy_job("second"), toy_job("ok", seed=5), toy_job("ok", seed=6))
    campaign = Campaign(a_plan(tmp_path, jobs, minutes=0.001), tmp_path / "out")
    campaign.run()
    run = campaign.read()
    assert (len(run.records), len(run.own.out_of_time), run.complete) == (2, 2, True)
    assert exit_code_of([run]) == 0
    assert "the time is over: 2 jobs or repeats are left out" in capsys.readouterr().out


@pytest.mark.slow
def test_a_complete_run_and_another_request_are_not_continued(tmp_path, capsys):
    first = Campaign(a_plan(tmp_path), tmp_path / "out")
    first.run()
    first.note_report()
    second = Campaign(a_plan(tmp_path), tmp_path / "out")
    second.run()
    cut(second, 2)
    other = Campaign(a_plan(tmp_path, facts=facts(usable_cpus=2.0)), tmp_path / "out")
    other.run()
    assert len({first.path, second.path, other.path}) == 3
    assert "was cut off, but it is another request" in capsys.readouterr().out


def test_ctrl_c_keeps_what_is_measured_and_ends_the_job(tmp_path, monkeypatch):
    real = campaign_module.Announcer.show

    def show(self, event):
        real(self, event)
        if event.detail.get("event") == "begun" and "hang" in event.job_id:
            raise KeyboardInterrupt

    monkeypatch.setattr(campaign_module.Announcer, "show", show)
    campaign = Campaign(a_plan(tmp_path, (JOBS[0], toy_job("hang"))), tmp_path / "out")
    assert campaign.run() is True
    assert living_jobs() == []
    run = campaign.read()
    order = ordered(run, (JOBS[0], toy_job("hang")))
    before = order[: order.index(toy_job("hang"))]
    assert [record.job for record in run.records] == before
    assert toy_job("hang").job_id in run.own.missing


@pytest.mark.slow
def test_a_limit_ends_the_run_in_mid_job(tmp_path, capsys):
    campaign = Campaign(
        a_plan(tmp_path, (toy_job("hang"),)), tmp_path / "out", limits=MeasureLimits(max_s=4.0)
    )
    begin = time.monotonic()
    assert campaign.run() is False
    assert time.monotonic() - begin < 40
    assert living_jobs() == []
    assert "the limit of 0.0666667 minutes is reached" in capsys.readouterr().out
    assert not campaign.read().complete


def test_a_limit_that_is_over_at_once_leaves_a_run_to_report_and_nothing_measured(tmp_path):
    limits = MeasureLimits(max_s=1e-9)
    plan = a_plan(tmp_path, (toy_job("hang"),))
    campaign = Campaign(plan, tmp_path / "out", limits=limits)
    assert campaign.run() is False
    run = campaign.read()
    assert run.own is not None
    assert (run.records, run.complete) == ((), False)
    assert living_jobs() == []


def test_a_folder_that_another_run_holds_is_an_error(tmp_path):
    out = tmp_path / "out"
    campaign_module.prepare_folder(out)
    with campaign_module.held(out), pytest.raises(RequestError, match="another run is writing"):
        Campaign(a_plan(tmp_path), out).run()


@pytest.mark.slow
def test_a_signal_that_cuts_off_the_end_of_a_run_does_not_cost_the_report(tmp_path, capsys):
    """The third signal is raised, whatever the run is doing then."""

    class CutOff(Campaign):
        def run(self):
            super().run()
            raise stops.Interrupt

    campaign = CutOff(a_plan(tmp_path, JOBS[:1]), tmp_path / "out")
    assert run_module.measure_and_report(campaign) == 130
    assert (tmp_path / "out" / "summary.md").exists()
    assert "1 of 1 jobs measured" in capsys.readouterr().out
