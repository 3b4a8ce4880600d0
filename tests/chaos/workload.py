"""A workload for chaos: jobs of a second without a framework, with data whose digest is checked."""

from __future__ import annotations

from dataclasses import replace

from toy_workload import BEHAVIOURS, DESCRIPTION

from bench.workload import JobSpec, Meter
from tests.chaos.shipped import Shipped

NAME = "tests.chaos.workload:WORKLOAD"


class ChaosWorkload(Shipped):
    """Behaves as the model's name says."""

    description = replace(DESCRIPTION, name="chaos", title="Chaos")

    def behave(self, job: JobSpec, meter: Meter) -> None:
        """Do in the first epoch what the model's name says."""
        BEHAVIOURS[str(job.axes["model"])](meter)


WORKLOAD = ChaosWorkload()
