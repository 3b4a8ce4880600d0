"""The head of a cluster whose hosts are simulated, but whose jobs are real child processes.

    python simulated_head.py request.json HOST HOST ...

It stands in place of `python -m bench.dispatch.head` in the folder that was shipped: the jobs run
there, with the code and the workload's file that came with the request. Only Ray is missing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench.child.launch import LaunchSpec
from bench.child.process import run_child
from bench.dispatch.cluster_request import ClusterRequest
from bench.dispatch.head import CODE, HeadDriver
from bench.dispatch.head_lines import end_line
from bench.dispatch.simulated import SimulatedHosts
from bench.dispatch.transport import Host
from bench.record.lines import JobRecord


def measured(launch: LaunchSpec) -> str:
    """Run the job here; return its record as text."""
    *_, record = run_child(launch.model_copy(update={"data_path": None}))
    assert isinstance(record, JobRecord)
    return record.model_dump_json()


def main(path: Path, names: list[str]) -> None:
    """Run the request on simulated hosts of these names, and tell as the real head does."""
    request = ClusterRequest.model_validate_json(path.read_text())
    journals = path.resolve().parent / "journals"
    os.chdir(path.resolve().parent / CODE)  # where a node runs its jobs
    hosts = [Host(name, f"{name}-1", "cpu") for name in names]
    simulated = SimulatedHosts(hosts, request.jobs, lambda host, launch: 1.0, measured)
    driver = HeadDriver(request, lambda line: print(line, flush=True))
    print(end_line(driver.run(simulated, journals)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
