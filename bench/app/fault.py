"""What is told of an exception of another kind than ours: its details, how to report it."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench import __version__
from bench.clock import utc_now
from bench.paths import cache_folder
from bench.spec.privacy import Privacy
from bench.spec.request import Program
from bench.text import first_line, printable, type_and_line, visible

#: The folder of the details, within the user's cache folder.
FOLDER = "faults"


def lines_of(error: Exception, argv: Sequence[str], program: Program) -> list[str]:
    """Return what the user is told of `error` in the command `argv`; a file takes its details.

    An OSError is the system's refusal (a full disk, a missing right), and any other exception is a
    fault of this program. If the file cannot be written, the details follow in the lines.
    """
    details = _details(error, program)
    seen = visible(Privacy().redacted(type_and_line(error)))
    try:
        path = _write(details)
    except (OSError, ValueError) as problem:
        why = visible(getattr(problem, "strerror", None) or first_line(problem))
        where, rest = (
            f"could not be written ({why}) and follow",
            list(map(printable, details.splitlines())),
        )
    else:
        where, rest = f"are in {visible(str(path))}", []
    if isinstance(error, OSError):
        what = f"error: the system refused what {program.name} asked for (seen: {seen})"
        line = f"{what}. Next: mend that and give the same command again; the details {where}"
        return [line, *rest]
    kept = "What was measured is kept: the same command goes on from there. "
    line = (
        f"error: this is a fault of {program.name}, not of your request (seen: {seen}). The "
        f"details {where}. {kept if argv[:1] == ['run'] else ''}Next: report it to the project "
        "with these details. They hold the command, the versions and the traceback, without this "
        "machine's name and your home folder; look through them before you send them, because a "
        "message of another program may name a host or hold a token"
    )
    return [line, *rest]


def _details(error: Exception, program: Program) -> str:
    text = "\n".join(
        [
            f"{program.name} {__version__}, {utc_now()}",
            f"Python {platform.python_version()}, {platform.platform()}",
            f"command: {shlex.join(program.typed)}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    return Privacy().redacted(text)


def _write(details: str) -> Path:
    """Write the details where a user's programs keep such files, or else where all may write.

    Raises OSError or ValueError if neither folder takes them.
    """
    try:
        return _write_in(cache_folder("bench") / FOLDER, details)
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return _write_in(Path(tempfile.gettempdir()), details)


def _write_in(folder: Path, details: str) -> Path:
    """Write a file that is new, that its user alone may read, and that is whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"bench-fault-{utc_now()[:19].replace(':', '')}-"
    descriptor, name = tempfile.mkstemp(".txt", prefix, folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(details)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
