"""What the recording of conditions costs, as a share of one core; `make perf` may hold it low."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.watch.sampler import ChildWatch

#: A child with as many threads as a training job has, asleep: it disturbs no measurement of ours.
SLEEPER = """
import threading, time
for _ in range(24):
    threading.Thread(target=time.sleep, args=(86400,), daemon=True).start()
time.sleep(86400)
"""


def sampling_cost(seconds: float = 60.0) -> float:
    """Return the share of one core that watching a job takes, over `seconds` of real sampling.

    Counted is the CPU time of this whole process, whose other threads must rest meanwhile.
    """
    with subprocess.Popen([sys.executable, "-c", SLEEPER]) as child:
        try:
            begin_cpu_s, begin_s = time.process_time(), time.perf_counter()
            with ChildWatch(child.pid, threads=1):
                time.sleep(seconds)
            cpu_s, wall_s = time.process_time() - begin_cpu_s, time.perf_counter() - begin_s
        finally:
            child.kill()
    return cpu_s / wall_s
