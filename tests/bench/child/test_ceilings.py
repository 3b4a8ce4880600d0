"""A machine's ceilings: measured through every backend that is here, once a run and backend."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from builders import a_job, a_measurement, a_record

from bench.child import ceilings
from bench.child.ceilings import Operations, measure_ceilings
from bench.child.launch import first_of_each
from bench.errors import WorkloadError
from bench.record.ceilings import Ceilings, CopyRate, MatmulRate
from mnist_bench.backends import BACKENDS, why_not
from mnist_bench.description import AXES

PLANTED = Ceilings(
    matmul=(MatmulRate(size=256, flops_per_s=1e9),),
    copy_rates=(CopyRate(size_bytes=4, bytes_per_s=1e9),),
    took_s=1.0,
)

MEASURE = """
import sys
from mnist_bench.backends import backend
from bench.child.ceilings import Operations, measure_ceilings
framework = backend(sys.argv[1])
framework.load(1)
operations = Operations(lambda size: framework.matmul(size, "float32"), framework.copy)
print(measure_ceilings(operations).model_dump_json())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_multiplies_and_copies_at_a_rate_that_a_machine_can_have(name):
    """Bounds that no machine of today breaks: they catch a copy or product that never happens."""
    if reason := why_not(name):
        pytest.skip(reason)
    command = [sys.executable, "-c", MEASURE, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = Ceilings.model_validate(json.loads(done.stdout.splitlines()[-1]))
    assert 1e8 < found.flops_per_s < 1e14  # one thread of a CPU
    assert all(1e7 < rate.bytes_per_s < 1e13 for rate in found.copy_rates)
    assert len(found.matmul) >= 3


@pytest.mark.parametrize("unwaited", ["matmul", "copy"])
def test_an_operation_that_is_not_waited_for_gives_no_ceilings(unwaited, monkeypatch):
    """The clock is planted: it stands still in operations that only begin their work."""
    now_s = 0.0

    def works():
        nonlocal now_s
        now_s += 0.1

    def idles():
        nonlocal now_s
        now_s += 1e-9

    waits = Operations(lambda size: works, lambda size: works)
    monkeypatch.setattr(ceilings.time, "perf_counter", lambda: now_s)
    monkeypatch.setattr(ceilings, "REPEAT_S", 0.0)
    assert measure_ceilings(waits).flops_per_s == pytest.approx(2 * 256**3 / 0.1)
    wrong = replace(waits, **{unwaited: lambda size: idles})
    with pytest.raises(WorkloadError, match=f"impossible: {unwaited} was faster than any device"):
        measure_ceilings(wrong)


def test_the_first_job_of_each_backend_precision_and_number_of_threads_measures():
    jobs = [
        a_job(seed=1),
        a_job(seed=2),
        a_job(seed=3, backend="jax"),
        a_job(seed=4, precision="bfloat16"),
        a_job(seed=5, backend="jax"),
        a_job(seed=6, threads=1),
    ]
    assert first_of_each(jobs, AXES) == {jobs[place].job_id for place in (0, 2, 3, 5)}


def test_a_continued_run_measures_only_what_it_still_lacks():
    done, other, later = a_job(seed=1), a_job(seed=2, backend="jax"), a_job(seed=3)
    measured = a_record(done, a_measurement([[0.5, 0.25]], ceilings=PLANTED))
    without = a_record(other, a_measurement([[0.5, 0.25]]))
    later_jax = a_job(seed=4, backend="jax")
    assert first_of_each([later, later_jax], AXES, [measured, without]) == {later_jax.job_id}
