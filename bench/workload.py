"""Everything that a workload's author imports: the base class, the description, the meter.

The types of published figures (`Reference` and its parts) are for a workload that has some.
"""

from bench.child.ceilings import Operations
from bench.child.meter import Meter
from bench.child.stopwatch import EpochTimer
from bench.child.workload import Dataset, Needs, Workload
from bench.record.ceilings import WorkCount
from bench.record.facts import MachineFacts
from bench.spec.axes import (
    ALL,
    Axis,
    Metric,
    Reference,
    ReferenceMachine,
    ReferenceResult,
    ReferenceRun,
)
from bench.spec.description import Description
from bench.spec.drawing import Drawing, Layer
from bench.spec.job import JobSpec

__all__ = [
    "ALL",
    "Axis",
    "Dataset",
    "Description",
    "Drawing",
    "EpochTimer",
    "JobSpec",
    "Layer",
    "MachineFacts",
    "Meter",
    "Metric",
    "Needs",
    "Operations",
    "Reference",
    "ReferenceMachine",
    "ReferenceResult",
    "ReferenceRun",
    "WorkCount",
    "Workload",
]
