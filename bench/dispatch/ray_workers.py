"""What the workers of an embedded Ray run: functions of ours, never of the user's folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.dispatch.local import LocalSetup
from bench.dispatch.node import prepared_as_json
from bench.outside.documents import parse_model
from bench.outside.environment import PACKAGE


def task(function: Any) -> Any:
    """Return the Ray task of a function of ours that yields texts."""
    import ray

    return ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(_of_ours(function))


def prepare(setup_json: str) -> Iterator[str]:
    """Yield what this machine is, as JSON text."""
    yield prepared_as_json(parse_model(LocalSetup, setup_json).prepared())


def _of_ours(function: Any) -> Any:
    """Return `function` as a worker finds it in our package.

    Ray puts the working folder first in a worker's path, where a bench.py of the user's may lie. A
    function within a function is pickled by value, so this one runs before anything is imported.
    """
    root, module, name = str(PACKAGE), function.__module__, str(function.__name__)

    def called(*arguments: Any) -> Iterator[Any]:
        import importlib
        import sys

        if sys.path[0] != root:
            sys.path.insert(0, root)
        yield from getattr(importlib.import_module(module), name)(*arguments)

    called.__name__ = called.__qualname__ = name  # as Ray calls the worker
    return called
