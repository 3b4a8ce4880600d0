"""Prices that a user states on the command line, and the runs of which they speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.errors import RequestError
from bench.record.price import PriceRule
from bench.record.run import Run

#: What `--price` takes, and of what a bare figure speaks.
METAVAR = "USD|USD/4y|FILE"
HELP = (
    "dollars an hour (0.35), what the machine cost and its years of use (1800/4y), or a YAML file "
    "of rules; a bare figure speaks of this machine alone, not of a cluster's nodes"
)
HELP_REPORT = (
    "as in run; goes before the journals' own prices, and is a bare figure only where the report "
    "is of one machine"
)


def repriced(run: Run, rules: Sequence[PriceRule]) -> Run:
    """Return `run` with `rules` before its journal's own; the journal stays as it is.

    It is the same object where they say nothing new, the day of a bare figure aside.
    """
    if not rules or _undated(rules) == _undated(run.header.prices):
        return run
    prices = (*rules, *run.header.prices)
    return replace(run, header=run.header.model_copy(update={"prices": prices}))


def repriced_report(runs: Sequence[Run], rules: Sequence[PriceRule]) -> list[Run]:
    """Return the runs of one report with `rules` before those of each journal.

    A bare figure speaks of the report's one machine. Raises RequestError where it has several.
    """
    parts = [part.header for run in runs for part in run.parts]
    labels = list(dict.fromkeys(part.label for part in parts))
    typed = any(rule.is_typed for rule in rules)
    if typed and len(labels) != 1:
        raise RequestError(
            "a bare price speaks of one machine, and this report is not of one",
            seen=", ".join(sorted(labels)) or "no machine",
            next_step="give a YAML file with a label for each machine: docs/machine.md",
        )
    if typed:
        named = {"label": labels[0]}
        rules = [rule.model_copy(update=named) if rule.is_typed else rule for rule in rules]
    return [repriced(run, rules) for run in runs]


def renamed(run: Run, label: str) -> Run:
    """Return `run` with its machine called `label`, also in the journal's rules that name it."""
    rules = [
        rule.model_copy(update={"label": label}) if rule.label == run.header.label else rule
        for rule in run.header.prices
    ]
    other = run.labelled(label)
    return replace(other, header=other.header.model_copy(update={"prices": tuple(rules)}))


def _undated(rules: Sequence[PriceRule]) -> list[PriceRule]:
    return [rule.model_copy(update={"date": ""}) if rule.is_typed else rule for rule in rules]
