"""Everything that a workload's author imports: the base class, the description and the meter."""

from bench.child.ceilings import Operations
from bench.child.meter import Meter
from bench.child.workload import Dataset, Workload
from bench.record.ceilings import WorkCount
from bench.record.facts import MachineFacts
from bench.spec.axes import ALL, Axis, Metric
from bench.spec.description import Description
from bench.spec.job import JobSpec

__all__ = [
    "ALL",
    "Axis",
    "Dataset",
    "Description",
    "JobSpec",
    "MachineFacts",
    "Meter",
    "Metric",
    "Operations",
    "WorkCount",
    "Workload",
]
