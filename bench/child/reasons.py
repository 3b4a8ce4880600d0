"""Gives an error that a job raised its reason, a row of REASONS."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable

from bench.errors import ClockError, DataError, DeviceError, DivergedError
from bench.record.failure import (
    DISK_FULL,
    DIVERGED,
    EXCEPTION,
    IMPOSSIBLE,
    NO_BACKEND,
    NO_DATA,
    NO_GPU,
    OUT_OF_MEMORY,
    WRONG_DIGEST,
    Failure,
)
from bench.spec.privacy import Privacy

#: What frameworks call their own errors of memory that is used up, and say in others.
MEMORY_TYPES = ("OutOfMemoryError", "ResourceExhaustedError", "MemoryError")
MEMORY_WORDS = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory")

#: Errors of a disk that takes no more.
FULL = (errno.ENOSPC, errno.EDQUOT)


def _used_up(error: BaseException) -> bool:
    known = {kind.__name__ for kind in type(error).__mro__}
    words = str(error)[:10_000]
    return bool(known & set(MEMORY_TYPES)) or any(word in words for word in MEMORY_WORDS)


def _is_of(error: BaseException | None, *kinds: type[BaseException]) -> bool:
    """Return whether an error, or an error that it was raised from, has one of the kinds."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__
    return error is not None


def _lacks_package(error: BaseException) -> bool:
    """Return whether a package cannot be imported, other than the workload's own module."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ModuleNotFoundError):
        cause = cause.__cause__
    if cause is None:
        return False
    workload = str(getattr(error, "seen", None) or "").partition(":")[0]
    return not f"{workload}.".startswith(f"{cause.name}.")


#: Which errors have a reason of their own; the first row that applies counts.
RULES: tuple[tuple[Callable[[BaseException], bool], str], ...] = (
    (lambda error: isinstance(error, DeviceError), NO_GPU),
    (lambda error: isinstance(error, DataError) and _is_of(error, OSError), NO_DATA),
    (lambda error: isinstance(error, DataError), WRONG_DIGEST),
    (lambda error: isinstance(error, DivergedError), DIVERGED),
    (lambda error: isinstance(error, ClockError), IMPOSSIBLE),
    (_lacks_package, NO_BACKEND),
    (lambda error: isinstance(error, OSError) and error.errno in FULL, DISK_FULL),
    (_used_up, OUT_OF_MEMORY),
)


def reason_of(error: BaseException) -> str:
    """Return the name of the reason of an error that a job raised."""
    return next((reason for applies, reason in RULES if applies(error)), EXCEPTION)


def failure_of(error: BaseException, privacy: Privacy) -> Failure:
    """Return the failure record of an exception, with names redacted in its traceback."""
    return Failure(
        reason=reason_of(error),
        message=privacy.redacted(str(error)) or type(error).__name__,
        exception=type(error).__name__,
        traceback=privacy.redacted("".join(traceback.format_exception(error))),
    )
