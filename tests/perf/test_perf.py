"""What `make perf` makes of its rounds; the measuring itself is not a test's business."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest

#: Two rounds with planted steps: fit 6 and 8 ms, compiled 3 and 2 ms of 0.3 GFLOP each.
ROUNDS = [
    {
        "mlp fit tensorflow: p10 ms": fit,
        "mlp compiled tensorflow: p10 ms": compiled,
        "mlp compiled tensorflow: GFLOP/s": 300 / compiled,
        "mlp compiled tensorflow: ceiling": 200.0,
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


def test_a_share_is_of_the_largest_ceiling(perf):
    row = rows_of(perf)["MLP compiled, best backend: share of the matrix-multiply ceiling"]
    assert (row["low"], row["high"]) == (0.5, 0.75)


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


def test_the_cost_of_sampling_is_measured_as_a_share_of_one_core(perf):
    from sampling import sampling_cost

    before = psutil.Process().children()
    assert 0 < sampling_cost(2.0) < 1
    assert psutil.Process().children() == before
