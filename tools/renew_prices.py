"""Makes bench/prices.csv anew from three public price files, and prints what changed.

Usage: python tools/renew_prices.py [--aws COMMIT] [--gcp COMMIT] [--azure COMMIT] [--clones DIR]

Each file is read at a named commit of its repository, from a clone below DIR, which is made if it
is missing. A provider without a commit keeps its rows. tools/price_types.csv names the types of the
table, with their vCPUs, memory and accelerators; a type that is retired on the date of the prices
is dropped. A row that cannot be a Linux price is refused (tools/price_checks.py says when); a row
of tools/price_corrections.csv takes its place if there is one.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from price_checks import InstanceType, refused
from price_files import SOURCES, PriceFile, PriceFileError, Source

from bench.paths import cache_folder

TOOLS = Path(__file__).resolve().parent
TABLE = TOOLS.parent / "bench" / "prices.csv"
TYPES, CORRECTIONS = TOOLS / "price_types.csv", TOOLS / "price_corrections.csv"

#: The columns of the table.
COLUMNS = (
    *("provider", "region", "instance_type", "vcpus", "memory_gib", "arch", "accelerator"),
    *("accelerator_count", "accelerator_memory_gib"),
    *("usd_per_hour_on_demand", "usd_per_hour_spot", "date", "source"),
)

#: If a file prices a smaller part of a provider's types in its home region, it has another form.
LEAST_PRICED = 0.9

Row = Mapping[str, str]
#: The rows of a table by provider, region and type.
Rows = dict[tuple[str, str, str], Row]


def main(arguments: Sequence[str]) -> int:
    """Write the table; return 2 if a file cannot be read or has another form."""
    options = _options(arguments)
    before = _rows(options.table) if options.table.exists() else {}
    commits = {name: commit for name in SOURCES if (commit := getattr(options, name))}
    after: Rows = {}
    for name, source in SOURCES.items():
        if name not in commits:
            after |= {key: row for key, row in before.items() if key[0] == name}
            continue
        try:
            priced = _price_file(source, commits[name], options.clones)
            after |= _provider_rows(name, source, priced, options)
        except (PriceFileError, OSError, subprocess.CalledProcessError) as error:
            why = (getattr(error, "stderr", None) or str(error)).strip()
            print(f"{source.repository} at {commits[name]}: {source.path}: {why}", file=sys.stderr)
            return 2
    for line in _changes(before, after):
        print(line)
    _write(options.table, after)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, source in SOURCES.items():
        parser.add_argument(
            f"--{name}", metavar="COMMIT", help=f"{source.repository}, {source.path}"
        )
    parser.add_argument(
        "--clones",
        metavar="DIR",
        type=Path,
        default=cache_folder("bench") / "price-files",
        help="folder of the clones, each named as its repository (%(default)s)",
    )
    for name, path, what in (
        ("--table", TABLE, "the table"),
        ("--types", TYPES, "the types of the table"),
        ("--corrections", CORRECTIONS, "rows that take the place of refused ones"),
    ):
        parser.add_argument(
            name, metavar="FILE", type=Path, default=path, help=f"{what} (%(default)s)"
        )
    options = parser.parse_args(arguments)
    if not any(getattr(options, name) for name in SOURCES):
        parser.error(f"name a commit: {', '.join(f'--{name}' for name in SOURCES)}")
    return options


def _price_file(source: Source, commit: str, clones: Path) -> PriceFile:
    """Return what the file says at the commit; if it holds no date, that of its last change."""
    clone = clones / source.repository.split("/")[1]
    if not clone.exists():
        address = f"https://github.com/{source.repository}.git"
        clones.mkdir(parents=True, exist_ok=True)
        _git("clone", "--quiet", "--bare", "--filter=blob:none", address, str(clone))
    at = ("-C", str(clone))
    if subprocess.run(("git", *at, "cat-file", "-e", commit), capture_output=True).returncode:
        _git(*at, "fetch", "--quiet", "origin", commit)
    read = source.read(_git(*at, "show", f"{commit}:{source.path}"))
    changed = _git(*at, "log", "-1", "--format=%cs", commit, "--", source.path).strip()
    return replace(read, date=read.date or changed)


def _git(*words: str) -> str:
    done = subprocess.run(("git", *words), capture_output=True, text=True, check=True)
    return done.stdout


def _provider_rows(
    name: str, source: Source, priced: PriceFile, options: argparse.Namespace
) -> Rows:
    """Return the provider's rows, the home region first; print what is left out."""
    assert priced.date is not None, "the file or its last change has a date"
    types = dict(_current(name, priced.date, options.types))
    _look_for(types, priced, source, name)
    corrections = {
        place: row for place, row in _rows(options.corrections).items() if place[0] == name
    }
    corrected = {
        key: float(row["usd_per_hour_on_demand"])
        for (_, region, key), row in corrections.items()
        if region == source.home
    }
    wrong = refused(priced.on_demand, types, source, corrected)
    commit = getattr(options, name)[:8]
    origin = {"date": priced.date, "source": f"{source.repository} {source.path} @{commit}"}
    rows: Rows = {}
    for region in sorted(priced.on_demand, key=lambda one: (one != source.home, one)):
        for key in (key for key in types if key in priced.on_demand[region]):
            place, right = (name, region, key), {}
            row = {**asdict(types[key]), "region": region, **_dollars(priced, region, key)}
            if (region, key) in wrong:
                right = corrections.get(place, {})
                print(
                    f"{'refused':<10}{' '.join(place)} {row['usd_per_hour_on_demand']}: "
                    f"{wrong[region, key]}{_instead(right)}"
                )
                if not right:
                    continue
            row |= origin | dict(right)
            rows[place] = {column: row[column] for column in COLUMNS}
    return rows


