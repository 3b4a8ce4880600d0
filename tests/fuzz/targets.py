"""What the fuzz feeds: each kind of input, how it is made, and what reads it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import command_lines
import mutations
import yaml
from builders import a_job, sittings_of
from command_lines import FILE, PROGRAM, SoundFolder
from hypothesis import strategies as st
from messages import Fault, check_message, check_output
from quick_workload import WORKLOAD

from bench.app.folder_runs import flaw_lines
from bench.app.main import main
from bench.child import entry
from bench.child.launch import LaunchSpec
from bench.cluster import check, keys
from bench.cluster.config import read_cluster_file, wanted_types
from bench.cluster.prices import costs, still_up
from bench.record.journal import read_run
from bench.record.price import price_of, read_rules
from bench.record.seal import sealed
from bench.spec.grid import GridChanges, expand, override
from bench.spec.grid_files import load_grid
from bench.spec.job import make_job
from mnist_bench.workload import WORKLOAD as MNIST

ROOT = Path(__file__).resolve().parents[2]

#: The command lines that got past the parser, by command.
PAST: Counter[str] = Counter()

#: Of this many journals, one that can be read is reported too, which takes as long as a hundred.
REPORTED = 12

#: How a message begins that no input may cause.
OURS = ("this is a fault of", "the system refused", "Traceback (most recent")


@dataclass(frozen=True)
class Kind:
    """A kind of input: how it is made, what reads it, and its share of all inputs.

    What reads it returns whether it was taken; an error of ours says that it was refused.
    """

    inputs: st.SearchStrategy[Any]
    read: Callable[[Any, Path, int], bool]
    share: float


def _said(words: list[str]) -> bool:
    """Give the command line `words`; return whether it was taken. Raises Fault for a fault."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words, PROGRAM)
    said = out.getvalue() + err.getvalue()
    if any(word in said for word in OURS) or code not in (0, 1, 2, 3):
        raise Fault(f"{code}: {said[-300:]}")
    _check_said(out.getvalue(), err.getvalue())
    return code != 2


def _check_said(out: str, err: str) -> None:
    """Raise Fault if something in the two outputs is not as it should be."""
    for text in (out, err):
        check_output(text)
    for line in err.splitlines():
        if line.startswith("error:"):
            check_message(line)


def _grid(content: bytes, folder: Path, number: int) -> bool:
    path = folder / "grid.yaml"
    path.write_bytes(content)
    description = MNIST.description
    grid = load_grid(str(path), description)
    changed = override(grid, GridChanges(epochs=(1, 2), seeds=(1,)), description)
    for each in (grid, changed):
        for job in expand(each, description):
            json.dumps(job.model_dump(mode="json"))
            MNIST.estimate_s(job)
    return True


def _prices(content: bytes, folder: Path, number: int) -> bool:
    path = folder / "prices.yaml"
    path.write_bytes(content)
    rules = read_rules(str(path))
    price_of("desk", _machine(), rules)
    json.dumps([rule.model_dump(mode="json") for rule in rules], allow_nan=False)
    return True


def _machine() -> Any:
    from builders import facts

    return facts(cloud_provider="aws", cloud_instance_type="m5.large", cloud_lifecycle="on-demand")


def _cluster(content: bytes, folder: Path, number: int) -> bool:
    path = folder / "cluster.yaml"
    path.write_bytes(content)
    file = read_cluster_file(path)
    jobs = [make_job(WORKLOAD.description.axes, {"size": 1, "dtype": "float32"}, epochs=1, seed=1)]
    costs(file, jobs, lambda job: 1.0)
    wanted_types(file)
    still_up(file)
    for look in (check.written, keys.issues):
        list(look(file))
    return True


def _journal(content: bytes, folder: Path, number: int) -> bool:
    path = folder / "run.jsonl"
    path.write_bytes(content)
    for line in flaw_lines([read_run(path)]):
        check_message(line)
    if number % REPORTED == 0:
        _said(["report", str(path), "--out", str(folder / "reports")])
        _said(["machines", "list", str(folder)])
    return True


def _description(content: bytes, folder: Path, number: int) -> bool:
    path = folder / "job.json"
    path.write_bytes(content)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _own_niceness():
        code = entry.main([str(path), str(folder / "record.json")])
    if code not in (0, 1, 2) or any(word in err.getvalue() for word in OURS):
        raise Fault(f"{code}: {err.getvalue()[-300:]}")
    _check_said(out.getvalue(), err.getvalue())
    return code != 2


@contextlib.contextmanager
def _own_niceness() -> Iterator[None]:
    """Let a job set no niceness of this process, which a user could not lower again."""
    with mock.patch.object(os, "setpriority"):
        yield


class _CommandLines:
    """Reads command lines in a folder with sound files, and counts those that are parsed."""

    def __init__(self) -> None:
        self._folder: SoundFolder | None = None
        self._known = command_lines.commands().keys()

    def __call__(self, words: list[str], folder: Path, number: int) -> bool:
        self._folder = self._folder or SoundFolder(folder)
        before = Path.cwd()
        os.chdir(self._folder.fresh())
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                name = command_lines.past_the_parser(words, self._known)
            PAST.update([name] if name else [])
            return _said(words)
        finally:
            os.chdir(before)


def a_description() -> dict[str, Any]:
    """Return a sound job description."""
    launch = LaunchSpec(
        run_id="r",
        workload=FILE,
        job=make_job(WORKLOAD.description.axes, {"size": 1, "dtype": "float32"}, epochs=1, seed=1),
        label="desk",
        threads=1,
        machine=_machine(),
    )
    described: dict[str, Any] = json.loads(launch.model_dump_json())
    return described


def kinds() -> dict[str, Kind]:
    """Return each kind of input by its name, with its share of all inputs."""
    run = sittings_of("desk", 0.01, jobs=[a_job(seed=1, epochs=1)])[0]
    lines = [json.loads(one.model_dump_json()) for one in (run.header, *run.machines, *run.records)]
    grids = [
        *(yaml.safe_load(path.read_text()) for path in (ROOT / "mnist_bench/grids").glob("*.yaml")),
        {"name": "all", "about": "x", "subgrids": [{"models": "mlp", "optimizers": ["sgd"],
         "epochs": 2, "seeds": [1, 2], "threads": [1, "max"], "read_off": [1], "evaluate": "every",
         "repeats": 2, "batch_sizes": [64, 128], "as_published": [True, False]}]},
    ]  # fmt: skip
    clusters = [
        yaml.safe_load(path.read_text())
        for path in (ROOT / "cluster.yaml", *(ROOT / "clusters").glob("*.yaml"))
    ]
    small = {**clusters[0], "available_node_types": dict(
        list(clusters[0]["available_node_types"].items())[:2])}  # fmt: skip
    prices = [[
        {"label": "desk", "purchase_usd": 1800, "lifetime_years": 4, "source": "invoice",
         "date": "2026-11-01"},
        {"provider": "aws", "instance_type": "m5.large", "usd_per_hour": 0.1, "source": "bill",
         "date": "2026"},
    ]]  # fmt: skip
    return {
        "journals": Kind(mutations.journals(lines, sealed), _journal, 0.25),
        "grids": Kind(mutations.yaml_files(grids), _grid, 0.25),
        "cluster files": Kind(mutations.yaml_files([*clusters, small]), _cluster, 0.15),
        "prices": Kind(mutations.yaml_files(prices), _prices, 0.125),
        "job descriptions": Kind(mutations.json_files([a_description()]), _description, 0.125),
        "command lines": Kind(command_lines.lines(), _CommandLines(), 0.1),
    }
