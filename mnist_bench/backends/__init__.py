"""The frameworks that a job can train with, as rows of a table, and their common functions.

A backend's module is imported only in a job's child process.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

#: Bytes of one value in the arrays that `copy` copies.
FLOAT_BYTES = 4


class Backend(Protocol):
    """The functions of a backend's module."""

    def load(self, threads: int) -> None:
        """Import the framework and set its threads, before any operation fixes their number."""

    def thread_counts(self) -> tuple[int | None, int | None]:
        """Return the intra-op and inter-op threads that the framework reports."""

    def device(self) -> str:
        """Return `gpu` if operations run on a GPU, else `cpu`."""

    def versions(self) -> dict[str, str]:
        """Return the versions of the imported packages."""

    def synchronise(self) -> None:
        """Wait for the device; the meter calls this before it reads a clock.

        It does nothing for a backend whose loops wait for the result of each launch.
        """

    def evaluate(
        self, model: Any, images: np.ndarray, labels: np.ndarray, batch_size: int
    ) -> tuple[float, float]:
        """Return loss and accuracy of the compiled Keras `model`."""

    def matmul(self, size: int, precision: str) -> Callable[[], Any]:
        """Return a function that multiplies two resident (size, size) matrices and waits for it."""

    def copy(self, size_bytes: int) -> Callable[[], Any]:
        """Return a function that copies a resident float32 array to another and waits for it."""


@dataclass(frozen=True)
class BackendRow:
    """A backend: its module here, the package that it needs, and the command that installs it."""

    module: str
    package: str
    install: str


BACKENDS: Mapping[str, BackendRow] = {
    "tensorflow": BackendRow("mnist_bench.backends.tensorflow", "tensorflow", "make setup"),
    "jax": BackendRow("mnist_bench.backends.jax", "jax", "make setup EXTRAS=jax"),
    "torch": BackendRow("mnist_bench.backends.torch", "torch", "make setup EXTRAS=torch"),
}


def backend(name: str) -> Backend:
    """Return the module of the backend `name`."""
    return importlib.import_module(BACKENDS[name].module)


def is_installed(name: str) -> bool:
    """Return whether the package of the backend `name` is installed, without importing it."""
    return importlib.util.find_spec(BACKENDS[name].package) is not None


def installed() -> tuple[str, ...]:
    """Return the names of the backends that are installed."""
    return tuple(name for name in BACKENDS if is_installed(name))


def why_not(name: str) -> str | None:
    """Return why the backend `name` cannot be used and how to fix that; None if it can be used."""
    if is_installed(name):
        return None
    row = BACKENDS[name]
    return f"{row.package} is not installed; {row.install} installs it"
