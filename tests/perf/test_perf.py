"""What `make perf` makes of its rounds; the measuring itself is not a test's business."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest
from builders import digest, facts

#: Two rounds with planted steps: fit 6 and 8 ms, compiled 3 and 2 ms of 0.3 GFLOP each.
ROUNDS = [
    {
        "mlp fit tensorflow: p10 ms": fit,
        "mlp compiled tensorflow: p10 ms": compiled,
        "mlp compiled tensorflow: GFLOP/s": 300 / compiled,
        "mlp compiled tensorflow: ceiling": 200.0,
        "mlp compiled torch: p10 ms": 4.0,
        "mlp compiled torch: ceiling": 250.0,
        "mlp compiled tensorflow bfloat16: p10 ms": 1.0,
        "mlp compiled tensorflow bfloat16: GFLOP/s": 900.0,
        "mlp compiled tensorflow bfloat16: ceiling": 2000.0,
        "typing to first step: s": 8.0,
    }
    for fit, compiled in ((6.0, 3.0), (8.0, 2.0))
]


@pytest.fixture
def perf(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.delitem(sys.modules, "perf", raising=False)  # this folder, to who looks from above
    import perf  # its modules find each other by being run from their folder

    return perf


def rows_of(perf):
    rows = [perf._row(figure, ROUNDS) for figure in perf.FIGURES]
    return {row["figure"]: row for row in rows}


def test_a_figure_is_the_median_of_the_ratios_within_each_round(perf):
    row = rows_of(perf)["MLP, TensorFlow: fit / compiled"]
    assert (row["median"], row["low"], row["high"], row["rounds"]) == (3.0, 2.0, 4.0, 2)
    assert row["met"] is True


def test_a_share_is_of_the_largest_ceiling_of_any_backend_in_the_same_precision(perf):
    row = rows_of(perf)["MLP, best backend: share of the machine's matrix-multiply ceiling"]
    assert (row["low"], row["high"]) == (0.4, 0.6)


def test_the_best_backend_is_the_best_of_each_round_in_the_same_precision(perf):
    row = rows_of(perf)["MLP: TensorFlow fit / best backend"]
    assert (row["low"], row["high"]) == (2.0, 4.0), "bfloat16 is no backend's best in float32"
    row = rows_of(perf)["MLP, TensorFlow compiled: float32 / bfloat16"]
    assert (row["low"], row["high"], row["met"]) == (2.0, 3.0, None)


def test_what_a_machine_cannot_compute_is_left_out_with_the_reason(perf, tmp_path):
    from figures import left_out
    from jobs import Staged

    data = Staged("mnist", "a test", tmp_path, digest("data"), 128)
    old, new = (facts(instruction_sets=sets) for sets in (("AVX2",), ("AVX2", "AVX512_BF16")))
    (reason,) = set(left_out(data, old).values()) - set(left_out(data, new).values())
    assert "no bfloat16 arithmetic" in reason


def test_a_kept_table_stands_first_in_the_history_with_its_machine(perf, tmp_path):
    from history import HEADING, keep, section

    page = tmp_path / "perf.md"
    page.write_text(f"# The benchmark\n\n{HEADING}\n### 2026-11-24\n\nold\n")
    seen = facts(
        cpu_model="A CPU",
        usable_cpus=2.0,
        instruction_sets=("AVX2",),
        cpu_now_hz=2.6e9,
        packages={"jax": "0.10.2"},
    )
    keep(page, section("2026-11-26", seen, 2, perf._table(list(rows_of(perf).values()))))
    text = page.read_text()
    assert text.index("### 2026-11-26") < text.index("### 2026-11-24")
    assert "A CPU, 2 CPUs (AVX2; clock now 2.60 GHz)" in text
    assert "jax 0.10.2. 2 rounds." in text
    page.write_text("# No history\n")
    with pytest.raises(ValueError, match="has no heading"):
        keep(page, "### x")


def test_a_missed_target_is_shown_as_missed_and_what_was_not_measured_as_that(perf):
    rows = rows_of(perf)
    assert rows["typing the command to the first timed step, less the import, s"]["met"] is False
    assert rows["between two jobs, less the import, s"]["median"] is None
    table = perf._table(list(rows.values()))
    line = next(line for line in table.splitlines() if "between two jobs" in line)
    assert line.count("n/a") == 4


def test_the_document_is_json(perf):
    import figures

    assert json.loads(figures.to_json({"rounds": ROUNDS}))["rounds"] == ROUNDS


@pytest.mark.slow
def test_the_cost_of_sampling_is_measured_as_a_share_of_one_core(perf):
    from sampling import sampling_cost

    before = psutil.Process().children()
    assert 0 < sampling_cost(2.0) < 1
    assert psutil.Process().children() == before
