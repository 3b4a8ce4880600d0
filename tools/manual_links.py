"""A hook of MkDocs: links of the manual that leave docs/ lead to copies of those files in the site.

On a code host, a page links to `../README.md` or to `../examples/matmul.py`. A site has only what
lies in docs/, so it gets copies of the linked files under `repository/`. A link to a file that does
not exist stays as it is, and MkDocs then refuses it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

#: Files and folders beside docs/ that pages may link to.
SHOWN = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "LICENSE"),
    *("cluster.yaml", "clusters", "examples", "reports/example"),
)

#: Where their copies lie in the site.
COPIES = "repository"

#: The address of a link or of a picture, without its anchor.
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the copies to the files of the site; Markdown files become pages."""
    for path in sorted(path for name in SHOWN for path in _files(ROOT / name)):
        place = f"{COPIES}/{path.relative_to(ROOT).as_posix()}"
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the text of a page with its links as the site needs them."""
    own = page.file.src_uri

    def moved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(in_tree(own)), match[1]))
        place = in_site(target)
        if files.get_file_from_path(place) is None:
            return match[1]
        return posixpath.relpath(place, posixpath.dirname(own) or ".")

    return LINK.sub(moved, markdown)


def in_tree(place: str) -> str:
    """Return the path in the project of what lies at `place` in the site."""
    copied = place.startswith(f"{COPIES}/")
    return place.removeprefix(f"{COPIES}/") if copied else f"docs/{place}"


def in_site(path: str) -> str:
    """Return the place in the site of what lies at `path` in the project."""
    inside = path.startswith("docs/")
    return path.removeprefix("docs/") if inside else f"{COPIES}/{path}"
