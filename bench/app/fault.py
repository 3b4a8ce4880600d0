"""What is told of an exception of another kind than ours: its details, how to report it."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import traceback
from pathlib import Path

from bench import __version__
from bench.clock import utc_now
from bench.paths import cache_folder
from bench.spec.privacy import Privacy
from bench.spec.request import Program
from bench.text import type_and_line, visible

#: The folder of the details, within the user's cache folder.
FOLDER = "faults"


def lines_of(error: Exception, program: Program) -> list[str]:
    """Return what the user is told of `error`, whose details are written to a file.

    An OSError is the system's refusal (a full disk, a missing right), and any other exception is a
    fault of this program. If the file cannot be written, the details follow in the lines.
    """
    details = _details(error, program)
    seen = visible(Privacy().redacted(type_and_line(error)))
    try:
        path = _write(details)
    except OSError as problem:
        where, rest = f"could not be written ({problem.strerror}) and follow", [details]
    else:
        where, rest = f"are in {path}", []
    if isinstance(error, OSError):
        what = f"error: the system refused what {program.name} asked for (seen: {seen})"
        return [f"{what}. Next: mend that and give the same command again; the details {where}"]
    return [
        f"error: this is a fault of {program.name}, not of your request (seen: {seen}). The "
        f"details {where}. Next: report it to the project with these details, which hold the "
        "command, versions and traceback, but no host name and no home folder. What was measured "
        "is kept: the same command goes on from there",
        *rest,
    ]


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
    """Write the details where a user's programs keep such files, or else where all may write."""
    name = f"{utc_now().replace(':', '')}-{os.getpid()}.txt"
    for folder in (cache_folder("bench") / FOLDER, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"bench-fault-{name}"
            path.write_text(details, encoding="utf-8")
            return path
        except OSError:
            if folder == Path(tempfile.gettempdir()):
                raise
    raise AssertionError("the last folder is the temporary one")
