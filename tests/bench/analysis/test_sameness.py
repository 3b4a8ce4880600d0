"""Whether machines did the same work: code, versions and data."""

from __future__ import annotations

from builders import a_job, a_measurement, a_record, a_run, digest, facts

from bench.analysis.results import analyse
from mnist_bench.description import DESCRIPTION

STEPS = [[1.0, 0.1], [0.1, 0.1]]


def same(*runs):
    return analyse(runs, DESCRIPTION.outline).sameness


def test_pooled_records_of_unlike_code_are_named():
    records = [
        a_record(a_job(seed=seed), a_measurement(STEPS, digests={"code": digest(code)}))
        for seed, code in enumerate(("old", "new", "new"))
    ]
    (found,) = same(a_run(records)).code
    assert set(found.digests) == {digest("old"), digest("new")}


def test_a_package_whose_version_differs_between_machines_is_named():
    runs = [
        a_run([a_record(a_job(), a_measurement(STEPS), label=label, machine=machine)])
        for label, machine in (("a", facts()), ("b", facts(python="3.12.1")))
    ]
    (found,) = same(*runs).versions
    assert (found.package, found.machines) == ("Python", {"3.11.7": ("a",), "3.12.1": ("b",)})


def test_unlike_sets_of_one_dataset_and_unlike_datasets_are_told():
    records = [
        a_record(a_job(seed=1), a_measurement(STEPS)),
        a_record(a_job(seed=2), a_measurement(STEPS, digests={"data": digest("other")})),
        a_record(a_job(seed=3, dataset="synthetic"), a_measurement(STEPS)),
    ]
    found = same(a_run(records))
    assert found.unlike_data == {"mnist": 2}
    assert found.datasets == ("mnist", "synthetic")
