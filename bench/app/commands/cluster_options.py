"""The options that say where a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.app.amounts import Amount
from bench.app.options import PATH, Option, flag
from bench.errors import RequestError
from bench.spec.request import ClusterChoice, RunRequest

SECTION = "Where: this machine, and the cluster of ./cluster.yaml if it is up"

_DEVICE = (
    "a job trains on a GPU if its package can use one. What keeps it from that: `{program} doctor "
    "gpu`. To train on the CPU: export CUDA_VISIBLE_DEVICES="
)
#: Options that `run` does not have, by what a user does instead.
INSTEAD: Mapping[str, str] = dict.fromkeys(("--gpu", "--gpus", "--cpu", "--device"), _DEVICE)


def cluster_options() -> list[Option]:
    """Return the options that say where a run measures, and what it may take."""

    def option(*words: str, **fields: Any) -> Option:
        return Option(*words, section=SECTION, **fields)

    return [
        option("--cluster", type=PATH, metavar="FILE", help="measure the cluster of this file"),
        option("--address", metavar="URL", help="measure the cluster with this Jobs API"),
        flag("--local-only", "measure only this machine", SECTION),
        flag("--down", "take the whole cluster down at the end", SECTION),
        option("--max-usd", type=Amount(), metavar="USD", help="stop at this cost of the cluster"),
        option(
            "--max-minutes",
            type=Amount(),
            metavar="MIN",
            help="stop after this time, even in mid-job",
        ),
    ]


def check_run(request: RunRequest) -> None:
    """Raise RequestError if the options on a run's cluster and its limit contradict each other.

    With a precision, the limit in dollars counts this machine's price too.
    """
    check(request.cluster)
    usd, series = request.limits.max_usd, request.series
    if usd is None or not request.cluster.local_only or (series and series.precision is not None):
        return
    raise RequestError(
        "--max-usd limits the cost of a cluster, but --local-only measures none",
        seen=f"--max-usd {usd:g}",
        next_step="leave one of them out; --max-minutes limits the time on this machine",
    )


def check(choice: ClusterChoice) -> None:
    """Raise RequestError if the options on the cluster contradict each other."""
    given = {
        "--cluster": choice.file is not None,
        "--address": choice.address is not None,
        "--local-only": choice.local_only,
    }
    named = [name for name, is_given in given.items() if is_given]
    if len(named) > 1:
        raise RequestError(f"{' and '.join(named)} exclude each other", next_step="give one")
    if choice.down and (choice.local_only or choice.address):
        raise RequestError(
            "--down takes down the cluster of a file",
            seen=named[0],
            next_step="leave it out, or name the file with --cluster",
        )
