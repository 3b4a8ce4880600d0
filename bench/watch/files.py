"""Small files of /proc and /sys that stay open and are read repeatedly, in a few us each."""

from __future__ import annotations

import os


class KeptFile:
    """An open file of about `size` bytes; each read begins at its start.

    Raises OSError if it cannot be opened.
    """

    def __init__(self, path: os.PathLike[str] | str, size: int = 4096) -> None:
        self._size, self._descriptor = size, -1
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def read(self) -> bytes:
        """Return the current contents. Raises OSError if they are gone (a process has ended)."""
        text = os.pread(self._descriptor, self._size, 0)
        while len(text) == self._size:  # there may be more
            self._size *= 2
            text = os.pread(self._descriptor, self._size, 0)
        return text

    def close(self) -> None:
        """Close the file; it cannot be read after that."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()
