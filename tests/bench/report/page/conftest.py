"""A real Chromium, and the page of planted runs in it; skipped with a reason without a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_runs import full_grid, planted, small_runs
from reporting import DAY

from bench.analysis.results import Results, analyse
from bench.report.annex import report_of_results, with_figures
from bench.report.data import write_report
from bench.spec.languages import Language
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

#: The names of the browser's program on Debian, on others, and on macOS.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start a browser as slow: the start alone takes seconds."""
    for item in items:
        if "open_page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


def results_of(runs) -> Results:
    return analyse(runs, DESCRIPTION.outline, published_2020())


def written(results: Results, folder: Path, language: Language = "en") -> Path:
    """Write the report of these results in a language; return the path of the page."""
    own_words = DESCRIPTION.translations.get(language)
    report = report_of_results(results, language=language, own_words=own_words, day=DAY)
    write_report(with_figures(report, results, DESCRIPTION), folder)
    return folder / "summary.html"


@pytest.fixture(scope="session")
def results() -> Results:
    return results_of(small_runs())


@pytest.fixture(scope="session")
def summary(results, tmp_path_factory) -> Path:
    """The page of the small runs."""
    return written(results, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def summary_es(results, tmp_path_factory) -> Path:
    """The page of the small runs in Spanish."""
    return written(results, tmp_path_factory.mktemp("page-es"), "es")


@pytest.fixture(scope="session")
def long_tables(tmp_path_factory) -> Path:
    """The page of two machines on the full grid: its table of capacity has more than 50 rows."""
    runs = [planted(name, time, jobs=full_grid()) for name, time in (("desk", 1.0), ("rack", 0.8))]
    return written(results_of(runs), tmp_path_factory.mktemp("long"))


@pytest.fixture
def page_of_runs(tmp_path):
    """Return a function that writes the page of some runs."""
    return lambda runs: written(results_of(runs), tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium without a window; it ends with its file, as others look at what still runs."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip(f"no browser is installed: looked for {', '.join(CHROMIUM)}")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser, summary):
    """Return a function that opens the page; every page is watched, and judged at the end."""
    contexts, wrong = [], []

    def opened(
        state: str = "", path: Path = summary, width: int = 1600, passing: str = "", **changes: Any
    ) -> Any:
        settings = {"viewport": {"width": width, "height": 1000}, **changes}
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda one: _note_text(one, passing, wrong))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: _note(request.url, path, wrong))
        page.set_default_timeout(20_000)
        page.goto(f"{path.as_uri()}{state}")
        if settings.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def _note_text(message: Any, passing: str, wrong: list[str]) -> None:
    """Note an error in the console; what violates the policy is one."""
    if message.type == "error" and not (passing and message.text.startswith(passing)):
        wrong.append(f"console: {message.text}")


def _note(url: str, path: Path, wrong: list[str]) -> None:
    """Note a request of anything but the page; pictures and downloads stand in the page itself."""
    if not url.startswith((path.as_uri(), "data:", "blob:")):
        wrong.append(f"request: {url}")
