"""How the cases of meters (conditions while a job runs) are run: see machine_cases.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import machine_probes


def _nvml(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the faked driver for what the case wants: facts, or figures while a job runs."""
    asks: Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]] = {
        "facts": machine_probes.gpu_facts,
    }
    return asks[told.get("ask", "facts")](folder, told)


HOW: Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]] = {
    "nvml": _nvml,
}
