"""The journal: nothing measured is lost, what is damaged is named, what is wrong is refused."""

from __future__ import annotations

import numpy as np
import pytest
from builders import a_job, a_measurement, a_record, a_run, facts
from pydantic import ValidationError
from sealing import documents, write_documents

from bench.errors import OutputError, StoreError
from bench.record.failure import Failure
from bench.record.folder import unfinished
from bench.record.journal import Journal, find_journals, read_run
from bench.record.lines import SCHEMA_VERSION, ClusterEntry, MachineEntry, ReportEntry
from bench.record.measurement import PackedTimes
from bench.record.run import merged

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
RECORDS = [a_record(job, a_measurement([[0.5, 0.25], [0.25, 0.25]])) for job in JOBS]


def written(path, records=RECORDS, **header):
    """Write a journal of three planned jobs and return it."""
    journal = Journal(path)
    run = a_run([], planned=JOBS, **header)
    journal.create(run.header)
    journal.append(run.machines[0])
    for record in records:
        journal.append(record)
    return journal


def test_what_is_appended_is_read_back_in_order(tmp_path):
    journal = written(tmp_path / "new" / "run.jsonl")
    run = read_run(journal.path)
    assert run.header == a_run([], planned=JOBS).header
    assert run.records == tuple(RECORDS)
    assert run.warnings == ()
    assert run.own.missing == ()
    assert run.measured == run.records


def test_a_journal_of_a_time_without_limits_is_read_whatever_its_jobs_asked_for(tmp_path):
    job = a_job(seed=20261126143000, epochs=200_000, threads=200_000)
    record = a_record(job, a_measurement([[0.5, 0.25], [0.25, 0.25]]))
    journal = Journal(tmp_path / "run.jsonl")
    journal.create(a_run([], planned=[job]).header)
    journal.append(record)
    run = read_run(journal.path)
    assert (run.records, run.warnings) == ((record,), ())


def test_a_run_knows_its_missing_jobs_in_grid_order(tmp_path):
    run = read_run(written(tmp_path / "run.jsonl", RECORDS[1:2]).path)
    assert run.own.missing == (JOBS[0].job_id, JOBS[2].job_id)
    assert run.own.done == {JOBS[1].job_id}


def test_a_failure_that_its_seed_decides_counts_as_done_and_not_as_measured(tmp_path):
    failed = a_record(JOBS[0], Failure(reason="diverged", message="weights"))
    run = read_run(written(tmp_path / "run.jsonl", [failed]).path)
    assert run.own.done == {JOBS[0].job_id}
    assert run.measured == ()


def test_a_line_is_one_record_whatever_line_ends_its_texts_hold(tmp_path):
    failure = Failure(reason="crash", message="a\nb\r\nc", log_tail="\u2028 \u2029 \x85 \x0b \x1c")
    journal = written(tmp_path / "run.jsonl", [a_record(JOBS[0], failure), RECORDS[1]])
    run = read_run(journal.path)
    assert run.warnings == ()
    assert run.records[0].failure == failure
    assert run.records[1] == RECORDS[1]


def test_a_torn_last_line_is_moved_aside_and_nothing_before_it_is_lost(tmp_path):
    journal = written(tmp_path / "run.jsonl")
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-40])
    torn = read_run(journal.path)
    assert len(torn.records) == 2
    assert "run.jsonl, line 6 is only half there: a run is writing it" in torn.warnings[0]
    aside = journal.mend()
    lines = whole.splitlines(keepends=True)
    assert aside.read_bytes() == lines[5][:-40]
    assert journal.path.read_bytes() == b"".join(lines[:5])
    journal = Journal(journal.path)
    journal.append(RECORDS[2])
    assert journal.path.read_bytes() == whole
    assert find_journals(tmp_path) == [journal.path]


def test_a_last_line_that_lacks_its_end_alone_is_kept(tmp_path):
    journal = written(tmp_path / "run.jsonl", RECORDS[:2])
    journal.path.write_bytes(journal.path.read_bytes().removesuffix(b"\n"))
    assert read_run(journal.path).records == tuple(RECORDS[:2])
    assert journal.mend() is None
    journal.append(RECORDS[2])
    run = read_run(journal.path)
    assert (run.records, run.warnings) == (tuple(RECORDS), ())


def test_a_sound_journal_needs_no_mending(tmp_path):
    journal = written(tmp_path / "run.jsonl")
    before = journal.path.read_bytes()
    assert journal.mend() is None
    assert journal.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [journal.path]


#: A record whose packed step times have one character wrong.
TORN_TIMES = RECORDS[1].model_dump_json().replace('"data":"e', '"data":"f').encode()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{}", b"\xff\x00", b'{"schema_version": 1}', b"[1]", b"[" * 100_000, TORN_TIMES],
    ids=["empty", "empty object", "bytes", "no record", "a list", "deep", "torn times"],
)
def test_a_damaged_line_in_the_middle_is_skipped_and_named(tmp_path, damage):
    journal = written(tmp_path / "run.jsonl")
    lines = journal.path.read_bytes().split(b"\n")
    lines[4] = damage
    journal.path.write_bytes(b"\n".join(lines))
    run = read_run(journal.path)
    assert run.records == (RECORDS[0], RECORDS[2])
    assert len(run.warnings) == 1
    assert "run.jsonl, line 5" in run.warnings[0]
    assert run.own.missing == (JOBS[1].job_id,)


