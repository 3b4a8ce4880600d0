"""What a machine cannot run is skipped, with a reason and a way to mend it."""

from __future__ import annotations

import pytest
from builders import a_job, facts

from bench.record.facts import GpuFacts
from bench.spec.grid import with_available
from bench.spec.written_grid import parse_grid
from mnist_bench import backends
from mnist_bench import eligibility as ability
from mnist_bench.backends import BackendRow
from mnist_bench.description import DESCRIPTION
from mnist_bench.settings import settings_of
from mnist_bench.workload import WORKLOAD

HAS_BFLOAT16 = facts(instruction_sets=("AVX512F", "AVX512_BF16"))
HAS_NONE = facts(instruction_sets=("AVX2",))


def why_skipped(job, machine):
    """Ask as a run asks, through the workload."""
    assert WORKLOAD.why_skipped(job, machine) == ability.why_skipped(settings_of(job), machine)
    return WORKLOAD.why_skipped(job, machine)


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
    grid = with_available(parse_grid(document, "mine.yaml", DESCRIPTION), DESCRIPTION)
    assert "tensorflow" in grid.subgrids[0].axes["backend"]
    assert not {"jax", "all"} & set(grid.subgrids[0].axes["backend"])


@pytest.mark.parametrize(("loop", "backends"), [("scan", "tensorflow, jax"), ("stepwise", "jax")])
def test_a_loop_is_skipped_with_the_backends_that_do_not_have_it(loop, backends):
    reason = why_skipped(a_job(loop=loop, backend="torch"), HAS_NONE)
    assert reason == f"the loop {loop} exists only for {backends}, not for torch"


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
