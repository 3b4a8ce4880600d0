"""Labels of a cluster's nodes that this program reads: a host's own name, and facts of its type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bench.record.facts import MachineKind

HOST_LABEL = "bench-host"
TYPE_LABEL = "bench-type"
KIND_LABEL = "bench-kind"
MEASURE_LABEL = "bench-measure"
PRICE_LABEL = "bench-usd-per-hour"

#: What `bench-kind` may say, and the kind of machine that it stands for.
KINDS: Mapping[str, MachineKind] = {"cpu": "cloud", "gpu": "gpu"}


def dollars(value: Any) -> float:
    """Return the dollars an hour that a label states. Raises ValueError if it states no price.

    A price that is not a number would switch a limit in dollars off, because no sum exceeds it.
    """
    if isinstance(value, bool):  # YAML's `yes`
        raise ValueError(f"{value} is not a price")
    usd = float(value)
    if not math.isfinite(usd) or usd < 0:
        raise ValueError(f"{value} is not an amount of dollars")
    return usd
