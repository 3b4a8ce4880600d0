"""What a process of ours takes from the user's environment: what we know, not what is there."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

#: Variables of the interpreter that a Python of ours takes. PYTHONHOME has started this process,
#: so it starts another one. What is left out would change what is imported, measured or written:
#: PYTHONINSPECT waits for a user at the end, PYTHONWARNINGS=error ends an import.
PYTHON_TAKEN = frozenset(
    {
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHOME",
        "PYTHONNOUSERSITE",
        "PYTHONPATH",
        "PYTHONPYCACHEPREFIX",
        "PYTHONUNBUFFERED",
        "PYTHONUSERBASE",
    }
)

#: How the names of variables begin that lead Ray elsewhere, or change what it does.
RAY = "RAY_"

#: The folder in which this package lies.
PACKAGE = Path(__file__).resolve().parents[2]


def ensure_home() -> None:
    """Give a user without a home (a number that no list of users knows) one in this process.

    It is a folder of the user's own in the temporary folder: libraries ask for a home when they
    are imported, and put caches there.
    """
    if os.path.expanduser("~") != "~":
        return
    folder = Path(tempfile.gettempdir()) / f"home-{os.getuid()}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700)
    if not _is_private(folder):
        folder = Path(tempfile.mkdtemp(prefix="home-"))
    os.environ["HOME"] = str(folder)


def _is_private(folder: Path) -> bool:
    """Say whether a folder is this user's alone. A link to one is not: anyone may have made it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    only_own = stat.S_IMODE(found.st_mode) & 0o077 == 0
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and only_own


def for_python(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` as a Python process of ours gets it: without Ray's variables, and with
    the interpreter's own that we know. Its texts are UTF-8, whatever the user's locale is.
    """
    foreign = foreign_variables(environment)
    kept = {name: value for name, value in environment.items() if name not in foreign}
    return {**kept, "PYTHONUTF8": "1"}


def python_path(environment: Mapping[str, str]) -> str:
    """Return PYTHONPATH with this package's folder first, so that no other `bench` is imported."""
    rest = environment.get("PYTHONPATH")
    return f"{PACKAGE}:{rest}" if rest else str(PACKAGE)


def foreign_variables(environment: Mapping[str, str] = os.environ) -> set[str]:
    """Return the names of the variables that a Python process of ours must not get."""
    return {
        name
        for name in environment
        if name.startswith(RAY) or (name.startswith("PYTHON") and name not in PYTHON_TAKEN)
    }
