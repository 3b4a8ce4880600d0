"""User folders that the programs of this project share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder `name` in the user's cache folder. It may not exist yet.

    Source: XDG Base Directory Specification, XDG_CACHE_HOME.
    """
    home = environment.get("HOME") or os.path.expanduser("~")
    cache = environment.get("XDG_CACHE_HOME") or Path(home) / ".cache"
    return Path(os.path.expanduser(cache)) / name
