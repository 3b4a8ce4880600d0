"""Following a cluster's share: sent once, taken up again, each record once, whatever breaks.

The Jobs API is a double that keeps a script of what the head says; the real one is in tests/e2e.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
import toy_workload
from builders import a_job, a_measurement, a_record, a_run, facts

from bench.app import cluster_run as cluster_run_module
from bench.app.announcer import Announcer
from bench.app.cluster_run import ClusterRun
from bench.app.cluster_share import before_of, job_id_of, ship
from bench.app.progress import Progress
from bench.child.workload import workload_file
from bench.dispatch.cluster_request import Before, ClusterRequest
from bench.dispatch.head_lines import MARK, end_line
from bench.dispatch.outcome import DONE, Ending, Outcome
from bench.errors import DispatchError
from bench.record.failure import Failure
from bench.record.journal import Journal, read_run
from bench.record.lines import ClusterEntry, MachineEntry
from bench.text import printable

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
    end_line(DONE),
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
        code = folder / "code" / "bench" / "dispatch" / "head.py"
        request = ClusterRequest.model_validate_json((folder / "request.json").read_text())
        self.submitted.append((job, names, code.exists(), request, entrypoint))

    def follow(self, job):
        if self.visits:
            yield from self.lines[: self.visits.pop(0)]
            raise DispatchError("planted: the link broke")
        yield from self.lines


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_run_module, "AGAIN_S", 0.01)
    path = tmp_path / "staged.npz"
    path.write_bytes(b"data")
    return path


REQUEST = ClusterRequest(
    header=HEADER, cluster="lab", workload=toy_workload.NAME, data_file="data.npz"
)


def follow(cluster, data, folder, continued=None, request=REQUEST):
    """Follow a cluster to its end; return (the share, what was shown, the journal as read)."""
    path, stream = folder / "run-1.jsonl", io.StringIO()
    journal = Journal(path)
    if continued is None:
        journal.create(HEADER)
    announcer = Announcer(journal, HEADER, Progress(stream, toy_workload.WORKLOAD))
    share = ClusterRun(cluster, request, announcer, workload=toy_workload.NAME, data=data)
    share.begin(continued)
    assert share.wait(30)
    return share, stream.getvalue(), read_run(path)


def cut_off(folder, *entries):
    """Return the run of a journal that was cut off after the share was begun and `entries`."""
    journal = Journal(folder / "run-1.jsonl")
    journal.create(HEADER)
    begun = ClusterEntry(run_id="run-1", cluster="lab", job=job_id_of("run-1"), at="2026-11-01")
    for entry in (begun, *entries):
        journal.append(entry)
    return read_run(journal.path)


def test_the_job_is_sent_once_with_code_data_and_request_under_the_run_s_own_id(data, tmp_path):
    cluster = FakeCluster(ALL)
    follow(cluster, data, tmp_path)
    ((job, names, has_code, request, entrypoint),) = cluster.submitted
    assert job == job_id_of("run-1")
    assert names == ["code", "data.npz", "request.json"]
    assert has_code
    assert request == REQUEST
    assert request.jobs == tuple(JOBS)
    assert "bench.dispatch.head" in entrypoint


def test_records_come_into_this_run_s_journal_and_are_shown_with_their_host(data, tmp_path):
    share, shown, run = follow(FakeCluster(ALL), data, tmp_path)
    assert share.outcome == DONE
    assert [record.job_id for record in run.records] == [job.job_id for job in JOBS]
    assert [entry.label for entry in run.machines] == ["rack"]
    assert [entry.outcome for entry in run.clusters] == [None, "done"]
    assert f"[2/2] rack: {JOBS[1].job_id}" in shown


@pytest.mark.parametrize("cuts", [[0], [1, 3], [4, 4, 5], [6]])
def test_a_link_that_breaks_anywhere_costs_no_record_and_doubles_none(data, tmp_path, cuts):
    cluster = FakeCluster(ALL, visits=cuts)
    share, _, run = follow(cluster, data, tmp_path)
    assert share.outcome == DONE
    assert [record.job_id for record in run.records] == [job.job_id for job in JOBS]
    assert len(run.machines) == 1
    assert len(cluster.submitted) == 1


def test_a_run_that_was_killed_takes_the_job_up_again_and_records_each_job_once(data, tmp_path):
    continued = cut_off(tmp_path, RACK, RECORDS[0])
    cluster = FakeCluster(ALL)
    cluster.known.add(job_id_of("run-1"))
    _, shown, run = follow(cluster, data, tmp_path, continued)
    assert cluster.submitted == []
    assert [record.job_id for record in run.records] == [job.job_id for job in JOBS]
    assert [entry.outcome for entry in run.clusters] == [None, "done"]
    assert f"[2/2] rack: {JOBS[1].job_id}" in shown
    assert run.own is None  # the laptop's own jobs are not in this test


def test_a_cluster_that_was_taken_down_meanwhile_ends_the_share_with_that_reason(data, tmp_path):
    continued = cut_off(tmp_path, RACK)
    cluster = FakeCluster(ALL)
    share, _, run = follow(cluster, data, tmp_path, continued)
    assert share.outcome.ending is Ending.GONE
    assert "taken down" in run.clusters[-1].outcome
    assert cluster.submitted == []
    assert run.open_cluster is None


def test_a_head_that_cannot_be_reached_at_first_is_tried_again(data, tmp_path):
    share, _, run = follow(FakeCluster(ALL, refuse=2), data, tmp_path)
    assert share.outcome == DONE
    assert len(run.records) == 2


def test_a_head_that_is_never_reached_is_an_error_and_the_share_stays_open(data, tmp_path):
    share, _, run = follow(FakeCluster(ALL, refuse=1000), data, tmp_path)
    assert "no link" in str(share.error)
    assert run.open_cluster is not None


FIRST = line_of(RACK)
GOOD = json.loads(FIRST.removeprefix(MARK))["line"]


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (said(line={"job_id": "from a newer version"}), "not the record of a job"),
        (said(line={"entry": "record", "\x1b[2J\n": 1}), "not the record of a job"),
        (said(line=None), "its line: it is not a JSON object"),
        (said(line=[1]), "not a JSON object"),
        (said(line={**GOOD, "entry": "cluster"}), "not the line of a cluster"),
        (said(line={**GOOD, "run_id": "run-2"}), "of another run"),
        (said(line=HEADER.model_dump(mode="json")), "does not write the header of a run"),
        (said(event=None), "its event: "),
        (said(event={"kind": "ended"}), "kind"),
        (said(event={"kind": "started", "job_id": ["x"], "host": "rack"}), "job_id"),
        (said(event={"kind": "started", "job_id": "x", "host": "rack", "more": 1}), "more"),
        (said(end="done"), "its end: "),
        (said(end={"ending": "well"}), "ending"),
        (said(news=1), "neither a line nor an event nor an end"),
        (MARK + "[]", "not a JSON object"),
        (MARK + "{" * 5000, "line 1"),
        (MARK, "EOF"),
    ],
    ids=lambda value: value[:40],
)
def test_a_line_that_is_not_understood_is_an_error_with_its_place_and_leaves_the_share_open(
    data, tmp_path, told, seen
):
    share, _, run = follow(FakeCluster([FIRST, told, ALL[-1]]), data, tmp_path)
    error = str(share.error)
    assert isinstance(share.error, DispatchError)
    assert "the cluster lab" in error and "line 2: " in error and seen in error
    assert "Next: give the same command" in error
    assert printable(error) == error and len(error) < 1000
    assert run.open_cluster is not None
    assert len(run.machines) == 1, "what came before it is kept"


def test_a_driver_that_died_without_a_last_word_is_told_by_ray_s(data, tmp_path):
    class Dead(FakeCluster):
        def state(self, job):
            return ("FAILED", "driver was killed") if job in self.known else None

    share, _, run = follow(Dead(ALL[:2]), data, tmp_path)
    assert share.outcome == Outcome(ending=Ending.FAILED, reason="driver was killed")
    assert run.clusters[-1].outcome == "failed: driver was killed"


def test_a_job_that_a_host_runs_twice_keeps_both_records_and_counts_once(data, tmp_path):
    again = a_record(JOBS[0], MEASURED, label="rack", attempt=2)
    head = FakeCluster([*ALL[:-1], STARTED, line_of(again), ALL[-1]])
    _, shown, run = follow(head, data, tmp_path)
    assert [(record.job, record.attempt) for record in run.records] == [
        (JOBS[0], 1),
        (JOBS[1], 1),
        (JOBS[0], 2),
    ]
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("[")] == [
        "[1/2]",
        "[2/2]",
        "[2/2]",
    ]


LOST = a_record(JOBS[1], Failure(reason="host lost", message="planted"), label="rack", attempt=3)


def test_a_share_that_is_begun_again_does_what_is_due_and_counts_attempts_on(data, tmp_path):
    ended = ClusterEntry(
        run_id="run-1", cluster="lab", job=job_id_of("run-1"), at="2026-11-01", outcome="done"
    )
    away = MachineEntry(run_id="run-1", label="shelf", reason="planted")
    continued = cut_off(tmp_path, RACK, RECORDS[0], LOST, away, ended)
    before = before_of(continued)
    assert before == {
        "rack": Before(done=(JOBS[0].job_id,), attempts={JOBS[0].job_id: 1, JOBS[1].job_id: 3})
    }
    again = a_record(JOBS[1], MEASURED, label="rack", attempt=4)
    shelf = RACK.model_copy(update={"label": "shelf", "jobs": ()})
    cluster = FakeCluster([line_of(RACK), line_of(shelf), line_of(again), ALL[-1]], visits=[1])
    cluster.known.add(job_id_of("run-1"))
    request = REQUEST.model_copy(update={"before": before})
    share, shown, run = follow(cluster, data, tmp_path, continued, request)
    assert share.outcome == DONE
    ((job, *_, sent, _),) = cluster.submitted
    assert (job, sent) == (job_id_of("run-1", 2), request)
    assert [(record.job_id, record.attempt) for record in run.records] == [
        (JOBS[0].job_id, 1),
        (JOBS[1].job_id, 3),
        (JOBS[1].job_id, 4),
    ]
    assert [entry.label for entry in run.machines] == ["rack", "shelf"]
    assert run.unavailable == ()
    assert f"[2/2] rack: {JOBS[1].job_id}" in shown
    assert not run.is_cluster_due


def test_a_share_that_was_begun_again_and_cut_off_is_followed_under_its_own_id(data, tmp_path):
    first, second = (job_id_of("run-1", number) for number in (1, 2))
    ended = ClusterEntry(run_id="run-1", cluster="lab", job=first, at="2026-11-01", outcome="done")
    begun = ClusterEntry(run_id="run-1", cluster="lab", job=second, at="2026-11-02")
    continued = cut_off(tmp_path, RACK, RECORDS[0], LOST, ended, begun)
    again = a_record(JOBS[1], MEASURED, label="rack", attempt=4)
    cluster = FakeCluster([line_of(RACK), line_of(again), ALL[-1]])
    cluster.known.add(second)
    _, _, run = follow(cluster, data, tmp_path, continued)
    assert cluster.submitted == []
    assert [record.attempt for record in run.records] == [1, 3, 4]
    assert [entry.job for entry in run.clusters] == [first, first, second, second]


def test_a_host_with_the_label_of_the_laptop_is_shown_as_a_host(data, tmp_path):
    entry = RACK.model_copy(update={"label": HEADER.label})
    record = RECORDS[0].model_copy(update={"label": HEADER.label})
    _, shown, _ = follow(FakeCluster([line_of(entry), line_of(record), ALL[-1]]), data, tmp_path)
    assert f"[1/2] {HEADER.label}: {JOBS[0].job_id}" in shown


def test_a_workload_in_a_file_is_shipped_beside_the_request_and_named_relative_to_it(tmp_path):
    file = tmp_path / "mine" / "toys.py"
    file.parent.mkdir()
    file.write_text("from toy_workload import WORKLOAD\n")
    request = REQUEST.model_copy(
        update={
            "data_file": None,
            "workload": "workload/toys.py",
            "workload_file": "code/workload/toys.py",
        }
    )
    root = tmp_path / "ship"
    root.mkdir()
    ship(request, str(file), None, root)
    assert (root / request.workload_file).read_text() == file.read_text()
    assert sorted(path.name for path in root.iterdir()) == ["code", "request.json"]
    # the nodes work in the code's folder, where the reference is valid
    assert (root / "code" / workload_file(request.workload).relative_to(Path.cwd())).exists()
