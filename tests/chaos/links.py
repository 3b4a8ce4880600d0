"""Faults of a cluster of two hosts: the link of one of them is cut, for a while or for good.

The hosts are network namespaces on this machine (tests/lab). Every host is measured, this machine
too. The link of the head is also the only way from this machine to the cluster.
"""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator

from bench.record.failure import HOST_LOST
from bench.record.journal import read_run
from tests.chaos import checks, shipped
from tests.chaos.lab import Lab, Skipped, Started
from tests.chaos.moments import OF_A_CLUSTER, started_until
from tests.chaos.program import GRACE
from tests.lab import hosts, onprem

HEAD, WORKER = "alpha", "beta"

#: Seconds for which a link is cut for a while, at least and at most.
WHILE_S = (2.0, 40.0)

#: Seconds for which a host may be away, so that a fault for good takes less than its three minutes.
GRACE_S = 20.0

#: Seconds until a user stops a run that waits for the head.
PATIENCE_S = (5.0, 40.0)

#: Seconds that a command may take while a host is away, and a host may take to join again.
RUN_S, JOIN_S = 420.0, 200.0

#: How often the same command is given until everything must be measured: a run that was stopped
#: while the head was away is followed to its end before what it lost is measured.
TIMES = 2


def cut_for_a_while(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Cut a host's link and restore it some seconds later; everything is measured all the same."""
    with _cluster(lab) as two:
        name = chance.choice((HEAD, WORKER))
        command = started_until(lab, chance.choice(list(OF_A_CLUSTER)), chance)
        two.cut(name)
        _pause(command, chance.uniform(*WHILE_S))
        two.cut(name, cut=False)
        command.wait(RUN_S)
        yield from checks.ended(command, 0)
        yield from _settled(lab, two)


def cut_for_good(lab: Lab, chance: random.Random) -> Iterator[str]:
    """Cut a host's link until the run has ended; the same command then measures what is missing."""
    with _cluster(lab) as two:
        name = chance.choice((HEAD, WORKER))
        lab.environment[GRACE] = str(GRACE_S)
        command = started_until(lab, chance.choice(list(OF_A_CLUSTER)), chance)
        two.cut(name)
        if name == HEAD:
            _pause(command, chance.uniform(*PATIENCE_S))
            if not command.is_over:
                command.process.send_signal(signal.SIGINT)
        command.wait(RUN_S)
        yield from checks.ended(command, 0, 130 if name == HEAD else 1)
        yield from checks.report_renders(lab)
        yield from checks.nothing_left(lab)
        if name == WORKER:
            yield from _lost_or_measured(lab, command)
            yield from _idle(lab, two)
        two.cut(name, cut=False)
        yield from _resumed(lab, two)
        yield from _settled(lab, two)


def _resumed(lab: Lab, two: hosts.Lab) -> Iterator[str]:
    """Yield what is wrong with the same command once the host is back."""
    if not _wait(lambda: onprem.alive_nodes(two) == len(two.specs), JOIN_S):
        yield f"the host did not come back within {JOIN_S:g} s"
    for _ in range(TIMES):
        before, new_sitting = checks.whole_lines(lab), _is_all_told(lab)
        again = lab.finish(RUN_S)
        yield from (f"the same command: {one}" for one in checks.ended(again, 0, 1))
        yield from checks.past_unchanged(lab, before)
        if len(lab.journals) > len(before) and not new_sitting:
            yield "the same command measured everything anew"
        if again.process.poll() == 0:
            return
    yield "the same command did not measure everything"


def _lost_or_measured(lab: Lab, command: Started) -> Iterator[str]:
    """Yield what is wrong with the records of a run without a host, and with its exit code."""
    yield from checks.all_accounted(lab, failures=None)
    if not lab.journals:
        return
    run = read_run(lab.journals[-1])
    for record in run.records:
        if record.failure and record.failure.reason != HOST_LOST:
            yield f"a job failed: {record.failure.reason}: {record.failure.message[:200]}"
    whole = len(run.measured) == lab.jobs
    if (command.process.poll() == 0) != whole:
        yield f"exit code {command.process.poll()}, but {len(run.measured)} jobs are measured"


def _is_all_told(lab: Lab) -> bool:
    """Return whether the same command begins another sitting, as no job of a machine is due.

    A host that was cut before it had told what it is has no jobs: it was unavailable.
    """
    if not lab.journals:
        return True
    run = read_run(lab.journals[-1])
    return run.finished and not any(share.due for share in run.shares)


def _settled(lab: Lab, two: hosts.Lab) -> Iterator[str]:
    yield from checks.all_accounted(lab, journals=len(lab.journals) or 1)
    if lab.journals and len(read_run(lab.journals[-1]).measured) != lab.jobs:
        yield f"not measured on every machine: {lab.jobs} jobs"
    yield from checks.report_renders(lab)
    yield from checks.nothing_left(lab)
    yield from _idle(lab, two)


def _idle(lab: Lab, two: hosts.Lab) -> Iterator[str]:
    """Yield what of the run is left on the hosts; Ray itself runs on, as does its cluster."""

    def left() -> list[str]:
        at_work = [
            f"{name}: {words}"
            for name in two.names
            for words in two.commands(name)
            if "bench.child" in words or "bench.dispatch" in words
        ]
        return [*at_work, *(f"{path}" for path in checks.unheld(two.folder.glob("*/tmp")))]

    if not _wait(lambda: not left(), checks.ORPHANS_S):
        yield f"left on the hosts: {', '.join(left())}"


@contextlib.contextmanager
def _cluster(lab: Lab) -> Iterator[hosts.Lab]:
    """Bring two hosts up as a cluster, and let the command of the lab measure it."""
    if why := hosts.why_not():
        raise Skipped(why)
    home = lab.folder / "home"
    home.mkdir()
    # Ray's launcher keeps a state of the cluster in the temporary folder
    environment = {**onprem.environment(home), "TMPDIR": str(lab.temporary)}
    with hosts.Lab(lab.folder / "hosts", {HEAD: 1.0, WORKER: 1.0}) as two:
        file = onprem.write_file(two, lab.folder)
        up = onprem.ray("up", file, environment)
        if up.returncode or not _wait(lambda: onprem.alive_nodes(two) == 2, JOIN_S):
            raise RuntimeError(f"no cluster: {up.stdout[-2000:]}{up.stderr[-2000:]}")
        kept = ("HOME", "XDG_CACHE_HOME", "PATH")
        lab.environment |= {name: environment[name] for name in kept}
        lab.workload = f"{shipped.__file__}:WORKLOAD"
        lab.where = ("--cluster", str(file), "--show-hostnames", "--label", "laptop")
        lab.jobs *= 1 + len(two.specs)
        yield two


def _wait(what: Callable[[], bool], seconds: float) -> bool:
    """Return whether `what` becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def _pause(command: Started, seconds: float) -> None:
    """Wait so many seconds, or until the command has ended."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s and not command.is_over:
        command.look_below()
        time.sleep(0.1)
