"""The driver on a cluster's head: a request in; a journal, and its lines on standard output.

    python -m bench.dispatch.head request.json

Each line for whoever follows is MARK and a JSON object with one key: `line` (a line of the
journal), `event` (a job started or got on) or `end` (the outcome in words). The journal lies in
JOURNALS, so that nothing is lost where nobody follows. Exit codes: 0 done, 1 stopped or failed.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from bench.child.launch import LaunchSpec, first_of_each
from bench.dispatch.budget import Budget
from bench.dispatch.events import Event
from bench.dispatch.ray_cluster import RayCluster, Shipment
from bench.dispatch.scheduler import HostQueues, Patience
from bench.dispatch.transport import Host, HostType, Prepared
from bench.errors import BenchError
from bench.probe.identity import redacted
from bench.probe.machine import probe
from bench.record.journal import Journal
from bench.record.lines import JobRecord, MachineEntry, RunHeader, SiteEntry
from bench.record.price import Price
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec
from bench.spec.privacy import name_hash, without_host

MARK = "@mnist-bench "

#: The outcome of a part of which every job has its record.
DONE = "done"

#: Where the head keeps its journals.
JOURNALS = "~/mnist-bench-journals"

#: Relative to the request: what is shipped to the nodes.
CODE = "code"


class WantedType(Frozen):
    """A type of hosts that the run counts on."""

    name: str
    count: int = Field(default=1, ge=1)
    wait_s: float = 900.0
    ask: bool = False


class SiteRequest(Frozen):
    """What the head is asked to do: all that a run is, but for the hosts it will find."""

    header: RunHeader
    site: str
    workload: str
    divide: str = Field(description="module:function that tells the jobs a machine can run")
    packages: tuple[str, ...]
    jobs: tuple[JobSpec, ...] = Field(description="in the run's order")
    data_file: str = Field(description="relative to the request")
    threads: int | None = Field(default=None, description="None: a host's usable CPUs")
    time_limit_s: float = 3600.0
    types: tuple[WantedType, ...] = ()
    max_s: float | None = None
    max_usd: float | None = None
    grace_s: float = 180.0
    show_hostnames: bool = False
    wait_quiet_s: float = Field(default=0.0, description="for each host, before its first job")
    prices: dict[str, Price] = Field(
        default_factory=dict, description="by type of host; a host's own label goes before"
    )


class Site:
    """Runs a request on the cluster that this process can reach."""

    def __init__(self, request: SiteRequest, folder: Path, tell: Callable[[str], None]) -> None:
        self._request, self._folder, self._tell = request, folder, tell
        self._labels: dict[str, str] = {}  # by host, each that was ever up
        self._lines = 0

    def run(self, journals: Path, address: str = "auto", code: str | None = CODE) -> str | None:
        """Measure every host; return why it was stopped, None where all was done.

        Raises DispatchError where there is no cluster, OutputError where there is no room.
        """
        request = self._request
        header = request.header.model_copy(update={"measured": False, "machine": probe()})
        journal = Journal(journals / f"{header.run_id}.jsonl")
        journal.create(header)
        data = self._folder / request.data_file
        shipment = Shipment(
            data,
            request.packages,
            request.jobs,
            request.divide,
            request.show_hostnames,
            request.prices,
            request.threads,
            request.wait_quiet_s,
        )
        budget = Budget(request.max_s, request.max_usd)
        with RayCluster(shipment, address, self._folder / code if code else None) as transport:
            queues = HostQueues(
                transport,
                self._plan,
                self._refuse,
                types=[HostType(**wanted.model_dump()) for wanted in request.types],
                patience=Patience(grace_s=request.grace_s),
                limit=lambda hosts: self._why_stop(budget, hosts),
            )
            for event in queues.run():
                self._take(event, journal)
        return queues.stopped or (None if self._lines else "there was no host to measure")

    def _why_stop(self, budget: Budget, hosts: Sequence[Host]) -> str | None:
        """Take note of who is up, before anything is said of them; say whether to stop."""
        for host in hosts:
            self._labels[host.name] = label_of(host, self._request.show_hostnames)
        reason = budget.why_stop(hosts)
        return reason and self._told(reason)

    def _told(self, text: str) -> str:
        """Return `text` as it may leave the cluster: without the hosts' names."""
        if not self._request.show_hostnames:
            for name in self._labels:
                text = without_host(text, name)
        return text

    def _told_record(self, record: JobRecord | None) -> JobRecord | None:
        if record is None or record.failure is None:
            return record
        texts = record.failure.model_dump(include={"message", "traceback", "log_tail"})
        told = {key: self._told(text) for key, text in texts.items() if text}
        failure = record.failure.model_copy(update=told)
        return record.model_copy(update={"failure": failure})

    def _take(self, event: Event, journal: Journal) -> None:
        entry = self._told_record(event.record) or event.machine
        if entry is not None:
            journal.append(entry)  # on disk before it is announced
            self._lines += 1
            self._say(line=entry.model_dump(mode="json"))
        else:
            host = self._labels[event.host]
            detail = {"kind": event.kind, "job_id": event.job_id, "host": host}
            self._say(event={**detail, "detail": dict(event.detail)})

    def _say(self, **told: Any) -> None:
        self._tell(MARK + json.dumps(told))

    def _plan(self, host: Host, prepared: Prepared) -> tuple[Sequence[LaunchSpec], MachineEntry]:
        """Return a host's jobs and its line in the journal."""
        label = self._labels[host.name]
        entry = MachineEntry(
            run_id=self._request.header.run_id,
            label=label,
            machine=prepared.facts,
            jobs=tuple(job.job_id for job in prepared.able),
            skipped=prepared.skipped,
            look=prepared.look,
            host_type=host.type or None,
            usd_per_hour=host.usd_per_hour,
            usd_source=host.price and host.price.source,
            usd_date=host.price and host.price.date,
        )
        return list(self._launches(host, prepared, label)), entry

    def _launches(self, host: Host, prepared: Prepared, label: str) -> Iterator[LaunchSpec]:
        request = self._request
        facts = prepared.facts
        threads = request.threads or max(1, int(facts.usable_cpus or facts.logical_cores or 1))
        measuring = first_of_each(prepared.able)
        for job in prepared.able:
            yield LaunchSpec(
                run_id=request.header.run_id,
                workload=request.workload,
                job=job,
                label=label,
                data_path=prepared.data_path,
                data_digest=request.header.data_digest,
                threads=threads,
                niceness=0,
                time_limit_s=request.time_limit_s,
                placed_by=RayCluster.name,
                packages=request.packages,
                show_hostnames=request.show_hostnames,
                measure_ceilings=job.job_id in measuring,
                expects="gpu" if host.kind == "gpu" else None,
            )

    def _refuse(self, name: str, reason: str) -> MachineEntry:
        """Return the journal line of a host that was not had, or of a type."""
        label = self._labels.get(name, name)
        return MachineEntry(
            run_id=self._request.header.run_id, label=label, reason=self._told(reason)
        )


