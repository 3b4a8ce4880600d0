"""Following the cluster's part: sent once, taken up again, each record once, whatever breaks.

The Jobs API is a double that keeps a script of what the head says; the real one is in tests/e2e.
"""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts

from bench.app import part as part_module
from bench.app.part import ClusterPart, job_id_of
from bench.app.progress import LineProgress
from bench.app.recorder import Recorder
from bench.dispatch.head import DONE, MARK, SiteRequest
from bench.errors import DispatchError
from bench.record.journal import Journal, read_run
from bench.record.lines import MachineEntry

JOBS = [a_job(seed=seed) for seed in (1, 2)]
HEADER = a_run([], planned=JOBS, run_id="run-1", label="laptop").header
MEASURED = a_measurement([[0.5, 0.25], [0.25, 0.25]])


def said(**what):
    return MARK + json.dumps(what)


def line_of(entry):
    return said(line=entry.model_dump(mode="json"))


RACK = MachineEntry(
    run_id="run-1", label="rack", machine=facts(), jobs=tuple(job.job_id for job in JOBS)
)
RECORDS = [a_record(job, MEASURED, label="rack") for job in JOBS]
STARTED = said(event={"kind": "started", "job_id": JOBS[0].job_id, "host": "rack", "detail": {}})
ALL = [
    line_of(RACK),
    STARTED,
    "noise of Ray's own",
    *(line_of(record) for record in RECORDS),
    said(end=DONE),
]


class FakeCluster:
    """A head that says `lines`; each visit ends after so many of them, as a link that breaks."""

    name = "lab"

    def __init__(self, lines, visits=(), refuse=0):
        self.lines, self.visits, self.refuse = lines, list(visits), refuse
        self.submitted, self.known = [], set()

    @contextlib.contextmanager
    def connected(self):
        if self.refuse:
            self.refuse -= 1
            raise DispatchError("planted: no link")
        yield self

    def state(self, job):
        if job not in self.known:
            return None
        return ("RUNNING", "") if self.visits else ("SUCCEEDED", "")

    def submit(self, job, folder, entrypoint):
        self.known.add(job)
        names = sorted(path.relative_to(folder).parts[0] for path in folder.glob("*"))
        code = folder / "code" / "bench" / "site.py"
        request = SiteRequest.model_validate_json((folder / "request.json").read_text())
        self.submitted.append((job, names, code.exists(), request, entrypoint))

    def follow(self, job):
        if self.visits:
            yield from self.lines[: self.visits.pop(0)]
            raise DispatchError("planted: the link broke")
        yield from self.lines


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(part_module, "AGAIN_S", 0.01)
    path = tmp_path / "staged.npz"
    path.write_bytes(b"data")
    return path


def follow(cluster, data, folder, taken_up=None):
    """Follow a cluster to its end; return (the part, what was shown, the journal as read)."""
    path, stream = folder / "run-1.jsonl", io.StringIO()
    journal = Journal(path)
    if taken_up is None:
        journal.create(HEADER)
    progress = LineProgress(stream)
    part = ClusterPart(cluster, Recorder(journal, HEADER, progress), progress.say)
    request = SiteRequest(
        header=HEADER,
        site="lab",
        workload="w:W",
        divide="d:d",
        packages=(),
        jobs=tuple(JOBS),
        data_file="data.npz",
    )
    part.begin(request, data, taken_up)
    assert part.wait(30)
    return part, stream.getvalue(), read_run(path)


def test_the_job_is_sent_once_with_code_data_and_request_under_the_run_s_own_id(data, tmp_path):
    cluster = FakeCluster(ALL)
    follow(cluster, data, tmp_path)
    ((job, names, has_code, request, entrypoint),) = cluster.submitted
    assert job == job_id_of("run-1")
    assert names == ["code", "data.npz", "request.json"]
    assert has_code
    assert request.jobs == tuple(JOBS)
    assert "bench.dispatch.head" in entrypoint


def test_records_come_into_this_run_s_journal_and_are_shown_with_their_host(data, tmp_path):
    part, shown, run = follow(FakeCluster(ALL), data, tmp_path)
    assert part.outcome == DONE
    assert [record.job_id for record in run.records] == [job.job_id for job in JOBS]
    assert [entry.label for entry in run.machines] == ["rack"]
    assert [site.outcome for site in run.sites] == [None, DONE]
    assert f"[2/2] rack: {JOBS[1].job_id}" in shown


@pytest.mark.parametrize("cuts", [[0], [1, 3], [4, 4, 5], [6]])
def test_a_link_that_breaks_anywhere_costs_no_record_and_doubles_none(data, tmp_path, cuts):
    cluster = FakeCluster(ALL, visits=cuts)
    part, _, run = follow(cluster, data, tmp_path)
    assert part.outcome == DONE
    assert [record.job_id for record in run.records] == [job.job_id for job in JOBS]
    assert len(run.machines) == 1
    assert len(cluster.submitted) == 1


def test_a_run_that_was_killed_takes_the_job_up_again_and_records_each_job_once(data, tmp_path):
    journal = Journal(tmp_path / "run-1.jsonl")
    journal.create(HEADER)
    site = {"run_id": "run-1", "site": "lab", "job": job_id_of("run-1"), "at": "2026-11-01"}
    for entry in (part_module.SiteEntry(**site), RACK, RECORDS[0]):
        journal.append(entry)
    cluster = FakeCluster(ALL)
    cluster.known.add(job_id_of("run-1"))
    _, shown, run = follow(cluster, data, tmp_path, read_run(journal.path))
    assert cluster.submitted == []
    assert [record.job_id for record in run.records] == [job.job_id for job in JOBS]
    assert [site.outcome for site in run.sites] == [None, DONE]
    assert f"[2/2] rack: {JOBS[1].job_id}" in shown
    assert run.complete is False  # the laptop's own jobs are not in this test


def test_a_cluster_that_was_taken_down_meanwhile_ends_the_part_with_that_word(data, tmp_path):
    journal = Journal(tmp_path / "run-1.jsonl")
    journal.create(HEADER)
    site = {"run_id": "run-1", "site": "lab", "job": job_id_of("run-1"), "at": "2026-11-01"}
    for entry in (part_module.SiteEntry(**site), RACK):
        journal.append(entry)
    cluster = FakeCluster(ALL)
    part, _, run = follow(cluster, data, tmp_path, read_run(journal.path))
    assert "taken down" in part.outcome
    assert cluster.submitted == []
    assert run.open_site is None


def test_a_head_that_cannot_be_reached_at_first_is_tried_again(data, tmp_path):
    part, _, run = follow(FakeCluster(ALL, refuse=2), data, tmp_path)
    assert part.outcome == DONE
    assert len(run.records) == 2


def test_a_head_that_is_never_reached_is_an_error_and_the_part_stays_open(data, tmp_path):
    part, _, run = follow(FakeCluster(ALL, refuse=1000), data, tmp_path)
    assert "no link" in str(part.error)
    assert run.open_site is not None


def test_words_that_are_not_understood_end_the_part_as_an_error_and_leave_it_open(data, tmp_path):
    part, _, run = follow(
        FakeCluster([said(line={"job_id": "from a newer version"})]), data, tmp_path
    )
    assert "JobRecord" in str(part.error)
    assert run.open_site is not None


def test_a_driver_that_died_without_a_last_word_is_told_by_ray_s(data, tmp_path):
    class Dead(FakeCluster):
        def state(self, job):
            return ("FAILED", "driver was killed") if job in self.known else None

    part, _, _ = follow(Dead(ALL[:2]), data, tmp_path)
    assert part.outcome == "failed: driver was killed"
