"""What one more sitting of a machine would do to the bracket of its own time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.contenders import Contender
from bench.analysis.ratios import bracket


@dataclass(frozen=True)
class Outlook:
    """Half of the bracket of a machine's mean over many days, as logs: `now`, and with one more.

    `sittings` counts the sittings so far. `spread` is how much sittings are believed to differ, and
    `assumed` the share of the bracket's variance that rests on this belief.
    """

    sittings: int
    now: float
    with_one_more: float
    spread: float
    assumed: float


def outlook(contenders: Sequence[Contender], label: str, run_id: str) -> Outlook | None:
    """Return the outlook of the machine called `label` in a run; None if it measured nothing.

    It is of the mean step, or of the whole job if no step was measured.
    """
    for contender in contenders:
        mine = any((one.label, one.run_id) == (label, run_id) for one in contender.sittings)
        effects = contender.effects.get("step") or contender.effects.get("total")
        if mine and effects is not None:
            return Outlook(
                sittings=effects.count,
                now=bracket(effects),
                with_one_more=bracket(effects, more=1),
                spread=effects.prior.spread,
                assumed=effects.assumed,
            )
    return None
