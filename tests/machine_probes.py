"""How the cases of machine facts are run: see machine_cases.py."""

from __future__ import annotations

import contextlib
import http.server
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fake_nvml
import machine_cases

import bench.probe.cgroup as cgroup
import bench.probe.cloud as cloud
import bench.probe.gpu as gpu
import bench.probe.identity as identity
from bench.probe.fact import read_facts
from bench.probe.machine import all_facts


def _facts(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Read the facts that the case names."""
    rows = {fact.name: fact for fact in all_facts()}
    with machine_cases.opened(folder, told) as case:
        found = read_facts([rows[name] for name in told["facts"]], root=case.root)
    said = {name: found.values[name] for name in told["facts"]}
    said |= {f"why {name}": reason for name, reason in found.unknown.items()}
    return {**said, "all": str(said)}


def _cgroup(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    with machine_cases.opened(folder, told) as case:
        cpus, file = cgroup.cpuset(case.root), cgroup.throttling_file(case.root)
        return {
            "cpu_quota": cgroup.cpu_quota(case.root),
            "memory_limit": cgroup.memory_limit(case.root),
            "cpuset": sorted(cpus) if cpus else None,
            "throttling_file": None if file is None else str(file).lstrip("/"),
        }


@contextlib.contextmanager
def driver(folder: Path) -> Iterator[Any]:
    """Put tests/fake_nvml.py in the place of NVML, changed as the case's driver.py says."""
    before, real = dict(vars(fake_nvml)), sys.modules.get("pynvml")
    state = dict(fake_nvml.STATE)
    sys.modules["pynvml"] = fake_nvml
    try:
        source = (folder / "driver.py").read_text() if (folder / "driver.py").exists() else ""
        exec(source, {"nvml": fake_nvml, "sample": SimpleNamespace})
        gpu._ASKED.answer = None
        yield fake_nvml
    finally:
        vars(fake_nvml).clear()
        vars(fake_nvml).update(before)
        fake_nvml.STATE.clear()
        fake_nvml.STATE.update(state)
        gpu._ASKED.answer = None
        sys.modules.pop("pynvml")
        if real is not None:
            sys.modules["pynvml"] = real


def gpu_facts(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Read the facts of the GPUs, and whether the machine's type is that of one without GPUs."""
    with driver(folder):
        found = read_facts(gpu.FACTS)
    gpus, fixed = found.values["gpus"], dict.fromkeys(identity.TYPE, 1)
    own, without = (
        identity.machine_type({**fixed, "gpus": value}, found.unknown) for value in (gpus, None)
    )
    return {
        "models": None if gpus is None else [entry.model for entry in gpus],
        "visible": found.values["gpus_visible"],
        "type_is_that_of_a_machine_without_gpus": own is not None and own == without,
        **{f"why {name}": reason for name, reason in found.unknown.items()},
    }


def _cloud(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a service on loopback that gives the case's answers by path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = told["answers"].get(self.path)
            if text is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        do_PUT = do_GET

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        found = cloud.ask_service(told["provider"], f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    why = {f"why {name}": reason for name, reason in found.unknown.items()}
    return {name: found.values.get(name) for name in cloud.KEYS} | why


def _identity(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Say whether two hosts, the files of root/ and the same ones changed by 1/, are one."""
    hashes = []
    for look, node in (("root", "vm-a"), (1, "vm-b")):
        with machine_cases.opened(folder, {"node": node, **told}) as case:
            case.go_to(look)
            try:
                hashes.append(identity.host_hash(case.root))
            except Exception as error:
                hashes.append(f"{type(error).__name__}: {error}")
    return {"same": hashes[0] == hashes[1], "all": str(hashes)}


HOW: Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]] = {
    "facts": _facts,
    "cgroup": _cgroup,
    "cloud": _cloud,
    "identity": _identity,
}
