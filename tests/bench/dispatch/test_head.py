"""The driver on a cluster's head: what it tells, and that it tells no host's name unless asked."""

from __future__ import annotations

import json

import pytest
from builders import a_job, a_measurement, a_record, a_run, conditions

from bench.dispatch import head as head_module
from bench.dispatch.cluster_request import Before, ClusterRequest, WantedType
from bench.dispatch.events import Event
from bench.dispatch.head import HeadDriver, label_of
from bench.dispatch.head_lines import MARK, read_told
from bench.dispatch.outcome import DONE, Ending, Outcome
from bench.dispatch.simulated import SimulatedHosts
from bench.dispatch.transport import Host
from bench.errors import DispatchError
from bench.record.failure import Failure
from bench.record.journal import parse_line, read_run
from bench.spec.privacy import Privacy, name_hash

NAME = "ip-10-0-0-5.ec2.internal"
HASH = name_hash(NAME)
SHOWN = Privacy(show_hostnames=True)
HOST = Host(NAME, "node-1", "cpu")
JOB = a_job()


@pytest.mark.parametrize(
    ("type_", "shown", "label"),
    [
        ("cpu", False, f"cpu {HASH}"),
        ("", False, f"host {HASH}"),
        ("cpu", True, f"cpu {NAME}"),
        ("", True, NAME),
    ],
)
def test_a_host_is_labelled_by_its_hash_unless_names_were_asked_for(type_, shown, label):
    assert label_of(Host(NAME, "node-1", type_), Privacy(show_hostnames=shown)) == label


def a_request(**changes):
    return ClusterRequest(
        header=a_run([], planned=[JOB], run_id="run-1").header,
        cluster="lab",
        workload="w:W",
        data_file="data",
        **changes,
    )


def outcome(launch):
    """The record of a simulated job, as text."""
    measured = a_measurement([[0.5, 0.25], [0.25, 0.25]])
    record = a_record(launch.job, measured, label=launch.label, attempt=launch.attempt)
    return record.model_dump_json()


def test_the_driver_tells_every_line_of_its_journal_and_nothing_else_but_events(tmp_path):
    said = []
    simulated = SimulatedHosts([HOST], [JOB], lambda name, launch: 0.0, outcome)
    stopped = HeadDriver(a_request(), said.append).run(simulated, tmp_path)
    assert stopped == DONE
    told = [json.loads(text.removeprefix(MARK)) for text in said]
    assert [list(item) for item in told] == [["line"], ["event"], ["line"]]
    machine, started, record = (read_told(text.removeprefix(MARK), "run-1") for text in said)
    run = read_run(tmp_path / "run-1.jsonl")
    assert run.header == a_request().header
    assert (machine, record) == (run.machines[0], run.records[0])
    assert started == Event("started", JOB.job_id, host=f"cpu {HASH}")
    assert run.complete
    assert run.own is None


def test_a_share_that_is_begun_again_runs_the_jobs_that_are_left_and_goes_on_with_its_journal(
    tmp_path,
):
    jobs = [JOB, a_job(seed=2)]
    header = a_run([], planned=jobs, run_id="run-1").header
    request = a_request().model_copy(update={"header": header})
    lost = Failure(reason="host lost", message="planted")

    def one_lost(launch):
        found = lost if launch.job == jobs[1] else a_measurement([[0.5, 0.25]] * 2)
        return a_record(launch.job, found, label=launch.label).model_dump_json()

    simulated = SimulatedHosts([HOST], jobs, lambda name, launch: 0.0, one_lost)
    HeadDriver(request, lambda line: None).run(simulated, tmp_path)
    before = Before(done=(JOB.job_id,), attempts={JOB.job_id: 1, jobs[1].job_id: 3})
    request = request.model_copy(update={"before": {f"cpu {HASH}": before}})
    simulated = SimulatedHosts([HOST], jobs, lambda name, launch: 0.0, outcome)
    assert HeadDriver(request, lambda line: None).run(simulated, tmp_path) == DONE
    run = read_run(tmp_path / "run-1.jsonl")
    assert run.warnings == ()
    assert [(record.job, record.attempt) for record in run.measured] == [(JOB, 1), (jobs[1], 4)]
    assert len(run.records) == 3


