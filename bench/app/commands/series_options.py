"""The options that ask for several sittings of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.app.amounts import Duration, Percent
from bench.app.options import POSITIVE, Option
from bench.errors import RequestError
from bench.spec.request import SeriesRequest

#: The pause between two sittings if the user names none.
GAP_S = 1800.0

#: The sittings of the first stage of a series with a precision.
FIRST_STAGE = 3


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
            "--precision",
            section=section,
            type=Percent(),
            help="measure as many sittings as bring the bracket of each machine's time to plus or "
            "minus this share, such as 3% or 0.03: after the first sittings (--sittings, "
            f"default: {FIRST_STAGE}) the plan is printed with its jobs, minutes and dollars, and "
            "then measured",
        ),
        Option(
            "--gap",
            section=section,
            type=Duration(),
            metavar="TIME",
            help="with --sittings or --precision: the pause from the end of one sitting to the "
            "start of the next, such as 90s, 30m or 2h; a plain number is minutes (default: 30m)",
        ),
    ]


def series_of(values: Mapping[str, Any]) -> SeriesRequest | None:
    """Return the series that the parsed options ask for; None for a single sitting.

    Raises RequestError if a pause or a precision is asked for without a second sitting.
    """
    sittings, gap_s, precision = values["sittings"] or 1, values["gap"], values["precision"]
    if precision is not None:
        if values["sittings"] == 1:
            raise RequestError(
                "--precision needs the spread between sittings, but --sittings 1 measures only one",
                next_step="leave --sittings out, or give 2 or more",
            )
        first = values["sittings"] or FIRST_STAGE
        return SeriesRequest(first, GAP_S if gap_s is None else gap_s, precision)
    if sittings > 1:
        return SeriesRequest(sittings, GAP_S if gap_s is None else gap_s)
    if gap_s is not None:
        raise RequestError(
            "--gap is the pause between two sittings, but only one is asked for",
            next_step="add --sittings 3, or leave --gap out",
        )
    return None
