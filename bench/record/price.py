"""What an hour of a machine costs: by the user's rules first, then by this package's dated table.

Every price has a source and a date. If there is no price, the reason is given instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from bench.clock import known_date, utc_today
from bench.errors import OutsideError, RequestError
from bench.record.facts import NEITHER_LIFECYCLE, MachineFacts
from bench.record.price_table import TITLES, listed_type
from bench.spec.frozen import Frozen
from bench.text import first_problem

#: Hours in a mean year: by default, an owned machine is assumed to serve around the clock.
HOURS_A_YEAR = 8766.0

#: The source of a figure that was typed on the command line.
TYPED = "--price"

#: Every form that `--price` takes; shown if the value has none of them.
FORMS = (
    "give dollars per hour (--price 0.35), the price of your own machine and its years of service "
    "(--price 1800/4y), or a YAML file of rules (--price prices.yaml); see docs/machine.md"
)


def _sourced(text: str) -> str:
    if not text.strip():
        raise ValueError("say where the price comes from")
    return text


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _dated(value: Any) -> str | None:
    return None if value is None else known_date(value)


#: Names of Google's types begin so if a GPU can be attached; their price excludes that GPU.
ATTACHABLE = "n1-"

#: Why a spot instance has no price.
NO_SPOT = "the price of a spot instance changes every hour and is not in the table: give --price"

#: A finite amount of at least 0.
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
#: A number of years or hours.
Span = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PriceRule(Frozen):
    """A price that the user states, for the machines that it names (or for all, if it names none).

    It gives either dollars per hour, or the price of an owned machine and its years of service.
    """

    label: str | None = None
    provider: str | None = None
    instance_type: str | None = None
    machine_type: str | None = None
    usd_per_hour: Amount | None = None
    purchase_usd: Amount | None = None
    lifetime_years: Span | None = None
    hours_per_year: Span = HOURS_A_YEAR
    source: str
    date: Annotated[str | None, BeforeValidator(_as_text)] = None

    @model_validator(mode="after")
    def _one_kind(self) -> PriceRule:
        owned = (self.purchase_usd is None, self.lifetime_years is None)
        if owned[0] != owned[1] or (self.usd_per_hour is None) == owned[0]:
            raise ValueError("give usd_per_hour, or purchase_usd and lifetime_years")
        return self

    @property
    def is_typed(self) -> bool:
        """Whether it is a bare figure from the command line, which prices the run's own machine."""
        named = (self.label, self.provider, self.instance_type, self.machine_type)
        return self.source == TYPED and all(name is None for name in named)

    def matches(self, label: str, facts: MachineFacts) -> bool:
        """Say whether the rule applies to the machine."""
        pairs = (
            (self.label, label),
            (self.provider, facts.cloud_provider),
            (self.instance_type, facts.cloud_instance_type),
            (self.machine_type, facts.machine_type),
        )
        return all(wanted is None or wanted == seen for wanted, seen in pairs)


class _StatedRule(PriceRule):
    """A rule as a user's file must state it; journals may hold older rules.

    A rule may be without a date; then the report says that its age is unknown. A number is no
    `yes`, which YAML makes true.
    """

    usd_per_hour: Annotated[Amount | None, Field(strict=True)] = None
    purchase_usd: Annotated[Amount | None, Field(strict=True)] = None
    lifetime_years: Annotated[Span | None, Field(strict=True)] = None
    hours_per_year: Annotated[Span, Field(strict=True)] = HOURS_A_YEAR
    source: Annotated[str, AfterValidator(_sourced)]
    date: Annotated[str | None, BeforeValidator(_dated)] = None


@dataclass(frozen=True)
class Price:
    """Dollars per hour with source and date, or None with the reason.

    The date is None if it was not stated.
    `usd_per_year` is what an owned machine costs in a year, used or not; None if it is rented.
    """

    usd_per_hour: float | None
    source: str | None = None
    date: str | None = None
    reason: str | None = None
    usd_per_year: float | None = None


def price_of(label: str, facts: MachineFacts, rules: Sequence[PriceRule] = ()) -> Price:
    """Return the hourly price of the machine, by the first matching rule, else by the table."""
    stated = stated_price(label, facts, rules)
    if stated is not None:
        return stated
    provider, instance_type = facts.cloud_provider, facts.cloud_instance_type
    if instance_type is None:
        return Price(None, reason="no instance type is known: give --price")
    if NEITHER_LIFECYCLE in facts.unknown.get("cloud_lifecycle", ""):
        return Price(None, reason="it is rented neither on demand nor as spot: give --price")
    is_spot = facts.cloud_lifecycle == "spot"
    listed = listed_price(provider, instance_type, facts.cloud_region, spot=is_spot)
    if listed is None and is_spot:
        return Price(None, reason=NO_SPOT)
    row = listed_type(provider, instance_type, facts.cloud_region)
    if listed is None or row is None:
        return Price(None, reason=f"{instance_type} is not in the price table: give --price")
    if len(facts.gpus or ()) > row.accelerator_count:
        reason = f"the list price of {instance_type} excludes the attached GPU: give --price"
        return Price(None, reason=reason)
    return replace(listed, source=f"{listed.source}{_doubts(facts)}")


