"""What an hour of a machine costs: the user's rules first, then the dated table of this package.

Every price carries its source and its date; where there is none, the reason is given instead.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from bench.errors import RequestError
from bench.record.facts import MachineFacts
from bench.spec.frozen import Frozen
from bench.text import first_problem

#: Hours of a mean year: an own machine serves around the clock unless its rule says otherwise.
HOURS_A_YEAR = 8766.0

#: The source of a figure that stands on the command line itself, and not in a file.
TYPED = "--price"

#: What wrong words are answered with: every form that `--price` takes.
FORMS = (
    "give dollars an hour (--price 0.35), what a machine of your own cost and how long it will "
    "serve (--price 1800/4y), or a YAML file of rules (--price prices.yaml): docs/machine.md"
)


def _sourced(text: str) -> str:
    if not text.strip():
        raise ValueError("say where the figure comes from")
    return text


def _dated(value: Any) -> str:
    text = str(value)  # YAML makes 2026-11-01 a date and 2026 a number
    if re.fullmatch(r"\d{4}(-\d\d){0,2}", text):
        try:
            date.fromisoformat(text + "-01" * (2 - text.count("-")))
            return text
        except ValueError:
            pass
    raise ValueError(f"{text!r} is no date: give YYYY, YYYY-MM or YYYY-MM-DD")


#: How the types begin to which Google attaches GPUs that their own price leaves out.
ATTACHABLE = "n1-"

#: An amount that is finite and not negative.
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
#: A number of years or hours.
Span = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PriceRule(Frozen):
    """A price that the user states, for the machines that it names (all, where it names none).

    Either dollars an hour, or what a machine of one's own cost and how long it will serve.
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
    date: Annotated[str, BeforeValidator(str)]

    @model_validator(mode="after")
    def _one_kind(self) -> PriceRule:
        owned = (self.purchase_usd is None, self.lifetime_years is None)
        if owned[0] != owned[1] or (self.usd_per_hour is None) == owned[0]:
            raise ValueError("give usd_per_hour, or purchase_usd and lifetime_years")
        return self

    @property
    def is_typed(self) -> bool:
        """Whether it is a bare figure of the command line: it speaks of the run's own machine."""
        named = (self.label, self.provider, self.instance_type, self.machine_type)
        return self.source == TYPED and all(name is None for name in named)

    def matches(self, label: str, facts: MachineFacts) -> bool:
        """Say whether the rule speaks of the machine."""
        pairs = (
            (self.label, label),
            (self.provider, facts.cloud_provider),
            (self.instance_type, facts.cloud_instance_type),
            (self.machine_type, facts.machine_type),
        )
        return all(wanted is None or wanted == seen for wanted, seen in pairs)


class _StatedRule(PriceRule):
    """A rule as a user's file must hold it; journals may hold older ones."""

    source: Annotated[str, AfterValidator(_sourced)]
    date: Annotated[str, BeforeValidator(_dated)]


@dataclass(frozen=True)
class Price:
    """Dollars an hour with source and date, or None with the reason."""

    usd_per_hour: float | None
    source: str | None = None
    date: str | None = None
    reason: str | None = None


def price_of(label: str, facts: MachineFacts, rules: Sequence[PriceRule] = ()) -> Price:
    """Return what an hour of the machine costs: by the first matching rule, else by the table."""
    stated = stated_price(label, facts, rules)
    if stated is not None:
        return stated
    provider, instance_type = facts.cloud_provider, facts.cloud_instance_type
    if instance_type is None:
        return Price(None, reason="no instance type is known: give --price")
    if facts.cloud_lifecycle == "spot":
        return Price(None, reason="a spot instance's price changes by the hour: give --price")
    found = listed_price(provider, instance_type, facts.cloud_region)
    if found is None:
        return Price(None, reason=f"{instance_type} is not in the price table: give --price")
    listing = _listing(provider, instance_type)
    if listing and len(facts.gpus or ()) > listing["gpus"].get(instance_type, 0):
        reason = f"the list price of {instance_type} leaves out an attached GPU: give --price"
        return Price(None, reason=reason)
    return replace(found, source=f"{found.source}{_doubts(facts)}")


