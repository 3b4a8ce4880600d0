"""The command `share`: journals without private data, to be sent to others."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bench.app.folder_runs import flaw_lines, left_out_lines
from bench.app.named_runs import chosen_runs
from bench.app.options import PATH, Command, ExitCodes, Option, only_option, workload_option
from bench.child.workload import load_workload
from bench.errors import RequestError
from bench.record.journal import SUFFIX
from bench.record.run import Run
from bench.record.scrub import Scrubber
from bench.record.seal import sealed_lines
from bench.record.shared_fields import SHARED
from bench.report.data import write_file
from bench.report.words import sharing as words
from bench.spec.description import Description
from bench.spec.request import REPORTS, Program, ShareRequest
from bench.spec.variables import NEEDED_VARIABLES, RECORDED_VARIABLES, THREAD_VARIABLES
from bench.text import printable

#: Names of users that do not identify a person, and the least length of a name that is looked for.
COMMON_USERS = frozenset({"root", "user", "admin", "ubuntu", "debian"})
LEAST_NAME = 3

DETAILS = """
JOURNALS are journal files, or folders of them; without any, all journals of the folder reports are
shared. The shared journals hold what a comparison needs, and `report` reads them as any others.
Ids of machines, runs and GPUs are replaced by random ones, which differ each time. Command lines,
paths, host names, names of other processes, values of environment variables, notes, messages and
logs are removed. The output says what was removed.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "share",
        exit_codes=ExitCodes("the journals were written", "the journals could not be written"),
        help=f"{about}\n{DETAILS}",
        callback=lambda **values: functools.partial(execute, request_of(values)),
        params=[
            click.Argument(["journals"], nargs=-1, type=PATH),
            Option(
                "--out",
                type=PATH,
                required=True,
                metavar="FILE|FOLDER",
                help="a new .jsonl file for one run, or a folder for a journal of each run",
            ),
            Option(
                "--as",
                "labels",
                multiple=True,
                metavar="NAME",
                help="name of each machine in turn, in place of its label",
            ),
            only_option("only these machines are shared", folder=None),
            workload_option(program),
        ],
    )


def request_of(values: dict[str, Any]) -> ShareRequest:
    """Return the request that the parsed options make."""
    return ShareRequest(**values)


def execute(request: ShareRequest) -> int:
    """Write the journals, and say what was removed from them."""
    found = chosen_runs(request.journals, REPORTS, request.only)
    for line in (*left_out_lines(found.left_out), *flaw_lines(found.runs)):
        print(line)
    runs = found.runs
    renamed = _names(_labels(runs), request.labels)
    scrub = _scrubber(load_workload(request.workload).description, renamed)
    journals = [scrub.run(run) for run in runs]
    paths = _targets(request.out, [scrub.run_id(run) for run in runs])
    for path, lines in zip(paths, journals, strict=True):
        print(printable(str(write_file(path, b"".join(sealed_lines(lines))))))
    _print_summary(scrub, runs, list(renamed.values()))
    return 0


def _scrubber(description: Description, labels: Mapping[str, str]) -> Scrubber:
    return Scrubber(
        rules=SHARED,
        labels=labels,
        grids=frozenset(description.grids),
        variables=frozenset(
            (
                *(*THREAD_VARIABLES, *RECORDED_VARIABLES, *NEEDED_VARIABLES),
                *description.thread_variables,
                *(*description.default_variables, *description.recorded_variables),
            )
        ),
    )


def _labels(runs: Sequence[Run]) -> list[str]:
    """Return the labels of the machines, each once, in order of appearance."""
    return list(dict.fromkeys(entry.label for run in runs for entry in run.machines))


def _names(labels: Sequence[str], given: Sequence[str]) -> dict[str, str]:
    """Return the name of each machine in the shared journals, by its label."""
    if not given:
        return {label: label for label in labels}
    if len(given) != len(labels):
        raise RequestError(
            "--as names the machines in turn, so it is given once for each",
            seen=f"--as {len(given)} times, for {', '.join(labels)}",
            next_step="give --as for each of them, or choose machines with --only",
        )
    if len(set(given)) < len(given) or not all(name.strip() for name in given):
        raise RequestError(
            "--as needs a name of its own for each machine",
            seen=", ".join(map(repr, given)),
            next_step="give other names",
        )
    return dict(zip(labels, given, strict=True))


def _targets(out: Path, run_ids: Sequence[str]) -> list[Path]:
    """Return the file of each run. Raises RequestError if one exists or a file cannot hold all."""
    if out.suffix == SUFFIX and not os.path.isdir(out):
        if len(run_ids) != 1:
            raise RequestError(
                f"a journal holds one run, and these are {len(run_ids)}",
                seen=out,
                next_step=f"name a folder (--out {out.with_suffix('')}), or one journal",
            )
        paths = [out]
    else:
        paths = [out / f"{run_id}{SUFFIX}" for run_id in run_ids]
        if os.path.exists(out) and not os.path.isdir(out):
            raise RequestError(
                f"{out} is a file that is no journal",
                next_step=f"name a folder, or a file that ends in {SUFFIX}",
            )
    taken = next((path for path in paths if os.path.exists(path)), None)
    if taken is not None:
        raise RequestError(
            f"{taken} exists already, and a journal is never overwritten",
            next_step="name another file",
        )
    return paths


def _print_summary(scrub: Scrubber, runs: Sequence[Run], labels: Sequence[str]) -> None:
    print(words.written(len(runs), sum(len(run.records) for run in runs), len(labels)))
    print("Removed or replaced:")
    for line in words.removed(scrub.removed):
        print(f"  {line}")
    print(words.KEPT)
    if labels:
        print(printable(words.labels_kept(labels)))
    for line in _telling(labels):
        print(printable(line))


def _telling(labels: Sequence[str]) -> Iterator[str]:
    """Yield a warning for each label that holds the name of this host or of its user."""
    host = platform.node().partition(".")[0]
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or ""
    for label in labels:
        for name, what in ((host, "this host's name"), (user, "this user's name")):
            known = len(name) >= LEAST_NAME and name.lower() not in COMMON_USERS
            if known and name.lower() in label.lower():
                yield words.tells(label, what)
