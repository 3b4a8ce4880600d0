"""One machine compared with itself: how often its own sittings are called different."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.comparison import Comparison, compare
from bench.analysis.contenders import Contender, Quantity, Row, fits_of, jobs_that_count
from bench.analysis.entrants import Entrant, Side, donors_of, entrants
from bench.analysis.pooling import MeasuredJob
from bench.analysis.priors import TypePriors, table_prior
from bench.analysis.ratios import MARGIN, common_cells, noise_floor, ratio
from bench.analysis.sittings import Sitting, key_of, sittings
from bench.errors import RequestError
from bench.spec.axes import Calibrations
from bench.spec.description import Outline


@dataclass(frozen=True)
class SelfComparison:
    """One machine compared with itself: each pair of its sittings as if it were two machines.

    `whole` is the machine with all its sittings, `parts` are its sittings in order of time.
    `when` holds the sitting of each part as `whole` knows it. `comparisons` are all pairs. The jobs
    that count in `whole` are the ones that count in `parts`, so that a disturbed job has no weight
    in a sitting either. `floor` is the noise floor as a log.
    """

    by: Quantity
    whole: Entrant
    parts: tuple[Entrant, ...]
    when: tuple[Sitting, ...]
    comparisons: tuple[Comparison, ...]
    floor: float

    def slower(self, part: Entrant) -> float | None:
        """By how much a sitting is slower than the mean, as a log; None if it is unknown."""
        found = dict(zip((one.name for one in self.parts), self.when, strict=True))
        return self.whole.fit(self.by).sittings.get(found[part.name])

    @property
    def farthest(self) -> Comparison | None:
        """The two sittings that differ most; None if no two share a kind of job."""
        return max(self.comparisons, key=lambda one: abs(one.leaders.ratio.log), default=None)

    @property
    def different(self) -> tuple[Comparison, ...]:
        """The pairs that were called different, the largest difference first."""
        found = [one for one in self.comparisons if one.leaders.finding.apart]
        return tuple(sorted(found, key=lambda one: -abs(one.leaders.ratio.log)))


def compare_with_itself(
    side: Side,
    outline: Outline,
    by: Quantity = "step",
    *,
    margin: float = MARGIN,
    donors: Sequence[Contender] | None = None,
    calibrations: Calibrations | None = None,
) -> SelfComparison:
    """Return all pairs of a side's sittings through `compare`. Raises RequestError below two.

    The `donors` inform the prior, and the `calibrations` say what is trained wrong, as in
    `entrants`.
    """
    if donors is None:
        donors = donors_of([side], (), outline)
    (whole,) = entrants([side], outline, donors=donors, calibrations=calibrations)
    wrong = {gate.cell for gate in whole.wrong}
    when = sittings(side.jobs)
    jobs: dict[Sitting, list[MeasuredJob]] = {}
    for job in jobs_that_count(side.jobs, outline, lambda key, cell: cell not in wrong):
        jobs.setdefault(when[key_of(job)], []).append(job)
    timed = whole.fit(by).sittings  # of the others no job counts or gave this quantity
    order = sorted((one for one in jobs if one in timed), key=lambda one: one.began_at)
    if len(order) < 2:
        raise RequestError(
            f"{side.name} has one sitting, so it cannot be compared with itself",
            seen=order[0].run_id if order else "no sitting that counts",
            next_step="measure another sitting: give the command of the run again",
        )
    named = [
        Side(f"sitting {number}", tuple(jobs[sitting])) for number, sitting in enumerate(order, 1)
    ]
    parts = entrants(named, outline, donors=donors)
    return SelfComparison(
        by=by,
        whole=whole,
        parts=parts,
        when=tuple(order),
        comparisons=tuple(
            compare(pair, by, margin=margin)
            for pair in itertools.combinations(parts, 2)
            if common_cells(pair[0].fit(by), pair[1].fit(by))
        ),
        floor=noise_floor(whole.fit(by)),
    )


def told_apart(one: Contender, priors: TypePriors, margin: float = MARGIN) -> tuple[int, int]:
    """Return how many pairs of a machine's sittings share a cell, and how many are told apart.

    These are the pairs of `compare_with_itself` by the mean step, without all that is needed to
    tell of a single one; `priors` hold what other machines tell.
    """
    rows: dict[Sitting, list[Row]] = {}
    for row in one.rows:
        rows.setdefault(row.sitting, []).append(row)
    fits = [found["step"] for own in rows.values() if "step" in (found := fits_of(own, ("step",)))]
    prior = priors.of(one.machine.facts, 1) or table_prior(one.machine.facts)
    parts = [fit.moderated(prior) for fit in fits]
    pairs = [
        ratio(*both, cells)
        for both in itertools.combinations(parts, 2)
        if (cells := common_cells(*both))
    ]
    return len(pairs), sum(pair.finding(margin).apart for pair in pairs)
