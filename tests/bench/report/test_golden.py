"""The whole Markdown report of planted runs, compared with a file word for word.

If a change of the report is wanted, renew the file and read the difference:
`RENEW_GOLDEN=1 python -m pytest tests/bench/report/test_golden.py`, then `git diff tests/samples`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from builders import (
    a_job,
    a_measurement,
    a_record,
    a_run,
    cnn_run,
    facts,
    steady_run,
    throttled_run,
)
from reporting import report_of

from bench.record.ceilings import Ceilings, CopyRate, MatmulRate, WorkCount
from bench.record.conditions import Conditions, EnergyReading, ForeignProcess, Interference
from bench.record.facts import RuntimeFacts
from bench.record.failure import Failure
from bench.record.lines import Skip
from bench.record.price import PriceRule
from bench.report.markdown import render

GOLDEN = Path(__file__).resolve().parents[2] / "samples" / "golden"
JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
CEILINGS = Ceilings(
    matmul=(MatmulRate(size=1024, flops_per_s=200e9),),
    copy_rates=(CopyRate(size_bytes=2**20, bytes_per_s=20e9),),
    took_s=1.0,
)


def the_watched_run():
    """Return a watched run on `desk`: work and ceilings, disturbed jobs, energy, a price."""
    records = []
    for place, job in enumerate((a_job(batch_size=64), a_job(), a_job(repeat=1))):
        work = WorkCount(flops=10**9, bytes=10**7, working_set_bytes=2**21)
        ceilings = CEILINGS if place == 0 else None
        measured = a_measurement(
            [[0.5, *[0.02] * 9], [0.02 + 0.001 * place] * 10], work=work, ceilings=ceilings
        )
        flag, causes = ("disturbed", ("foreign CPU (0.9 CPUs)",)) if place else ("quiet", ())
        energy = (EnergyReading(source="RAPL package-0", covers="x", joules=90, basis="measured"),)
        seen = Interference(
            wall_s=1.0, flag=flag, causes=causes, foreign_cpus=0.9 * bool(place), energy=energy
        )
        conditions = Conditions(
            period_s=0.1,
            samples=9,
            rss_peak_bytes=None,
            whole=seen,
            epochs=(seen.model_copy(update={"epoch": 2, "energy": ()}),),
            foreign_processes=(ForeignProcess(pid=7, name="make", cpus=0.9),) * bool(place),
            unknown={"battery": "there is none"},
        )
        runtime = RuntimeFacts(frameworks={"tensorflow": {"version": "2.19", "oneDNN": "yes"}})
        records.append(
            a_record(
                job,
                measured,
                label="desk",
                run_id="watched",
                conditions=conditions,
                runtime=runtime,
            )
        )
    rule = PriceRule(usd_per_hour=0.5, source="contract", date="2026-11")
    skip = Skip(job=a_job(backend="jax"), reason="jax is not installed")
    return a_run(records, prices=(rule,), skipped=(skip,))


def the_runs():
    """Return runs of four machines that make every table and most sentences."""
    rack = facts(machine_id="r" * 16, python="3.12.1", cpu_model="Other | CPU")
    failed = a_record(JOBS[1], Failure(reason="time limit", message="not done after 600 s"))
    return [
        the_watched_run(),
        steady_run("desk", 0.02, jobs=JOBS, drift=0.02),
        steady_run("rack", 0.01, jobs=JOBS, drift=0.01, machine=rack),
        throttled_run("half", 0.5, jobs=[a_job(model="mlp", seed=seed) for seed in (1, 2)]),
        cnn_run(label="long", seeds=(1, 2)),
        a_run([failed.model_copy(update={"label": "late"})], planned=JOBS[1:]),
    ]


def test_every_key_that_a_column_names_stands_in_the_rows_of_its_table():
    """A key that no row holds would read `n/a` everywhere, so a slip would look like a fact."""
    report = report_of(the_runs(), commands=["mnist-bench report"])
    unknown = {
        (table.name, key)
        for table in report.tables
        for column in table.columns
        for key in keys_of(column)
        if not any(key in row for row in table.rows)
    }
    assert all(table.rows for table in report.tables)
    assert unknown == set()


def keys_of(column):
    """Return every key of a row that a column reads."""
    flag = () if column.absent is None else column.absent[:1]
    why = () if column.why is None else (column.why,)
    return (column.key, *(column.bounds or ()), *flag, *why)


@pytest.mark.parametrize(
    ("name", "language", "whole"),
    [
        ("summary.md", "en", True),
        ("summary.es.md", "es", True),
        ("one_machine.md", "en", False),
    ],
)
def test_the_report_of_planted_runs_is_the_golden_one(name, language, whole):
    runs = the_runs() if whole else the_runs()[:1]
    page = render(report_of(runs, language, commands=["mnist-bench report"]))
    golden = GOLDEN / name
    if os.environ.get("RENEW_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(page, encoding="utf-8")
    assert page == golden.read_text(encoding="utf-8")
