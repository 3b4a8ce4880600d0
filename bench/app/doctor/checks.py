"""The table of all checks, and how each is made so that none can spoil or hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bench.app.doctor import machine, placing, remote, shell, software, storage
from bench.app.doctor.check_result import CheckResult, problem, skipped
from bench.app.doctor.patient import Patient
from bench.errors import BenchError
from bench.outside.exits import no_exit
from bench.probe.fact import in_time

#: Seconds for a check that reads a few files.
QUICK_S = 20.0

#: Seconds for a check that reads all data, and for one that asks each host of a cluster in turn.
DATA_S, HOSTS_S = 180.0, 600.0

TELL_US = "{program} doctor --json shows all findings: put them into a report of this fault"


@dataclass(frozen=True)
class Check:
    """A row of the table: the name of a check, how it is made, and its limit in seconds.

    `looks` yields at least one result, and may raise anything. If `of_cluster`, the check is
    skipped unless a cluster is named.
    """

    name: str
    looks: Callable[[Patient], Iterator[CheckResult]]
    limit_s: float = QUICK_S
    of_cluster: bool = False


#: Every check in the order in which they are made: whether the machine is quiet comes before
#: what makes it busy.
CHECKS: Sequence[Check] = (
    Check("python", software.python),
    Check("packages", software.packages),
    Check("versions", software.versions),
    Check("optional", software.optional),
    Check("quiet", machine.quiet),
    Check("clock", machine.clock),
    Check("memory", machine.memory),
    Check("gpu", machine.gpu),
    Check("results", storage.results_disk),
    Check("temporary", storage.temporary_disk),
    Check("cache", storage.cache_disk),
    Check("data", storage.data, DATA_S),
    Check("ports", placing.ports),
    Check("ray", placing.embedded_ray, placing.TRIAL_S),
    Check("ssh", remote.ssh, of_cluster=True),
    Check("file", remote.cluster_file, of_cluster=True),
    Check("hosts", remote.hosts, HOSTS_S, of_cluster=True),
    Check("head", remote.head, HOSTS_S, of_cluster=True),
    Check("completion", shell.completion),
)

NAMES = tuple(check.name for check in CHECKS)


def examined(patient: Patient, checks: Sequence[Check] = CHECKS) -> Iterator[CheckResult]:
    """Yield what each check finds, as soon as it is known."""
    for check in checks:
        for result in _made(check, patient):
            yield replace(result, check=check.name)


def _made(check: Check, patient: Patient) -> Sequence[CheckResult]:
    """Make one check. If it raises or hangs, that is a problem, which carries its name."""
    found, why = in_time(lambda: _results(check, patient), check.limit_s)
    if found is None:
        return [problem(f"the check itself failed: {why}", TELL_US)]
    results: Sequence[CheckResult] = found
    return results


def _results(check: Check, patient: Patient) -> Sequence[CheckResult]:
    choice = patient.request.cluster
    if check.of_cluster and choice.file is None and choice.address is None:
        return [skipped(remote.NO_CLUSTER)]
    try:
        with no_exit():  # a workload's code is the user's
            return list(check.looks(patient))
    except BenchError as error:
        return [problem(error.problem, error.next_step or TELL_US)]
