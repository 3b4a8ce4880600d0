"""Renders a figure's specification as SVG and PNG, without a network and without a browser."""

from __future__ import annotations

import importlib.util

from bench.report.figures.figure import Figure
from bench.report.figures.theme import INK, PAPER, TEXT

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
    import vl_convert

    return vl_convert.vegalite_to_svg(dict(figure.spec), allowed_base_urls=[])


def png(picture: str) -> bytes:
    """Return a figure's SVG as PNG on paper, for print and slides."""
    import vl_convert

    return vl_convert.svg_to_png(on_paper(picture), scale=PNG_SCALE)


def on_paper(picture: str) -> str:
    """Return a figure's SVG with the background and the text of paper."""
    root, end, rest = picture.partition(">")
    sheet = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    return f"{root}{end}{sheet}{rest}".replace(f'"{TEXT}"', f'"{INK}"')
