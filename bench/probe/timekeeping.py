"""Whether the kernel's clock follows a time server, as the kernel itself says."""

from __future__ import annotations

import ctypes
import sys

#: More bytes than any `struct timex` has. Its first field, zero, asks and changes nothing.
TIMEX_BYTES = 512

#: The answer for a clock that is not synchronised; -1 is a refusal. Source: adjtimex(2).
TIME_ERROR, REFUSED = 5, -1


def is_synchronised() -> bool | None:
    """Say whether this machine's clock is synchronised; None if the system does not say."""
    if sys.platform != "linux":
        return None
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):  # a C library without the call
        return None
    return None if state == REFUSED else bool(state != TIME_ERROR)
