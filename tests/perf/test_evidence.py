"""The evidence for the statistics: its tables are made, and its simulations know their truth."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from builders import a_job, a_measurement, a_record, a_run
from sealing import write_sealed

from bench.analysis.priors import PRIORS

FOLDER = Path(__file__).parent / "evidence"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture
def evidence(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    import evidence  # its modules find each other by being run from their folder

    return evidence


@pytest.mark.parametrize("name", ["coverage", "jobs", "families", "equal", "looks", "stein"])
def test_each_simulation_makes_its_table_from_a_few_draws(evidence, name):
    make, _ = evidence.SIMULATED[name]
    with ThreadPoolExecutor(1) as pool:
        for table in evidence._listed(make(2, pool)):
            assert table.rows
            assert {len(row) for row in table.rows} == {len(table.headings)}


def test_the_power_of_a_planted_slowdown_grows_with_it(evidence):
    import power

    row = power._interleaved_row((0.01, 2), draws=60)
    shares = [float(text.split("%")[0]) for text in row[2:]]
    assert shares[0] < 10 < shares[-1]
    assert shares == sorted(shares)


def test_a_simulated_world_has_the_spread_that_it_says(evidence):
    import worlds

    world = worlds.World(0.05).calm
    logs = worlds.logs_of(world, 4000, 1, worlds.rng_of(0))
    assert logs.mean(axis=2).std() == pytest.approx(0.05, rel=0.1)
    disturbed = worlds.World(0.0, drift=0.0, disturbed=1.0, noise=(0.0,) * 4)
    assert worlds.logs_of(disturbed, 4000, 1, worlds.rng_of(0)).mean() == pytest.approx(
        disturbed.lengthened, rel=0.05
    )


def test_a_look_tells_apart_at_the_first_mean_that_lies_outside(evidence):
    import stopping

    logs = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0]])
    halves = np.array([[2.0, 0.9, 0.5], [2.0, 1.0, 1.0]])
    assert stopping.first_told(logs, halves).tolist() == [2, 0]
    assert stopping.running_variances(logs)[1, 1:].tolist() == [2.0, 1.0]


def test_shares_have_the_bounds_of_clopper_and_pearson(evidence):
    import shares

    assert shares.low_bound(0, 50) == 0
    assert shares.high_bound(50, 50) == 1
    assert shares.high_bound(0, 50) == pytest.approx(1 - 0.05 ** (1 / 50))
    assert shares.low_bound(50, 50) == pytest.approx(0.05 ** (1 / 50))


def test_a_new_table_replaces_its_predecessor_and_leaves_the_rest(evidence):
    from document import renewed
    from shares import Table

    text = "before\n<!-- evidence:x -->\nold\n<!-- /evidence:x -->\nafter\n"
    table = Table("x", "About.", ("a", "b"), (("1", "2"),))
    once = renewed(text, [table])
    assert once == (
        "before\n<!-- evidence:x -->\nAbout.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
        "<!-- /evidence:x -->\nafter\n"
    )
    assert renewed(once, [table]) == once
    with pytest.raises(ValueError, match="0 places for the table y"):
        renewed(text, [Table("y", "", (), ())])


def test_every_table_has_its_place_in_the_document(evidence):
    import document

    text = evidence.DOCUMENT.read_text(encoding="utf-8")
    names = {*evidence.SIMULATED, *evidence.MEASURED} - {"sittings"}
    names |= {"coverage-cell", "pairs", "splits", "spread"}
    assert {name for name in names if any(text.count(m) != 1 for m in document.markers(name))} == (
        set()
    )


def test_the_document_shows_the_priors_of_the_package(evidence):
    text = evidence.DOCUMENT.read_text(encoding="utf-8")
    for row in PRIORS.values():
        status = "assumed until measured" if row.assumed else "measured"
        assert f"| {row.machine} | {100 * row.spread:g}% | {row.date} | {status} |" in text


def journal(folder: Path, number: int, steps_s: dict[str, float], label: str = "vm") -> None:
    """Write the journal of one sitting whose steps take `steps_s` by model."""
    run_id = f"2026110{number}T100000Z-sitting-000{number}"
    records = []
    for model, step_s in steps_s.items():
        job = a_job(model=model, epochs=2)
        measured = a_measurement([[step_s] * 10] * 2)
        moment = f"2026-11-0{number}T10:00:00Z"
        records.append(
            a_record(job, measured, label=label, run_id=run_id, started_at=moment, ended_at=moment)
        )
    run = a_run(records, run_id=run_id, label=label)
    lines = (run.header, *run.machines, *run.records)
    write_sealed(folder / f"{run_id}.jsonl", lines)


@pytest.mark.slow
def test_pairs_of_sittings_are_compared_and_a_far_one_is_called_different(evidence, tmp_path):
    import journals

    for number, factor in enumerate((1.0, 1.01, 0.99, 3.0), 1):
        journal(tmp_path, number, {"mlp": 0.002 * factor, "cnn": 0.020 * factor})
    pairs, splits, spread = journals.sitting_tables(tmp_path)
    assert pairs.rows[0][:3] == ("all cells", "6", "3 (50.0%)")
    assert [row[0] for row in splits.rows] == [
        "first half, second half",
        "odd, even",
        "2, 2 at random",
    ]
    assert spread.rows[-2][3] == "3.030"
    assert "4 sittings within 72.0 hours" in pairs.about


def test_machines_of_a_folder_are_told_apart_and_a_machine_is_not_from_itself(evidence, tmp_path):
    import journals

    for number, (label, factor) in enumerate((("one", 2.0), ("a", 1.0), ("b", 1.0)) * 3, 1):
        journal(tmp_path, number, {"mlp": 0.002 * factor, "cnn": 0.020 * factor}, label)
    rows = journals.thread_table(tmp_path).rows
    kinds = {row[0] for row in rows}
    assert len(kinds) == 3  # two kinds of job and their mean
    assert {row[:3]: row[5] for row in rows} == {
        (kind, *pair): finding
        for kind in kinds
        for pair, finding in {
            ("a", "b"): "open",
            ("a", "one"): "told apart",
            ("b", "one"): "told apart",
        }.items()
    }
