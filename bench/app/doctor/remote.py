"""Checks of a named cluster: SSH, the file, its hosts or its cloud, and the token of its head."""

from __future__ import annotations

import functools
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator

from bench.app.doctor.check_result import CheckResult, ok, problem, skipped, warning
from bench.app.doctor.patient import Patient
from bench.cluster import check, keys
from bench.cluster.config import ClusterFile
from bench.cluster.find import find_cluster, looseness, up
from bench.cluster.firewall import all_hosts
from bench.cluster.issue import Issue
from bench.dispatch.tunnel import KEEP, UNKEPT
from bench.text import counted

NO_FILE = "no cluster file is named (--cluster FILE)"
NO_CLUSTER = "no cluster is named (--cluster FILE or --address URL)"

#: A check of a cluster file that was named.
CheckOfFile = Callable[[Patient, ClusterFile], Iterator[CheckResult]]

#: What mends an issue that names no command of its own.
BY_HAND = "docs/cluster.md says what belongs into the file"


def _with_file(check_file: CheckOfFile) -> Callable[[Patient], Iterator[CheckResult]]:
    """Return a check that is skipped if no cluster file is named."""

    @functools.wraps(check_file)
    def examine(patient: Patient) -> Iterator[CheckResult]:
        if patient.cluster_file is None:
            yield skipped(NO_FILE)
        else:
            yield from check_file(patient, patient.cluster_file)

    return examine


@_with_file
def ssh(patient: Patient, file: ClusterFile) -> Iterator[CheckResult]:
    """Look for the client, the key that the file names, and the agent."""
    if shutil.which("ssh") is None:
        yield problem(
            "there is no ssh here", "install it (Debian, Ubuntu: apt install openssh-client)"
        )
        return
    found = list(_translated(patient, keys.issues(file)))
    yield from found or [ok(f"{keys.described(file)}; {keys.agent()}")]


@_with_file
def cluster_file(patient: Patient, file: ClusterFile) -> Iterator[CheckResult]:
    """Look for what the cluster file lacks, on this machine alone."""
    found = list(_translated(patient, check.written(file)))
    yield from found or [ok(f"{file.path} declares {counted(len(file.types), 'type')} of hosts")]


@_with_file
def hosts(patient: Patient, file: ClusterFile) -> Iterator[CheckResult]:
    """Reach each host of an on-premises file, or ask the cloud for credentials and quotas."""
    if not file.on_premises and file.provider not in check.CLOUDS:
        yield skipped(f"what {file.provider} says of this cluster is not asked")
        return
    found = list(_translated(patient, check.around(file)))
    if file.on_premises:
        seen = f"{len(all_hosts(file))} hosts answer by SSH, and Ray's ports are closed"
    else:
        seen = f"{file.provider} takes the credentials, and its quotas suffice"
    yield from found or [ok(seen)]


def head(patient: Patient) -> Iterator[CheckResult]:
    """Reach the cluster's Jobs API, and show it the token."""
    choice, file = patient.request.cluster, patient.cluster_file
    if file is not None:
        cluster = up(file)
        if cluster is None:
            start = f"ray up {_word(file.path)}"
            yield problem(f"the cluster of {file.path} is not up", start)
            return
        prepare = f"{{program}} cluster prepare {_word(file.path)}"
        for way in looseness(cluster):
            yield warning(way, KEEP if way == UNKEPT else prepare)
    else:
        cluster, _ = find_cluster(None, choice.address)
        assert cluster is not None, "a cluster at an address is taken as it is"
    with cluster.connected():  # a wrong token is refused at once
        yield ok(f"the Jobs API of {cluster.name} answers and takes the token")


def _translated(patient: Patient, found: Iterable[Issue]) -> Iterator[CheckResult]:
    """Yield the issues of `cluster check` with the command that mends each."""
    for one in found:
        prepare = f"{{program}} cluster prepare {_word(patient.request.cluster.file)}"
        cure = prepare if one.prepared else one.cure or BY_HAND
        yield (problem if one.stops else warning)(one.what, cure)


def _word(path: object) -> str:
    """Return a path as a shell takes it."""
    return shlex.quote(str(path))
