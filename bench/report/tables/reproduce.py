"""The table of what is needed to run the same again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.results import Results
from bench.record.run import Share
from bench.report.column import Column, Table
from bench.report.shared_columns import warnings
from bench.report.words import notes


def reproduce_table(results: Results, commands: Sequence[str]) -> Table:
    """Return names and values of each share; `commands` are the commands that made the report."""
    rows = [{"run": None, "name": "report command", "value": command} for command in commands]
    rows += [row for share in results.shares for row in _share_rows(share)]
    return Table(
        name="reproduce",
        title="To reproduce",
        columns=(
            Column("run", "run", foldable=True),
            Column("name", "name"),
            Column("value", "value"),
        ),
        rows=tuple(rows),
        notes=(*warnings(results), notes.DIGESTS_NOTE),
    )


def _share_rows(share: Share) -> list[dict[str, Any]]:
    header = share.header
    code = dict.fromkeys(
        record.measurement.digests.code for record in share.records if record.measurement
    )
    versions = {"python": share.facts.python, **share.facts.packages}
    pairs = [
        ("command", header.command),
        ("started", header.started_at),
        ("grid", header.grid),
        ("jobs planned", len(share.jobs)),
        ("jobs measured", len({record.job_id for record in share.measured})),
        ("order seed", header.order_seed),
        ("seeds", " ".join(str(seed) for seed in sorted({job.seed for job in share.jobs}))),
        ("dataset", header.dataset),
        ("dataset source", header.dataset_source),
        ("data digest", header.data_digest),
        *(("code digest", digest) for digest in code),
        *((f"{name} version", version) for name, version in versions.items() if version),
        ("journal schema version", header.schema_version),
        ("journal", share.path.name),
        *(
            ("journal warning", warning.replace(str(share.path), share.path.name))
            for warning in share.warnings
        ),
    ]
    return [{"run": header.run_id, "name": name, "value": value} for name, value in pairs]
