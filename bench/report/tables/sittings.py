"""The table of sittings: how much each machine differs from itself from one sitting to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.analysis.contenders import Contender
from bench.analysis.effects import Effects
from bench.analysis.entrants import Side, donors_of
from bench.analysis.ratios import noise_floor
from bench.analysis.results import Results
from bench.analysis.self_comparison import compare_with_itself
from bench.analysis.sittings import key_of, sittings, span_hours
from bench.report.column import Column, Row, Table
from bench.report.shared_columns import MACHINE, warnings
from bench.report.words import notes, sureness

#: The newest sittings of a machine that are compared with each other; 20 make 190 pairs.
MOST = 20

_COLUMNS = (
    MACHINE,
    Column("sittings", "sittings", "number", "runs in one boot at one time of day"),
    Column("hours", "over hours", "number", "from the start of the first to the end of the last"),
    Column("n", "jobs", "number", "jobs that count"),
    Column(
        "spread",
        "spread",
        "share",
        "by how much sittings differ: the standard deviation of their mean steps",
        better="lower",
        why="spread_reason",
    ),
    Column(
        "floor",
        "noise floor",
        "share",
        "two sittings differ by less than this in 95 of 100 cases",
        better="lower",
    ),
    Column("prior", "assumed before", meaning="what was believed of the spread beforehand"),
    Column(
        "called",
        "called different",
        meaning="how many pairs of the machine's own sittings the comparison called different; "
        "each of them is a false alarm",
        why="spread_reason",
    ),
)


def sittings_table(results: Results) -> Table:
    """Return one row for each machine whose mean step was measured."""
    donors = donors_of((), results.measured, results.outline)
    rows = tuple(
        _row(one, fit, results, donors) for one in results.contenders if (fit := one.fits())
    )
    return Table(
        name="sittings",
        title="Sittings",
        columns=_COLUMNS,
        rows=rows,
        notes=(*warnings(results), *([notes.SITTINGS_NOTE] if rows else [])),
    )


def _row(one: Contender, fit: Effects, results: Results, donors: Sequence[Contender]) -> Row:
    prior = fit.prior
    return {
        "machine": one.name,
        "sittings": fit.count,
        "hours": span_hours(one.sittings),
        "n": fit.jobs,
        "floor": math.expm1(noise_floor(fit)),
        "prior": f"{sureness.share(prior.spread)} ({prior.source})",
        "prior_spread": prior.spread,
        "prior_assumed": prior.assumed,
        "assumed": fit.assumed,
        **_against_itself(one, fit, results, donors),
    }


def _against_itself(
    one: Contender, fit: Effects, results: Results, donors: Sequence[Contender]
) -> dict[str, Any]:
    """Return what the machine's own sittings show; the reason if it has only one."""
    if fit.count < 2:
        return {"spread": None, "called": None, "spread_reason": notes.ONE_SITTING}
    effects = list(fit.sittings.values())
    spread = math.sqrt(sum(effect**2 for effect in effects) / (len(effects) - 1))
    jobs = [job for job in results.measured if job.machine_key == one.machine.key]
    when = sittings(jobs)
    newest = sorted(
        (one for one in set(when.values()) if one in fit.sittings), key=lambda one: one.began_at
    )[-MOST:]
    kept = tuple(job for job in jobs if when[key_of(job)] in newest)
    found = compare_with_itself(Side(one.name, kept), results.outline, donors=donors)
    pairs, different = len(found.comparisons), len(found.different)
    return {
        "spread": math.expm1(spread),
        "pairs": pairs,
        "pairs_called_different": different,
        "called": f"{different} of {pairs} pairs",
    }
