"""Makes seeded faults one after the other, and says which of them broke a promise.

    python -m tests.chaos.chaos [--seed N] [--faults N] [--first N] [--only NAME] [--log FILE]

The exit code is 1 if anything does not hold. Each fault has its own seed, so `--first N --faults 1`
repeats one.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.catalogue import KINDS, Kind, drawn
from tests.chaos.lab import Lab, Skipped


@dataclass(frozen=True)
class Outcome:
    """What became of one fault: its number and kind, and what did not hold after it."""

    number: int
    kind: str
    wrong: tuple[str, ...]
    seconds: float
    output: str = ""
    skipped: str = ""


def outcome_of(kind: Kind, number: int, seed: int) -> Outcome:
    """Make one fault in a lab of its own, and return what became of it."""
    began_s, chance = time.monotonic(), random.Random(f"{seed} {number}")
    seeds = 1 if "," in kind.models else 3
    wrong, output, skipped = (), "", ""
    with Lab(*kind.words, models=kind.models, seeds=seeds) as lab:
        try:
            wrong = tuple(kind.fault(lab, chance))
        except Skipped as why:
            skipped = str(why)
        if wrong:
            output = "\n----\n".join(command.text[-3000:] for command in lab.commands)
    return Outcome(number, kind.name, wrong, time.monotonic() - began_s, output, skipped)


def table_of(outcomes: Sequence[Outcome]) -> str:
    """Return the figures in Markdown: how many faults of each kind, and how many broke anything."""
    outcomes = [one for one in outcomes if not one.skipped]
    counts = Counter(one.kind for one in outcomes)
    broken = Counter(one.kind for one in outcomes if one.wrong)
    rows = [f"| {kind.name} | {counts[kind.name]} | {broken[kind.name]} |" for kind in KINDS]
    total = f"| all | {len(outcomes)} | {sum(broken.values())} |"
    return "\n".join(["| fault | times | broke a promise |", "| --- | --- | --- |", *rows, total])


def main(arguments: Sequence[str]) -> int:
    """Make the faults that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--log", type=Path)
    asked = parser.parse_args(arguments)
    # A shell that starts this in the background lets it ignore SIGINT, and nohup SIGHUP: the
    # commands would ignore them as well, and a fault would be none.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    kinds = list(enumerate(drawn(asked.seed, asked.first + asked.faults)))[asked.first :]
    outcomes = []
    for number, kind in kinds:
        if asked.only not in kind.name:
            continue
        outcomes.append(outcome := outcome_of(kind, number, asked.seed))
        what = "; ".join(outcome.wrong) or "holds"
        what = f"skipped: {outcome.skipped}" if outcome.skipped else what
        print(f"{number} {kind.name} ({outcome.seconds:.0f} s): {what}", flush=True)
        if asked.log:
            with asked.log.open("a") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
    print(f"\n{table_of(outcomes)}")
    return int(any(one.wrong for one in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
