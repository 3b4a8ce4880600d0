"""The table of what is needed to run the same again."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from bench.analysis.results import Results
from bench.record.share import Share
from bench.report.column import Column, Table
from bench.report.rows import Row
from bench.report.shared_columns import warnings
from bench.report.words import notes

#: What stands in the place of a run's id beside what all runs have in common.
EVERY_RUN = "every run"

#: How the name of a package's version ends.
VERSION = " version"


def reproduce_table(results: Results, commands: Sequence[str]) -> Table:
    """Return names and values of each share; `commands` are the commands that made the report.

    What all shares have in common is shown once, so that the sittings of a folder need a few lines
    each.
    """
    head = [{"run": None, "name": "report command", "value": command} for command in commands]
    shares = [_share_rows(share) for share in results.shares]
    return Table(
        name="reproduce",
        title="To reproduce",
        columns=(
            Column("run", "run", foldable=True),
            Column("name", "name"),
            Column("value", "value"),
        ),
        rows=(*head, *itertools.chain(*shares)),
        brief=tuple(row for row in (*head, *_brief(shares)) if not _is_version(row)),
        notes=(*warnings(results), notes.DIGESTS_NOTE),
    )


def _is_version(row: Row) -> bool:
    """Say whether a row holds a version, which the table of machines shows too."""
    return str(row["name"]).endswith(VERSION)


def _brief(shares: Sequence[Sequence[Row]]) -> Iterator[Row]:
    """Yield the rows that all shares have in common, and then the other rows share by share."""
    if len(shares) == 1:
        yield from shares[0]
        return
    told = [Counter((row["name"], row["value"]) for row in rows) for rows in shares]
    common = [
        row
        for row in itertools.chain(*shares[:1])
        if all(
            each[row["name"], row["value"]] == told[0][row["name"], row["value"]] for each in told
        )
    ]
    yield from ({**row, "run": EVERY_RUN} for row in common)
    known = {(row["name"], row["value"]) for row in common}
    for rows in shares:
        yield from (row for row in rows if (row["name"], row["value"]) not in known)


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
        ("jobs measured", len({r.job_id for r in share.measured if not r.job.again})),
        ("order seed", header.order_seed),
        ("seeds", " ".join(str(seed) for seed in sorted({job.seed for job in share.jobs}))),
        ("dataset", header.dataset),
        ("dataset source", header.dataset_source),
        ("data digest", header.data_digest),
        *(("code digest", digest) for digest in code),
        *((f"{name}{VERSION}", version) for name, version in versions.items() if version),
        (f"journal schema{VERSION}", header.schema_version),
        ("journal", share.path.name),
        *(("journal warning", warning) for warning in share.warnings),
    ]
    return [{"run": header.run_id, "name": name, "value": value} for name, value in pairs]
