"""A journal of an older version reads, and the report says why its machine is not pooled."""

from __future__ import annotations

from builders import a_job, facts, steady_run

from bench.analysis.machines import unlike_machines
from bench.analysis.results import analyse
from bench.record.facts import MachineFacts
from bench.report.words import notes
from mnist_bench.description import DESCRIPTION


def test_a_machine_of_an_older_journal_keeps_its_name_and_the_note_says_why_it_is_apart():
    older = facts().model_dump(mode="json")
    del older["id_version"]  # as journals were before ids had a version
    runs = [
        steady_run("desk", 0.01, jobs=[a_job()], machine=MachineFacts.model_validate(older)),
        steady_run(
            "desk",
            0.01,
            jobs=[a_job(seed=2)],
            machine=facts(machine_id="b" * 16, id_version=2),
            run_id="later",
        ),
    ]
    found = analyse(runs, DESCRIPTION.outline).machines
    assert [machine.name for machine in found] == ["desk", "desk [2]"]
    assert notes.unlike_machines(*unlike_machines(found)) == (
        "desk and desk [2] have the same label but are not pooled: "
        "versions 1 and 2 of the rules made their ids."
    )
