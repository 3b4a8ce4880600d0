"""An on-premises cluster in a lab: the project's own file with the lab's addresses put in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.lab.hosts import ROOT, Lab

SCRIPTS = Path(sys.prefix) / "bin"


def write_file(lab: Lab, folder: Path, **changes: Any) -> Path:
    """Write the cluster file: `clusters/onprem.yaml` but for addresses, user, key and set-up.

    Hosts of a lab see this machine's .venv, so set-up has nothing to install.
    """
    document = yaml.safe_load((ROOT / "clusters" / "onprem.yaml").read_text())
    head, *workers = (spec.address for spec in lab.specs)
    document["provider"] |= {"head_ip": head, "worker_ips": workers}
    document["auth"] = {"ssh_user": "root", "ssh_private_key": str(lab.key)}
    document["cluster_name"] += f"-{os.getpid()}"  # Ray keeps a state by this name in /tmp/ray
    document["setup_commands"] = [f"ln -sfn {sys.prefix} ~/mnist-bench/.venv"]
    path = folder / "onprem.yaml"
    path.write_text(yaml.safe_dump({**document, **changes}))
    return path


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a laptop with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    path = f"{SCRIPTS}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "PATH": path}


def alive_nodes(lab: Lab) -> int:
    """Return how many nodes the head calls alive; 0 if it does not answer."""
    count = (
        "import ray; ray.init(log_to_driver=False, logging_level=50); "
        'print(sum(node["Alive"] for node in ray.nodes()))'
    )
    command = f". ~/mnist-bench/tools/ray-env.sh; RAY_ADDRESS=auto python -c '{count}'"
    asked = lab.ssh(lab.specs[0].address, command, check=False)  # Ray may crash in mid-connection
    return int(asked.stdout.split()[-1]) if asked.returncode == 0 else 0


def ray(command: str, path: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Type `ray up FILE` or `ray down FILE` from the project's root."""
    words = [str(SCRIPTS / "ray"), command, "-y", str(path)]
    return subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
