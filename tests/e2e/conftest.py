"""Where the whole-journey tests get their data: the real MNIST where it is, synthetic elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_mnist() -> Path | None:
    """The file of the real MNIST, or None where it is not here."""
    named = os.environ.get("MNIST_BENCH_DATA")
    for path in (Path(named) if named else None, ROOT.parent / "shared" / "data" / "mnist.npz"):
        if path and path.is_file():
            return path
    return None


@pytest.fixture(scope="session")
def data_environment(real_mnist) -> dict[str, str]:
    """Variables that lead a command to its data without the network."""
    return {
        "MNIST_BENCH_DATA": str(real_mnist) if real_mnist else "",
        "MNIST_BENCH_OFFLINE": "1",
    }
