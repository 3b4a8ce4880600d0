"""How the cases of meters (conditions while a job runs) are run: see machine_cases.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import machine_cases
import machine_probes

import bench.watch.energy as energy
import bench.watch.gpus as gpus
import bench.watch.sensors as sensors
import bench.watch.temperatures as temperatures
from bench.probe.fact import Absent
from bench.watch.cpu_times import STAT, CpuTimes
from bench.watch.files import KeptFile
from bench.watch.flags import Job, flagged
from bench.watch.ledger import Ledger
from bench.watch.series import Doubt

#: The time of day of the looks at a GPU, in seconds; stamps after it lie in the future.
NOW_S = 1_790_000_000.0


class _Clock:
    """A clock that a look sets."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _stat(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Look at /proc/stat once a second while the job itself uses `own_cpu_s` evenly."""
    allowed, last = frozenset(told["affinity"]), told["looks"] - 1
    clock, ledger, unknown = _Clock(), Ledger(told["cpu_count"]), {}
    with machine_cases.opened(folder, told) as case:
        try:
            read = CpuTimes(KeptFile(case.root.path(STAT)), allowed, clock)
            for look in range(last + 1):
                clock.now_s = float(look)
                case.go_to(look)
                own = told["own_cpu_s"] * look / last
                ledger.add(clock(), {**read(), "own_cpu_s": own, "tree_cpu_s": own})
        except (Absent, OSError, ValueError) as error:
            unknown["why CPU times"] = str(error)
    seen = ledger.interference(0.0, float(last), len(allowed))
    seen = flagged(seen, Job(told["threads"], len(allowed)))
    doubts = {f"why {name}": reason for name, reason in seen.doubts.items()}
    figures = {"foreign_cpus": seen.foreign_cpus, "steal_share": seen.steal_share}
    return {**figures, "flag": seen.flag, "causes": list(seen.causes), **doubts, **unknown}


def _source(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Look at a source once a second; return the last look, or the figures of all looks."""
    clock, ledger, threads = _Clock(), Ledger(), told.get("threads", 1)
    cpus = frozenset(told["affinity"]) if "affinity" in told else None
    openers: Mapping[str, Callable[[Any], Callable[[], Mapping[str, float | Doubt]]]] = {
        "rapl": lambda root: energy.rapl(root, clock),
        "battery": energy.battery,
        "frequency": lambda root: sensors.frequency(root, cpus, threads),
        "temperature": temperatures.temperature,
        "throttling": lambda root: sensors.thermal_throttling(root, cpus),
    }
    looks, said = told.get("looks", 1), {}
    with machine_cases.opened(folder, told) as case:
        try:
            read = openers[told["source"]](case.root)
        except Absent as why:
            return {"absent": str(why)}
        for look in range(looks):
            clock.now_s = float(look)
            case.go_to(look)
            try:
                said = dict(read())
            except Exception as error:  # what a watch takes for a failed look
                said = {"error": f"{type(error).__name__}: {error}"}
            else:
                ledger.add(clock(), said)
    return _figures(ledger, looks, said, told["source"])


def _figures(ledger: Ledger, looks: int, said: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return what the looks at a source come to."""
    seen = ledger.interference(0.0, looks - 1.0, 2)
    doubts = {f"why {name}": reason for name, reason in seen.doubts.items()}
    if source in {"rapl", "battery"} and "error" not in said:
        joules = [reading.joules for reading in seen.energy]
        return {"joules": joules, "basis": [one.basis for one in seen.energy], **doubts}
    if source == "throttling":
        marked = flagged(seen.model_copy(update={"foreign_cpus": 0.0}), Job(1, 2))
        causes = list(marked.causes)
        return {**said, "thermal_throttles": seen.thermal_throttles, "causes": causes, **doubts}
    return {**said, **doubts}


def _foreign(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the faked driver which processes use a GPU; `pids` says which of them are our own."""
    own = {int(pid): is_own for pid, is_own in told["pids"].items()}
    shares: list[float | None] = []
    reasons: dict[str, str] = {}
    since = 0
    with machine_probes.driver(folder) as pynvml:
        pynvml.STATE["opened"] = 1
        for _ in range(told.get("looks", 1)):
            try:
                share, since = gpus.foreign_share(pynvml, 1, since, own.get, NOW_S)
            except (pynvml.NVMLError, AttributeError) as error:
                share = Doubt(str(error))
            shares.append(None if isinstance(share, Doubt) else share)
            if isinstance(share, Doubt):
                reasons["why shares"] = share.reason
    return {"shares": shares, **reasons}


def _gpu_energy(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Take the readings of GPUs that the case holds, one a second."""
    ledger = Ledger()
    for look, values in enumerate(told["values"]):
        ledger.add(float(look), values)
    seen = ledger.interference(0.0, len(told["values"]) - 1.0, 2)
    doubts = {f"why {name}": reason for name, reason in seen.doubts.items()}
    joules = [reading.joules for reading in seen.energy]
    return {"joules": joules, "basis": [one.basis for one in seen.energy], **doubts}


def _nvml(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the faked driver for what the case wants: facts, or figures while a job runs."""
    asks: Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]] = {
        "facts": machine_probes.gpu_facts,
        "foreign": _foreign,
        "energy": _gpu_energy,
    }
    return asks[told.get("ask", "facts")](folder, told)


HOW: Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]] = {
    "stat": _stat,
    "source": _source,
    "nvml": _nvml,
}
