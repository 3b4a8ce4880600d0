"""What a cluster is sent for its share of a run: the request, and the package of all it needs."""

from __future__ import annotations

import operator
import shutil
from pathlib import Path

from bench.app.plan import Plan
from bench.child.workload import ENGINE, load_workload, source_folder, workload_file
from bench.cluster.find import Cluster, wanted
from bench.cluster.prices import prices_by_type
from bench.dispatch.cluster_request import Before, ClusterRequest
from bench.dispatch.head import CODE
from bench.record.lines import RunHeader
from bench.record.run import Run
from bench.spec.request import MeasureLimits

#: Name of the request beside the code and the data.
REQUEST = "request.json"

#: Within the code, where the working directory of the nodes is: the file of a workload.
WORKLOAD_FOLDER = "workload"

ENTRYPOINT = f"PYTHONPATH={CODE} python -m bench.dispatch.head {REQUEST}"

ATTEMPT = operator.attrgetter("attempt")


def cluster_request(
    plan: Plan,
    header: RunHeader,
    cluster: Cluster,
    limits: MeasureLimits,
    left_s: float | None = None,
    continued: Run | None = None,
) -> ClusterRequest:
    """Return what the head is asked to do.

    `left_s` are the seconds in which jobs must have ended; None if they have the time they need.
    If a share of the run that is continued is begun again, the head does what is due of it.
    """
    reference, file = plan.reference, workload_file(plan.reference)
    if file is not None:  # the path is valid in the working directory of the nodes
        attribute = plan.reference.partition(":")[2]
        reference = f"{WORKLOAD_FOLDER}/{file.name}" + (f":{attribute}" if attribute else "")
    return ClusterRequest(
        header=header,
        cluster=cluster.name,
        workload=reference,
        data_file=None if plan.data_path is None else f"data{plan.data_path.suffix}",
        workload_file=None if file is None else f"{CODE}/{WORKLOAD_FOLDER}/{file.name}",
        time_limit_s=plan.time_limit_s,
        types=wanted(cluster),
        left_s=left_s,
        ceilings=plan.ceilings,
        ceilings_s=plan.ceilings_s,
        estimates_s={
            job.job_id: estimate
            for job in plan.asked
            if (estimate := plan.workload.estimate_s(job)) is not None
        },
        before=before_of(continued),
        max_s=limits.max_s,
        max_usd=limits.max_usd,
        privacy=plan.privacy,
        wait_quiet_s=plan.wait_quiet_s,
        prices=prices_by_type(cluster.file) if cluster.file else {},
    )


def job_id_of(run_id: str, share: int = 1) -> str:
    """Return the id of the detached job that is a run's share on a cluster, by its number."""
    return f"bench-{run_id}" + (f"-{share}" if share > 1 else "")


def before_of(continued: Run | None) -> dict[str, Before]:
    """Return what machines did in earlier shares, by label; empty if the share is the first."""
    if continued is None or continued.cluster_share == 1:
        return {}
    return {
        share.label: Before(
            done=tuple(sorted(share.settled | share.bare_done)),
            attempts={one.job_id: one.attempt for one in sorted(share.records, key=ATTEMPT)},
        )
        for share in continued.shares
        if not share.entry.own
    }


def ship(request: ClusterRequest, workload: str, data: Path | None, root: Path) -> None:
    """Put the request into `root`, with the packages, the workload's file and the data it needs."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for package in (ENGINE, *load_workload(workload).description.sources):
        shutil.copytree(source_folder(package), root / CODE / package, ignore=ignored)
    file = workload_file(workload)
    if file is not None and request.workload_file is not None:
        target = root / request.workload_file
        target.parent.mkdir(parents=True)
        shutil.copyfile(file, target)
    if data is not None and request.data_file is not None:
        shutil.copyfile(data, root / request.data_file)
    (root / REQUEST).write_text(request.model_dump_json())
