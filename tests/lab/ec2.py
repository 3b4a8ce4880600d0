"""A whole fake EC2: moto's server answers for the API, and each running instance is a lab host."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

from tests.lab.hosts import ROOT, HostSpec, Lab

PORT = 5577
#: A type of machine that the API has none of at the moment: cluster.yaml's `arm`.
REFUSED = "c7g.xlarge"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-west-2",
}


class FakeEc2:
    """Runs the API on the lab's bridge and makes hosts as instances come and go."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self._folder = lab, folder
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://{lab.network}.1:{PORT}"}
        self._end = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._server: subprocess.Popen | None = None
        self.trouble: list[str] = []

    def __enter__(self) -> FakeEc2:
        words = [sys.executable, "-m", "tests.lab.api", f"{self.lab.network}.1", str(PORT)]
        self._server = subprocess.Popen(
            [*words, REFUSED],
            cwd=ROOT,
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
            stdout=(self._folder / "moto.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        self._watcher.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.set()
        self._watcher.join(60)
        self._server.kill()
        self._server.wait()

    def instances(self, *states: str) -> list[dict[str, Any]]:
        """Return the instances that are in one of the states."""
        import boto3

        client = boto3.client(
            "ec2",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        )
        filters = [{"Name": "instance-state-name", "Values": list(states)}]
        found = client.describe_instances(Filters=filters)["Reservations"]
        return [instance for page in found for instance in page["Instances"]]

    def _watch(self) -> None:
        while not self._end.wait(1):
            try:
                up = {_name(one): one for one in self.instances("pending", "running")}
            except Exception:  # the server is still starting
                continue
            try:
                for name in up.keys() - self.lab.names:
                    addresses = up[name]["PrivateIpAddress"], up[name].get("PublicIpAddress")
                    self.lab.start(HostSpec(name, addresses[0], public=addresses[1]))
                for name in self.lab.names - up.keys():
                    self.lab.stop(name)
            except Exception as error:  # told by the test, as a thread has nobody to tell
                self.trouble.append(f"{type(error).__name__}: {error}")


def _name(instance: dict[str, Any]) -> str:
    return f"i{instance['InstanceId'][-6:]}"


def write_file(lab: Lab, ec2: FakeEc2, folder: Path) -> Path:
    """Write the project's own cluster.yaml but for key, set-up and idle time.

    Hosts of a lab see this machine's .venv, so set-up has nothing to install; the head is told
    where the fake API is.
    """
    document = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    document["auth"] = {"ssh_user": "root", "ssh_private_key": str(lab.key)}
    for declared in document["available_node_types"].values():
        declared["node_config"]["KeyName"] = "lab"
        declared.pop("worker_setup_commands", None)
    link = f"ln -sfn {sys.prefix} ~/mnist-bench/.venv"
    document |= {"setup_commands": [link], "idle_timeout_minutes": 0.5}
    exports = " ".join(f"{name}={value}" for name, value in ec2.environment.items())
    starts = document["head_start_ray_commands"]
    starts[-1] = f"export {exports}; {starts[-1]}"
    path = folder / "cluster.yaml"
    path.write_text(yaml.safe_dump(document))
    return path
