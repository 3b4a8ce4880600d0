"""Signals that end a run: each is answered like Ctrl-C, once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

#: Signals that end a run.
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def one_interrupt(answer: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM (a scheduler) and SIGHUP (a lost ssh) end a run as cleanly as Ctrl-C does.

    The first of them counts. Further ones are ignored until all is ended and the report is written.
    `answer` tells the user that it has arrived.
    """

    def interrupt(number: int, frame: object) -> None:
        for each in INTERRUPTS:
            signal.signal(each, signal.SIG_IGN)
        answer()
        raise KeyboardInterrupt

    previous = {each: signal.signal(each, interrupt) for each in INTERRUPTS}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