def test_ceilings_are_lines_of_the_journal_and_a_share_that_begins_again_has_them(tmp_path):
    bare = a_job(backend="jax")
    failed = Failure(reason="crash", message=f"planted on {NAME}")

    def some_fail(launch):
        if launch.only_ceilings:
            return launch.record(
                machine=launch.machine, started_at="", failure=failed
            ).model_dump_json()
        return outcome(launch)

    said = []
    simulated = SimulatedHosts(
        [HOST], [JOB], lambda name, launch: 0.0, some_fail, ceiling_jobs=[bare]
    )
    assert HeadDriver(a_request(), said.append).run(simulated, tmp_path) == DONE
    run = read_run(tmp_path / "run-1.jsonl")
    assert (run.complete, run.warnings) == (True, ())
    assert run.machines[0].ceiling_jobs == (bare,)
    assert [record.job for record in run.records] == [JOB]
    (record,) = run.ceiling_records
    assert (record.job, record.only_ceilings) == (bare, True)
    assert record.failure.message == f"planted on host-{HASH}"
    assert read_told(said[-1].removeprefix(MARK), "run-1") == record
    before = {f"cpu {HASH}": Before(done=(JOB.job_id, bare.job_id))}
    request = a_request().model_copy(update={"before": before})
    again = SimulatedHosts([HOST], [JOB], lambda name, launch: 0.0, outcome, ceiling_jobs=[bare])
    HeadDriver(request, said.append).run(again, tmp_path / "again")
    assert again.log == []


@pytest.mark.parametrize("wanted", [True, False])
def test_a_host_s_first_job_of_each_kind_measures_ceilings_if_they_are_wanted(tmp_path, wanted):
    given = []

    def noted(launch):
        given.append(launch.measure_ceilings)
        return outcome(launch)

    simulated = SimulatedHosts([HOST], [JOB, a_job(seed=2)], lambda name, launch: 0.0, noted)
    HeadDriver(a_request(ceilings=wanted), lambda line: None).run(simulated, tmp_path)
    assert given == [wanted, False]


def test_a_job_gets_the_threads_that_it_asks_for_or_the_usable_cpus_of_its_host(tmp_path):
    given = []

    def noted(launch):
        given.append((launch.job.threads, launch.threads))
        return outcome(launch)

    jobs = [a_job(threads=1), a_job()]
    header = a_run([], planned=jobs, run_id="run-1").header
    request = a_request().model_copy(update={"header": header})
    simulated = SimulatedHosts([HOST], jobs, lambda name, launch: 0.0, noted)
    HeadDriver(request, lambda text: None).run(simulated, tmp_path)
    assert set(given) == {(1, 1), (None, 2)}, "a simulated host has two usable CPUs"


def test_the_head_repeats_disturbed_jobs_of_every_host_as_the_header_says(tmp_path):
    hosts = [Host(f"host-{number}", f"node-{number}", "cpu") for number in range(2)]

    def disturbed_once(launch):
        record = a_record(launch.job, a_measurement([[0.5, 0.25]] * 2), label=launch.label)
        seen = conditions("quiet" if launch.job.again else "disturbed")
        return record.model_copy(update={"conditions": seen}).model_dump_json()

    for most, jobs in ((2, [JOB, JOB.once_more()]), (0, [JOB])):
        request = a_request()
        header = request.header.model_copy(update={"repeat_disturbed": most})
        request = request.model_copy(update={"header": header})
        simulated = SimulatedHosts(hosts, [JOB], lambda name, launch: 0.0, disturbed_once)
        journals = tmp_path / str(most)
        assert HeadDriver(request, lambda line: None).run(simulated, journals) == DONE
        shares = read_run(journals / "run-1.jsonl").shares
        assert [[r.job for r in share.records] for share in shares] == [jobs, jobs]


def test_a_head_of_a_run_of_minutes_tells_which_jobs_had_no_time(tmp_path):
    """No second is left, so the host runs the shortest job of each kind alone."""
    jobs = [JOB, a_job(epochs=15), a_job(model="mlp"), a_job(model="mlp", epochs=15)]
    header = a_run([], planned=jobs, run_id="run-1", minutes=5.0).header
    estimates = {job.job_id: 10.0 * job.epochs for job in jobs}
    request = a_request(left_s=0.0, estimates_s=estimates)
    request = request.model_copy(update={"header": header})
    said = []
    simulated = SimulatedHosts([HOST], jobs, lambda name, launch: 0.0, outcome)
    assert HeadDriver(request, said.append).run(simulated, tmp_path) == DONE
    run = read_run(tmp_path / "run-1.jsonl")
    assert {record.job_id for record in run.records} == {jobs[0].job_id, jobs[2].job_id}
    assert set(run.shares[0].out_of_time) == {jobs[1].job_id, jobs[3].job_id}
    assert run.complete
    last = json.loads(said[-1].removeprefix(MARK))["line"]
    assert parse_line(last) == run.ends[0]