def test_a_journal_of_a_newer_schema_is_refused_with_the_version_seen(tmp_path):
    journal = written(tmp_path / "run.jsonl")
    lines = documents(journal.path)
    for line in lines:
        line |= {"schema_version": SCHEMA_VERSION + 1, "news": 1}
    write_documents(journal.path, lines)
    with pytest.raises(StoreError) as caught:
        read_run(journal.path)
    assert f"(seen: {SCHEMA_VERSION + 1})" in str(caught.value)
    assert "update this program" in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n", "nonsense\n", "{}\n"])
def test_a_file_without_a_header_is_no_journal(tmp_path, content):
    path = tmp_path / "run.jsonl"
    path.write_text(content)
    with pytest.raises(StoreError, match="line 1"):
        read_run(path)


def test_a_journal_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"none\.jsonl"):
        read_run(tmp_path / "none.jsonl")


def test_a_journal_is_never_written_over(tmp_path):
    journal = written(tmp_path / "run.jsonl")
    before = journal.path.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        written(journal.path)
    assert journal.path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_an_error_with_a_next_step(tmp_path):
    """A path below a regular file: no permission stops root, who may run these tests."""
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "run.jsonl")
    with pytest.raises(OutputError, match="--out"):
        journal.create(a_run([]).header)
    with pytest.raises(OutputError, match="cannot write"):
        journal.append(RECORDS[0])


def test_the_newest_run_of_the_same_request_is_continued_if_jobs_are_missing(tmp_path):
    written(tmp_path / "20260101.jsonl", RECORDS[:1], request_digest="mine")
    newest = written(tmp_path / "20260102.jsonl", RECORDS[:2], request_digest="mine")
    written(tmp_path / "20260103.jsonl", RECORDS[:1], request_digest="another's")
    (tmp_path / "20260104.jsonl").write_text("damaged")
    found = unfinished(find_journals(tmp_path), "mine")
    assert found.path == newest.path
    assert found.own.missing == (JOBS[2].job_id,)


def lost_on_the_rack(path):
    """Write a finished run in which a cluster's host lost one of its two jobs."""
    journal = on_two_hosts(path)
    lost = Failure(reason="host lost", message="planted")
    away = a_record(JOBS[1], lost, label="rack", run_id="run-1")
    mine = RECORDS[2]
    for line in (mine, away, a_cluster(outcome="done")):
        journal.append(line)
    journal.append(ReportEntry(run_id="run-1", at="2026-11-01T11:00:00Z"))
    return journal


def test_jobs_that_a_cluster_lost_are_due_once_a_cluster_is_up(tmp_path):
    journal = lost_on_the_rack(tmp_path / "run.jsonl")
    run, digest = read_run(journal.path), read_run(journal.path).header.request_digest
    assert run.finished
    assert run.is_cluster_due
    assert [share.due for share in run.shares] == [(), (JOBS[1].job_id,)]
    assert unfinished([journal.path], digest) is None
    assert unfinished([journal.path], digest, with_cluster=True).path == journal.path
    journal.append(a_cluster(job="b-1-2"))
    assert not read_run(journal.path).is_cluster_due, "the share is open"
    journal.append(RECORDS[1].model_copy(update={"label": "rack", "attempt": 2}))
    journal.append(a_cluster(job="b-1-2", outcome="done"))
    assert unfinished([journal.path], digest, with_cluster=True).path == journal.path
    journal.append(ReportEntry(run_id="run-1", at="2026-11-01T12:00:00Z"))
    assert unfinished([journal.path], digest, with_cluster=True) is None


def test_a_machine_that_was_unavailable_counts_no_more_once_the_share_was_begun_again(tmp_path):
    journal = lost_on_the_rack(tmp_path / "run.jsonl")
    assert [entry.label for entry in read_run(journal.path).unavailable] == ["gpu"]
    journal.append(a_cluster(job="b-1-2"))
    assert read_run(journal.path).unavailable == ()
    journal.append(MachineEntry(run_id="run-1", label="gpu", reason="no capacity again"))
    again = read_run(journal.path)
    assert [entry.reason for entry in again.unavailable] == ["no capacity again"]
    assert [share.label for share in again.shares] == ["lab", "rack"]


def test_no_run_is_continued_behind_a_complete_one(tmp_path):
    written(tmp_path / "20260101.jsonl", RECORDS[:1], request_digest="mine")
    complete = written(tmp_path / "20260102.jsonl", RECORDS, request_digest="mine")
    complete.append(ReportEntry(run_id="run-1", at="2026-11-01T11:00:00Z"))
    assert unfinished(find_journals(tmp_path), "mine") is None
    assert unfinished(find_journals(tmp_path), "another's") is None
    assert unfinished([], "mine") is None


