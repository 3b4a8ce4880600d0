"""Random moments of a run, from its start-up to its report."""

from __future__ import annotations

import random
import time

from tests.chaos.lab import Lab, Started, wait_for

#: A pattern of the output after which a moment lies, by name, and the most seconds that follow.
MOMENTS = {
    "start-up": (None, 1.5),
    "start of the measuring": (r"^data: ", 2.0),
    "before the first job": (r"to go$", 0.5),
    "the first job": (r"to go$", 2.5),
    "between jobs": (r"^\[1/", 0.3),
    "a later job": (r"^\[[12]/", 2.0),
    "the report": (r"^\[3/", 4.0),
}

#: The same of a run on a cluster, whose worker is called beta.
OF_A_CLUSTER = {
    "the cluster's share": (r"^data: ", 20.0),
    "the worker's jobs": (r"^beta is ready: ", 6.0),
}

#: Seconds that Python takes until it runs the first line of the command.
INTERPRETER_S = 0.4


def started_until(lab: Lab, moment: str, chance: random.Random) -> Started:
    """Start the command and return at a random time of a moment; it may be over by then."""
    pattern, most_s = {**MOMENTS, **OF_A_CLUSTER}[moment]
    command = lab.start()
    if pattern is None:
        time.sleep(INTERPRETER_S)
    else:
        wait_for(command, pattern)
    ends_s = time.monotonic() + chance.uniform(0, most_s)
    while time.monotonic() < ends_s:
        command.look_below()
        time.sleep(0.02)
    return command
