"""Chooses machines of some runs by name; the other machines are left out of a report or file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.machines import Machine, machines
from bench.analysis.pooling import measured_jobs
from bench.analysis.sittings import RecordKey, key_of, record_key
from bench.app.machine_lookup import begins_id
from bench.errors import RequestError
from bench.record.lines import JobRecord, MachineEntry
from bench.record.run import Run, merged
from bench.text import did_you_mean


@dataclass(frozen=True)
class _Chosen:
    """The machines that were named.

    `labels` are chosen whole, with unavailable machines. `hosts` are pairs of label and machine id,
    and `keys` the pooling keys of single machines, which a name in the report stands for.
    """

    labels: frozenset[str]
    hosts: frozenset[tuple[str, str]]
    keys: frozenset[str]

    def has_entry(self, entry: MachineEntry) -> bool:
        """Say whether the line of a machine stays."""
        if entry.label in self.labels:
            return True
        return entry.machine is not None and (entry.label, entry.machine.machine_id) in self.hosts

    def has_record(self, record: JobRecord, key: str | None) -> bool:
        """Say whether a record stays; `key` is its pooling key, None if it failed."""
        if record.label in self.labels:
            return True
        at = (record.label, record.machine.machine_id)
        return at in self.hosts if key is None else key in self.keys


def only(runs: Sequence[Run], names: Sequence[str]) -> list[Run]:
    """Return the runs with the named machines alone; without names, all of them.

    A name may be a label, a name in the report, or the first letters of an id. An entry of `names`
    may hold several with commas between them. Raises RequestError if a name stands for nothing.
    """
    if not names:
        return list(runs)
    shares = merged(runs)
    jobs = measured_jobs(shares)
    found = machines(shares, jobs)
    labels = {entry.label for run in runs for entry in run.machines}
    chosen = _choose(list(_split(names, {one.name for one in found} | labels)), found, labels)
    keys = {key_of(job): job.machine_key for job in jobs}
    cut = (_cut(run, chosen, keys) for run in runs)
    return [run for run in cut if run.machines]


def _split(names: Sequence[str], known: set[str]) -> Iterator[str]:
    """Yield each name of lists with commas; a known name may hold a comma itself."""
    for text in names:
        parts = text.split(",")
        while parts:
            ends = range(len(parts), 0, -1)
            end = next((e for e in ends if ",".join(parts[:e]).strip() in known), 1)
            name = ",".join(parts[:end]).strip()
            parts = parts[end:]
            if name:
                yield name


def _choose(names: Sequence[str], found: Sequence[Machine], labels: set[str]) -> _Chosen:
    whole, single = set(), []
    for name in names:
        if name in labels:
            whole.add(name)
            continue
        alike = [one for one in found if one.name == name] or [
            one for one in found if begins_id(name, one.facts.machine_id)
        ]
        if not alike:
            raise _unknown(name, found, labels)
        single += alike
    return _Chosen(
        labels=frozenset(whole),
        hosts=frozenset((one.label, one.facts.machine_id) for one in single),
        keys=frozenset(one.key for one in single),
    )


def _unknown(name: str, found: Sequence[Machine], labels: set[str]) -> RequestError:
    known = list(dict.fromkeys((*(one.name for one in found), *sorted(labels))))
    return RequestError(
        f"--only {name}: these journals hold no such machine",
        seen=", ".join(known) or "no machine",
        next_step=f"{did_you_mean(name, known)}name a machine by its label, its name in the "
        "report, or the first letters of its id",
    )


def _cut(run: Run, chosen: _Chosen, keys: Mapping[RecordKey, str]) -> Run:
    """Return a run with the chosen machines alone.

    If another machine under the same label measured a job, the chosen machine was not given that
    job, so it does not count as missing.
    """
    kept, gone = [], set()
    for record in run.records:
        key = keys.get(record_key(record))
        if chosen.has_record(record, key):
            kept.append(record)
        else:
            gone.add((record.label, record.job_id))
    gone -= {(record.label, record.job_id) for record in kept}
    entries = [
        entry.model_copy(
            update={"jobs": tuple(job for job in entry.jobs if (entry.label, job) not in gone)}
        )
        for entry in run.machines
        if chosen.has_entry(entry)
    ]
    labels = {entry.label for entry in entries}
    return replace(
        run,
        records=tuple(record for record in kept if record.label in labels),
        ceiling_records=tuple(one for one in run.ceiling_records if chosen.has_record(one, None)),
        machines=tuple(entries),
        ends=tuple(end for end in run.ends if end.label in labels),
    )
