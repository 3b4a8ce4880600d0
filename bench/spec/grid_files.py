"""Grids by name: the workload's own, and YAML files of the user's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.errors import OutsideError, RequestError
from bench.outside.files import as_text, read_text
from bench.outside.yaml_files import parse_yaml
from bench.spec.description import Description
from bench.spec.grid import GridSpec
from bench.spec.written_grid import EXAMPLE, parse_grid
from bench.text import did_you_mean

#: The most characters of a grid's name or path that an error shows.
MOST_NAME = 120


def load_grid(name: str, description: Description) -> GridSpec:
    """Return the workload's grid `name`, or the grid in the YAML file at that path.

    Raises RequestError if there is neither, or if the file is wrong (its key and value are named).
    """
    document = description.grids.get(name, Path(name))
    if hasattr(document, "read_text"):  # a path, or a file within a package
        document = _read(name, document, description)
    return parse_grid(document, shown_name(name), description)


def _read(name: str, path: Any, description: Description) -> Any:
    is_own = name in description.grids
    if not is_own and not path.suffix and not os.path.exists(path):
        raise RequestError(
            "unknown grid",
            seen=shown_name(name),
            next_step=did_you_mean(name, description.grids) + f"use {_choices(description)}",
        )
    try:
        text = _own_text(path) if is_own else read_text(path)
    except OutsideError as error:
        raise RequestError(
            f"cannot read the grid file {shown_name(name)}",
            seen=error.what,
            next_step=f"{did_you_mean(name, _others_near(name, description))}"
            f"check the path, or use {_choices(description)}",
        ) from error
    try:
        return parse_yaml(text)
    except OutsideError as error:
        what = f"the YAML of grid {shown_name(name)} is wrong"
        raise RequestError(what, seen=error.what, next_step=EXAMPLE) from error


def _others_near(name: str, description: Description) -> list[str]:
    """Return the grids that a wrong path may stand for: the workload's, and files beside it."""
    wrong = Path(name)
    try:
        files = [path for path in wrong.parent.glob("*.y*ml") if path != wrong]
    except (OSError, ValueError):  # ValueError: a name that no file can have
        files = []
    return [*(grid for grid in description.grids if grid != name), *sorted(map(str, files))]


def _own_text(path: Any) -> str:
    """Return the text of a workload's own grid, which may lie within a package (an archive)."""
    try:
        return as_text(path.read_bytes())
    except OSError as error:
        raise OutsideError(error.strerror or str(error)) from error


def shown_name(name: str) -> str:
    """Return a grid's name as an error shows it: a whole grid as an argument is cut."""
    return name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}..."


def _choices(description: Description) -> str:
    names = ", ".join(description.grids)
    return f"one of {names}, or the path of a YAML file" if names else "the path of a YAML file"
