"""Tables of conditions, energy and price: everything kept, marked, and with its source."""

from __future__ import annotations

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts, rows
from reporting import notes, report_of, said, table

from bench.record.conditions import (
    Conditions,
    EnergyReading,
    ForeignProcess,
    GpuConditions,
    Interference,
)
from bench.record.facts import GpuFacts
from bench.record.price import PriceRule
from bench.report.markdown import render
from bench.report.tables.conditions import MOST_SHOWN

STEPS = [[1.0, 0.01], [0.01, 0.01]]


def seen(flag="quiet", causes=(), **figures):
    return Interference(wall_s=1.0, flag=flag, causes=causes, foreign_cpus=0.0, **figures)


def watched(*flags, unknown=None, **figures):
    hit = ("foreign CPU (0.9 CPUs)",)
    epochs = tuple(
        seen(flag, hit if flag == "disturbed" else (), epoch=number)
        for number, flag in enumerate(flags, start=1)
    )
    whole = "disturbed" if "disturbed" in flags else "quiet"
    return Conditions(
        period_s=0.1,
        samples=9,
        rss_peak_bytes=1,
        whole=seen(whole, hit if whole == "disturbed" else (), job_cpu_s=4.0, **figures),
        epochs=epochs,
        foreign_processes=(ForeignProcess(pid=7, name="make", cpus=0.9),),
        unknown=unknown or {},
    )


def a_watched_run(*conditions, machine=None, device="cpu", **header):
    jobs = [a_job(seed=seed) for seed in range(1, len(conditions) + 1)]
    records = [
        a_record(
            job,
            a_measurement(STEPS, total_s=36.0, device=device),
            machine=machine,
            conditions=condition,
        )
        for job, condition in zip(jobs, conditions, strict=True)
    ]
    return a_run(records, **header)


QUIET, HIT = ("quiet", "quiet"), ("quiet", "disturbed")


def test_disturbed_jobs_are_kept_shown_first_and_marked_in_every_table():
    report = report_of([a_watched_run(watched(*QUIET), watched(*HIT))])
    first, second = rows(report, "conditions")
    assert (first["seed"], first["flag"], first["epochs_disturbed"]) == (2, "disturbed", 1)
    assert first["causes"] == ["foreign CPU (0.9 CPUs)"]
    assert first["foreign_processes"] == ["make 0.90"]
    assert second["flag"] == "quiet"
    measured = [row for row in rows(report, "capacity") if row["source"] == "measured"]
    assert [(row["n"], row["disturbed"]) for row in measured] == [(2, 1)]
    epochs = [row for row in rows(report, "epochs") if row["source"] == "measured"]
    assert [(row["n"], row["disturbed"]) for row in epochs] == [(2, 0), (2, 1)]
    assert "1 of 2 watched jobs (foreign CPU 1; see Conditions)." in said(report)


def test_quiet_runs_say_that_nothing_was_seen():
    report = report_of([a_watched_run(watched(*QUIET))])
    assert "No disturbance was seen in 1 job." in notes(report, "conditions")
    assert "disturbed" not in {remark.kind for remark in report.remarks}
    assert table(report, "conditions").shown == ()
    assert "## Conditions\n\nNo disturbance was seen in 1 job." in render(report)


def test_jobs_that_nobody_watched_are_unknown_and_not_quiet():
    report = report_of([a_run([a_record(a_job(), a_measurement(STEPS))])])
    assert rows(report, "conditions") == ()
    assert (
        next(r for r in rows(report, "capacity") if r["source"] == "measured")["disturbed"] is None
    )
    assert "No job of these runs was watched." in render(report)


def test_many_jobs_are_all_in_the_rows_and_a_few_disturbed_ones_are_shown():
    many = [watched(*HIT)] * (MOST_SHOWN + 5)
    report = report_of([a_watched_run(*many, watched(*QUIET))])
    conditions = table(report, "conditions")
    assert (len(conditions.rows), len(conditions.shown)) == (MOST_SHOWN + 6, MOST_SHOWN)
    assert {row["flag"] for row in conditions.shown} == {"disturbed"}
    assert "Not all disturbed jobs are shown." in notes(report, "conditions")


def test_why_sources_gave_nothing_is_said_once():
    run = a_watched_run(*[watched(*QUIET, unknown={"RAPL": "no RAPL here"})] * 2)
    report = report_of([run])
    assert notes(report, "conditions").count("no RAPL here") == 1


def reading(source, joules, basis="measured"):
    return EnergyReading(source=source, covers="x", joules=joules, basis=basis)


