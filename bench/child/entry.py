"""The child process: a job description in, a record out.

    python -m bench.child.entry launch.json record.json      (`-` is standard input or output)

Exit codes: 0 measured, 1 the job failed (the record says why), 2 the description is wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.child.job import run_launch
from bench.child.launch import LaunchSpec
from bench.errors import BenchError, RequestError
from bench.record.lines import JobRecord
from bench.text import first_problem


def _end_with_parent() -> None:
    """End this process and its descendants when the parent's end of the input pipe closes.

    This works on Linux and macOS, whatever ended the parent.
    """

    def wait() -> None:
        while os.read(0, 1):
            pass
        if os.getpgrp() == os.getpid():  # bench.child.process gives it its own group
            os.killpg(0, signal.SIGKILL)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def _read_launch(path: str) -> LaunchSpec:
    content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        return LaunchSpec.model_validate_json(content)
    except ValidationError as error:
        raise RequestError(
            "the job description is wrong",
            seen=first_problem(error),
            next_step="take a line that the command `run --list --json` printed",
        ) from error


def _write_record(record: JobRecord, path: str) -> None:
    text = record.model_dump_json()
    if path == "-":
        print(text)
        return
    temporary = Path(f"{path}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def main(arguments: list[str]) -> int:
    """Run the job that the command line names; return the exit code."""
    if not 2 <= len(arguments) <= 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        launch = _read_launch(arguments[0])
    except (BenchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    emit: Callable[[Mapping[str, Any]], None] = lambda event: None  # noqa: E731
    if len(arguments) == 3:  # a parent started us: report progress, end with it
        _end_with_parent()
        events = Path(arguments[2]).open("a", buffering=1)  # noqa: SIM115  stays open until the end
        emit = lambda event: print(json.dumps(event), file=events)  # noqa: E731
    record = run_launch(launch, emit)
    _write_record(record, arguments[1])
    return 0 if record.measurement else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
