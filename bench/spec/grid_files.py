"""Grids by name: the workload's own, and YAML files of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bench.errors import RequestError
from bench.spec.description import Description
from bench.spec.grid import EXAMPLE, GridSpec, parse_grid
from bench.text import did_you_mean


def load_grid(name: str, description: Description) -> GridSpec:
    """Return the workload's grid `name`, or the grid in the YAML file at that path.

    Raises RequestError if there is neither, or if the file is wrong (its key and value are named).
    """
    document = description.grids.get(name, Path(name))
    if hasattr(document, "read_text"):  # a path, or a file within a package
        document = _parsed(_read(name, document, description), name)
    return parse_grid(document, name, description)


def _read(name: str, path: Any, description: Description) -> str:
    if name not in description.grids and not path.suffix and not path.exists():
        raise RequestError(
            "unknown grid",
            seen=name,
            next_step=did_you_mean(name, description.grids) + f"use {_choices(description)}",
        )
    try:
        return str(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(
            f"cannot read the grid file {name}",
            seen=getattr(error, "strerror", None) or error,
            next_step=f"check the path, or use {_choices(description)}",
        ) from error


def _parsed(text: str, name: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise RequestError(
            f"grid {name} is not YAML", seen=f"{line}{problem}", next_step=EXAMPLE
        ) from error


def _choices(description: Description) -> str:
    names = ", ".join(description.grids)
    return f"one of {names}, or the path of a YAML file" if names else "the path of a YAML file"
