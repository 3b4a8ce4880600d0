"""The compute-capacity annex: all tables and the verdict from the journals of some runs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.compare import code_notes, repeat_notes
from bench.machines import version_notes
from bench.report.tables import Report
from bench.store import Run
from mnist_bench.annex.accuracy import accuracy_table
from mnist_bench.annex.base import Evidence, gather
from mnist_bench.annex.capacity import capacity_table, comparison_table
from mnist_bench.annex.conditions import conditions_table
from mnist_bench.annex.cost import cost_table
from mnist_bench.annex.limits import group_limits, limits_table
from mnist_bench.annex.machines import machines_table
from mnist_bench.annex.published import published
from mnist_bench.annex.tables import epochs_table, failures_table, memory_table, reproduce_table
from mnist_bench.annex.verdict import verdict

TITLE = "Compute-capacity annex: MNIST training"


def build_report(runs: Sequence[Run], commands: Sequence[str] = ()) -> Report:
    """Return the annex of `runs`; `commands` are those that made this report, if not the runs'.

    Works for no run, for runs without a measurement, and for runs of unlike machines and datasets.
    """
    document, evidence = published(), gather(runs)
    limits = group_limits(evidence)
    capacity = capacity_table(evidence, document, limits)
    comparison = comparison_table(evidence, _sameness(evidence))
    return Report(
        title=TITLE,
        verdict=verdict(evidence, capacity.rows),
        tables=(
            *((comparison, capacity) if evidence.pairs else (capacity, comparison)),
            limits_table(evidence, limits),
            machines_table(evidence, document),
            accuracy_table(evidence, document),
            memory_table(evidence),
            conditions_table(evidence),
            cost_table(evidence),
            failures_table(evidence),
            reproduce_table(evidence, commands),
            epochs_table(evidence, document),
        ),
        notes=(f"2020 figures: {document['source']}. {document['note']}",),
    )


def _sameness(evidence: Evidence) -> tuple[str, ...]:
    """Return what is known of equal results: repeats, code, and datasets that must not meet."""
    names = evidence.names
    digests = evidence.jobs.groupby("dataset")["data_digest"].nunique()
    unlike = tuple(
        f"The runs hold {count} unlike sets of {dataset} data; their jobs are kept apart."
        for dataset, count in digests.items()
        if count > 1
    )
    sets = sorted(evidence.jobs["dataset"].unique())
    if len(sets) > 1:
        unlike += (f"Runs on different datasets ({', '.join(sets)}) are not compared.",)
    return (
        *version_notes(evidence.machines),
        *repeat_notes(evidence.jobs, names),
        *code_notes(evidence.jobs, names),
        *unlike,
    )
