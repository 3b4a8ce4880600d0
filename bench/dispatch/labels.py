"""Labels of a cluster's nodes that this program reads: a host's own name, and facts of its type."""

from __future__ import annotations

from collections.abc import Mapping

from bench.record.facts import MachineKind

HOST_LABEL = "bench-host"
TYPE_LABEL = "bench-type"
KIND_LABEL = "bench-kind"
MEASURE_LABEL = "bench-measure"
PRICE_LABEL = "bench-usd-per-hour"

#: What `bench-kind` may say, and the kind of machine that it stands for.
KINDS: Mapping[str, MachineKind] = {"cpu": "cloud", "gpu": "gpu"}
