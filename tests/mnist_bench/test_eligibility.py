"""What a machine cannot run is skipped, with a reason and a way to mend it."""

from __future__ import annotations

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts

from bench.record.facts import GpuFacts
from bench.record.lines import Skip
from bench.report.annex import build_report
from bench.spec.grid import parse_grid
from mnist_bench import backends
from mnist_bench import eligibility as ability
from mnist_bench.backends import BackendRow
from mnist_bench.eligibility import divide, why_skipped, with_installed_backends
from mnist_bench.workload import CHOICES

HAS_BFLOAT16 = facts(instruction_sets=("AVX512F", "AVX512_BF16"))
HAS_NONE = facts(instruction_sets=("AVX2",))


@pytest.fixture
def no_jax(monkeypatch):
    """JAX as if it were not installed: its row names a package that is not there.

    A stand-in, since the suite's own environment has it.
    """
    row = BackendRow("mnist_bench.backends.jax", "no_such_package_as_jax", "make setup EXTRAS=jax")
    monkeypatch.setitem(backends.BACKENDS, "jax", row)


def test_a_backend_that_is_not_installed_is_a_reason_and_a_command(no_jax):
    reason = why_skipped(a_job(backend="jax"), HAS_BFLOAT16)
    assert "not installed" in reason
    assert "make setup EXTRAS=jax" in reason
    assert why_skipped(a_job(backend="tensorflow"), HAS_BFLOAT16) is None


def test_all_stands_for_the_backends_that_are_installed(no_jax):
    document = {
        "name": "mine",
        "subgrids": [{"models": "mlp", "optimizers": "sgd", "epochs": 1, "backends": "all"}],
    }
    grid = with_installed_backends(parse_grid(document, "mine.yaml", CHOICES))
    assert "tensorflow" in grid.subgrids[0].backends
    assert not {"jax", "all"} & set(grid.subgrids[0].backends)


@pytest.mark.parametrize("loop", ["scan", "stepwise"])
def test_a_loop_of_one_backend_is_skipped_with_the_others(loop):
    reason = why_skipped(a_job(loop=loop, backend="tensorflow"), HAS_NONE)
    assert reason == f"the loop {loop} exists for jax alone, not for tensorflow"


def test_torch_compile_is_skipped_where_there_is_no_compiler(monkeypatch):
    job = a_job(loop="inductor", backend="torch")
    monkeypatch.setattr(ability, "why_not", lambda backend: None)  # PyTorch may not be here
    monkeypatch.setattr(ability.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert why_skipped(job, HAS_NONE) is None
    monkeypatch.setattr(ability.shutil, "which", lambda name: None)
    assert "needs a C++ compiler (g++" in why_skipped(job, HAS_NONE)


def test_bfloat16_is_skipped_where_it_would_be_emulated():
    job = a_job(precision="bfloat16")
    assert why_skipped(job, HAS_BFLOAT16) is None
    assert "no bfloat16 arithmetic" in why_skipped(job, HAS_NONE)
    assert "no bfloat16 arithmetic" in why_skipped(job, facts(instruction_sets=None))


@pytest.mark.parametrize(("capability", "is_able"), [("7.5", False), ("8.0", True), ("9.0", True)])
def test_a_gpu_multiplies_bfloat16_from_ampere_on(capability, is_able):
    gpu = GpuFacts(index=0, compute_capability=capability)
    reason = why_skipped(a_job(precision="bfloat16"), facts(instruction_sets=(), gpus=(gpu,)))
    assert (reason is None) == is_able


def test_jobs_are_divided_and_none_is_lost():
    jobs = [a_job(seed=1), a_job(seed=2, precision="bfloat16")]
    able, skipped = divide(jobs, HAS_NONE)
    assert able == jobs[:1]
    assert [skip.job for skip in skipped] == jobs[1:]


def test_a_skip_is_a_row_of_the_report_and_no_failure():
    job, other = a_job(seed=1), a_job(seed=2, backend="jax")
    run = a_run(
        [a_record(job, a_measurement([[0.5, 0.25], [0.25, 0.25]]))],
        skipped=(Skip(job=other, reason="jax is not installed; make setup EXTRAS=jax"),),
    )
    report = build_report([run])
    (row,) = next(table for table in report.tables if table.name == "failures").rows
    assert (row["reason"], row["job_id"]) == ("skipped", other.job_id)
    assert "make setup EXTRAS=jax" in row["message"]
    assert any("All 1 jobs were measured; none failed. Skipped: 1" in p for p in report.verdict)