def test_another_label_names_the_whole_run(tmp_path):
    run = read_run(written(tmp_path / "run.jsonl").path).relabelled("box")
    assert {run.header.label, run.own.label, *(record.label for record in run.records)} == {"box"}


def test_packed_times_come_back_to_float32(tmp_path):
    times_s = np.random.default_rng(7).lognormal(-6, 1, 1000)
    packed = PackedTimes.pack(times_s)
    again = PackedTimes.model_validate_json(packed.model_dump_json()).unpack()
    assert packed.count == 1000
    np.testing.assert_array_equal(again, times_s.astype(np.float32).astype(float))
    assert PackedTimes.pack([]).unpack().size == 0


@pytest.mark.parametrize("count", [2, 4, -1])
def test_packed_times_of_another_number_are_refused(count):
    good = PackedTimes.pack([1.0, 2.0, 3.0])
    with pytest.raises(ValidationError, match="count"):
        PackedTimes(count=count, data=good.data)


def test_a_record_holds_a_measurement_or_a_failure_and_never_both_or_none():
    both = RECORDS[0].model_dump() | {"failure": {"reason": "crash", "message": "x"}}
    for document in (both, both | {"measurement": None, "failure": None}):
        with pytest.raises(ValidationError, match="either a measurement or a failure"):
            type(RECORDS[0]).model_validate(document)


def a_cluster(**changes):
    """Return the line of a cluster's share that has begun."""
    fields = {"run_id": "run-1", "cluster": "lab", "job": "b-1", "at": "2026-11-01T10:00:00Z"}
    return ClusterEntry(**{**fields, **changes})


def on_two_hosts(path):
    """Write a journal of this machine and of a cluster's two hosts; one was unavailable."""
    journal = written(path, RECORDS[:2])
    entry = {"run_id": "run-1", "machine": facts(machine_id="r" * 16), "host_type": "arm"}
    ids = tuple(job.job_id for job in JOBS[1:])
    for label, fields in (("rack", {**entry, "jobs": ids}), ("gpu", {"reason": "no capacity"})):
        journal.append(MachineEntry(**{"run_id": "run-1", "label": label, **fields}))
    journal.append(a_cluster())
    journal.append(RECORDS[2].model_copy(update={"label": "rack"}))
    return journal


def test_a_journal_of_several_machines_is_read_machine_by_machine(tmp_path):
    run = read_run(on_two_hosts(tmp_path / "run.jsonl").path)
    own, rack = run.shares
    assert (own.label, own.missing) == ("lab", (JOBS[2].job_id,))
    assert (rack.label, rack.missing) == ("rack", (JOBS[1].job_id,))
    assert rack.facts.machine_id == "r" * 16
    assert [entry.label for entry in run.unavailable] == ["gpu"]
    assert run.warnings == ()


def test_each_machine_of_a_journal_counts_once_however_often_the_journal_is_given(tmp_path):
    run = read_run(on_two_hosts(tmp_path / "run.jsonl").path)
    once, twice = merged([run]), merged([run, run])
    assert [share.label for share in twice] == ["lab", "rack"]
    assert [share.records for share in twice] == [share.records for share in once]


def test_a_run_is_complete_only_when_the_cluster_s_share_has_ended_too(tmp_path):
    path = tmp_path / "run.jsonl"
    journal = written(path)
    assert read_run(path).complete
    journal.append(a_cluster())
    assert not read_run(path).complete
    assert read_run(path).open_cluster == a_cluster()
    journal.append(a_cluster(outcome="done"))
    assert read_run(path).complete


def test_another_name_for_the_machine_leaves_the_cluster_s_hosts_their_own(tmp_path):
    run = read_run(on_two_hosts(tmp_path / "run.jsonl").path).relabelled("desk")
    assert {record.label for record in run.records} == {"desk", "rack"}
    assert [share.label for share in run.shares] == ["desk", "rack"]


def test_a_machine_entry_holds_facts_or_a_reason():
    with pytest.raises(ValidationError):
        MachineEntry(run_id="run-1", label="rack")


def test_a_run_without_a_line_of_any_machine_is_not_complete(tmp_path):
    path = tmp_path / "run.jsonl"
    Journal(path).create(a_run([], planned=JOBS).header)
    assert not read_run(path).complete


def test_the_last_line_of_a_machine_counts(tmp_path):
    journal = written(tmp_path / "run.jsonl")
    entry = read_run(journal.path).machines[0]
    journal.append(entry.model_copy(update={"jobs": (JOBS[0].job_id,)}))
    (share,) = read_run(journal.path).shares
    assert share.jobs == (JOBS[0],)


def test_a_lost_job_is_still_to_run_where_the_command_was_typed_and_nowhere_else(tmp_path):
    lost = Failure(reason="lost", message="the worker was killed")
    journal = written(tmp_path / "run.jsonl", [a_record(JOBS[0], lost), *RECORDS[1:]])
    share = read_run(journal.path).own
    assert share.missing == (JOBS[0].job_id,)
    assert share.unrecorded == ()
    journal.append(share.entry.model_copy(update={"own": False}))
    assert read_run(journal.path).shares[0].missing == ()