def test_the_memory_table_tells_the_model_from_the_import_the_child_from_its_children():
    """And on a GPU what the framework counted is told from what the driver had given away."""
    held = (GpuConditions(index=0, memory_used_peak_bytes=9 * 2**30),)
    condition = watched(*QUIET, gpus=held)
    condition = condition.model_copy(update={"tree_rss_peak_bytes": 800 * 2**20})
    (row,) = rows(report_of([a_watched_run(condition, device="gpu")]), "memory")
    mib = {name: row[f"{name}_bytes"] / 2**20 for name in ("after_import", "own", "peak")}
    assert mib == {"after_import": 400, "own": 300, "peak": 700}
    assert (row["tree_rss_peak_bytes"], row["gpu_held_bytes"]) == (800 * 2**20, 9 * 2**30)
    short = condition.model_copy(update={"tree_rss_peak_bytes": 600 * 2**20})
    (row,) = rows(report_of([a_watched_run(short)]), "memory")
    assert row["tree_rss_peak_bytes"] == 700 * 2**20  # the child's own peak fell between samples
    assert row["gpu_held_bytes"] is None  # a job on the CPU


def test_a_job_on_the_cpu_is_not_charged_for_the_gpu_beside_it():
    energy = (reading("RAPL package-0", 100.0), reading("NVML GPU 0", 50.0))
    (row,) = rows(report_of([a_watched_run(watched(*QUIET, energy=energy))]), "cost")
    assert (row["joules"], row["energy_sources"]) == (100.0, ["RAPL package-0"])


def test_energy_is_summed_over_counters_and_labelled():
    first = watched(*QUIET, energy=(reading("RAPL package-0", 100.0), reading("NVML GPU 0", 50.0)))
    second = watched(*QUIET, energy=(reading("RAPL package-0", 200.0), reading("NVML GPU 0", 50.0)))
    (row,) = rows(report_of([a_watched_run(first, second, device="gpu")]), "cost")
    assert (row["joules"], row["joules_per_epoch"]) == (200.0, 100.0)
    assert row["energy_sources"] == ["RAPL package-0", "NVML GPU 0"]
    assert row["energy_basis"] == "measured"


def test_a_battery_counts_only_where_no_counter_does():
    battery = reading("battery", 900.0, "estimated from the battery's charge")
    both = watched(*QUIET, energy=(battery, reading("RAPL package-0", 100.0)))
    (row,) = rows(report_of([a_watched_run(both)]), "cost")
    assert (row["joules"], row["energy_basis"]) == (100.0, "measured")
    (row,) = rows(report_of([a_watched_run(watched(*QUIET, energy=(battery,)))]), "cost")
    assert row["joules"] == 900.0
    assert row["energy_basis"] == "estimated from the battery's charge"


def test_without_energy_there_is_the_reason_and_no_figure():
    run = a_watched_run(watched(*QUIET, unknown={"RAPL": "no RAPL here", "load": "x"}))
    report = report_of([run])
    (row,) = rows(report, "cost")
    assert (row["joules"], row["energy_sources"], row["energy_basis"]) == (None, None, None)
    assert "No energy was counted: RAPL (no RAPL here)." in notes(report, "cost")


def test_dollars_a_job_carry_their_source_and_date():
    rule = PriceRule(usd_per_hour=1.0, source="contract", date="2026-11-01")
    (row,) = rows(report_of([a_watched_run(watched(*QUIET), prices=(rule,))]), "cost")
    assert row["usd_per_1000_jobs"] == pytest.approx(10.0)  # 36 s of a dollar an hour
    assert (row["price_source"], row["price_date"]) == ("contract", "2026-11-01")


def test_a_machine_without_a_price_says_why():
    report = report_of([a_watched_run(watched(*QUIET))])
    (row,) = rows(report, "cost")
    assert (row["usd_per_hour"], row["usd_per_1000_jobs"]) == (None, None)
    assert "No price for lab: no instance type is known: give --price." in notes(report, "cost")


def test_limit_and_host_total_stand_apart():
    machine = facts(logical_cores=8, usable_cpus=0.5, cpu_quota=0.5, memory_limit_bytes=2 * 2**30)
    report = report_of([a_watched_run(watched(*QUIET), machine=machine)])
    text = render(report)
    for line in ("| CPUs a job may use", "| CPU limit", "| memory limit MiB"):
        assert line in text
    row = next(row for row in rows(report, "machines") if row["source"] == "measured")
    assert (row["logical_cores"], row["cpu_quota"], row["usable_cpus"]) == (8, 0.5, 0.5)
    assert row["memory_total_bytes"] > row["memory_limit_bytes"] == 2 * 2**30


def test_gpus_and_caches_read_as_words():
    gpu = GpuFacts(index=0, model="Planted GPU", memory_total_bytes=80 * 2**30)
    machine = facts(gpus=(gpu,), caches_bytes={"L1d": 32768}, cache_instances={"L1d": 2})
    report = report_of([a_watched_run(watched(*QUIET), machine=machine)])
    assert "Planted GPU, 80.0 GiB" in render(report)
    machines = table(report, "machines")
    (caches,) = (column for column in machines.columns if column.key == "caches")
    assert caches.text(machines.rows[0]) == "L1d 32 KiB x2"
