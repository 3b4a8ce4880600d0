"""The driver on a cluster's head: a request in; a journal, and its lines on standard output.

    python -m bench.dispatch.head request.json

The lines for whoever follows are those of `head_lines`. The journal lies in HEAD_JOURNALS, so that
nothing is lost if the laptop is away. The exit code is 0 if all is done, and 1 if the run stopped
or failed.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import stops
from bench.child.launch import LaunchSpec, first_of_each
from bench.dispatch.budget import Budget
from bench.dispatch.cluster_request import Before, ClusterRequest
from bench.dispatch.durations import on_machine, time_limit_s
from bench.dispatch.eligible import threads_of
from bench.dispatch.events import Event
from bench.dispatch.head_lines import end_line, said
from bench.dispatch.outcome import DONE, Ending, Outcome
from bench.dispatch.planner import Patience, Planner
from bench.dispatch.ray_cluster import RayCluster
from bench.dispatch.scheduler import Scheduler
from bench.dispatch.supply import Supply
from bench.dispatch.timed_supply import kinds_first, supply_of
from bench.dispatch.transport import Host, Prepared, Transport
from bench.errors import BenchError
from bench.outside.documents import parse_model
from bench.outside.files import MOST_REQUESTED, read_bytes
from bench.record.journal import SUFFIX, Journal
from bench.record.lines import JobRecord, MachineEntry, OutOfTime, RunHeader
from bench.spec.job import JobSpec
from bench.spec.order import run_order
from bench.spec.privacy import Privacy, name_hash, without_host
from bench.text import type_and_line

#: Where the head keeps its journals.
HEAD_JOURNALS = "~/bench-journals"

#: Beside the request: the folder of the packages that the nodes run.
CODE = "code"


class HeadDriver:
    """Runs a request on the hosts of a transport, and tells each line of the journal as text."""

    def __init__(self, request: ClusterRequest, tell: Callable[[str], None]) -> None:
        self._request, self._tell = request, tell
        self._labels: dict[str, str] = {}  # by host, each that was ever up
        self._lines = 0

    def run(self, transport: Transport, journals: Path) -> Outcome:
        """Measure every host; return how the share ended.

        Raises DispatchError if there is no cluster, OutputError if the journal cannot be written.
        """
        request = self._request
        journal = _journal_of(request.header, journals)
        budget = Budget(request.max_s, request.max_usd)
        ends_s = None if request.left_s is None else time.monotonic() + request.left_s
        supply = self._supply(ends_s)
        with transport:
            scheduler = Scheduler(
                transport,
                supply,
                Planner(self._launch, self._entry, self._unavailable, self._ceilings_due, ends_s),
                types=request.types,
                patience=Patience(grace_s=request.grace_s),
                limit=lambda hosts: self._why_stop(budget, hosts),
            )
            for event in scheduler.run():
                self._take(event, journal)
        if not scheduler.stopped:
            self._tell_out_of_time(supply, journal)
        reason = scheduler.stopped or ("" if self._lines else "there was no host to measure")
        return Outcome(ending=Ending.STOPPED, reason=reason) if reason else DONE

    def _why_stop(self, budget: Budget, hosts: Sequence[Host]) -> str | None:
        """Take note of who is up, before anything is told of them; say whether to stop."""
        for host in hosts:
            self._labels[host.name] = label_of(host, self._request.privacy)
        reason = budget.why_stop(hosts)
        return reason and self._told(reason)

    def _told(self, text: str) -> str:
        """Return `text` as it may leave the cluster: without the names of the hosts."""
        if not self._request.privacy.show_hostnames:
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

    def _supply(self, ends_s: float | None) -> Supply:
        """Return what gives the hosts their jobs; all jobs must have ended at `ends_s`."""
        request = self._request
        return supply_of(
            request.header,
            self._order,
            ends_s=None if ends_s is None else ends_s - request.ceilings_s,
            clock=time.monotonic,
            estimate_s=self._estimate_s,
        )

    def _estimate_s(self, job: JobSpec) -> float | None:
        return self._request.estimates_s.get(job.job_id)

    def _tell_out_of_time(self, supply: Supply, journal: Journal) -> None:
        """Tell of each host which of its jobs did not fit into the minutes of the run."""
        for name, label in self._labels.items():
            late = tuple(job.job_id for job in supply.out_of_time(name))
            if late:
                run_id = self._request.header.run_id
                self._write(OutOfTime(run_id=run_id, label=label, jobs=late), journal)

    def _write(self, entry: JobRecord | MachineEntry | OutOfTime, journal: Journal) -> None:
        journal.append(entry)  # on disk before it is announced
        self._lines += 1
        self._say(line=entry.model_dump(mode="json"))

    def _take(self, event: Event, journal: Journal) -> None:
        entry = self._told_record(event.record) or event.machine
        if entry is not None:
            self._write(entry, journal)
        else:
            host = self._labels[event.host]
            detail = {"kind": event.kind, "job_id": event.job_id, "host": host}
            self._say(event={**detail, "detail": dict(event.detail)})

    def _say(self, **told: Any) -> None:
        self._tell(said(**told))

    def _entry(self, host: Host, prepared: Prepared) -> MachineEntry:
        """Return the journal line of a host that is ready."""
        return MachineEntry(
            run_id=self._request.header.run_id,
            label=self._labels[host.name],
            machine=prepared.facts,
            jobs=tuple(job.job_id for job in prepared.able),
            ceiling_jobs=prepared.ceiling_jobs,
            skipped=prepared.skipped,
            look=prepared.look,
            host_type=host.type or None,
            usd_per_hour=host.usd_per_hour,
            usd_source=host.price.source if host.price else None,
            usd_date=host.price.date if host.price else None,
        )

    def _unavailable(self, name: str, reason: str) -> MachineEntry:
        """Return the journal line of a host or a type of host that is unavailable."""
        run_id, label = self._request.header.run_id, self._labels.get(name, name)
        return MachineEntry(run_id=run_id, label=label, reason=self._told(reason))

    def _before(self, host: str) -> Before:
        """Return what a host did in earlier shares of the run."""
        return self._request.before.get(self._labels[host], Before())

    def _ceilings_due(self, entry: MachineEntry) -> Sequence[JobSpec]:
        """Return the jobs that only measure ceilings and that an earlier share did not run."""
        done = self._request.before.get(entry.label, Before()).done
        return [job for job in entry.ceiling_jobs if job.job_id not in done]

    def _order(self, host: str, jobs: Sequence[JobSpec]) -> Sequence[JobSpec]:
        """Return the jobs of a host in the order in which it runs them."""
        header, done = self._request.header, self._before(host).done
        ordered = run_order(jobs, header.order_seed, self._labels[host], header.run_id)
        ordered = [job for job in ordered if job.job_id not in done]
        axes = header.workload.axes if header.workload else ()
        return ordered if header.minutes is None else kinds_first(ordered, axes, self._estimate_s)

    def _measuring(self, host: Host, prepared: Prepared) -> frozenset[str]:
        """Return the ids of a host's jobs after which its ceilings are measured."""
        workload = self._request.header.workload
        axes = workload.axes if workload else ()
        return first_of_each(self._order(host.name, prepared.able), axes)

    def _launch(self, job: JobSpec, host: Host, prepared: Prepared, attempt: int) -> LaunchSpec:
        request, facts = self._request, prepared.facts
        return LaunchSpec(
            run_id=request.header.run_id,
            workload=request.workload,
            job=job,
            label=self._labels[host.name],
            data_path=prepared.data_path,
            data_digest=request.header.data_digest,
            threads=threads_of(job, facts),
            niceness=0,
            time_limit_s=time_limit_s(
                request.time_limit_s, on_machine(self._estimate_s(job), facts)
            ),
            attempt=attempt + self._before(host.name).attempts.get(job.job_id, 0),
            placed_by=RayCluster.name,
            measure_ceilings=request.ceilings and job.job_id in self._measuring(host, prepared),
            expects="gpu" if host.kind == "gpu" else None,
            privacy=request.privacy,
            machine=facts,
        )


