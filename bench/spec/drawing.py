"""The picture of what a workload trains, as data: layers, one after the other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One layer: its name and kind, the shape of one sample's output, and its parameters."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int = 0


@dataclass(frozen=True)
class Drawing:
    """A network; `name` is part of a file's name, and the first layer is the input."""

    name: str
    title: str
    layers: tuple[Layer, ...]
