"""Runs of toys by the real command line, for tests of what happens around them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import toy_workload

from bench.app import early_look, plan
from bench.app.early_look import EarlyLook


def toy_words(folder: Path, out: str, seeds: str = "[1234]") -> list[str]:
    """Return the words of a run of 2-epoch toys on this machine alone; `out` is in `folder`."""
    grid = folder / "toys.yaml"
    grid.write_text(f"name: toys\nsubgrids: [{{models: ok, seeds: {seeds}, epochs: 2}}]\n")
    words = ["run", "--workload", toy_workload.NAME, "--grid", str(grid), "--local-only"]
    words += ["--dispatch", "inline", "--label", "desk", "--no-figures"]
    return [*words, "--out", str(folder / out)]


def look_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the look at the machine, and let a run go on after an edit of the source."""
    monkeypatch.setattr(plan, "code_digest", lambda reference: "code")
    monkeypatch.setattr(early_look, "EarlyLook", partial(EarlyLook, seconds=0.2))
