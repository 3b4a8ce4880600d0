"""Prices that a user states on the command line, and the runs that they apply to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.errors import RequestError
from bench.record.price import PriceRule
from bench.record.run import Run


def repriced(run: Run, rules: Sequence[PriceRule]) -> Run:
    """Return `run` with `rules` before the rules of its journal; the journal does not change.

    If the rules say nothing new, the result is the same object. A bare figure with another date
    says nothing new.
    """
    if not rules or _undated(rules) == _undated(run.header.prices):
        return run
    prices = (*rules, *run.header.prices)
    return replace(run, header=run.header.model_copy(update={"prices": prices}))


def repriced_report(runs: Sequence[Run], rules: Sequence[PriceRule]) -> list[Run]:
    """Return the runs of one report with `rules` before the rules of each journal.

    A bare figure applies to the report's one machine. Raises RequestError if it has several.
    """
    labels = list(dict.fromkeys(share.label for run in runs for share in run.shares))
    if any(rule.is_typed for rule in rules) and len(labels) != 1:
        raise RequestError(
            "a bare price applies to one machine, and this report shows several machines or none",
            seen=", ".join(sorted(labels)) or "no machine",
            next_step="give a YAML file with a label for each machine: docs/machine.md",
        )
    named = _given_to(labels[0], rules) if labels else rules
    return [repriced(run, named) for run in runs]


def repriced_sittings(runs: Sequence[Run], newest: Run) -> list[Run]:
    """Return the runs of one folder with the rules of `newest` before the rules of the others.

    A bare figure applies to the machine on which it was given, by its label.
    """
    named = _given_to(newest.header.label, newest.header.prices)
    return [run if run is newest else repriced(run, named) for run in runs]


def _given_to(label: str, rules: Sequence[PriceRule]) -> list[PriceRule]:
    """Return `rules` with each bare figure given to the machine called `label`."""
    named = {"label": label}
    return [rule.model_copy(update=named) if rule.is_typed else rule for rule in rules]


def renamed(run: Run, label: str) -> Run:
    """Return `run` with its machine called `label`, also in the journal's price rules."""
    prices = tuple(
        rule.model_copy(update={"label": label}) if rule.label == run.header.label else rule
        for rule in run.header.prices
    )
    other = run.relabelled(label)
    return replace(other, header=other.header.model_copy(update={"prices": prices}))


def _undated(rules: Sequence[PriceRule]) -> list[PriceRule]:
    return [rule.model_copy(update={"date": ""}) if rule.is_typed else rule for rule in rules]
