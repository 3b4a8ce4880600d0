"""Signals that ask the program to end: each is counted, and one is raised where it does no harm.

The state belongs to the process, as its signals do. A signal that was ignored when the program
started (under `nohup`, or SIGINT in the background of a script) stays ignored.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

TYPE_CHECKING = False  # this is the first import of a command: `typing` would take longer than it
if TYPE_CHECKING:
    from typing import Any

#: Signals that end the program: Ctrl-C, a scheduler or `docker stop`, and a terminal that is lost.
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: The exit code of a program that a signal ended.
INTERRUPTED = 130

#: Each signal is raised from this one on. Of the signals before it, only one is raised: the program
#: is on its way to its end then, and the others must not interrupt that.
INSISTING = 3


class Interrupt(KeyboardInterrupt):
    """A signal has arrived.

    It is no plain KeyboardInterrupt: if a plain one passes through an `exec`, Python ends itself
    with SIGINT at its exit, even if it was caught, and the exit code is lost.
    """


#: What a user is told of a command that a signal ended, unless `from_now_on` gave other words.
NOTHING = "nothing was measured"


class _State:
    def __init__(self) -> None:
        self.arrived = 0  # signals since the outermost `guarded` began
        self.raised = False  # whether one of them was raised
        self.handled = False  # whether `guarded` handles the signals
        self.idle = False  # whether the work of `guarded` has not begun or has ended
        self.words = NOTHING  # what the user is told of what was done
        self.deferred = 0  # how many `deferred` contexts are open
        self.most: int | None = None  # signals that the innermost of them takes; None: any number


_STATE = _State()


def arrived() -> bool:
    """Return whether a signal has asked the program to end."""
    return _STATE.arrived > 0


def check() -> None:
    """Raise Interrupt if a signal has asked the program to end."""
    if arrived():
        _raise()


def hurried() -> bool:
    """Return whether a second signal has asked the program to end faster."""
    return _STATE.arrived > 1


def from_now_on(words: str) -> None:
    """Let `words` say what was done, if a signal ends the program from now on."""
    _STATE.words = words


def words() -> str:
    """Return what was done before a signal ended the program, or what became of it."""
    return _STATE.words


def guarded(work: Callable[[], int], interrupted: Callable[[], None], *, last: bool = False) -> int:
    """Call `work` and return its exit code, or INTERRUPTED if a signal has arrived meanwhile.

    A signal raises Interrupt, except in `deferred`. Whatever error it causes (an import
    that it cuts off may raise any) counts as the end that was asked for, and `interrupted` tells
    the user. If nothing of the process comes after `work`, `last` lets it ignore further signals.
    Signals that arrive after the end of `work` are only counted.
    """
    if _STATE.handled or not _in_main_thread():
        return work()
    previous = {one: signal.getsignal(one) for one in INTERRUPTS}
    heard = [one for one, handler in previous.items() if handler is not signal.SIG_IGN]
    _STATE.arrived, _STATE.raised, _STATE.handled = 0, False, True
    _STATE.idle, _STATE.words = True, NOTHING
    hook, sys.unraisablehook = sys.unraisablehook, _without_interrupts(sys.unraisablehook)
    try:
        for one in heard:
            signal.signal(one, _arrive)
        code = _code_of(work, interrupted)
    finally:
        for one in heard:
            signal.signal(one, signal.SIG_IGN if last else previous[one] or signal.SIG_DFL)
        sys.unraisablehook, _STATE.handled, _STATE.arrived = hook, False, 0
    return code


def _code_of(work: Callable[[], int], interrupted: Callable[[], None]) -> int:
    try:
        try:
            _STATE.idle = False
            check()
            code = work()
        finally:
            _STATE.idle = True
    except BaseException as error:
        _STATE.idle = True  # a signal may have come before the same words above
        if not (arrived() or isinstance(error, KeyboardInterrupt)):
            raise
        try:  # noqa: SIM105  contextlib would take longer to import than this module
            interrupted()
        except (OSError, ValueError):  # standard error takes no more
            pass
        return INTERRUPTED
    return INTERRUPTED if arrived() else code


class deferred:
    """Only count signals meanwhile, so that none interrupts what must be done as a whole.

    Ask `arrived` or call `check` at a place where the program may end. If `most` is given, the
    signal after that many is raised all the same.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most

    def __enter__(self) -> None:
        self._before = _STATE.most
        _STATE.deferred += 1
        _STATE.most = None if self._most is None else _STATE.arrived + self._most

    def __exit__(self, *exception: object) -> None:
        _STATE.deferred -= 1
        _STATE.most = self._before


def _in_main_thread() -> bool:
    """Return whether this thread may set handlers: only the main one may."""
    try:
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
    except (TypeError, ValueError):  # another thread, or a handler that is not Python's
        return False
    return True


def handle_again() -> None:
    """Install our handlers again, after a library has put its own in their place."""
    if _STATE.handled and _in_main_thread():
        for one in INTERRUPTS:
            if signal.getsignal(one) is not signal.SIG_IGN:
                signal.signal(one, _arrive)


def _arrive(number: int, frame: object) -> None:
    _STATE.arrived += 1
    if _STATE.idle:
        return
    if _STATE.deferred:
        if _STATE.most is not None and _STATE.arrived > _STATE.most:
            _raise()
    elif not _STATE.raised or _STATE.arrived >= INSISTING:
        _raise()


def _raise() -> None:
    _STATE.raised = True
    raise Interrupt


def _without_interrupts(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a hook that stays silent about an interrupt within a callback or a destructor."""

    def report(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            hook(unraisable)

    return report
