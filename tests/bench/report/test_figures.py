"""Journals of schema 1 give the figures that the program of their time wrote of them.

`tests/samples/schema_1/figures.json` is the summary.json of desk.jsonl, rack.jsonl and late.jsonl
together, and cluster_figures.json that of cluster.jsonl. The commit before schema 2 wrote both.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from reporting import build_report

from bench.record.journal import read_run
from bench.report.data import summary_json
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "schema_1"

#: Tables that were renamed on purpose: any workload has metrics, few have an accuracy.
RENAMED_TABLES = {"accuracy": "quality"}
#: Tables that came later.
NEW_TABLES = {"ranking", "targets", "sameness", "sittings", "overview"}
#: A ceiling was that of the job's own backend; now it is the machine's, and the other has a key.
OWN = {
    what: f"own_{what}"
    for what in ("ceiling_flops_per_s", "ceiling_bytes_per_s", "ceiling_share", "memory_share")
}
#: Keys that were renamed on purpose: the key of a difference follows from its metric's name.
RENAMED = {
    "capacity": OWN,
    "limits": OWN,
    "quality": {
        "train_difference": "train_accuracy_difference",
        "test_difference": "test_accuracy_difference",
    },
}
#: Keys that were given up on purpose: build facts stand under `build_<framework>`, by their names.
DROPPED = {
    "machines": {"one_dnn", "cuda_build"},
    # Jobs and published figures are judged by calibrations, not by a tolerance without a source.
    "quality": {"tolerance", "within_tolerance", "tolerance_reason"},
}
#: A digest that now covers more facts: each old key has become one new key.
DIGEST = "machine_key"
#: Brackets answer for another day now, and speeds are compared by cell and not job by job.
BRACKETS = re.compile(r"_(low|high)(_s|_ms)?$|^relative_interval_covers$")
#: Published epochs use the printed milliseconds too, so these may differ by a few percent.
BY_MILLISECONDS = re.compile(r"^speed_vs_|^epoch_s$")
REPLACED = {"comparison"}
#: Sentences, which are plainer now; the reasons in cells are figures too and stay.
SENTENCES = {"about", "verdict", "notes"}
#: Cells that differ on purpose, by table and key, given the old row.
CHANGED = {
    # The header is lifted to the present schema when it is read.
    ("reproduce", "value"): lambda row: row["name"] == "journal schema version",
    # The mean step was the median steady epoch over its steps; two epochs have one steady epoch.
    ("capacity", "step_mean_ms"): lambda row: row["epochs"] > 2,
}


@pytest.mark.parametrize(
    ("journals", "figures"),
    [(("desk", "rack", "late"), "figures.json"), (("cluster",), "cluster_figures.json")],
)
def test_every_table_of_a_lifted_journal_has_the_same_rows_and_figures(journals, figures):
    runs = [read_run(SAMPLES / f"{name}.jsonl") for name in journals]
    assert [run.warnings for run in runs] == [()] * len(runs)
    report = build_report(runs, DESCRIPTION.outline, published_2020())
    now = json.loads(summary_json(report))
    old = json.loads((SAMPLES / figures).read_text(encoding="utf-8"))
    old = {RENAMED_TABLES.get(name, name): table for name, table in old.items()}
    assert set(now) - NEW_TABLES == set(old) | {"columns"}
    fewer = {who(row) for row in now["capacity"] if row.get("aside") or row.get("read_off")}
    keys = set()
    for table in set(old) - SENTENCES - REPLACED:
        assert len(now[table]) == len(old[table]), table
        for place, (before, after) in enumerate(zip(old[table], now[table], strict=True)):
            if table in ("capacity", "limits") and who(after) in fewer:
                continue  # their times leave out a disturbed job or a read-off now
            assert differences(table, before, after) == {}, f"{table}, row {place}"
            keys.add((before.get("machine_key"), after.get("machine_key")))
    assert len({old for old, _ in keys}) == len({new for _, new in keys}) == len(keys)


def test_the_build_facts_of_a_lifted_journal_stand_under_their_framework():
    runs = [read_run(SAMPLES / f"{name}.jsonl") for name in ("desk", "rack")]
    document = json.loads(summary_json(build_report(runs, DESCRIPTION.outline)))
    desk = document["machines"][0]
    assert desk["build_tensorflow"]["oneDNN"] == "yes"
    assert desk["build_tensorflow"]["cuda_version"] == "12.5.1"
    assert desk["build_torch"]["CUDA"] == "none"


def who(row):
    """Return what tells a group of jobs from the others."""
    return tuple(row.get(key) for key in ("machine_key", "job", "batch_size", "loop", "precision"))


def differences(table, before, after):
    """Return the keys of an old row whose value is another now, with both values."""
    renamed, dropped = RENAMED.get(table, {}), DROPPED.get(table, set())
    found = {}
    for key, value in before.items():
        if (
            key in dropped | {DIGEST}
            or BRACKETS.search(key)
            or CHANGED.get((table, key), lambda row: False)(before)
        ):
            continue
        new = after.get(renamed.get(key, key), "no such key")
        near = 0.07 if table == "capacity" and BY_MILLISECONDS.search(key) else 1e-9
        if not same(value, new, near):
            found[key] = (value, new)
    return found


def same(before, after, near):
    if isinstance(before, (int, float)) and isinstance(after, (int, float)):
        return math.isclose(before, after, rel_tol=near)
    return before == after