def _doubts(facts: MachineFacts) -> str:
    """Return what is not known of the machine and would change its list price."""
    doubts = ["whether it is a spot instance is not known"] if facts.cloud_lifecycle is None else []
    if facts.gpus is None and (facts.cloud_instance_type or "").startswith(ATTACHABLE):
        doubts.append("an attached GPU, which nobody could look for, is not in it")
    return "".join(f"; {doubt}" for doubt in doubts)


def stated_price(label: str, facts: MachineFacts, rules: Sequence[PriceRule]) -> Price | None:
    """Return the price by the first rule that speaks of the machine, None where none does."""
    rule = next((rule for rule in rules if rule.matches(label, facts)), None)
    return None if rule is None else _by_rule(rule)


def listed_price(
    provider: str | None, instance_type: str | None, region: str | None = None
) -> Price | None:
    """Return the on-demand price of an instance type in this package's table, None without one.

    The table holds one region a provider; of another `region`, or of none, the source says so.
    """
    listing = _listing(provider, instance_type)
    if listing is None:
        return None
    note = f"; this machine is in {region}" if region else "; this machine's region is not known"
    source = listing["source"] + ("" if region == listing["region"] else note)
    return Price(listing["usd_per_hour"][instance_type], source, listing["date"])


def read_rules(text: str) -> tuple[PriceRule, ...]:
    """Return the rules of `--price`: dollars an hour, dollars and years, or a YAML file of rules.

    Raises RequestError where it is none of them.
    """
    figures = _figures(text)
    if figures is None:
        return _read_file(Path(text))
    try:
        return (PriceRule(**figures, source=TYPED, date=f"{datetime.now(UTC):%Y-%m-%d}"),)
    except ValidationError as error:
        raise _wrong(f"{text}: {first_problem(error)}") from error


def _figures(text: str) -> dict[str, Any] | None:
    """Return the figures in `0.35` or `1800/4y`, None where the text is neither."""
    owned = re.fullmatch(r"([^/]+)/([^/]+)y", text)
    keys = ("purchase_usd", "lifetime_years") if owned else ("usd_per_hour",)
    try:
        return dict(zip(keys, map(float, owned.groups() if owned else (text,)), strict=True))
    except ValueError:
        return None


def _read_file(path: Path) -> tuple[PriceRule, ...]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(f"{path}: {error}") from error
    if not isinstance(document, list) or not document:
        raise _wrong(f"{path}: not a list of rules")
    rules = []
    for number, entry in enumerate(document, start=1):
        try:
            stated = _StatedRule.model_validate(entry)
            rules.append(PriceRule.model_validate(stated.model_dump()))
        except ValidationError as error:
            raise _wrong(f"{path}: rule {number}: {first_problem(error)}") from error
    return tuple(rules)


def _wrong(seen: str) -> RequestError:
    return RequestError("the price cannot be read", seen=seen, next_step=FORMS)


def _by_rule(rule: PriceRule) -> Price:
    if rule.usd_per_hour is not None:
        return Price(rule.usd_per_hour, rule.source, rule.date)
    assert rule.purchase_usd is not None and rule.lifetime_years is not None, "the rule checks it"
    usd = rule.purchase_usd / (rule.lifetime_years * rule.hours_per_year)
    source = (
        f"{rule.source}: {rule.purchase_usd:g} USD over {rule.lifetime_years:g} years of "
        f"{rule.hours_per_year:g} hours, without electricity"
    )
    return Price(usd, source, rule.date)


def _listing(provider: str | None, instance_type: str | None) -> Mapping[str, Any] | None:
    """Return the part of the table that prices the type; its `gpus` are those of the types."""
    for listing in _table():
        if listing["provider"] == provider and instance_type in listing["usd_per_hour"]:
            return listing
    return None


@functools.cache  # the package's own file does not change while we run
def _table() -> tuple[dict[str, Any], ...]:
    import yaml

    text = resources.files("bench").joinpath("prices.yaml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(text))
