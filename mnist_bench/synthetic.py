"""A seeded synthetic stand-in for MNIST: the same shapes, the same bytes on every machine.

Each style of each digit is drawn once, as a distance field around its pen strokes. A sample looks
its pixels up in such a field through a random affine map and a slight bow, then gets a pen width,
an ink and noise of its own.

Bit-identical by construction: PCG64's stream, and only `+ - * / sqrt floor` and comparisons in
float64, each of which IEEE 754 rounds in one way only. So no `sin`, `exp`, `dot` or `sum`, whose
last bits depend on the maths library, the BLAS or the vector width.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


class Arrays(NamedTuple):
    """The four arrays of a dataset: images (n, 28, 28) and labels (n,), all uint8."""

    x_train: Bytes
    y_train: Bytes
    x_test: Bytes
    y_test: Bytes


# SHA-256 of the raw bytes, C order, of `make_synthetic()`.
SYNTHETIC_DIGESTS: dict[str, str] = {
    "x_train": "aaccfac339946d783e856f717f931c8e7840d5ba66bd8f33c01980d29fafb2bf",
    "y_train": "92120f1c834eef0334a72d653cac1aff2b9c5bd728169f5b132285d8f2e6787d",
    "x_test": "f84f0ebaccbcddd6a0f1dbbb82f4d17dcd4102eb82641810468e7661a6bdce88",
    "y_test": "8958ad4f5933cd8c2b90c276e76df22a186c56328b2508eef2b5b9716b6395a2",
}

# Pen strokes on a grid of 10 by 14, y pointing down; ';' parts strokes, '~' marks a rounded one.
STYLES: dict[int, tuple[str, ...]] = {
    0: (
        "~5,0 9,1 10,7 9,13 5,14 1,13 0,7 1,1 5,0",
        "~6,0 9,3 8,10 4,14 1,11 2,4 6,0",
        "~5,1 10,2 10,12 5,13 0,12 0,2 5,1 7,2",
    ),
    1: (
        "5,0 5,14",
        "2,4 5,0 5,14",
        "2,3 5,0 5,14; 2,14 8,14",
    ),
    2: (
        "~1,3 2,0 8,0 9,4 7,8 1,14; 1,14 9,14",
        "~1,2 5,-1 10,2 8,8 3,13 0,13 1,11 4,12 7,14 10,13",
        "~1,1 7,0 9,2 8,6 4,10 1,13; ~1,13 5,13 9,12",
    ),
    3: (
        "~1,2 4,-1 10,1 8,6 4,7; ~4,7 10,7 10,13 4,15 0,12",
        "1,0 9,0 4,6; ~4,6 9,6 11,11 6,15 0,12",
        "~1,1 7,0 9,3 6,6 3,6; ~3,6 8,7 8,12 5,14 1,14",
    ),
    4: (
        "7,14 7,0 0,9 10,9",
        "1,0 1,7 9,7; 8,0 8,14",
        "~2,1 1,6 2,8 9,7; ~9,1 8,8 7,14",
    ),
    5: (
        "9,0 2,0 1,6; ~1,6 7,4 11,9 8,14 3,15 0,12",
        "~9,0 3,1 2,6 7,6 9,10 6,14 1,13",
        "8,0 2,0 2,6; ~2,6 6,6 9,8 8,13 1,14",
    ),
    6: (
        "~8,0 3,2 0,8 1,14 7,15 10,11 7,7 2,8 1,11",
        "~6,0 2,5 1,12 4,15 9,13 8,8 3,8 1,11",
        "~9,1 4,0 0,6 1,13 6,14 9,12 8,9 4,8 1,11",
    ),
    7: (
        "1,0 9,0 4,14",
        "1,0 9,0 4,14; 3,7 9,7",
        "~0,2 1,0 5,1 10,0 7,5 5,14",
    ),
    8: (
        "~5,7 0,5 1,0 9,0 10,5 5,7 0,9 0,14 10,14 10,9 5,7",
        "~8,1 3,-1 0,3 5,6 10,10 7,15 2,14 1,10 6,6 9,3 8,1",
        "~5,6 2,5 2,0 8,0 8,5 5,6; ~5,6 0,8 1,14 9,14 10,8 5,6",
    ),
    9: (
        "~9,4 7,0 1,0 0,6 5,8 9,5 9,3; 9,3 8,14",
        "~9,3 5,-1 1,2 2,7 7,7 9,3; ~9,3 9,9 7,13 2,14",
        "~8,1 3,0 1,4 3,7 7,6 8,1; ~8,1 9,7 6,14",
    ),
}

SIDE = 28
CHUNK = 500  # samples drawn at a time: the temporaries stay in the cache
UNIT_PX = 1.4  # pixels per step of the stroke grid: a digit is 14 by 20, as in MNIST
FIELD_SIDE = 200  # points along each side of a distance field
FIELD_PITCH_PX = 0.2
NOISE = 0.55  # width of the noise of one pixel, as a share of full ink

# What varies from sample to sample: (low, high), drawn uniformly, in this order.
VARIATION: dict[str, tuple[float, float]] = {
    "label": (0.0, 10.0),
    "style": (0.0, 1.0),
    "half_turn": (-0.19, 0.19),  # tangent of half the angle: 21 degrees either way
    "scale_x": (0.65, 1.15),
    "scale_y": (0.7, 1.1),
    "shear": (-0.36, 0.36),
    "shift_x": (-2.5, 2.5),  # pixels, as is shift_y
    "shift_y": (-2.5, 2.5),
    "bow_x": (-0.03, 0.03),  # sideways pixels per squared pixel of height
    "bow_y": (-0.025, 0.025),  # and the other way round
    "pen_px": (0.7, 2.0),  # half the width of the stroke
    "ink": (0.55, 1.0),
}


def make_synthetic(seed: int = 1234, n_train: int = 60000, n_test: int = 10000) -> Arrays:
    """Draw a digit-like dataset that is the same, bit for bit, wherever it is drawn.

    Shapes: images (n, 28, 28) and labels (n,), uint8. A smaller set is a prefix of a larger one of
    the same seed. Raises ValueError for a negative seed or size.
    """
    fields, first_style, style_count = _draw_fields()
    halves = [
        _draw_half(seed, half, n, fields, first_style, style_count)
        for half, n in enumerate((n_train, n_test))
    ]
    return Arrays(*halves[0], *halves[1])


def _draw_half(
    seed: int, half: int, n: int, fields: Floats, first_style: Floats, style_count: Floats
) -> tuple[Bytes, Bytes]:
    """Draw `n` images (n, 28, 28) and labels (n,) from the two streams of one half of the set."""
    rng_shape, rng_noise = (
        np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, half, stream])))
        for stream in (0, 1)
    )
    images = np.empty((n, SIDE, SIDE), np.uint8)
    labels = np.empty(n, np.uint8)
    low, high = (np.array(bound) for bound in zip(*VARIATION.values(), strict=True))
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        draws = low + (high - low) * rng_shape.random((stop - start, len(VARIATION)))
        v = dict(zip(VARIATION, draws.T, strict=True))
        digit = np.floor(v["label"]).astype(np.intp)
        style = first_style[digit] + np.floor(v["style"] * style_count[digit])
        strength = _ink(fields, style, v)
        strength += NOISE * (rng_noise.random(strength.shape) - 0.5)
        images[start:stop] = np.floor(_clip(strength, 0.0, 1.0) * 255.0 + 0.5)
        labels[start:stop] = digit
    return images, labels


def _ink(fields: Floats, style: Floats, v: dict[str, Floats]) -> Floats:
    """Return how inked each pixel is, 0 to 1, shape (n, 28, 28), through each sample's own map."""
    across, down = _pixel_map(v)
    middle = (FIELD_SIDE - 1) / 2
    column = _to_index(across, middle)
    row = _to_index(down, middle)
    index = (style[:, None, None] * FIELD_SIDE + row) * FIELD_SIDE + column
    distance_px = np.take(fields, index.astype(np.intp))
    coverage = _clip(v["pen_px"][:, None, None] + 0.5 - distance_px, 0.0, 1.0)
    return coverage * v["ink"][:, None, None]


