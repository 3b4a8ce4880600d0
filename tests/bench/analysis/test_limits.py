"""What limits a step: planted ceilings and sweeps give the regime that was planted."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bench.analysis.limits import fixed_cost_s, limits
from bench.record.ceilings import Ceilings, CopyRate, MatmulRate
from bench.report.words import phrases

MIB = 2**20

CEILINGS = Ceilings(
    matmul=(MatmulRate(size=512, flops_per_s=90e9), MatmulRate(size=1024, flops_per_s=100e9)),
    copy_rates=(
        CopyRate(size_bytes=MIB, bytes_per_s=80e9),
        CopyRate(size_bytes=256 * MIB, bytes_per_s=10e9),
    ),
    took_s=1.0,
)


def at(step_s: float, flops: int, moved: int = 0, sweep: dict[int, float] | None = None):
    """Return the limits of a step on a machine of 100 GFLOP/s and 10 GB/s."""
    return limits(step_s, flops, moved, 100e9, 10e9, sweep or {128: step_s})


def test_the_fixed_cost_is_the_part_that_does_not_grow_with_the_batch():
    sweep = {batch: 0.002 + batch * 1e-5 for batch in (32, 128, 512, 2048)}
    assert fixed_cost_s(sweep) == pytest.approx(0.002)


def test_a_fixed_cost_is_never_negative():
    assert fixed_cost_s({32: 0.001, 128: 0.008}) == 0


def test_one_batch_size_tells_no_fixed_cost():
    assert fixed_cost_s({128: 0.002}) is None
    assert fixed_cost_s({}) is None


def test_shares_are_ideal_times_over_the_step():
    found = at(0.010, flops=600_000_000, moved=20_000_000)
    assert found.ceiling_share == pytest.approx(0.6)
    assert found.memory_share == pytest.approx(0.2)
    assert found.flops_per_s == pytest.approx(60e9)
    assert found.regime == "compute-bound"


def test_the_larger_ideal_time_names_the_regime():
    assert at(0.010, flops=600_000_000, moved=70_000_000).regime == "memory-bound"


def test_what_neither_ceiling_explains_is_overhead():
    found = at(0.010, flops=400_000_000, moved=30_000_000)
    assert (found.regime, found.basis, found.overhead_s) == ("overhead-bound", "roofline", None)


@pytest.mark.parametrize(
    ("flops", "regime", "near"),
    [
        (300_000_000, "overhead-bound", False),
        (450_000_000, "overhead-bound", True),
        (550_000_000, "compute-bound", True),
        (700_000_000, "compute-bound", False),
    ],
)
def test_near_the_cut_of_a_half_the_regime_is_said_to_be_uncertain(flops, regime, near):
    found = at(0.010, flops=flops)
    assert (found.regime, found.near) == (regime, near)
    assert phrases.regime(found).endswith("(near the limit)") is near


def test_a_batch_sweep_overrules_the_roofline():
    slow_but_growing = {batch: batch * 1e-4 for batch in (32, 128, 512)}
    found = at(0.0128, flops=128_000_000, sweep=slow_but_growing)
    assert (found.regime, found.basis) == ("compute-bound", "batch sweep")
    assert found.ceiling_share == pytest.approx(0.1)
    mostly_fixed = {32: 0.0101, 128: 0.0104, 512: 0.0116}
    assert at(0.0104, flops=900_000_000, sweep=mostly_fixed).regime == "overhead-bound"


def test_the_best_matrix_product_is_the_ceiling():
    assert CEILINGS.flops_per_s == 100e9


@pytest.mark.parametrize(
    ("working_set", "rate"), [(MIB, 80e9), (8 * MIB, 80e9), (128 * MIB, 10e9), (0, 80e9)]
)
def test_the_memory_ceiling_is_that_of_the_step_s_own_size(working_set, rate):
    assert CEILINGS.bytes_per_s(working_set) == rate


@pytest.mark.parametrize("seed", range(20))
def test_the_fixed_cost_is_that_of_the_least_squares_of_parts_that_are_not_negative(seed):
    from scipy.optimize import nnls

    rng = random.Random(seed)
    step_s = {2**size: rng.uniform(0.001, 0.1) for size in rng.sample(range(5, 12), 3)}
    batches, times_s = np.array(list(step_s), dtype=float), np.array(list(step_s.values()))
    parts = np.stack([np.ones(3), batches], axis=1) / times_s[:, None]
    (fixed_s, _), _ = nnls(parts, np.ones(3))
    assert fixed_cost_s(step_s) == pytest.approx(fixed_s)
