"""An epoch that is cut into pieces: each is one launch of several steps, whose time they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

#: The most equal launches per epoch. The steps that remain, if any, have up to two of their own.
LAUNCHES = 9

#: A piece: its steps, and the images of each.
Piece = tuple[int, int]


def scan_pieces(count: int, batch_size: int) -> list[Piece]:
    """Return the pieces of an epoch of `count` images, at most LAUNCHES of them equal."""
    return pieces(count, batch_size, -(-(count // batch_size) // LAUNCHES))


def pieces(count: int, batch_size: int, length: int) -> list[Piece]:
    """Return the pieces of an epoch, of `length` steps if possible."""
    full, ragged = divmod(count, batch_size)
    length = max(1, length)
    equal = [(length, batch_size)] * (full // length)
    if full % length:
        equal.append((full % length, batch_size))
    return equal + ([(1, ragged)] if ragged else [])


def cut(
    order: npt.NDArray[np.int32], into: Sequence[Piece]
) -> Iterator[tuple[Piece, npt.NDArray[np.int32]]]:
    """Yield each piece with its batches: indices of images, (steps, images)."""
    begin = 0
    for steps, size in into:
        yield (steps, size), order[begin : begin + steps * size].reshape(steps, size)
        begin += steps * size
