"""The table of sittings: how much each machine differs from itself from one sitting to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.analysis.contenders import Contender
from bench.analysis.effects import Effects
from bench.analysis.entrants import Side
from bench.analysis.pooling import MeasuredJob
from bench.analysis.priors import TypePriors
from bench.analysis.ratios import MARGIN, noise_floor
from bench.analysis.results import Results
from bench.analysis.self_comparison import SelfComparison, compare_with_itself, told_apart
from bench.analysis.sittings import key_of, sittings, span_hours
from bench.clock import minute
from bench.report.column import Column, Table
from bench.report.compared import FEW_DIFFERENCES, difference_lines
from bench.report.pair_words import pair_sentence
from bench.report.rows import Row
from bench.report.shared_columns import MACHINE, warnings
from bench.report.words import comparison, notes, sureness

#: The newest sittings of a machine that are compared with each other; 20 make 190 pairs.
MOST = 20
#: For so many machines it is told what changed between sittings that were called different.
MOST_TOLD = 10

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
    fitted = [(one, fit) for one in results.contenders if (fit := one.fits())]
    priors = TypePriors(
        (one.machine.facts, fit) for one in results.timed if (fit := one.fits()) is not None
    )
    pairs = {one.name: told_apart(one, priors) for one, fit in fitted if fit.count <= MOST}
    jobs: dict[str, list[MeasuredJob]] = {}
    for job in results.measured:
        jobs.setdefault(job.machine_key, []).append(job)
    against: list[SelfComparison] = []
    for one, fit in fitted:
        if fit.count > MOST or (pairs[one.name][1] and len(against) < MOST_TOLD):
            found = _against_itself(one, fit, jobs[one.machine.key], results)
            against.append(found)
            pairs[one.name] = len(found.comparisons), len(found.different)
    rows = tuple(_row(one, fit, pairs[one.name]) for one, fit in fitted)
    aside = [comparison.sittings_aside(one.name, one.sittings_aside) for one, _ in fitted]
    several = any(row["sittings"] > 1 for row in rows)
    beliefs = tuple(dict.fromkeys(str(row["prior"]) for row in rows))
    return Table(
        name="sittings",
        title="Sittings",
        columns=_COLUMNS,
        rows=rows,
        brief=rows if several else (),
        notes=(
            *warnings(results),
            *([notes.SITTINGS_NOTE] if several else []),
            *([notes.single_sittings(beliefs)] if rows and not several else []),
            *filter(None, aside),
            *[_what_changed(found) for found in against if found.different][:MOST_TOLD],
        ),
    )


def _row(one: Contender, fit: Effects, pairs: tuple[int, int]) -> Row:
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
        **_spread(fit, pairs),
    }


def _spread(fit: Effects, found: tuple[int, int]) -> dict[str, Any]:
    """Return what the machine's own sittings show; the reason if it has only one."""
    if fit.count < 2:
        return {"spread": None, "called": None, "spread_reason": notes.ONE_SITTING}
    effects = list(fit.sittings.values())
    spread = math.sqrt(sum(effect**2 for effect in effects) / (len(effects) - 1))
    pairs, different = found
    return {
        "spread": math.expm1(spread),
        "pairs": pairs,
        "pairs_called_different": different,
        "called": f"{different} of {pairs} pairs",
    }


def _what_changed(found: SelfComparison) -> str:
    """Return what differs between the two sittings that were called different by most."""
    first, second = found.different[0].entrants
    began = [minute(one.contender.sittings[0].began_at) for one in (first, second)]
    lines = difference_lines(first, second, FEW_DIFFERENCES)
    return comparison.changed_speed(
        found.whole.name,
        began,
        pair_sentence(found.different[0].leaders, MARGIN, advise=False),
        lines,
    )


def _against_itself(
    one: Contender, fit: Effects, jobs: Sequence[MeasuredJob], results: Results
) -> SelfComparison:
    """Return the newest sittings of a machine against each other."""
    when = sittings(jobs)
    fitted = [past for past in set(when.values()) if past in fit.sittings]
    newest = sorted(fitted, key=lambda past: past.began_at)[-MOST:]
    kept = tuple(job for job in jobs if when[key_of(job)] in newest)
    calibrations = None if results.reference is None else results.reference.calibrations
    return compare_with_itself(
        Side(one.name, kept), results.outline, donors=results.timed, calibrations=calibrations
    )
