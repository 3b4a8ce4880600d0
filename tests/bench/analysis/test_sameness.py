"""Whether machines did the same work: repeats, code, versions and data."""

from __future__ import annotations

from builders import a_job, a_measurement, a_record, a_run, digest, facts

from bench.analysis.results import analyse
from bench.analysis.sameness import Sameness
from bench.report.words import notes
from mnist_bench.description import DESCRIPTION

STEPS = [[1.0, 0.1], [0.1, 0.1]]


def same(*runs):
    return analyse(runs, DESCRIPTION.outline).sameness


def a_sameness(found):
    return Sameness(versions=(), repeats=(found,), code=(), unlike_data={}, datasets=())


def repeats(*weights):
    records = []
    for number, name in enumerate(weights):
        measured = a_measurement(STEPS)
        (evaluation,) = measured.evaluations
        told = None if name is None else digest(name)
        evaluation = evaluation.model_copy(update={"weights_digest": told})
        measured = measured.model_copy(update={"evaluations": (evaluation,)})
        records.append(a_record(a_job(repeat=number), measured))
    (found,) = same(a_run(records)).repeats
    return found


def test_a_repeat_with_other_final_weights_is_named():
    found = repeats("one", "two")
    assert (found.tested, found.unlike) == (1, (a_job().job_id,))


def test_identical_repeats_are_counted():
    assert (repeats("one", "one").tested, repeats("one", "one").unlike) == (1, ())


def test_without_repeats_or_digests_nothing_was_tested():
    assert (repeats("one").repeated, repeats("one").tested) == (0, 0)
    assert (repeats(None, None).repeated, repeats(None, None).tested) == (1, 0)


def test_the_report_says_why_repetition_was_not_tested():
    (single,) = notes.sameness(a_sameness(repeats("one")))
    assert single.startswith("No job was repeated on")
    (silent,) = notes.sameness(a_sameness(repeats(None, None)))
    assert "state no digest of their final weights" in silent


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
