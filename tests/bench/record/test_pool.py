"""What the lines of several journals share, and what they do not."""

from __future__ import annotations

import json

from builders import a_job, a_measurement, a_record, a_run, an_evaluation, facts
from sealing import documents, write_documents

from bench.record.journal import Journal, read_run
from bench.record.lines import JobRecord
from bench.record.pool import Pool

TIMES = [[1.0, 0.01], [0.01, 0.01]]


def written(folder, name, machine=None):
    """Write a journal of two jobs and return its path."""
    jobs = [a_job(seed=seed) for seed in (1, 2)]
    records = [a_record(job, a_measurement(TIMES), machine=machine, run_id=name) for job in jobs]
    run = a_run(records)
    journal = Journal(folder / f"{name}.jsonl")
    journal.create(run.header)
    for line in (*run.machines, *run.records):
        journal.append(line)
    return journal.path


def test_equal_facts_and_jobs_of_several_journals_are_one_object(tmp_path):
    pool = Pool()
    one, other = (read_run(written(tmp_path, name), pool) for name in ("one", "other"))
    parts = [part for run in (one, other) for part in (run.machines[0], *run.records)]
    assert len({id(part.machine) for part in parts}) == 1
    assert one.header.jobs[0] is other.header.jobs[0] is one.records[0].job is other.records[0].job
    assert one.records[0].measurement.threads is other.records[1].measurement.threads


def test_equal_confusion_matrices_are_one_object_and_unlike_ones_are_not():
    pool = Pool()
    found = []
    for wrong in (1, 2, 1):
        counts = [[5, 0], [wrong, 5]]
        final = an_evaluation(2, 1.0, confusion={"classes": ["a", "b"], "counts": counts})
        record = a_record(a_job(), a_measurement(TIMES, evaluations=[final]))
        line = pool.filled(json.loads(record.model_dump_json()))
        found.append(JobRecord.model_validate(line).measurement.final.confusion)
    one, two, again = found
    assert again is one
    assert (one.counts[1], two.counts[1]) == ((1, 5), (2, 5))


def test_unlike_facts_remain_apart(tmp_path):
    pool = Pool()
    unlike = facts(usable_cpus=1.0)
    one, other = written(tmp_path, "one"), written(tmp_path, "other", unlike)
    assert read_run(one, pool).records[0].machine == facts()
    assert read_run(other, pool).records[0].machine == unlike


def test_facts_that_change_within_a_journal_are_those_of_their_own_line():
    pool = Pool()
    found = []
    for usable in (1.0, 2.0, 2.0, 1.0):
        record = a_record(a_job(), a_measurement(TIMES), machine=facts(usable_cpus=usable))
        line = pool.filled(json.loads(record.model_dump_json()))
        found.append(JobRecord.model_validate(line).machine)
    assert [one.usable_cpus for one in found] == [1.0, 2.0, 2.0, 1.0]
    assert found[1] is found[2]
    assert found[0] is found[3]


def test_equal_tables_of_versions_are_one_object(tmp_path):
    one, other = read_run(written(tmp_path, "one")).records
    assert one.measurement.versions is other.measurement.versions
    assert one.measurement.versions == a_measurement(TIMES).versions != {}


def test_a_whole_number_is_no_truth_value_and_no_fraction(tmp_path):
    """1, 1.0 and True are equal in Python, but not as values of an axis."""
    pool = Pool()
    specs = [a_job().model_dump(mode="json") for _ in range(3)]
    for spec, value in zip(specs, (1, 1.0, True), strict=True):
        spec["axes"]["batch_size"] = value
    found = pool.filled({"jobs": specs})["jobs"]
    assert [type(job.axes["batch_size"]) for job in found] == [int, float, bool]


def test_a_damaged_part_costs_only_its_line(tmp_path):
    path = written(tmp_path, "one")
    lines = documents(path)
    lines[3]["machine"]["logical_cores"] = "many"
    write_documents(path, lines)
    run = read_run(path)
    assert len(run.records) == 1
    assert "line 4 is not the record of a job" in run.warnings[0]


def test_a_changed_job_has_an_id_of_its_own():
    job = a_job()
    known = job.job_id
    changed = job.model_copy(update={"seed": 77})
    assert changed.job_id != known
    assert changed.job_id == a_job(seed=77).model_copy(update={"name": job.name}).job_id
    assert job.job_id == known
    assert job.once_more().original.job_id == known
