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

#: What `bench-measure` may say. YAML 1.1 reads all of these as true and false.
YES_OR_NO: Mapping[str, bool] = {
    **{"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False},
}


def kind_by(labels: Mapping[str, str]) -> MachineKind | None:
    """Return the kind of machine that a node's labels name; None if the word is unknown.

    A node without the label is a machine of a cloud. Capitals do not matter.
    """
    return KINDS.get(labels.get(KIND_LABEL, "cpu").strip().lower())


def measured_by(labels: Mapping[str, str], is_head: bool) -> bool | None:
    """Return whether a node with these labels is measured; None if the word is unknown.

    Without the label, every node but the head is. Capitals do not matter.
    """
    return YES_OR_NO.get(labels.get(MEASURE_LABEL, "no" if is_head else "yes").strip().lower())


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
