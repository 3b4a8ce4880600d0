"""Renders a figure's specification as SVG and PNG, without a network and without a browser."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from bench.report.figures.figure import Figure
from bench.report.figures.theme import LIGHT

#: The packages that figures need, by the module that each of them gives.
PACKAGES = {"altair": "altair", "vl_convert": "vl-convert-python"}

#: Pixels of a PNG for each pixel of the SVG: sharp on paper and on dense screens.
PNG_SCALE = 2.0


def missing_packages() -> tuple[str, ...]:
    """Return the packages that figures need and that are not installed."""
    return tuple(
        package for module, package in PACKAGES.items() if importlib.util.find_spec(module) is None
    )


def svg(figure: Figure) -> str:
    """Return the figure as SVG; its background is transparent, and light and dark pages suit it."""
    return _svg(figure.spec)


def png(figure: Figure) -> bytes:
    """Return the figure as PNG on white, for print and slides."""
    import vl_convert

    return vl_convert.svg_to_png(_svg({**figure.spec, "config": LIGHT}), scale=PNG_SCALE)


def _svg(spec: Mapping[str, Any]) -> str:
    import vl_convert

    return vl_convert.vegalite_to_svg(dict(spec), allowed_base_urls=[])
