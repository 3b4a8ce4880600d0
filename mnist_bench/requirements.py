"""Says in one sentence what this Python lacks; it imports only the standard library."""

from __future__ import annotations

import sys

OLDEST_PYTHON = (3, 11)
NEXT_STEP = "Next: type `make setup`, then use .venv/bin/python"


def exit_if_python_is_too_old() -> None:
    """Print one sentence and exit with 2 if this Python is too old for the project."""
    if sys.version_info < OLDEST_PYTHON:
        needed, seen = (".".join(map(str, v[:3])) for v in (OLDEST_PYTHON, sys.version_info))
        what = f"error: Python {needed} or newer is needed (seen: {seen})"
        print(f"{what}. {NEXT_STEP}", file=sys.stderr)
        sys.exit(2)


def missing_package(error: ImportError) -> str:
    """Return the message for a package that is missing, or too old for our imports."""
    package = (error.name or "unknown").partition(".")[0]
    return f"error: package {package} is missing or too old (seen: {error}). {NEXT_STEP}"
