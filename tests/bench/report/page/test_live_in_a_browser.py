"""The live page in a real Chromium, beside a real run of toys in this process."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from launches import toy_job
from plans import a_plan
from toy_workload import WORKLOAD

from bench.app.campaign import Campaign
from bench.app.commands.report import make_report
from bench.app.live import live as live_module
from bench.app.live.live import Live
from bench.report.annex import report_of_results, with_figures

AXE = Path(__file__).resolve().parents[3] / "browser/node_modules/axe-core/axe.min.js"

JOBS = (*(toy_job("ok", seed=seed) for seed in range(4)), toy_job("raise"))


@pytest.fixture
def looked_at(browser):
    """Return a function that opens a page in a browser of its own; what goes wrong is kept."""
    contexts, wrong = [], []

    def opened(live, state=""):
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda one: one.type == "error" and wrong.append(one.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda one: one.url.startswith(live.url) or wrong.append(f"asked {one.url}")
        )
        page.set_default_timeout(30_000)
        page.goto(f"{live.url}{state}")
        page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


class Held(Live):
    """A live page whose run waits before its first job, and while its third job runs."""

    def __init__(self, folder):
        super().__init__(WORKLOAD, folder, poll_s=0.2)
        self.go, self.go_on, self.started = threading.Event(), threading.Event(), 0

    def show(self, event, left_s=None):
        super().show(event, left_s)
        self.started += event.kind == "started"
        if self.started == 3:
            self.go_on.wait(120)

    def release(self):
        self.go.set()
        self.go_on.set()


def measuring(folder, live):
    """Measure in a thread, write the report, and end the server."""

    def measure():
        live.go.wait(120)
        with live:
            campaign = Campaign(a_plan(folder, JOBS), folder / "out", viewer=live)
            campaign.run()
            live.enter("reporting")
            live.reported(make_report([campaign.read()], folder / "out", WORKLOAD))

    thread = threading.Thread(target=measure)
    thread.start()
    return thread


@pytest.mark.slow
def test_the_page_follows_the_run_to_its_report(tmp_path, monkeypatch, looked_at):
    monkeypatch.setattr(live_module, "FIGURES_SHARE", 1e9)
    live = Held(tmp_path / "out")
    thread = measuring(tmp_path, live)
    try:
        page, follower, closed = looked_at(live), looked_at(live, "#follow=1"), looked_at(live)
        assert "getting ready" in page.locator("#live [role=status]").inner_text()
        live.go.set()
        page.locator("#live td", has_text="1 running, 2 waiting").wait_for()
        closed.close()  # harms nothing
        assert page.locator("#live td .boxes .r").inner_text() == "r"
        page.get_by_text("Every job").click()
        rows = page.locator("#live details tbody tr")
        rows.first.wait_for()
        states = [row.locator("td").nth(2).inner_text() for row in rows.all()]
        assert (states[0], states[-1]) == ("running", "skipped")
        assert rows.last.locator("td").nth(3).inner_text() == "planted"
        fresh = page.get_by_role("button", name="Show the new figures")
        fresh.wait_for()
        assert page.locator("#table-capacity").count() == 0, "nothing is drawn unasked"
        fresh.click()
        page.wait_for_selector("#table-capacity")
        page.locator("#live td", has_text="1 running, 2 waiting").wait_for()
        assert fresh.is_hidden()
        follower.wait_for_selector("#table-capacity")
        assert follower.get_by_label("show new figures by themselves").is_checked()
        live.go_on.set()
        page.wait_for_selector("#live", state="detached")
        page.wait_for_selector("html[data-ready]")
        assert "toy trouble" in page.locator("#table-failures").text_content()
    finally:
        live.release()
        thread.join(60)
    assert not thread.is_alive()


@pytest.mark.slow
def test_the_page_says_when_nobody_answers_and_goes_on_when_somebody_does(browser, tmp_path):
    live = Live(WORKLOAD, tmp_path / "out", poll_s=0.1)
    page = browser.new_page()
    page.set_default_timeout(30_000)
    page.goto(live.url)
    page.get_by_text("getting ready").wait_for()
    live._server.close()
    page.get_by_text("no longer answers").wait_for()
    assert "summary.html" in page.locator("#live").inner_text()
    again = Live(WORKLOAD, tmp_path / "out", live.port, poll_s=0.1)
    page.get_by_text("getting ready").wait_for()
    again._server.close()
    page.close()


@pytest.mark.slow
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: tools/lab-setup.sh")
def test_axe_finds_nothing_serious_on_the_live_page(looked_at, tmp_path, results):
    live = Live(WORKLOAD, tmp_path / "out", poll_s=0.2)
    report = with_figures(report_of_results(results), results)
    live._make(lambda: report)
    page = looked_at(live)
    page.wait_for_selector("#live [role=status]")
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run().then(({violations}) => violations"
        ".filter(({impact}) => ['serious', 'critical'].includes(impact))"
        ".map(({id, nodes}) => [id, nodes.map(({html}) => html).slice(0, 3)]))"
    )
    assert found == []
    page.close()  # before the server ends: a question in flight would be cut off
    live._server.close()
