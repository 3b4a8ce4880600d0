"""One launch a step on a GPU: a training step captured as a CUDA graph, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Takes an action without arguments; returns what does it again.
Capture = Callable[[Callable[[], None]], Callable[[], None]]


class Replayed:
    """A step that is captured at its first batch of `size` and replayed for every further one.

    A batch of another size (the ragged last of an epoch) is trained operation by operation. `step`
    must change tensors in place only, and keep on the device all that differs from step to step.
    """

    def __init__(self, step: Callable[[Any], None], size: int, capture: Capture) -> None:
        self._step, self._size, self._capture = step, size, capture
        self._batch: Any = None
        self._replay: Callable[[], None] | None = None

    def __call__(self, batch: Any) -> None:
        """Train one batch of indices, shape (images,)."""
        if len(batch) != self._size:
            self._step(batch)
        elif self._replay is None:
            self._batch = batch.clone()
            self._replay = self._capture(lambda: self._step(self._batch))
        else:
            self._batch.copy_(batch)
            self._replay()


def capture_on_cuda(action: Callable[[], None]) -> Callable[[], None]:
    """Do `action` once, capture it without doing it, and return what replays it.

    It is done first on a stream of its own, as CUDA's libraries set themselves up at first use,
    which cannot be captured. Source: PyTorch's notes on CUDA semantics, "CUDA Graphs".
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
