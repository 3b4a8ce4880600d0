"""A workload with an axis of every type, and grids of it as a user would write them."""

from __future__ import annotations

from bench.spec.axes import Axis
from bench.spec.description import Description
from bench.spec.written_grid import parse_grid

#: A workload with an axis of every type.
AXES = (
    Axis("model", choices=("mlp", "cnn"), always_marked=True, separates=True),
    Axis("optimizer", choices=("sgd", "adam"), always_marked=True),
    Axis("batch_size", "int", 128, least=1, mark="b{}"),
    Axis("loop", default="fit"),
    Axis("rate", "float", 0.5),
    Axis("sparse", "bool", False, plural="sparse", mark=""),
    Axis("backend", default="a", choices=("a", "b"), available=lambda: ("b",)),
)
SMALL = Description("small", "Small", AXES)


def parsed(**changes):
    """Parse a grid document of one sub-grid with `changes`."""
    sub = {"models": "mlp", "optimizers": "sgd", "epochs": 2, **changes}
    return parse_grid({"name": "mine", "subgrids": [sub]}, "mine.yaml", SMALL)
