"""Ends what a run has started, if the run itself is killed: a process of its own that waits.

    python -m bench.child.keeper MARK

Its input is a pipe whose other end the run holds, which writes a word a line: `+7` for a session
that it has started, `-7` once that has ended, and `done` at its own end. If the pipe closes before,
the keeper kills all processes with the mark or in such a session, and deletes the folders that they
held.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench import stops
from bench.child.program import words_of
from bench.child.scratch import sweep
from bench.errors import DispatchError
from bench.outside.environment import for_python
from bench.watch.marked import MARK, kill_marked

#: What the run writes when it has ended everything itself.
DONE = "done"

#: Seconds that a keeper has to end once it is let go.
END_S = 5.0


@dataclass(frozen=True)
class Kept:
    """What a keeper watches over: the processes with a mark, and those in some sessions."""

    mark: str
    keeper: subprocess.Popen[bytes]
    sessions: set[int] = field(default_factory=set)

    @property
    def variables(self) -> dict[str, str]:
        """The mark as variables for a process that is to be watched over."""
        return {MARK: self.mark}

    def add(self, session: int) -> None:
        """Watch over a session that was started."""
        self.sessions.add(session)
        self._say(f"+{session}")

    def end(self) -> None:
        """Kill whatever is left of all that was started."""
        kill_marked(self.mark, self.sessions)
        while self.sessions:
            self._say(f"-{self.sessions.pop()}")

    def close(self) -> None:
        """Kill whatever is left, and let the keeper go."""
        self.end()
        self._say(DONE)
        assert self.keeper.stdin is not None
        with contextlib.suppress(OSError):
            self.keeper.stdin.close()
        try:
            self.keeper.wait(END_S)
        except subprocess.TimeoutExpired:  # it is stopped
            self.keeper.kill()
            self.keeper.wait()

    def _say(self, word: str) -> None:
        assert self.keeper.stdin is not None
        with contextlib.suppress(OSError):  # the keeper itself may have been killed
            os.write(self.keeper.stdin.fileno(), f"{word}\n".encode())


@contextlib.contextmanager
def keeping() -> Iterator[Kept]:
    """Let a keeper watch over what is started with its mark; at the end, all of that is killed.

    The mark is handed to those processes alone. This process does not take it: it would pass it on
    to whatever else it starts, such as the ssh of a cluster, which goes on when the jobs here end.
    Raises DispatchError if the keeper cannot be started.
    """
    sweep()
    mark = secrets.token_hex(8)
    kept = Kept(mark, _started(mark))
    try:
        yield kept
    finally:
        with stops.deferred():
            kept.close()


def _started(mark: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words_of("bench.child.keeper", mark),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=for_python(os.environ),
            start_new_session=True,
        )
    except OSError as error:
        raise DispatchError(
            "the process that watches over the jobs cannot be started",
            seen=error.strerror or error,
            next_step="end other programs, so that processes and memory are free",
        ) from error


def main(arguments: list[str]) -> int:
    """Wait for the end of the run, and end what it has left."""
    for number in stops.INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    sessions: set[int] = set()
    for line in sys.stdin:
        word = line.strip()
        if word == DONE:
            return 0
        (sessions.add if word[0] == "+" else sessions.discard)(int(word[1:]))
    kill_marked(arguments[0], sessions)
    sweep()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
