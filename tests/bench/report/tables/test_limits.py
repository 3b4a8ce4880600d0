"""The table of limits: planted times and ceilings give shares and regimes, or a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import a_job, a_measurement, a_record, a_run, rows
from reporting import notes, report_of

from bench.record.ceilings import Ceilings, CopyRate, MatmulRate, WorkCount
from bench.record.conditions import Conditions, Interference
from bench.record.failure import Failure
from bench.record.measurement import BareCeilings, ThreadFacts
from mnist_bench.description import DESCRIPTION

CEILINGS = Ceilings(
    matmul=(MatmulRate(size=1024, flops_per_s=100e9),),
    copy_rates=(CopyRate(size_bytes=2**20, bytes_per_s=10e9),),
    took_s=1.0,
)


def measured(batch: int, step_s: float, *, ceilings=None, flops_per_image=1_000_000, **job):
    work = WorkCount(flops=batch * flops_per_image, bytes=1000, working_set_bytes=2**21)
    steps = [[10 * step_s, *[step_s] * 9], [step_s] * 10]
    measurement = a_measurement(steps, work=work, ceilings=ceilings)
    return a_record(a_job(batch_size=batch, **job), measurement)


def limits_of(records) -> dict[int, dict]:
    report = report_of([a_run(records)])
    return {row["batch_size"]: row for row in rows(report, "limits")}


def test_a_row_holds_its_rate_and_its_share_of_the_ceiling():
    row = limits_of([measured(100, 0.0016, ceilings=CEILINGS)])[100]
    assert row["flops_per_s"] == pytest.approx(62.5e9)
    assert row["ceiling_share"] == pytest.approx(0.625)
    assert row["ceiling_flops_per_s"] == 100e9
    assert row["regime"] == "compute-bound"
    assert row["regime_basis"] == "roofline"


def test_ceilings_of_one_job_serve_all_jobs_of_its_precision_device_and_threads():
    first = measured(100, 0.002, ceilings=CEILINGS)
    assert limits_of([first, measured(200, 0.004)])[200]["own_ceiling_share"] == pytest.approx(0.5)
    of_jax = limits_of([first, measured(200, 0.004, backend="jax")])[200]
    assert of_jax["ceiling_share"] == pytest.approx(0.5)
    assert (of_jax["own_ceiling_share"], of_jax["own_memory_share"]) == (None, None)
    bfloat16 = measured(200, 0.004, precision="bfloat16")
    on_gpu = with_measurement(measured(200, 0.004), device="gpu")
    one_thread = ThreadFacts(asked=1, environment={}, niceness=0)
    alone = with_measurement(measured(200, 0.004, threads=1), threads=one_thread)
    for other in (bfloat16, on_gpu, alone):
        row = limits_of([first, other])[200]
        assert row["ceiling_share"] is None
        assert "no ceilings were measured" in row["limits_reason"]


def with_measurement(record, **changes):
    changed = record.measurement.model_copy(update=changes)
    return record.model_copy(update={"measurement": changed})


def ceilings_of(flops_per_s, bytes_per_s):
    return Ceilings(
        matmul=(MatmulRate(size=1024, flops_per_s=flops_per_s),),
        copy_rates=(CopyRate(size_bytes=2**20, bytes_per_s=bytes_per_s),),
        took_s=1.0,
    )


def a_slow_copier_and_a_slow_multiplier():
    """Return jobs of 62.5 GFLOP/s and 0.625 MB/s, of which neither backend has both ceilings."""
    slow_product, slow_copy = ceilings_of(80e9, 1e6), ceilings_of(100e9, 0.25e6)
    return [
        measured(100, 0.0016, ceilings=slow_product),
        measured(200, 0.0032, ceilings=slow_copy, backend="jax"),
    ]


def test_the_best_backend_sets_the_machine_s_ceilings_and_the_own_share_stands_beside_it():
    rows = limits_of(a_slow_copier_and_a_slow_multiplier())
    shares = ("ceiling_share", "own_ceiling_share", "memory_share", "own_memory_share")
    assert [rows[100][key] for key in shares] == pytest.approx([0.625, 0.78125, 0.625, 0.625])
    assert [rows[200][key] for key in shares] == pytest.approx([0.625, 0.625, 0.3125, 1.25])
    for row in rows.values():
        assert (row["ceiling_by"], row["memory_by"]) == ("jax", "tensorflow")
        assert (row["ceiling_flops_per_s"], row["ceiling_bytes_per_s"]) == (100e9, 1e6)
    assert [rows[size]["own_ceiling_flops_per_s"] for size in (100, 200)] == [80e9, 100e9]


def test_people_read_both_shares_and_who_reached_the_ceilings():
    report = report_of([a_run(a_slow_copier_and_a_slow_multiplier())])
    (table,) = (table for table in report.tables if table.name == "limits")
    headings = [column.heading for column in table.columns]
    assert headings.index("of own ceiling") == headings.index("of ceiling") + 1
    assert headings.index("of own memory rate") == headings.index("of memory rate") + 1
    assert {"ceiling_by": "jax", "memory_by": "tensorflow"}.items() <= table.constants.items()
    assert (
        "the best of every backend that was measured with the same precision, device"
        in " ".join(table.notes)
    )
    told = " ".join(report.details)
    assert (
        "63 % of the machine's best matrix product (by jax) and 78 % of the best by its own backend"
        in told
    )


def alone(backend, found, *, threads=4, **changes):
    """Return the record of a job that measured nothing but ceilings."""
    job = a_job(backend=backend, epochs=1)
    bare = BareCeilings(
        ceilings=found,
        threads=ThreadFacts(asked=threads, environment={}, niceness=0),
        device="CPU:0",
    )
    changed = {"measurement": None, "only_ceilings": True, "ceilings": bare, **changes}
    return a_record(job, a_measurement([[1.0, 0.1]])).model_copy(update=changed)


def test_ceilings_that_a_job_measured_alone_are_the_machine_s_too():
    run = a_run([measured(100, 0.0016, ceilings=ceilings_of(80e9, 1e6))])
    best = alone("torch", ceilings_of(125e9, 0.5e6))
    (row,) = rows(report_of([replace(run, ceiling_records=(best,))]), "limits")
    assert (row["ceiling_by"], row["memory_by"]) == ("torch", "tensorflow")
    assert row["ceiling_share"] == pytest.approx(0.5)
    assert row["own_ceiling_share"] == pytest.approx(0.78125)


def test_ceilings_alone_serve_no_other_threads_and_a_failure_serves_nothing():
    run = a_run([measured(100, 0.0016, ceilings=ceilings_of(80e9, 1e6))])
    other = alone("torch", ceilings_of(125e9, 2e6), threads=1)
    failed = alone(
        "jax", CEILINGS, ceilings=None, failure=Failure(reason="crash", message="planted")
    )
    report = report_of([replace(run, ceiling_records=(other, failed))])
    (row,) = rows(report, "limits")
    assert (row["ceiling_by"], row["memory_by"]) == ("tensorflow", "tensorflow")
    assert not rows(report, "failures")


def test_a_journal_from_before_ceilings_were_pooled_has_the_machine_s_ceilings_too():
    old = DESCRIPTION.outline.model_copy(
        update={"axes": tuple(replace(axis, pools_ceiling=False) for axis in DESCRIPTION.axes)}
    )
    report = report_of([a_run(a_slow_copier_and_a_slow_multiplier(), workload=old)])
    assert {row["memory_by"] for row in rows(report, "limits")} == {"tensorflow"}


def test_the_best_of_several_ceilings_counts():
    twice = Ceilings(
        matmul=(MatmulRate(size=1024, flops_per_s=200e9),),
        copy_rates=CEILINGS.copy_rates,
        took_s=1.0,
    )
    found = limits_of([measured(100, 0.002, ceilings=CEILINGS), measured(200, 1.0, ceilings=twice)])
    assert found[100]["ceiling_share"] == pytest.approx(0.25)


def test_the_batch_sweep_decides_on_overhead():
    times = {32: 0.0103, 128: 0.0112, 2048: 0.0305}
    records = [
        measured(batch, step_s, ceilings=CEILINGS if batch == 32 else None)
        for batch, step_s in times.items()
    ]
    found = limits_of(records)
    assert {row["regime_basis"] for row in found.values()} == {"batch sweep"}
    assert found[32]["overhead_ms"] == pytest.approx(10, rel=0.01)
    assert found[32]["regime"] == found[128]["regime"] == "overhead-bound"
    assert found[2048]["regime"] == "compute-bound"


def test_a_journal_without_counted_work_is_a_reason_and_no_figure():
    record = a_record(a_job(), a_measurement([[0.5, 0.25], [0.25, 0.25]]))
    (row,) = rows(report_of([a_run([record])]), "limits")
    assert row["regime"] is None and row["flops_per_s"] is None
    assert "counts no work" in row["limits_reason"]


def flagged(record, flag):
    seen = Interference(wall_s=1.0, flag=flag)
    watched = Conditions(period_s=0.2, samples=1, rss_peak_bytes=None, whole=seen)
    return record.model_copy(update={"conditions": watched})


@pytest.mark.parametrize(("flag", "is_said"), [("disturbed", True), ("quiet", False)])
def test_ceilings_of_a_disturbed_job_are_called_so(flag, is_said):
    record = flagged(measured(100, 0.0016, ceilings=CEILINGS), flag)
    assert ("may be too high" in notes(report_of([a_run([record])]), "limits")) == is_said


@pytest.mark.parametrize("other", [{"backend": "jax"}, {"precision": "bfloat16"}])
def test_a_quiet_job_vouches_for_no_ceilings_of_another_backend_or_precision(other):
    quiet = flagged(measured(100, 0.0016, ceilings=CEILINGS), "quiet")
    disturbed = flagged(measured(200, 0.0016, ceilings=CEILINGS, **other), "disturbed")
    assert "may be too high" in notes(report_of([a_run([quiet, disturbed])]), "limits")
    again = flagged(measured(300, 0.0016, ceilings=CEILINGS, **other), "quiet")
    of_three = report_of([a_run([quiet, disturbed, again])])
    assert "may be too high" not in notes(of_three, "limits")


def test_capacity_rows_and_the_verdict_say_what_limits_them():
    report = report_of([a_run([measured(100, 0.0016, ceilings=CEILINGS)])])
    row = next(row for row in rows(report, "capacity") if row["source"] == "measured")
    assert (row["regime"], row["ceiling_share"]) == ("compute-bound", pytest.approx(0.625))
    assert any(
        "62.5 GFLOP/s, 63 % of the machine's best matrix product" in p for p in report.details
    )
    assert "they do not predict how fast a machine trains large models" in report.caveat
