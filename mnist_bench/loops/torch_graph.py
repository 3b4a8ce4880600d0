"""One launch per step on a GPU: captures a training step as a CUDA graph and replays it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Runs an action without arguments; returns a function that repeats it.
Capture = Callable[[Callable[[], None]], Callable[[], None]]


class Replayed:
    """A step that is captured at its first batch of `size` and replayed for all later ones.

    A batch of another size (the last one of an epoch) runs operation by operation. `step` must only
    change tensors in place, and must keep everything that changes between steps on the device.
    """

    def __init__(self, step: Callable[[Any], None], size: int, capture: Capture) -> None:
        self._step, self._size, self._capture = step, size, capture
        self._batch: Any = None
        self._replay: Callable[[], None] | None = None

    def __call__(self, batch: Any) -> None:
        """Train on one batch of indices, shape (images,)."""
        if len(batch) != self._size:
            self._step(batch)
        elif self._replay is None:
            self._batch = batch.clone()
            self._replay = self._capture(lambda: self._step(self._batch))
        else:
            self._batch.copy_(batch)
            self._replay()


def capture_on_cuda(action: Callable[[], None]) -> Callable[[], None]:
    """Run `action` once, then capture it without running it, and return its replay function.

    The first run is on a separate stream, because CUDA's libraries set themselves up at first use,
    and that cannot be captured. Source: PyTorch's notes on CUDA semantics, "CUDA Graphs".
    """
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        action()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        action()
    return lambda: graph.replay()
