"""A cluster beside this machine: it has its own lines, is followed again, and is left in order."""

from __future__ import annotations

import contextlib
import json
import signal
import time

import pytest
from builders import a_measurement, a_record, facts
from command_line import PROGRAM
from plans import JOBS, a_plan

from bench import stops
from bench.app import cluster_run as cluster_run_module
from bench.app.campaign import Campaign
from bench.app.cluster_run import ClusterRun
from bench.app.commands import run as run_module
from bench.app.exit_code import exit_code_of
from bench.app.live.viewer import Viewer
from bench.child.workload import Dataset
from bench.cluster.find import Cluster
from bench.dispatch.head_lines import MARK, end_line
from bench.dispatch.outcome import DONE
from bench.errors import DispatchError
from bench.record.failure import Failure
from bench.record.journal import Journal, read_run
from bench.record.lines import MachineEntry
from bench.spec.request import MeasureLimits


def said(**what):
    return MARK + json.dumps(what)


class RackApi:
    """The Jobs API of a cluster that has one machine, which did every job that it can do."""

    def __init__(self):
        self.submitted = []

    def state(self, job):
        return ("SUCCEEDED", "") if job in self.submitted else None

    def submit(self, job, folder, entrypoint):
        self.submitted.append(job)

    def follow(self, job):
        entry = MachineEntry(
            run_id=job.removeprefix("bench-"), label="rack", machine=facts(), jobs=()
        )
        yield said(line=entry.model_dump(mode="json"))
        yield end_line(DONE)


class Endless(RackApi):
    """The Jobs API of such a cluster whose head says nothing more after its first line."""

    def follow(self, job):
        yield from list(super().follow(job))[:1]
        while True:
            time.sleep(0.05)
            yield ""


@pytest.mark.slow
def test_a_cluster_measures_beside_this_machine_and_has_its_own_lines(tmp_path, monkeypatch):
    api = RackApi()
    monkeypatch.setattr(Cluster, "connected", lambda self: contextlib.nullcontext(api))
    campaign = Campaign(
        a_plan(tmp_path, dataset=Dataset()),
        tmp_path / "out",
        cluster=Cluster("lab", address="http://127.0.0.1:1"),
        cluster_note="cluster: lab is up",
    )
    campaign.run()
    run = read_run(campaign.path)
    assert [share.label for share in run.shares] == ["laptop", "rack"]
    assert run.own.label == "laptop"
    assert [entry.outcome for entry in run.clusters] == [None, "done"]
    assert campaign.open_cluster is None
    assert run.complete
    Journal(campaign.path).append(run.clusters[0])  # as if its end had not arrived
    again = Campaign(
        a_plan(tmp_path, dataset=Dataset()), tmp_path / "out", cluster=campaign.cluster
    )
    again.run()
    assert again.path == campaign.path
    assert len(api.submitted) == 1
    assert read_run(campaign.path).complete


class LosingApi(RackApi):
    """The same for all jobs of the plan, of which the first one is lost in the first share."""

    def follow(self, job):
        run_id, again = self.submitted[0].removeprefix("bench-"), job != self.submitted[0]
        ids = tuple(one.job_id for one in JOBS)
        entry = MachineEntry(run_id=run_id, label="rack", machine=facts(), jobs=ids)
        yield said(line=entry.model_dump(mode="json"))
        measured, lost = a_measurement([[0.5, 0.25]] * 2), Failure(reason="lost", message="planted")
        for one in JOBS[:1] if again else JOBS:
            outcome = lost if one == JOBS[0] and not again else measured
            attempt = 2 if again else 1
            record = a_record(one, outcome, label="rack", run_id=run_id, attempt=attempt)
            yield said(line=record.model_dump(mode="json"))
        yield end_line(DONE)


