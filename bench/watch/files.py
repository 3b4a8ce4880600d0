"""Small files of /proc and /sys that are kept open and read again and again, a few us each."""

from __future__ import annotations

import os
from pathlib import Path


class KeptFile:
    """A file kept open; each read begins at its start. Raises OSError where it cannot be opened."""

    def __init__(self, path: Path | str, size: int = 4096) -> None:
        self._size, self._descriptor = size, -1
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes:
        """Return the contents now. Raises OSError where they are gone (a process has ended)."""
        return os.pread(self._descriptor, self._size, 0)

    def close(self) -> None:
        """Close the file; it cannot be read any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()
