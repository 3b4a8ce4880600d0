"""Runs a program of someone else's and takes what it prints: any bytes, within a limit."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: The most bytes that are kept of each output: the last ones, where answers and errors stand.
MOST_PRINTED = 1024 * 1024


@dataclass(frozen=True)
class ProgramEnd:
    """How a program ended, and the last MOST_PRINTED bytes of each of its outputs."""

    code: int
    out: str
    errors: str

    @property
    def complaint(self) -> str:
        """The last line of its errors; its exit code if it printed none."""
        return last_line(self.errors) or f"exit code {self.code}"


def run_to_end(
    words: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None
) -> ProgramEnd:
    """Run a program without input to its end.

    Raises OSError if it cannot be started, and TimeoutExpired if it takes longer; it is then ended.
    """
    until = time.monotonic() + timeout_s
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        try:
            out, errors = _read(process, until)
            code = process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            raise subprocess.TimeoutExpired(words[0], timeout_s) from None
        except BaseException:
            process.kill()
            raise
    return ProgramEnd(code, decoded(out), decoded(errors))


def _read(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
    """Return the ends of both outputs, once they are closed. Raises TimeoutExpired."""
    assert process.stdout is not None and process.stderr is not None, "both are pipes"
    outputs = (process.stdout.fileno(), process.stderr.fileno())
    kept = {output: bytearray() for output in outputs}
    with selectors.DefaultSelector() as selector:
        for output in outputs:
            selector.register(output, selectors.EVENT_READ)
        while selector.get_map():
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _ in selector.select(left_s):
                chunk = os.read(key.fd, 64 * 1024)
                if not chunk:
                    selector.unregister(key.fd)
                kept[key.fd] += chunk
                del kept[key.fd][:-MOST_PRINTED]
    return bytes(kept[outputs[0]]), bytes(kept[outputs[1]])


def decoded(content: bytes) -> str:
    """Return what a program printed as text; a character stands for each byte that is no UTF-8."""
    return content.decode("utf-8", "replace")


def last_line(text: str) -> str:
    """Return the last line that is not blank; empty if there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