@pytest.mark.slow
def test_the_same_command_begins_the_cluster_s_share_again_for_the_jobs_that_were_lost(
    tmp_path, monkeypatch, capsys
):
    api = LosingApi()
    monkeypatch.setattr(Cluster, "connected", lambda self: contextlib.nullcontext(api))
    cluster = Cluster("lab", address="http://127.0.0.1:1")
    plan, out = a_plan(tmp_path, dataset=Dataset()), tmp_path / "out"
    first = Campaign(plan, out, cluster=cluster)
    first.run()
    first.note_report()
    assert exit_code_of([first.read()]) == 1
    capsys.readouterr()
    again = Campaign(plan, out, cluster=cluster)
    again.run()
    again.note_report()
    assert "the share of lab begins again" in capsys.readouterr().out
    assert again.path == first.path
    assert api.submitted[1] == f"{api.submitted[0]}-2"
    run = again.read()
    assert run.warnings == ()
    assert [len(share.records) for share in run.shares] == [len(JOBS), len(JOBS) + 1]
    assert exit_code_of([run]) == 0
    other = Campaign(plan, out, cluster=cluster)
    other.run()
    assert other.path != first.path, "nothing is due, so another sitting begins"


def test_a_signal_that_was_only_counted_ends_the_wait_for_a_cluster(tmp_path, monkeypatch, capsys):
    """It arrives while this machine's last line is written, so nothing raises it."""

    def enter(self, phase):
        with stops.deferred():
            if phase == "cluster":
                signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Cluster, "connected", lambda self: contextlib.nullcontext(Endless()))
    monkeypatch.setattr(Viewer, "enter", enter)
    campaign = Campaign(
        a_plan(tmp_path, JOBS[:1], dataset=Dataset()),
        tmp_path / "out",
        cluster=Cluster("lab", address="http://127.0.0.1:1"),
        limits=MeasureLimits(max_s=60.0),
    )
    assert stops.guarded(lambda: int(campaign.run()), lambda: None) == 130
    assert campaign.open_cluster is not None
    assert "the cluster has not said that it ended" not in capsys.readouterr().out


@pytest.mark.slow
def test_signals_while_a_cluster_is_left_do_not_cost_the_report(tmp_path, monkeypatch, capsys):
    real = ClusterRun.leave

    def leave(self):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        real(self)

    def enter(self, phase):
        if phase == "cluster":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Cluster, "connected", lambda self: contextlib.nullcontext(Endless()))
    monkeypatch.setattr(ClusterRun, "leave", leave)
    monkeypatch.setattr(Viewer, "enter", enter)
    campaign = Campaign(
        a_plan(tmp_path, JOBS[:1], dataset=Dataset()),
        tmp_path / "out",
        cluster=Cluster("lab", address="http://127.0.0.1:1"),
    )
    assert (
        stops.guarded(lambda: run_module.measure_and_report(campaign), lambda: print("told twice"))
        == 130
    )
    assert (tmp_path / "out" / "summary.md").exists()
    said = capsys.readouterr().out
    assert "interrupted: the same command goes on" in said
    assert "told twice" not in said


@pytest.mark.slow
def test_an_error_of_the_cluster_names_the_program_as_the_user_types_it(
    tmp_path, monkeypatch, capsys
):
    def unreachable(self):
        raise DispatchError("planted: no link", next_step="{program} cluster check")

    monkeypatch.setattr(Cluster, "connected", unreachable)
    monkeypatch.setattr(cluster_run_module, "AGAIN_S", 0.01)
    campaign = Campaign(
        a_plan(tmp_path, dataset=Dataset()),
        tmp_path / "out",
        cluster=Cluster("lab", address="http://127.0.0.1:1"),
        cluster_note="cluster: x.yaml is skipped: see {program} cluster check",
        spoken=PROGRAM.spoken,
    )
    campaign.run()
    printed = capsys.readouterr().out
    assert "the cluster's share is open: planted: no link. Next: mnist-bench cluster" in printed
    assert "see mnist-bench cluster check" in printed
    assert "{program}" not in printed
