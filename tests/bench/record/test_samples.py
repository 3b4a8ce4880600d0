"""Real journals of every schema version that there ever was are read, each with its figures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bench.app.commands.schema import schema_text
from bench.record.journal import read_run
from bench.record.lines import SCHEMA_VERSION
from bench.spec.frozen import canonical_json

SAMPLES = Path(__file__).resolve().parents[2] / "samples"

#: Of some samples, the seconds that each of its jobs trained. `first` is of the first commit that
#: wrote the version, and `last` of the last one.
TRAINED_S = {
    "schema_1/first": [3.8365215140001965],
    "schema_2/first": [5.573181111998565],
    "schema_2/last": [8.1101605570002, 3.5383904870031984],
    "schema_3/first": [3.915350486000534],
    "schema_4/first": [6.720305347000249],
}


#: For each schema version since 4, a digest of the names of all fields that its lines may hold.
FIELDS = {4: "dc6c3a7481207714"}


def samples() -> list[Path]:
    return sorted(SAMPLES.glob("schema_*/*.jsonl"))


def test_there_is_a_sample_of_every_version():
    versions = {path.parent.name for path in samples()}
    assert versions == {f"schema_{version}" for version in range(1, SCHEMA_VERSION + 1)}


def test_lines_with_other_fields_have_another_version():
    """An older program refuses unknown fields: without a new version, it calls them damage."""
    found = json.loads(schema_text())["$defs"]
    names = {name: sorted(model.get("properties", ())) for name, model in found.items()}
    digest = hashlib.sha256(canonical_json(names).encode()).hexdigest()[:16]
    assert digest == FIELDS[SCHEMA_VERSION], "raise SCHEMA_VERSION, and describe it (journal.md)"


@pytest.mark.parametrize("path", samples(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_line_of_a_sample_is_lost(path):
    run = read_run(path)
    assert run.warnings == ()
    assert run.shares
    assert sum(len(share.records) for share in run.shares) == len(run.records) > 0


def test_jobs_that_only_measured_ceilings_are_no_jobs_of_a_sample_s_run():
    run = read_run(SAMPLES / "schema_4" / "first.jsonl")
    assert run.complete and len(run.records) == len(run.header.jobs) == 1
    measured = {one.job.axes["backend"]: one.ceilings.ceilings for one in run.ceiling_records}
    assert {name: round(one.flops_per_s / 1e9) for name, one in measured.items()} == {
        "jax": 120,
        "torch": 175,
    }


@pytest.mark.parametrize("name", TRAINED_S)
def test_the_times_of_a_sample_are_those_that_were_measured(name):
    run = read_run(SAMPLES / f"{name}.jsonl")
    assert [record.measurement.train_s for record in run.measured] == TRAINED_S[name]
    steps = [record.measurement.step_times.unpack() for record in run.measured]
    assert all(
        times.size == record.measurement.step_times.count
        for times, record in zip(steps, run.measured, strict=True)
    )
