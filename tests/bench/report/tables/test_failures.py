"""The table of failures: each failure once, with its machines, and what happens to its job next."""

from __future__ import annotations

from builders import a_job, a_record, a_run
from reporting import report_of, table

from bench.record.failure import Failure

MISSING = Failure(reason="backend missing", message="No module named 'x'")
WRONG = Failure(reason="diverged", message="the training diverged")


def failed(label, *failures):
    """Return a run of one machine whose jobs end in `failures`."""
    records = [
        a_record(a_job(seed=seed), failure, label=label) for seed, failure in enumerate(failures)
    ]
    return a_run(records, label=label)


def test_the_same_failure_on_several_machines_is_told_once_with_their_list():
    runs = [failed("desk", MISSING, WRONG), failed("rack", MISSING), failed("vm", MISSING)]
    failures = table(report_of(runs), "failures")
    shown = [(row["label"], row["reason"]) for row in failures.shown]
    assert shown == [("desk, rack, vm", "backend missing"), ("desk", "diverged")]
    assert len(failures.rows) == 4


def test_memory_that_was_used_up_is_one_failure_whatever_its_figures():
    def used_up(held, kind=None):
        message = f"it was ended when it held {held} MiB"
        return Failure(reason="out of memory", message=message, exception=kind)

    runs = [
        failed("desk", used_up(300)),
        failed("rack", used_up(512)),
        failed("vm", used_up(700, "MemoryError")),
    ]
    shown = [(row["label"], row["message"]) for row in table(report_of(runs), "failures").shown]
    assert shown == [
        ("desk, rack", "it was ended when it held 300 MiB"),
        ("vm", "it was ended when it held 700 MiB"),
    ]


def test_a_note_for_each_reason_says_whether_its_jobs_are_tried_again():
    notes = table(report_of([failed("desk", MISSING, WRONG)]), "failures").notes
    missing = next(note for note in notes if "'backend missing'" in note)
    wrong = next(note for note in notes if "'diverged'" in note)
    assert "install the package that the message names. The same command tries" in missing
    assert wrong.endswith("Such a job is not tried again.")
