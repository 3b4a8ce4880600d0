"""Starts a module of ours in a process that imports from where this one does."""

from __future__ import annotations

import json
import sys

#: Takes the path of imports and the module's name from the words, and becomes the module.
BOOT = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def words_of(module: str, *arguments: str) -> list[str]:
    """Return the words that start a module.

    No variable is set, so what the process starts in turn inherits none. A file in the working
    folder is imported only if this process would import it (-P).
    """
    return [sys.executable, "-P", "-c", BOOT, json.dumps(sys.path), module, *arguments]
