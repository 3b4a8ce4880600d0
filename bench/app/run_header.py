"""The header of a new run: what it was asked to do, so that the same command can go on with it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.app.plan import Plan
from bench.clock import utc_now
from bench.record.folder import next_number
from bench.record.lines import RunHeader, SeriesPlace
from bench.spec.frozen import canonical_json

#: A longer value of the request is kept as the beginning of its digest.
MOST_LETTERS, DIGEST_LETTERS = 40, 16

#: How a value begins if only its digest is kept.
DIGEST = "sha256:"


def new_header(plan: Plan, journals: Iterable[Path], series: SeriesPlace | None) -> RunHeader:
    """Return the header of a run that begins now, beside `journals`."""
    now = datetime.now(UTC)
    return RunHeader(
        run_id=f"{now:%Y%m%dT%H%M%S}Z-{_slug(plan.grid)}-{secrets.token_hex(2)}",
        workload=plan.workload.description.outline,
        request_digest=plan.request_digest,
        request=request_of(plan.decides),
        number=next_number(journals),
        command=plan.command,
        grid=plan.grid,
        label=plan.label,
        dataset=plan.dataset.name,
        dataset_source=plan.dataset.source,
        dataset_note=plan.dataset.note,
        data_digest=plan.dataset.digest,
        order_seed=plan.order_seed,
        repeat_disturbed=plan.repeat_disturbed,
        minutes=plan.minutes,
        started_at=utc_now(),
        jobs=plan.asked,
        prices=plan.prices,
        series=series,
    )


def request_of(decides: Mapping[str, object]) -> dict[str, str]:
    """Return what decides a run as short texts, by name."""
    texts = {
        name: "none" if value is None else canonical_json(value).strip('"')
        for name, value in decides.items()
    }
    return {
        name: text if len(text) <= MOST_LETTERS else _digest(text) for name, text in texts.items()
    }


def is_digest(text: str) -> bool:
    """Say whether a value of a request is only a digest."""
    return text.startswith(DIGEST)


def _digest(text: str) -> str:
    return f"{DIGEST}{hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LETTERS]}"


def _slug(name: str) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
    return kept[:40] or "grid"
