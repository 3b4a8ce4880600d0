"""What tells a child that stood still from one that others took the CPUs from."""

from __future__ import annotations

import pytest

from bench.watch.flags import Job
from bench.watch.standstill import went_on

TWO = Job(threads=2, cpus=2)


@pytest.mark.parametrize(
    ("job", "child_cpu_s", "busy_s", "expected"),
    [
        pytest.param(TWO, 1.0, 5.0, True, id="others took the CPUs"),
        pytest.param(TWO, 0.3, 5.0, False, id="a container was paused, its neighbours not"),
        pytest.param(TWO, 5.0, 0.6, False, id="a virtual machine was moved, the time is charged"),
        pytest.param(TWO, None, 5.0, False, id="the child cannot be read"),
        pytest.param(TWO, 1.0, None, False, id="the CPUs cannot be read"),
        pytest.param(Job(1, 2, quota=0.5), 0.6, 0.9, True, id="a quota of half a CPU"),
        pytest.param(Job(1, 2), 0.6, 0.9, False, id="the same without a quota"),
        pytest.param(Job(64, 2), 1.0, 5.0, True, id="more threads than CPUs"),
    ],
)
def test_a_child_went_on_if_it_used_cpu_time_and_the_cpus_were_busy(
    job, child_cpu_s, busy_s, expected
):
    assert went_on(job, 2.5, child_cpu_s, busy_s) is expected
