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
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.child.devices import check_device, visible_gpus
from bench.child.launch import RECORDED_VARIABLES, LaunchSpec
from bench.errors import BenchError, DeviceError, RequestError
from bench.probe import frameworks
from bench.probe.identity import redacted
from bench.probe.machine import probe
from bench.probe.memory import peak_bytes, resident_bytes
from bench.record.lines import Failure, JobRecord, Measurement
from bench.spec.workload import JobContext, load_workload


def utc_now() -> str:
    """Return the present time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def run_launch(launch: LaunchSpec, emit: Callable[[Mapping[str, Any]], None]) -> JobRecord:
    """Run the job in this process and return its record; a failure is a record too."""
    started_s, started_at = time.perf_counter(), utc_now()
    _set_niceness(launch.niceness)
    machine = launch.machine or probe(launch.packages)
    measurement: Measurement | None = None
    failure: Failure | None = None
    try:
        if launch.expects:
            check_device(launch.expects, visible_gpus())
        workload = load_workload(launch.workload)
        measurement = workload.run_job(launch.job, _context(launch, started_s, emit))
    except Exception as error:  # whatever a job does is a record, never a lost job
        failure = failure_of(error)
    return JobRecord(
        run_id=launch.run_id,
        job_id=launch.job.job_id,
        job=launch.job,
        attempt=launch.attempt,
        label=launch.label,
        machine=machine,
        placed_by=launch.placed_by,
        started_at=started_at,
        ended_at=utc_now(),
        measurement=measurement,
        failure=failure,
        runtime=frameworks.loaded(),
    )


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an exception stands for, its traceback kept but for names."""
    return Failure(
        reason="no GPU visible" if isinstance(error, DeviceError) else "exception",
        message=redacted(str(error)) or type(error).__name__,
        exception=type(error).__name__,
        traceback=redacted("".join(traceback.format_exception(error))),
    )


def _context(
    launch: LaunchSpec, started_s: float, emit: Callable[[Mapping[str, Any]], None]
) -> JobContext:
    return JobContext(
        data_path=launch.data_path,
        data_digest=launch.data_digest,
        threads=launch.threads,
        environment={name: _shown(os.environ.get(name)) for name in RECORDED_VARIABLES},
        expects=launch.expects,
        niceness_asked=launch.niceness,
        started_s=started_s,
        emit=emit,
        resident_bytes=resident_bytes,
        peak_bytes=peak_bytes,
        gpu_peak_bytes=frameworks.gpu_peak_bytes,
        cpu_s=time.process_time,
        measure_ceilings=launch.measure_ceilings,
    )


def _shown(value: str | None) -> str | None:
    return None if value is None else redacted(value)


def _set_niceness(niceness: int | None) -> None:
    """Ask for a priority; where it is refused the record shows what was had instead."""
    if niceness is not None and os.getpriority(os.PRIO_PROCESS, 0) != niceness:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, niceness)
        except PermissionError:
            return


def _end_with_parent() -> None:
    """End this process and what it started when the parent's end of the input pipe closes.

    This works on Linux and macOS, and whatever ended the parent.
    """

    def wait() -> None:
        while os.read(0, 1):
            pass
        if os.getpgrp() == os.getpid():  # as bench.child.process starts it: the group is all its own
            os.killpg(0, signal.SIGKILL)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def _read_launch(path: str) -> LaunchSpec:
    content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        return LaunchSpec.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the whole text"
        raise RequestError(
            "the job description is wrong",
            seen=f"{key}: {first['msg']}",
            next_step="take one from `mnist-bench run --list --json`",
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
    """Run one job as the command line asks; return the exit code."""
    if not 2 <= len(arguments) <= 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        launch = _read_launch(arguments[0])
    except (BenchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    emit: Callable[[Mapping[str, Any]], None] = lambda event: None  # noqa: E731
    if len(arguments) == 3:  # started by bench.child.process: report progress, end with the parent
        _end_with_parent()
        events = Path(arguments[2]).open("a", buffering=1)  # noqa: SIM115 open until the end
        emit = lambda event: print(json.dumps(event), file=events)  # noqa: E731
    record = run_launch(launch, emit)
    _write_record(record, arguments[1])
    return 0 if record.measurement else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
