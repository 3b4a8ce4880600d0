"""Writes mnist_bench/reference/calibration.json from the journals of a calibration.

Usage: python tools/calibrate.py JOURNAL_OR_FOLDER...

A calibration needs ten seeds or more of each network and optimizer, evaluated after every epoch, on
one machine with one set of versions. docs/measuring.md gives a grid for it. Jobs of a network and
optimizer with fewer seeds are left out and named.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from bench.analysis.calibrate import calibrate
from bench.analysis.pooling import measured_jobs
from bench.errors import BenchError
from bench.record.journal import find_journals, read_runs
from bench.record.run import merged
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import calibration

TARGET = Path(__file__).resolve().parents[1] / "mnist_bench" / "reference" / calibration.FILE


def main(arguments: list[str]) -> int:
    """Write the calibration of the journals that `arguments` name; return the exit code."""
    if not arguments:
        print(__doc__)
        return 2
    paths = [
        path
        for given in map(Path, arguments)
        for path in (find_journals(given) if given.is_dir() else [given])
    ]
    try:
        jobs = measured_jobs(merged(run for path in paths for run in read_runs(path)))
        found, few = calibrate(
            jobs,
            DESCRIPTION.outline,
            by=calibration.BY,
            requires=calibration.REQUIRES,
            metrics=calibration.METRICS,
        )
    except BenchError as error:
        print(error, file=sys.stderr)
        return 2
    for left_out in few:
        print(f"left out: {left_out.axes} after {left_out.epochs} epochs: {left_out.seeds} seeds")
    document = calibration.to_document(found)
    TARGET.write_text(text_of(document), encoding="utf-8")
    print(f"{TARGET}: {len(document['series'])} series from {len(jobs)} jobs")
    return 0


def text_of(document: dict[str, Any]) -> str:
    """Return the document as JSON, each list of numbers on one line."""
    text = json.dumps(document, indent=1)
    lists = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")
    return lists.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
