"""The doctor as tests call it: one check by its name, and a workload that needs much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from command_line import PROGRAM
from tiny_workload import TinyWorkload

from bench.app.doctor.check_result import CheckResult
from bench.app.doctor.checks import CHECKS, examined
from bench.app.doctor.patient import Patient
from bench.spec.request import ClusterChoice, DoctorRequest
from bench.workload import Needs

GIB = 2**30


class NeedyWorkload(TinyWorkload):
    """Needs 8 GiB, and a driver of NVIDIA's that is not older than 580."""

    description = replace(TinyWorkload.description, datasets=("planted",))

    def needs(self) -> Needs:
        """Return the planted needs."""
        return Needs(8 * GIB, "580", "install-planted", {"planted": "install-more"})


NEEDY = NeedyWorkload()


def found(check: str, *, workload: str = "doctors:NEEDY", **more: Any) -> list[CheckResult]:
    """Return what one check finds; `more` are fields of the request or of the patient."""
    of_patient = {"root", "now", "is_synchronised", "program"}
    fields = {name: value for name, value in more.items() if name not in of_patient}
    others = {name: value for name, value in more.items() if name in of_patient}
    if "cluster" in fields:
        fields["cluster"] = ClusterChoice(file=fields["cluster"])
    patient = Patient(DoctorRequest(workload, **fields), others.pop("program", PROGRAM), **others)
    return list(examined(patient, [row for row in CHECKS if row.name == check]))


def cluster_of(folder: Path, head: str, key: Path | None = None) -> Path:
    """Write the file of an on-premises cluster with one host; return its path."""
    auth = {"ssh_user": "nobody"} | ({} if key is None else {"ssh_private_key": str(key)})
    document = {
        "cluster_name": "planted",
        "provider": {"type": "local", "head_ip": head, "worker_ips": []},
        "auth": auth,
        "head_start_ray_commands": [". tools/ray-env.sh"],
        "cluster_synced_files": ["~/.ray/auth_token"],
    }
    path = folder / "planted.yaml"
    path.write_text(yaml.safe_dump(document))
    return path
