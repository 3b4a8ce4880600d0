"""The command as its users type it, but with shorter waits: python -m ...program."""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

#: Seconds that the look at the machine takes; for users it is three.
LOOK_S = 0.1

#: The variable that says for how many seconds a lost host may be away, if it is set.
GRACE = "CHAOS_GRACE_S"


def _shorten_look(module: Any) -> None:
    module.EarlyLook.__init__.__defaults__ = (LOOK_S,)


def _shorten_grace(module: Any) -> None:
    usual = module.cluster_request
    if GRACE in os.environ:
        grace = {"grace_s": float(os.environ[GRACE])}
        module.cluster_request = lambda *given: usual(*given).model_copy(update=grace)


#: What is shortened as soon as its module is imported.
SHORTENED = {"bench.app.early_look": _shorten_look, "bench.app.cluster_share": _shorten_grace}


class _Shortening(importlib.abc.MetaPathFinder):
    """Shortens a wait once its module is imported; everything else starts as it always does."""

    def __init__(self, module: str, shorten: Callable[[Any], None]) -> None:
        self._module, self._shorten = module, shorten

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def shortened(module: Any) -> None:
            load(module)
            self._shorten(module)

        spec.loader.exec_module = shortened  # type: ignore[method-assign]
        return spec


if __name__ == "__main__":
    sys.meta_path[:0] = [_Shortening(*one) for one in SHORTENED.items()]
    from mnist_bench import cli

    sys.exit(cli.main())
