"""Finds the rows of a price file that cannot be Linux prices, so that no table takes them.

Some rows of such files hold the price of another offer, such as Windows. They are dearer than the
other sizes of their family, or than all other types of their region.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from price_files import Prices, Source

#: A row is refused if it costs more than this times its family's cheapest price per vCPU.
MOST_OF_FAMILY = 1.25

#: A row is refused if its price, as a multiple of the price in the home region, is out of these
#: bounds around the median of all types of its region.
OF_REGION = (0.5, 1.5)

#: A median over fewer types says nothing about a region.
LEAST_TYPES = 5


@dataclass(frozen=True)
class InstanceType:
    """A row of price_types.csv: what the price files do not say about a type.

    `priced_by` names what prices grow with in the family of the type: `vcpus`; `memory`, if the
    sizes share CPUs; `itself`, if accelerators make the price, so that no other size tells it.
    """

    provider: str
    instance_type: str
    vcpus: str
    memory_gib: str
    arch: str
    accelerator: str
    accelerator_count: str
    accelerator_memory_gib: str
    priced_by: str
    retired: str

    @property
    def size(self) -> float | None:
        """What its price is divided by; None if no other type tells the price."""
        sizes = {"vcpus": self.vcpus, "memory": self.memory_gib}
        return float(sizes[self.priced_by]) if self.priced_by in sizes else None


def refused(
    prices: Prices,
    types: Mapping[str, InstanceType],
    source: Source,
    corrected: Mapping[str, float],
) -> dict[tuple[str, str], str]:
    """Return why a row is refused, by region and type.

    `corrected` are the prices of types whose row of the home region is wrong.
    """
    found = {
        (region, name): reason
        for region, row in prices.items()
        for name, reason in _dear_in_family(row, types, source)
    }
    home = {**prices.get(source.home, {}), **corrected}
    home = {name: home[name] for name in types if name in home}
    for region, row in prices.items():
        found |= {
            (region, name): reason
            for name, reason in _out_of_line(
                {name: usd for name, usd in row.items() if (region, name) not in found}, home
            )
        }
    return found


def _dear_in_family(
    row: Mapping[str, float], types: Mapping[str, InstanceType], source: Source
) -> Iterator[tuple[str, str]]:
    cheapest = _cheapest(row, types, source)
    for name, one in types.items():
        if name not in row:
            continue
        if row[name] == 0:
            yield name, "it costs nothing"
        elif one.size is not None:
            times = row[name] / one.size / cheapest[_family(name, source), one.priced_by]
            if times > MOST_OF_FAMILY:
                what = "vCPU" if one.priced_by == "vcpus" else "GiB"
                yield name, f"{times:.2f} times the cheapest price per {what} of its family"


def _cheapest(
    row: Mapping[str, float], types: Mapping[str, InstanceType], source: Source
) -> dict[tuple[str, str], float]:
    """Return each family's cheapest price per vCPU and per GiB, of all sizes that are known."""
    found: dict[tuple[str, str], float] = {}

    def see(name: str, kind: str, usd: float) -> None:
        key = (_family(name, source), kind)
        found[key] = min(usd, found.get(key, usd))

    for name, usd in row.items():
        sized = source.family(name)
        if usd > 0 and sized is not None and sized[1] > 0:  # Azure calls a type A0
            see(name, "vcpus", usd / sized[1])
        if usd > 0 and name in types and (size := types[name].size) is not None:
            see(name, types[name].priced_by, usd / size)
    return found


def _family(name: str, source: Source) -> str:
    sized = source.family(name)
    return sized[0] if sized is not None else name.replace(".", "-").split("-")[0]


def _out_of_line(row: Mapping[str, float], home: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    times = {name: usd / home[name] for name, usd in row.items() if home.get(name)}
    if len(times) < LEAST_TYPES:
        return
    usual = statistics.median(times.values())
    least, most = OF_REGION
    for name, one in times.items():
        if not least <= one / usual <= most:
            yield (
                name,
                f"{one:.2f} times its price in the home region, where the types of its region "
                f"cost {usual:.2f} times as much",
            )