def _current(name: str, date: str, path: Path) -> Iterator[tuple[str, InstanceType]]:
    """Yield the provider's types that were not retired on the date; print those that were."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            one = InstanceType(**row)
            if one.provider != name:
                continue
            if "" < one.retired <= date:
                print(f"{'retired':<10}{name} {one.instance_type}: since {one.retired}")
            else:
                yield one.instance_type, one


def _look_for(
    types: Mapping[str, InstanceType], priced: PriceFile, source: Source, name: str
) -> None:
    """Print which types the home region lacks. Raises PriceFileError if they are many."""
    home = priced.on_demand.get(source.home, {})
    missing = [key for key in types if key not in home]
    for key in missing:
        print(f"{'unpriced':<10}{name} {source.home} {key}")
    if len(missing) > (1 - LEAST_PRICED) * len(types):
        priced_types = len(types) - len(missing)
        raise PriceFileError(f"it prices only {priced_types} of {len(types)} types")


def _dollars(priced: PriceFile, region: str, key: str) -> Row:
    found = {
        "usd_per_hour_on_demand": priced.on_demand[region][key],
        "usd_per_hour_spot": priced.spot.get(region, {}).get(key),
    }
    return {column: "" if usd is None else f"{round(usd, 6):.15g}" for column, usd in found.items()}


def _instead(right: Row) -> str:
    return f"; corrected to {right['usd_per_hour_on_demand']}" if right else ""


def _rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as lines:
        return {
            (row["provider"], row["region"], row["instance_type"]): row
            for row in csv.DictReader(lines)
        }


def _changes(before: Rows, after: Rows) -> Iterator[str]:
    """Yield a line for each row that is new, gone or dearer or cheaper, and a sum."""
    price = "usd_per_hour_on_demand"
    changed = 0
    for place in sorted({*before, *after}):
        old, new = before.get(place), after.get(place)
        if old is None or new is None:
            row = new or old
            assert row is not None, "the place is of one of the two tables"
            changed += 1
            yield f"{'new' if new else 'gone':<10}{' '.join(place)} {row[price]}"
        elif (was := float(old[price])) != (now := float(new[price])):
            changed += 1
            yield f"{'changed':<10}{' '.join(place)} {was:g} -> {now:g} ({now / was - 1:+.1%})"
    yield f"{len(after)} rows, {changed} of them new, gone or changed"


def _write(path: Path, rows: Rows) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
    os.replace(beside, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