def label_of(host: Host, show_hostnames: bool = False) -> str:
    """Return a host's name in the tables: its type, and six letters of its name's hash.

    With `show_hostnames` the name itself, after the type where it has one.
    """
    if show_hostnames:
        return f"{host.type} {host.name}".strip()
    return f"{host.type or 'host'} {name_hash(host.name)}"


def entry_of(document: dict[str, Any]) -> JobRecord | MachineEntry | SiteEntry:
    """Return the journal line that a followed `line` holds."""
    kinds = {"machine": MachineEntry, "site": SiteEntry}
    return kinds.get(document.get("entry", ""), JobRecord).model_validate(document)


def event_of(document: dict[str, Any]) -> Event:
    """Return the event that a followed `event` holds."""
    return Event(**document)


def main(arguments: list[str]) -> int:
    """Run the request that the command line names; return the exit code."""
    os.environ["RAY_OVERRIDE_JOB_RUNTIME_ENV"] = "1"  # ship the code alone, not the data beside it
    path = Path(arguments[0])
    request = SiteRequest.model_validate_json(path.read_text())
    site = Site(request, path.resolve().parent, lambda line: print(line, flush=True))
    try:
        stopped = site.run(Path(JOURNALS).expanduser())
    except BenchError as error:
        told = str(error) if request.show_hostnames else redacted(str(error))
        print(MARK + json.dumps({"end": f"failed: {told}"}), flush=True)
        return 1
    except Exception as error:  # whoever follows is told in words, the head's log has the rest
        traceback.print_exc()
        told = redacted(f"{type(error).__name__}: {error}")[:300]
        print(MARK + json.dumps({"end": f"failed: {told}"}), flush=True)
        return 1
    print(MARK + json.dumps({"end": stopped or DONE}), flush=True)
    return 1 if stopped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
