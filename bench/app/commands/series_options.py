"""The options that ask for several sittings of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.app.amounts import Duration
from bench.app.options import POSITIVE, Option
from bench.errors import RequestError
from bench.spec.request import SeriesRequest

#: The pause between two sittings if the user names none.
GAP_S = 1800.0


def series_options(section: str) -> list[Option]:
    """Return the options of a series."""
    return [
        Option(
            "--sittings",
            section=section,
            type=POSITIVE,
            metavar="N",
            help="measure everything N times, each time as a run of its own, with a pause between "
            "them; the report takes all of them together",
        ),
        Option(
            "--gap",
            section=section,
            type=Duration(),
            metavar="TIME",
            help="with --sittings: the pause from the end of one sitting to the start of the next, "
            "such as 90s, 30m or 2h; a plain number is minutes (default: 30m)",
        ),
    ]


def series_of(values: Mapping[str, Any]) -> SeriesRequest | None:
    """Return the series that the parsed options ask for; None for a single sitting.

    Raises RequestError if there is a pause but no second sitting.
    """
    sittings, gap_s = values["sittings"] or 1, values["gap"]
    if sittings > 1:
        return SeriesRequest(sittings, GAP_S if gap_s is None else gap_s)
    if gap_s is not None:
        raise RequestError(
            "--gap is the pause between two sittings, but only one is asked for",
            next_step="add --sittings 3, or leave --gap out",
        )
    return None
