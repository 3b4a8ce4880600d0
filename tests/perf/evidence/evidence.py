"""`make evidence`: what the brackets and findings are worth, simulated and measured.

    python tests/perf/evidence/evidence.py [--draws 4000] [--sittings FOLDER] [--planted FOLDER]
        [--threads FOLDER] [--only NAME,NAME] [--renew]

Every table is printed. With --renew it also replaces its predecessor in docs/statistics.md. A
table of measured figures is made only if the folder of their journals is named. --measure-planted
measures one sitting of planted slowdowns first. 4,000 draws take about 10 minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from brackets import coverage_tables, jobs_table
from document import renew
from families import equal_table, families_table
from journals import sitting_tables, thread_table
from planted import measure, planted_table
from power import interleaved_table, power_table
from shares import Table
from stopping import looks_table, stein_table
from threadpoolctl import threadpool_limits

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "statistics.md"

#: Draws a row of the tables of coverage; other tables take a share of them, to save time.
DRAWS = 4000

Simulated = Callable[[int, Executor], Table | Iterable[Table]]

#: What is simulated, by name, with the share of the draws that it takes.
SIMULATED: dict[str, tuple[Simulated, float]] = {
    "coverage": (coverage_tables, 1.0),
    "jobs": (jobs_table, 1.0),
    "families": (families_table, 0.25),
    "equal": (equal_table, 0.25),
    "looks": (looks_table, 1.0),
    "stein": (stein_table, 0.25),
    "power": (power_table, 0.25),
    "interleaved": (interleaved_table, 0.5),
}

#: What is measured, by the name of the option that holds the folder of its journals.
MEASURED: dict[str, Callable[[Path], Table | Iterable[Table]]] = {
    "sittings": sitting_tables,
    "planted": planted_table,
    "threads": thread_table,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the tables, print them, and renew the document if asked."""
    options = _options(arguments)
    if options.measure_planted:
        measure(options.planted / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", print)
    made = []
    for table in _tables(options):
        print(f"{table.name}: {table.markdown}\n", flush=True)
        made.append(table)
    if options.renew:
        renew(options.document, made)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make evidence", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws a row  [default: 4000]")
    parser.add_argument("--workers", type=int, default=2, help="processes  [default: 2]")
    parser.add_argument(
        "--only", type=lambda text: text.split(","), help=f"of {', '.join(SIMULATED)}; or none"
    )
    for name in MEASURED:
        parser.add_argument(f"--{name}", type=Path, help=f"folder of measured {name}")
    parser.add_argument("--measure-planted", action="store_true")
    parser.add_argument("--renew", action="store_true", help="write the tables into the document")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    options = parser.parse_args(arguments)
    unknown = set(options.only or ()) - {*SIMULATED, "none"}
    if unknown:
        parser.error(f"unknown table: {', '.join(sorted(unknown))}")
    if options.measure_planted and options.planted is None:
        parser.error("--measure-planted needs --planted FOLDER")
    return options


def _tables(options: argparse.Namespace) -> Iterator[Table]:
    wanted = SIMULATED if options.only is None else options.only
    with ProcessPoolExecutor(options.workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        for name, (make, share) in SIMULATED.items():
            if name in wanted:
                yield from _listed(make(max(2, round(share * options.draws)), pool))
    for name, make in MEASURED.items():
        folder = getattr(options, name)
        if folder is not None:
            yield from _listed(make(folder))


def _listed(made: Table | Iterable[Table]) -> Iterable[Table]:
    return [made] if isinstance(made, Table) else made


if __name__ == "__main__":
    main()
