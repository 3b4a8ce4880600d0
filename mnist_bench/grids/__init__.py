"""The grids that come with the package, and grids of the user's own, all YAML."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import yaml

from bench.errors import RequestError
from bench.spec.grid import GridSpec, parse_grid
from mnist_bench.workload import CHOICES

#: The grids of the package, from the shortest to the longest.
NAMES = ("smoke", "quick", "paper", "full")


def load_grid(name: str) -> GridSpec:
    """Return the package's grid `name`, or the grid in the YAML file at that path.

    Raises RequestError where there is neither, or the file is wrong (its key and value named).
    """
    if name in NAMES:
        text = resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    else:
        text = _read(name)
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f"line {place.line + 1}: " if place else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise RequestError(
            f"grid {name} is not YAML", seen=f"{line}{problem}", next_step="see docs/grids.md"
        ) from error
    return parse_grid(document, name, CHOICES)


def _read(name: str) -> str:
    path = Path(name)
    if not path.suffix and not path.exists():
        raise RequestError(
            "unknown grid",
            seen=name,
            next_step=f"use one of {', '.join(NAMES)}, or the path of a YAML file",
        )
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(
            f"cannot read the grid file {name}",
            seen=getattr(error, "strerror", None) or error,
            next_step=f"check the path, or use one of {', '.join(NAMES)}",
        ) from error
