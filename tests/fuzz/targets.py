"""What the fuzz feeds: each kind of input, how it is made, and what reads it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutations
import yaml
from builders import a_job, sittings_of
from hypothesis import strategies as st
from quick_workload import WORKLOAD

from bench.app.main import main
from bench.child import entry
from bench.child.launch import LaunchSpec
from bench.cluster import check
from bench.cluster.config import read_cluster_file, wanted_types
from bench.cluster.prices import costs, still_up
from bench.record.journal import read_run
from bench.record.price import price_of, read_rules
from bench.record.seal import sealed
from bench.spec.grid import GridChanges, expand, override
from bench.spec.grid_files import load_grid
from bench.spec.job import make_job
from bench.spec.request import Program
from mnist_bench.workload import WORKLOAD as MNIST

ROOT = Path(__file__).resolve().parents[2]
FILE = str(ROOT / "tests" / "fuzz" / "quick_workload.py")
PROGRAM = Program("mnist-bench", FILE, ("mnist-bench",))

#: Of this many journals, one that can be read is reported too, which takes as long as a hundred.
REPORTED = 12

#: How a message begins that no input may cause.
OURS = ("this is a fault of", "the system refused", "Traceback (most recent")


class Fault(Exception):
    """A message of the last catch: something other than an error of ours has reached it."""


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
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in err.getvalue()):
        raise Fault(f"a control character is printed: {err.getvalue()!r}")
    return code != 2


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
    for look in (check._missing, check._labels, check._token, check._prices):
        list(look(file))
    return True


def _journal(content: bytes, folder: Path, number: int) -> bool:
    path = folder / "run.jsonl"
    path.write_bytes(content)
    read_run(path)
    if number % REPORTED == 0:
        _said(["report", str(path), "--out", str(folder / "reports")])
        _said(["machines", "list", str(folder)])
    return True


def _description(content: bytes, folder: Path, number: int) -> bool:
    path = folder / "job.json"
    path.write_bytes(content)
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = entry.main([str(path), str(folder / "record.json")])
    if code not in (0, 1, 2) or any(word in err.getvalue() for word in OURS):
        raise Fault(f"{code}: {err.getvalue()[-300:]}")
    return code != 2


def _words(words: list[str], folder: Path, number: int) -> bool:
    before = Path.cwd()
    os.chdir(folder)
    try:
        return _said(words)
    finally:
        os.chdir(before)


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
    launch = LaunchSpec(
        run_id="r",
        workload=FILE,
        job=make_job(WORKLOAD.description.axes, {"size": 1, "dtype": "float32"}, epochs=1, seed=1),
        label="desk",
        threads=1,
        machine=_machine(),
    )
    description = json.loads(launch.model_dump_json())
    return {
        "journals": Kind(mutations.journals(lines, sealed), _journal, 0.25),
        "grids": Kind(mutations.yaml_files(grids), _grid, 0.25),
        "cluster files": Kind(mutations.yaml_files([*clusters, small]), _cluster, 0.15),
        "prices": Kind(mutations.yaml_files(prices), _prices, 0.125),
        "job descriptions": Kind(mutations.json_files([description]), _description, 0.125),
        "command lines": Kind(_command_lines(), _words, 0.1),
    }


def _command_lines() -> st.SearchStrategy[list[str]]:
    listed = ["run", "--list", "--local-only"]
    commands = (
        *(listed, [*listed, "--json"], ["run", "--dry-run"], ["report"], ["choose"], ["compare"]),
        *(["history"], ["machines", "list"], ["machines", "diff"], ["export"], ["share"]),
        *(["schema"], ["cluster"], [], ["--help"], ["nothing"]),
    )
    options = (
        *("--grid", "--sizes", "--dtypes", "--fills", "--in-place", "--epochs", "--seeds"),
        *("--threads", "--evaluate", "--repeats", "--label", "--out", "--dispatch", "--order-seed"),
        *("--minutes", "--repeat-disturbed", "--job-timeout", "--price", "--lang", "--wait-quiet"),
        *("--sittings", "--precision", "--gap", "--show-hostnames", "--fresh", "--cluster"),
        *("--max-usd", "--max-minutes", "--only", "--target", "--deadline", "--budget", "--by"),
        *("--margin", "--fail-if-slower", "--format", "--labels", "--json", "--help", "-", "--"),
    )
    values = (
        *("quick", "1", "1,2", "max", "float32", "0.5", "every", "inline", "10m", "2h", "5usd"),
        *("3%", "0.03", "1800/4y", "step", "es", "junit", "pyperf", "openmetrics", "here", "desk"),
        *("100000", "4294967296", "1e9", "1e300/1e-300y", "1,,2", ",", "0", "٣", "½", "/dev/null"),
    )
    return mutations.command_lines(commands, options, values)
