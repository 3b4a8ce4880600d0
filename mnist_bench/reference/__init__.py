"""The published figures of 2020, as the engine's reports take them."""

from mnist_bench.reference.published import published_2020

__all__ = ["published_2020"]
