"""Where files go: the user's cache folder, and files that take the place of others."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path


def cache_folder(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder `name` in the user's cache folder. It may not exist yet.

    Source: XDG Base Directory Specification, XDG_CACHE_HOME.
    """
    home = environment.get("HOME") or os.path.expanduser("~")
    cache = environment.get("XDG_CACHE_HOME") or Path(home) / ".cache"
    return Path(os.path.expanduser(cache)) / name


def replace_file(path: Path, content: bytes | memoryview | str | Iterable[str]) -> Path:
    """Write bytes, a text or its parts to `path`; the file is replaced whole or not at all.

    A temporary file beside it takes its place once it is on disk. Raises OSError.
    """
    parts = [content] if isinstance(content, bytes | memoryview | str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            for part in parts:
                file.write(_encoded(part) if isinstance(part, str) else part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # it took the place of the other, or was never made
            temporary.unlink()
    return path


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")
