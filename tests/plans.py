"""Plans of the toy workload for tests, which run in this process and take no time to make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import toy_workload
from builders import digest, facts
from launches import toy_job

from bench.app.plan import Plan
from bench.child.workload import Dataset
from bench.record.lines import Skip
from bench.spec.job import JobSpec

JOBS = tuple(toy_job("ok", seed=seed) for seed in (3, 1, 2))
UNABLE = toy_job("unable")


def a_plan(folder: Path, jobs: tuple[JobSpec, ...] = JOBS, **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "workload": toy_workload.WORKLOAD,
        "reference": toy_workload.NAME,
        "grid": "small",
        "asked": (*jobs, UNABLE),
        "jobs": jobs,
        "skipped": (Skip(job=UNABLE, reason="planted"),),
        "dataset": Dataset("toy", digest("data"), "planted", stage=lambda: folder),
        "label": "laptop",
        "facts": facts(usable_cpus=1.0),
        "dispatch": "inline",
        "order_seed": 0,
        "time_limit_s": 60.0,
        "command": "run",
    }
    return Plan(**{**fields, **changes})