def test_a_request_is_the_same_after_its_way_as_json():
    request = a_request(types=(WantedType(name="cpu", count=2),), privacy=SHOWN)
    assert ClusterRequest.model_validate_json(request.model_dump_json()) == request


def test_a_cluster_without_a_host_to_measure_is_no_success(tmp_path):
    simulated = SimulatedHosts([], [JOB], lambda name, launch: 0.0, outcome)
    stopped = HeadDriver(a_request(), print).run(simulated, tmp_path)
    assert stopped == Outcome(ending=Ending.STOPPED, reason="there was no host to measure")


class Worst:
    """In place of the scheduler: tells of one host what the real one tells when all goes wrong."""

    hosts = (HOST, Host("10.0.0.9", "node-2", "cpu"))

    def __init__(self, transport, supply, planner, *, limit, **rest):
        self.planner, self.limit, self.stopped = planner, limit, None

    def run(self):
        self.stopped = self.limit(self.hosts)
        words = f"no worker at {NAME} (ip-10-0-0-5, 10.0.0.9): 10 tries"
        failure = Failure(reason="lost", message=words, log_tail=words)
        record = a_record(JOB, failure, label=label_of(HOST, Privacy()))
        unavailable = self.planner.unavailable
        yield Event("record", JOB.job_id, record=record, host=NAME)
        yield Event("machine", host=NAME, machine=unavailable(NAME, words))
        yield Event("machine", host="gpu", machine=unavailable("gpu", "0 of 1 came up"))
        yield Event("started", JOB.job_id, host=NAME)


@pytest.fixture
def run_driver(monkeypatch, tmp_path):
    """Run the driver on a scheduler that tells the worst; return what it said and its journal."""

    def run(**changes):
        monkeypatch.setattr(head_module, "Scheduler", Worst)
        nobody = SimulatedHosts([], [JOB], lambda name, launch: 0.0, outcome)
        said = []
        driver = HeadDriver(a_request(max_usd=1.0, **changes), said.append)
        stopped = driver.run(nobody, tmp_path)
        return "\n".join(said), (tmp_path / "run-1.jsonl").read_text(), stopped.reason

    return run


def test_neither_label_nor_reason_tells_a_host_s_name(run_driver):
    said, journal, stopped = run_driver()
    for text in (said, journal, stopped):
        assert "ip-10-0-0-5" not in text
        assert "10.0.0.9" not in text
    assert f"no worker at host-{HASH} (host-" in journal
    assert ": 10 tries" in journal
    lines = [json.loads(line) for line in journal.splitlines()]
    labels = [line["label"] for line in lines if line["entry"] != "header"]
    assert labels == [f"cpu {HASH}", f"cpu {HASH}", "gpu"]
    assert f'"host": "cpu {HASH}"' in said


def test_a_limit_that_cannot_be_kept_does_not_name_a_host_either(run_driver, monkeypatch):
    monkeypatch.setattr(Worst, "hosts", [Host(NAME, "node-1")])
    _, _, stopped = run_driver()
    assert stopped == f"the price of host-{HASH} is unknown, so the limit in USD cannot be kept"


def test_names_stay_where_they_were_asked_for(run_driver):
    said, journal, _ = run_driver(privacy=SHOWN)
    assert f"no worker at {NAME} (ip-10-0-0-5, 10.0.0.9)" in journal
    assert f'"host": "cpu {NAME}"' in said


@pytest.mark.parametrize(
    "error",
    [
        DispatchError("there is no Ray cluster", seen="bobs-head:6379", next_step="look"),
        ZeroDivisionError("there is no Ray cluster at bobs-head"),
    ],
    ids=["an error that is known", "one that nobody expects"],
)
def test_a_driver_that_fails_tells_its_own_host_s_name_only_if_it_was_asked_for(
    monkeypatch, tmp_path, capsys, error
):
    """The head's name is planted in the error that Ray gives if it cannot be reached."""

    def fail(self, transport, journals):
        raise error

    monkeypatch.setattr("platform.node", lambda: "bobs-head")
    monkeypatch.setattr(HeadDriver, "run", fail)
    for privacy in (Privacy(), SHOWN):
        request = a_request(privacy=privacy)
        (tmp_path / "request.json").write_text(request.model_dump_json())
        assert head_module.main([str(tmp_path / "request.json")]) == 1
        said = capsys.readouterr().out.splitlines()[-1]
        outcome = Outcome.model_validate(json.loads(said.removeprefix(MARK))["end"])
        assert outcome.ending is Ending.FAILED
        assert "there is no Ray cluster" in outcome.words
        assert ("bobs-head" in outcome.words) == privacy.show_hostnames
