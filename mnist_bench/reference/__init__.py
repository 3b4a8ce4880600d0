"""The figures published in 2020, in the form that the engine's reports take."""

from mnist_bench.reference.published import published_2020

__all__ = ["published_2020"]