def _doubts(facts: MachineFacts) -> str:
    """Return what is unknown about the machine and could change its price."""
    doubts = ["it may be a spot instance"] if facts.cloud_lifecycle is None else []
    if facts.gpus is None and (facts.cloud_instance_type or "").startswith(ATTACHABLE):
        doubts.append("it excludes a GPU that may be attached")
    return "".join(f"; {doubt}" for doubt in doubts)


def stated_price(label: str, facts: MachineFacts, rules: Sequence[PriceRule]) -> Price | None:
    """Return the price by the first rule that applies to the machine; None if no rule does."""
    rule = next((rule for rule in rules if rule.matches(label, facts)), None)
    return None if rule is None else _by_rule(rule)


def listed_price(
    provider: str | None,
    instance_type: str | None,
    region: str | None = None,
    *,
    spot: bool = False,
) -> Price | None:
    """Return the price of an instance type by this package's table; None if it is not listed.

    An on-demand price of another region stands in for a missing one, and the source says so. Spot
    prices of regions differ too much for that.
    """
    row = listed_type(provider, instance_type, region)
    if row is None:
        return None
    elsewhere = region != row.region
    if spot and (elsewhere or row.usd_per_hour_spot is None):
        return None
    usd = row.usd_per_hour_spot if spot else row.usd_per_hour_on_demand
    kind = "spot" if spot else "on-demand"
    note = f"; this machine is in {region}" if region else "; this machine's region is unknown"
    source = f"{TITLES[row.provider]} {kind} list price, {row.region} ({row.origin})"
    return Price(usd, f"{source}{note if elsewhere else ''}", row.date)


def read_rules(text: str) -> tuple[PriceRule, ...]:
    """Return the rules that `--price` gives: dollars per hour, dollars and years, or a YAML file.

    Raises RequestError for any other text.
    """
    figures = _figures(text)
    if figures is None:
        return _read_file(Path(text))
    try:
        return (_finite(PriceRule(**figures, source=TYPED, date=utc_today())),)
    except ValidationError as error:
        raise _wrong(f"{text}: {first_problem(error)}") from error
    except OverflowError as error:
        raise _wrong(f"{text}: {error}") from error


def _finite(rule: PriceRule) -> PriceRule:
    """Return the rule. Raises OverflowError if its price per hour is too large for a number."""
    if not math.isfinite(_by_rule(rule).usd_per_hour or 0.0):
        raise OverflowError("the price per hour is not finite")
    return rule


def _figures(text: str) -> dict[str, Any] | None:
    """Return the figures in `0.35` or `1800/4y`; None for any other text."""
    owned = re.fullmatch(r"([^/]+)/([^/]+)y", text)
    keys = ("purchase_usd", "lifetime_years") if owned else ("usd_per_hour",)
    try:
        return dict(zip(keys, map(float, owned.groups() if owned else (text,)), strict=True))
    except ValueError:
        return None


def _read_file(path: Path) -> tuple[PriceRule, ...]:
    from bench.outside.yaml_files import read_yaml

    try:
        document = read_yaml(path)
    except OutsideError as error:
        raise _wrong(f"{str(path)[:200]}: {error.what}") from error
    if not isinstance(document, list) or not document:
        raise _wrong(f"{path}: the file is not a list of rules")
    rules = []
    for number, entry in enumerate(document, start=1):
        try:
            named = {"source": path.name, **entry} if isinstance(entry, dict) else entry
            stated = _StatedRule.model_validate(named)
            rules.append(_finite(PriceRule.model_validate(stated.model_dump())))
        except ValidationError as error:
            raise _wrong(f"{path}: rule {number}: {first_problem(error)}") from error
        except OverflowError as error:
            raise _wrong(f"{path}: rule {number}: {error}") from error
    return tuple(rules)


def _wrong(seen: str) -> RequestError:
    return RequestError("the price cannot be read", seen=seen, next_step=FORMS)


def _by_rule(rule: PriceRule) -> Price:
    if rule.usd_per_hour is not None:
        return Price(rule.usd_per_hour, rule.source, rule.date)
    assert rule.purchase_usd is not None and rule.lifetime_years is not None, "the rule checks it"
    yearly = rule.purchase_usd / rule.lifetime_years
    source = (
        f"{rule.source}: {rule.purchase_usd:g} USD over {rule.lifetime_years:g} years of "
        f"{rule.hours_per_year:g} hours, without electricity"
    )
    return Price(yearly / rule.hours_per_year, source, rule.date, usd_per_year=yearly)
