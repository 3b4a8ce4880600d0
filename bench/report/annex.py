"""The compute-capacity annex: all tables and the verdict from the journals of some runs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.machines import version_notes
from bench.analysis.pairs import code_notes, repeat_notes
from bench.record.run import Run
from bench.report.column import Report
from bench.report.evidence import Evidence, gather
from bench.report.tables.accuracy import accuracy_table
from bench.report.tables.capacity import capacity_table, comparison_table
from bench.report.tables.conditions import conditions_table
from bench.report.tables.cost import cost_table
from bench.report.tables.jobs import epochs_table, failures_table, memory_table, reproduce_table
from bench.report.tables.limits import group_limits, limits_table
from bench.report.tables.machines import machines_table
from bench.report.tables.published import published
from bench.report.verdict import verdict

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
