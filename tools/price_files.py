"""Reads the three public price files that tools/renew_prices.py makes the price table from.

The files are written by programs of their own projects (Apache License 2.0) from the providers'
price lists. Only facts are taken from them: regions, instance types, dollars an hour and the date.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: Dollars an hour by region and instance type.
Prices = Mapping[str, Mapping[str, float]]

#: A key of a Go map that opens a region, or a key with a number: an instance type and its price.
_GO_ENTRY = re.compile(
    r'"(?P<region>[\w-]+)"(?:\]\s*=\s*map\[string\]float64|:)\s*\{|"(?P<type>[^"\n]+)":\s*(?P<usd>[^,\s{]+),'
)
_GENERATED = re.compile(r"^// generated at (\d{4}-\d\d-\d\d)T", re.MULTILINE)


class PriceFileError(Exception):
    """A price file has another form than the one that its parser knows."""


@dataclass(frozen=True)
class PriceFile:
    """What a price file says; `date` is None if the file does not hold its date."""

    on_demand: Prices
    spot: Prices = field(default_factory=dict)
    date: str | None = None


def read_go(text: str) -> PriceFile:
    """Return the prices of a generated Go file: a map of types for each region, and its date."""
    regions: dict[str, dict[str, float]] = {}
    types: dict[str, float] | None = None
    for found in _GO_ENTRY.finditer(text):
        if found["region"]:
            if found["region"] in regions:
                raise PriceFileError(f"region {found['region']} stands twice")
            types = regions[found["region"]] = {}
        elif types is None:
            raise PriceFileError(f"{found['type']} stands before the first region")
        elif found["type"] in types:
            raise PriceFileError(f"{found['type']} stands twice in {list(regions)[-1]}")
        else:
            types[found["type"]] = _dollars(found["usd"], found["type"])
    date = _GENERATED.search(text)
    if date is None:
        raise PriceFileError("no line says `// generated at` with a date")
    return PriceFile(_filled(regions), date=date[1])


def read_json(text: str) -> PriceFile:
    """Return the prices of a JSON file: on-demand and spot prices by type for each region."""
    try:
        regions = json.loads(text)["prices"]
        kinds = {
            kind: {
                region: {name: _dollars(usd, name) for name, usd in prices.get(kind, {}).items()}
                for region, prices in regions.items()
            }
            for kind in ("on_demand", "spot")
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PriceFileError(f"it is not JSON with prices by region: {error!r}") from error
    return PriceFile(_filled(kinds["on_demand"]), kinds["spot"])


def _dollars(value: object, name: str) -> float:
    try:
        usd = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise PriceFileError(f"the price of {name} is not a number: {value!r}") from None
    if not math.isfinite(usd) or usd < 0:
        raise PriceFileError(f"the price of {name} is not an amount of dollars: {value!r}")
    return usd


def _filled(regions: Prices) -> Prices:
    if not regions:
        raise PriceFileError("it holds no region")
    empty = [region for region, types in regions.items() if not types]
    if empty:
        raise PriceFileError(f"it holds no price in {', '.join(empty)}")
    return regions


@dataclass(frozen=True)
class Source:
    """Where a provider's price file lies, and what its names of instance types say.

    `home` is the region that stands for the others. `sized` finds in the name of a type the parts
    that name its family, and `vcpus` counts the virtual CPUs by the same match.
    """

    repository: str
    path: str
    home: str
    read: Callable[[str], PriceFile]
    sized: re.Pattern[str]
    vcpus: Callable[[re.Match[str]], int]

    def family(self, name: str) -> tuple[str, int] | None:
        """Return the family of a type and its number of vCPUs; None if its name holds no number."""
        found = self.sized.fullmatch(name)
        if found is None:
            return None
        return f"{found['family']}{found.groupdict().get('more') or ''}", self.vcpus(found)


def _aws_vcpus(found: re.Match[str]) -> int:
    return 2 if found["size"] == "large" else 4 * int(found["number"] or 1)


def _vcpus(found: re.Match[str]) -> int:
    return int(found["number"])


SOURCES: Mapping[str, Source] = {
    "aws": Source(
        "aws/karpenter-provider-aws",
        "pkg/providers/pricing/zz_generated.pricing_aws.go",
        "us-east-1",
        read_go,
        re.compile(r"(?P<family>[\w-]+)\.(?P<number>\d*)(?P<size>x?large)"),
        _aws_vcpus,
    ),
    "gcp": Source(
        "cloudpilot-ai/karpenter-provider-gcp",
        "pkg/providers/pricing/initial-prices.json",
        "us-central1",
        read_json,
        re.compile(r"(?P<family>.+)-(?P<number>\d+)"),
        _vcpus,
    ),
    "azure": Source(
        "Azure/karpenter-provider-azure",
        "pkg/providers/pricing/zz_generated.pricing.go",
        "eastus",
        read_go,
        re.compile(r"(?P<family>Standard_[A-Z]+)(?P<number>\d+)(?P<more>[a-z]*(?:_\w+)?)"),
        _vcpus,
    ),
}
