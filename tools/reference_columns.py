"""The page of the reference about the report's tables: each column with its unit and meaning.

Some columns exist only if a run has something for them, such as a price or several threads. The
tests have planted runs that have something for every table, so the page shows their report.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.probe.machine import all_facts
from bench.record.run import Run
from bench.report.column import Column, Report, Table
from mnist_bench.cli import NAME
from tools import markup

TESTS = Path(__file__).resolve().parents[1] / "tests"

#: Meanings of columns whose heading is enough in a report.
MEANINGS = {
    "machine": "the machine's name in the report",
    "against": "the machine that it is set against",
    "rank": "the places that the machine may have among the measured ones",
    "speed": "how fast it is relative to the baseline",
    "job": "the kind of job that the times of the row are of",
    "epoch_s": "the seconds of an epoch",
    "step_mean_ms": "the mean step",
    "published_train_accuracy": "what was published of the same job",
    "published_test_accuracy": "what was published of the same job",
    "usd_per_1000_jobs": "what 1,000 jobs cost",
    "joules": "the energy of a job",
    "epoch": "the number of the epoch, from 1",
    "seed": "the seed of the job",
    "source": "`measured`, or where a published row comes from",
    "kind": "`local`, `cloud` or `gpu`",
    "usd_per_hour": "the price",
    "price_source": "who stated the price",
    "price_date": "the day of the price",
    "joules_per_epoch": "the energy of an epoch",
    "energy_sources": "the counters that the energy was read from",
    "host_total_bytes": "the memory of the host",
    "limit_bytes": "the limit of the job's control group",
    "same_data": "in how many of these jobs the data were the same",
    "same_start": "in how many of these jobs the first weights were the same, bit for bit",
    "same_order": "in how many of these jobs the order of the samples was the same",
    "finding": "what the comparison shows",
    "epochs_disturbed": "how many epochs of the job were disturbed",
    "temperature_max_c": "the highest temperature that a sensor of the machine gave",
    "swapped_bytes": "what was swapped while the job ran",
    "label": "the machine's label",
    "run_id": "the run",
    "job_id": "the job",
    "reason": "the reason of the failure ([list](failures.md)), or why the job was not run",
    "attempt": "which attempt it was",
    "exception": "the class of the error",
    "message": "what the error said",
    "log_last_line": "the end of the log of the job's process",
    "run": "the run",
    "name": "what is stated",
    "value": "its value",
    "caches": "the caches of the CPU",
    "jobs_measured": "how many jobs were measured on the machine",
    "pools": "the thread pools of the libraries that the job had loaded",
    "threads_asked": "the threads that a job was given",
    "threads_intra_op": "the threads within an operation that the framework reports",
    "threads_inter_op": "the threads between operations that the framework reports",
    "niceness": "the priority of the job's process; 0 is normal",
}


def columns() -> str:
    """Return the page."""
    tables = _tables()
    return markup.page(
        "# Columns of the report",
        "`summary.json` holds a list of rows for each of these tables, and `tables/` has each as "
        "CSV and Parquet. A column is a key of the rows. Rows hold further keys, which no table "
        "shows, and the bounds of an estimate under the keys that stand in brackets after it. An "
        "unknown value is `null` in JSON and an empty cell in CSV. The columns of axes and metrics "
        f"are those of MNIST here. `{NAME} report` writes the same meanings under each table, and "
        "`columns` in `summary.json` holds them for programs.",
        markup.table(
            ("table", "title"), [(f"[`{one.name}`](#{one.name})", one.title) for one in tables]
        ),
        *(part for one in tables for part in (f"## {one.name}", _rows(one))),
    )


def _rows(table: Table) -> str:
    rows = [
        (
            f"`{column.key}`" + (f" [`{'`, `'.join(column.bounds)}`]" if column.bounds else ""),
            column.heading,
            column.unit,
            column.better or "",
            meaning(column),
        )
        for column in table.columns
    ]
    return markup.table(("key", "heading", "unit", "better", "meaning"), rows)


def meaning(column: Column) -> str:
    """Return what a column means, from its legend, from the fact that it shows, or from here."""
    if column.meaning:
        return column.meaning
    if column.key in MEANINGS:
        return MEANINGS[column.key]
    if column.key in {fact.name for fact in all_facts()}:
        return f"the [machine fact](facts.md) `{column.key}`"
    if column.key.startswith("speed_vs_"):
        return f"how fast it is relative to the {column.heading.removeprefix('vs ')}"
    if column.key.startswith("build_"):
        return f"how {column.key.removeprefix('build_')} was built"
    return f"the version of {column.heading}" if column.heading == column.key else ""


def _tables() -> list[Table]:
    """Return each table with every column that one of the reports has, in the reports' order."""
    found: dict[str, Table] = {}
    for report in reports():
        for table in report.written:
            known = found.setdefault(table.name, table)
            keys = {column.key for column in known.columns}
            new = tuple(column for column in table.columns if column.key not in keys)
            found[table.name] = replace(known, columns=(*known.columns, *new))
    return list(found.values())


def reports() -> Iterator[Report]:
    """Yield the reports of the tests' planted runs."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    from builders import a_job, throttled_run
    from figure_runs import figure_runs, thread_runs
    from reporting import report_of

    yield report_of(figure_runs(["desk", "rack"]), commands=[f"{NAME} report"])
    yield report_of(thread_runs("desk"))
    yield report_of([throttled_run("desk", 0.5, jobs=[a_job()])])
    yield report_of([_one_machine()])


def _one_machine() -> Run:
    """Return a run with a disturbed job, a longer job that is read off, and all facts."""
    from builders import a_job, a_measurement, a_record, a_run, an_evaluation, conditions, facts

    desk = facts(host_name="desk", core_kinds={"performance": 4, "efficiency": 4})
    steps = [[0.02] * 10] * 2
    longer = a_measurement(steps * 2, evaluations=[an_evaluation(n, 10.0 * n) for n in (2, 4)])
    outcomes = (
        (a_job(seed=1), a_measurement(steps), conditions("quiet")),
        (a_job(seed=2), a_measurement(steps), conditions("disturbed", "foreign CPU (0.9 CPUs)")),
        (a_job(seed=3, epochs=4, read_off=(2,)), longer, conditions("quiet")),
    )
    return a_run(
        [a_record(job, found, machine=desk, conditions=seen) for job, found, seen in outcomes]
    )
