"""The page's charting libraries as one script, made offline and kept in the user's cache."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
from importlib import resources

from bench.paths import cache_folder, replace_file

#: The package that holds the libraries.
PACKAGE = "vl-convert-python"

#: What the script gives to the page's own script.
SNIPPET = "window.vegaEmbed = vegaEmbed;"


@functools.cache
def bundle() -> str:
    """Return the script that defines `vegaEmbed`.

    Making it takes seconds, so a file in the user's cache keeps it for each version of the package
    and, by the number in its name, of the snippet.
    A cache that cannot be read or written costs time and nothing else. Raises ImportError if the
    package is not installed.
    """
    import vl_convert

    kept = cache_folder("bench") / f"charts-1-{importlib.metadata.version(PACKAGE)}.js"
    try:
        return kept.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        made = str(vl_convert.javascript_bundle(SNIPPET))
    with contextlib.suppress(OSError):
        replace_file(kept, made)
    return made


def notices() -> str:
    """Return the licences of the libraries, with their copyright notices."""
    return resources.files("bench.report.page").joinpath("assets/licences.txt").read_text("utf-8")
