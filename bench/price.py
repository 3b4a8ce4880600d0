"""What an hour of a machine costs: the user's rules first, then the dated table of this package.

Every price carries its source and its date; where there is none, the reason is given instead.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from bench.errors import RequestError
from bench.facts import MachineFacts
from bench.spec import Frozen

#: Hours of a mean year: an own machine serves around the clock unless its rule says otherwise.
HOURS_A_YEAR = 8766.0


class PriceRule(Frozen):
    """A price that the user states, for the machines that it names (all, where it names none).

    Either dollars an hour, or what a machine of one's own cost and how long it will serve.
    """

    label: str | None = None
    provider: str | None = None
    instance_type: str | None = None
    machine_type: str | None = None
    usd_per_hour: float | None = Field(default=None, ge=0)
    purchase_usd: float | None = Field(default=None, ge=0)
    lifetime_years: float | None = Field(default=None, gt=0)
    hours_per_year: float = Field(default=HOURS_A_YEAR, gt=0)
    source: str
    date: Annotated[str, BeforeValidator(str)]  # YAML makes 2026-11-01 a date

    @model_validator(mode="after")
    def _one_kind(self) -> PriceRule:
        owned = (self.purchase_usd is None, self.lifetime_years is None)
        if owned[0] != owned[1] or (self.usd_per_hour is None) == owned[0]:
            raise ValueError("give usd_per_hour, or purchase_usd and lifetime_years")
        return self

    def matches(self, label: str, facts: MachineFacts) -> bool:
        """Say whether the rule speaks of the machine."""
        pairs = (
            (self.label, label),
            (self.provider, facts.cloud_provider),
            (self.instance_type, facts.cloud_instance_type),
            (self.machine_type, facts.machine_type),
        )
        return all(wanted is None or wanted == seen for wanted, seen in pairs)


@dataclass(frozen=True)
class Price:
    """Dollars an hour with source and date, or None with the reason."""

    usd_per_hour: float | None
    source: str | None = None
    date: str | None = None
    reason: str | None = None


def price_of(label: str, facts: MachineFacts, rules: Sequence[PriceRule] = ()) -> Price:
    """Return what an hour of the machine costs: by the first matching rule, else by the table."""
    rule = next((rule for rule in rules if rule.matches(label, facts)), None)
    if rule is not None:
        return _by_rule(rule)
    if facts.cloud_instance_type is None:
        return Price(None, reason="no instance type is known: give --price")
    if facts.cloud_lifecycle == "spot":
        return Price(None, reason="a spot instance's price changes by the hour: give --price")
    found = listed_price(facts.cloud_provider, facts.cloud_instance_type, facts.cloud_region)
    if found is not None:
        return found
    reason = f"{facts.cloud_instance_type} is not in the price table: give --price"
    return Price(None, reason=reason)


def listed_price(
    provider: str | None, instance_type: str | None, region: str | None = None
) -> Price | None:
    """Return the on-demand price of an instance type in this package's table, None without one.

    The table holds one region a provider; of another `region` the source says so.
    """
    for listed in _table():
        usd = listed["usd_per_hour"].get(instance_type)
        if listed["provider"] == provider and usd is not None:
            note = (
                f"; this machine is in {region}" if region not in {None, listed["region"]} else ""
            )
            return Price(usd, f"{listed['source']}{note}", listed["date"])
    return None


def read_rules(text: str) -> tuple[PriceRule, ...]:
    """Return the rules of `--price`: a number of dollars an hour, or a YAML file of rules.

    Raises RequestError where it is neither.
    """
    try:
        usd = float(text)
    except ValueError:
        return _read_file(Path(text))
    if not 0 <= usd < float("inf"):
        raise _wrong(f"{text} is no price")
    return (PriceRule(usd_per_hour=usd, source="--price", date=f"{datetime.now(UTC):%Y-%m-%d}"),)


def _read_file(path: Path) -> tuple[PriceRule, ...]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(f"{path}: {error}") from error
    if not isinstance(document, list) or not document:
        raise _wrong(f"{path}: not a list of rules")
    try:
        return tuple(PriceRule.model_validate(entry) for entry in document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "a rule"
        raise _wrong(f"{path}: {place}: {first['msg']}") from error


def _wrong(seen: str) -> RequestError:
    return RequestError(
        "the price cannot be read",
        seen=seen,
        next_step="give dollars an hour (--price 0.35) or a YAML file: docs/machine.md",
    )


def _by_rule(rule: PriceRule) -> Price:
    if rule.usd_per_hour is not None:
        return Price(rule.usd_per_hour, rule.source, rule.date)
    usd = rule.purchase_usd / (rule.lifetime_years * rule.hours_per_year)
    source = (
        f"{rule.source}: {rule.purchase_usd:g} USD over {rule.lifetime_years:g} years of "
        f"{rule.hours_per_year:g} hours, without electricity"
    )
    return Price(usd, source, rule.date)


@functools.cache  # the package's own file does not change while we run
def _table() -> tuple[dict[str, Any], ...]:
    import yaml

    text = resources.files("bench").joinpath("prices.yaml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(text))
