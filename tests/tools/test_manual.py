"""The manual builds strictly into a site that holds every page and asks no other host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

#: What loads something when a page is opened; a link that is clicked does not.
LOADED = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=\"?((?:https?:)?//[^\s\">]+)"
)

pytestmark = pytest.mark.slow


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Build the manual of a source tree into `target`, with every address out of reach."""
    nowhere = "http://127.0.0.1:9"
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(target)],
        cwd=source,
        env={**os.environ, "http_proxy": nowhere, "https_proxy": nowhere},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site of the manual as it is."""
    target = tmp_path_factory.mktemp("manual")
    built = build(ROOT, target)
    assert built.returncode == 0, built.stdout + built.stderr
    return target


def test_every_page_of_the_docs_is_a_page_of_the_site(site):
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert len(pages) > 30
    assert [str(page) for page in sorted(pages) if not (site / page).is_file()] == []


def test_links_to_files_beside_the_docs_lead_to_copies_of_them(site):
    assert 'href="repository/examples/matmul.py"' in (site / "workloads.html").read_text()
    example = (ROOT / "examples" / "matmul.py").read_bytes()
    assert (site / "repository" / "examples" / "matmul.py").read_bytes() == example
    report = (site / "repository" / "reports" / "example" / "summary.html").read_text()
    assert 'src="figures/speed.svg"' in report


def test_no_page_loads_anything_from_another_host(site):
    loaded = {
        (path.name, address)
        for path in site.rglob("*.html")
        for address in LOADED.findall(path.read_text(encoding="utf-8"))
    }
    assert loaded == set()


@pytest.fixture(scope="module")
def flawed(tmp_path_factory) -> str:
    """What a build says of a manual with planted flaws, which it refuses."""
    folder = tmp_path_factory.mktemp("flawed")
    shutil.copytree(DOCS, folder / "docs")
    (folder / "tools").mkdir()
    for name in ("mkdocs.yml", "tools/manual_links.py"):
        shutil.copy(ROOT / name, folder / name)
    with (folder / "docs" / "faq.md").open("a", encoding="utf-8") as page:
        page.write("\n[a](gone.md) [b](grids.md#no-such-heading) [c](../examples/gone.py)\n")
    (folder / "docs" / "lost.md").write_text("# A page without a place\n")
    built = build(folder, folder / "site")
    assert built.returncode != 0
    return built.stdout + built.stderr


@pytest.mark.parametrize("flaw", ["gone.md", "no-such-heading", "../examples/gone.py", "lost.md"])
def test_a_wrong_link_and_a_page_without_a_place_are_refused(flaw, flawed):
    assert flaw in flawed