def _pixel_map(v: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Map each pixel back to where it lies on the undistorted digit, in pixels from its middle.

    Both results have shape (n, 28, 28). The turn is the rational parametrisation of the circle,
    ((1 - t^2) / (1 + t^2), 2 t / (1 + t^2)) with t the tangent of half the angle.
    """
    t = v["half_turn"]
    cos, sin = (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)
    centred = np.arange(SIDE) - (SIDE - 1) / 2
    x = (centred - v["shift_x"][:, None])[:, None, :]
    y = (centred - v["shift_y"][:, None])[:, :, None]
    columns = (cos, sin, v["scale_x"], v["scale_y"], v["shear"], v["bow_x"], v["bow_y"])
    cos, sin, scale_x, scale_y, shear, bow_x, bow_y = (a[:, None, None] for a in columns)
    down = (cos / scale_y) * y - (sin / scale_y) * x
    across = (cos / scale_x) * x + (sin / scale_x) * y
    across += down * (shear + bow_x * down)
    down += bow_y * across * across
    return across, down


def _to_index(position_px: Floats, middle: float) -> Floats:
    """Return the nearest grid point of a field, held inside it, as a whole float."""
    return np.floor(_clip(position_px * (1.0 / FIELD_PITCH_PX) + (middle + 0.5), 0.0, 2 * middle))


def _clip(values: Floats, low: float, high: float) -> Floats:
    """Hold values between two bounds, in place."""
    np.maximum(values, low, out=values)
    return np.minimum(values, high, out=values)


def _draw_fields() -> tuple[Floats, Floats, Floats]:
    """Draw every style once: the distance in pixels from each grid point to the nearest stroke.

    Shapes: fields (styles, FIELD_SIDE, FIELD_SIDE); each digit's first style and number of styles,
    both (10,).
    """
    style_count = np.array([len(STYLES[digit]) for digit in range(10)], np.float64)
    first_style = np.cumsum(style_count) - style_count
    fields = [_distance_field(strokes) for digit in range(10) for strokes in STYLES[digit]]
    return np.stack(fields), first_style, style_count


def _distance_field(strokes: str) -> Floats:
    """Return the distance in pixels to the nearest of the strokes, (FIELD_SIDE, FIELD_SIDE)."""
    axis = (np.arange(FIELD_SIDE) - (FIELD_SIDE - 1) / 2) * FIELD_PITCH_PX
    x, y = axis[None, :], axis[:, None]
    nearest = np.full((FIELD_SIDE, FIELD_SIDE), np.inf)
    for stroke in strokes.split(";"):
        points = _points_px(stroke)
        for (ax, ay), (bx, by) in pairwise(points):
            dx, dy = bx - ax, by - ay
            along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)
            along = _clip(along, 0.0, 1.0)
            off_x, off_y = x - ax - along * dx, y - ay - along * dy
            np.minimum(nearest, off_x * off_x + off_y * off_y, out=nearest)
    return np.sqrt(nearest)


def _points_px(stroke: str) -> list[tuple[float, float]]:
    """Read one stroke of the table as points in pixels from the digit's middle.

    A rounded stroke has its corners cut twice at a quarter and three quarters (Chaikin, 1974).
    """
    pairs = [pair.split(",") for pair in stroke.replace("~", " ").split()]
    points = [((float(x) - 5.0) * UNIT_PX, (float(y) - 7.0) * UNIT_PX) for x, y in pairs]
    for _ in range(2 if "~" in stroke else 0):
        cut = [
            (ax * near + bx * (1.0 - near), ay * near + by * (1.0 - near))
            for (ax, ay), (bx, by) in pairwise(points)
            for near in (0.75, 0.25)
        ]
        points = [points[0], *cut[1:-1], points[-1]]
    return points