def _journal_of(header: RunHeader, folder: Path) -> Journal:
    """Return the head's journal of a run; it is there already if the share is begun again."""
    path = folder / f"{header.run_id}{SUFFIX}"
    if path.exists():
        return Journal(path, header)
    journal = Journal(path)
    journal.create(header)
    return journal


def label_of(host: Host, privacy: Privacy) -> str:
    """Return a host's name in the tables: its type, and six letters of its name's hash.

    If host names are shown it is the name itself, after the type if the host has one.
    """
    if privacy.show_hostnames:
        return f"{host.type} {host.name}".strip()
    return f"{host.type or 'host'} {name_hash(host.name)}"


def main(arguments: list[str]) -> int:
    """Run the request that the command line names; return the exit code."""
    os.environ["RAY_OVERRIDE_JOB_RUNTIME_ENV"] = "1"  # ship the code alone, not the data beside it
    path = Path(arguments[0])
    request = parse_model(ClusterRequest, read_bytes(path, MOST_REQUESTED))
    folder = path.resolve().parent
    driver = HeadDriver(request, lambda line: print(line, flush=True))
    try:
        transport = RayCluster(request, folder, code=folder / CODE)
        outcome = driver.run(transport, Path(os.path.expanduser(HEAD_JOURNALS)))
    except BenchError as error:
        outcome = _failed(str(error), request.privacy)
    except Exception as error:  # whoever follows gets one line; the head's log has the rest
        traceback.print_exc()
        outcome = _failed(type_and_line(error), request.privacy)
    print(end_line(outcome), flush=True)
    return 0 if outcome.is_done else 1


def _failed(text: str, privacy: Privacy) -> Outcome:
    return Outcome(ending=Ending.FAILED, reason=privacy.redacted(text))


if __name__ == "__main__":
    sys.exit(stops.guarded(lambda: main(sys.argv[1:]), lambda: None, last=True))
