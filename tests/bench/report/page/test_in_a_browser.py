"""The page in a real Chromium: every control does what it says, and nothing is requested."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from page_runs import HOSTILE, planted

from bench.text import visible

pytestmark = pytest.mark.slow

AXE = Path(__file__).resolve().parents[3] / "browser/node_modules/axe-core/axe.min.js"
NAME = visible(HOSTILE)

#: Is done when the page has shown a change of its state, which it does at the next frame.
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def figures(page, place="speed"):
    """Return the texts of the table of figures beside a chart, row by row."""
    page.evaluate(PAINTED)
    return [
        row.locator("td").all_text_contents() for row in page.locator(f"#{place} tbody tr").all()
    ]


def numbers(text):
    """Return the figures of a cell such as `1.5x [1.2, 1.9]`."""
    return [float(one) for one in re.findall(r"\d+(?:\.\d+)?", text)]


def state_of(page):
    return page.evaluate("location.hash")


def close_to(shown, wanted):
    """Say whether figures agree within the three digits that the page shows."""
    return len(shown) == len(wanted) and all(
        math.isclose(one, other, rel_tol=6e-3) for one, other in zip(shown, wanted, strict=True)
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_the_page_draws_its_charts_and_is_no_wider_than_the_screen(open_page, width, scheme):
    page = open_page(width=width, color_scheme=scheme)
    page.wait_for_selector("#speed svg")
    page.wait_for_selector("#cost svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_policy_of_the_page_forbids_requests_and_strings_as_code(browser, summary):
    page = browser.new_page()
    page.goto(summary.as_uri())
    assert page.evaluate("fetch('http://127.0.0.1:9/').catch((error) => 'refused')") == "refused"
    assert page.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); return window.ran === undefined; })()"
    )
    page.close()


def test_every_baseline_rebases_every_ratio_as_the_analysis_does(open_page, results):
    page, ranking = open_page(), results.headline
    assert len(ranking.names) == 4
    for base in ranking.names:
        page.get_by_label("Baseline").select_option(visible(base))
        shown = {row[0]: numbers(row[1]) for row in figures(page)}
        for name in ranking.names:
            if name == base:
                assert shown[visible(name)] == [1]
                continue
            found = ranking.between(name, base).ratio.interval()
            assert close_to(shown[visible(name)], [found.estimate, found.low, found.high])
        assert f"relative to {visible(base)}" in page.locator("#speed h3").inner_text()


def test_jobs_that_are_switched_off_leave_the_brackets_of_the_other_jobs(open_page, results):
    page = open_page()
    page.get_by_text("Choose the jobs").click()
    page.get_by_label("cnn", exact=True).uncheck()
    (ranking,) = next(found for kind, found in results.by_kind.items() if "mlp" in kind.values)
    shown = {row[0]: numbers(row[1]) for row in figures(page)}
    best = ranking.names[0]
    for name in ranking.names[1:]:
        found = ranking.between(name, best).ratio.interval()
        assert close_to(shown[visible(name)], [found.estimate, found.low, found.high])
    assert not page.locator("#table-capacity tbody tr:visible", has_text="cnn").count()


def test_prices_that_the_reader_types_scale_the_ratios_of_cost(open_page, results):
    page = open_page()
    pair = results.headline.between("desk", HOSTILE).ratio.interval()
    page.get_by_label("Compare").select_option("cost")
    cost = {row[0]: numbers(row[1]) for row in figures(page)}
    wanted = [2.0 / 0.9 * one for one in (pair.estimate, pair.low, pair.high)]
    assert close_to(cost["desk"], wanted)
    assert "old" not in cost, "its price is unknown"
    page.get_by_text("Prices, USD an hour").click()
    page.locator("#prices label", has_text="desk").locator("input").fill("0.45")
    page.get_by_role("spinbutton", name="old no instance type").fill("0.1")
    page.keyboard.press("Tab")
    cost = {row[0]: numbers(row[1]) for row in figures(page)}
    assert close_to(cost["desk"], [2 * one for one in wanted])
    assert "old" in cost


def test_a_budget_and_a_deadline_grey_out_offers_and_say_why(open_page):
    page = open_page("#goal=job:mlp sgd 6 ep")
    rows = {row[0]: row for row in figures(page, "cost")}
    assert rows["old"][4] == "excluded: no price is known"
    dear = max((numbers(row[3])[0], name) for name, row in rows.items() if row[3] != "n/a")
    slow = max((numbers(row[2])[0], name) for name, row in rows.items())
    page.get_by_role("slider", name="Budget").fill("50")
    rows = {row[0]: row for row in figures(page, "cost")}
    assert "over the budget of $" in rows[dear[1]][4]
    page.get_by_role("slider", name="Budget").fill("100")
    page.get_by_role("slider", name="Deadline").fill("40")
    rows = {row[0]: row for row in figures(page, "cost")}
    assert "over the deadline of" in rows[slow[1]][4]
    assert "budget" not in rows[dear[1]][4]
    said = page.locator("#cost").get_by_role("status").inner_text()
    assert "over the deadline of" in said and "1 (no price is known" in said
    assert page.locator("#cost tr.out").count() == sum("excluded" in r[4] for r in rows.values())


def test_the_frontier_holds_the_offers_that_no_other_beats_in_both(open_page):
    page = open_page()
    rows = [row for row in figures(page, "cost") if row[3] != "n/a"]
    offers = [(numbers(row[2])[0], numbers(row[3])[0], row[4]) for row in rows]
    assert {state for *_, state in offers} == {"on the frontier", "dominated"}
    for seconds, usd, state in offers:
        beaten = any(s <= seconds and u <= usd and (s, u) != (seconds, usd) for s, u, _ in offers)
        assert beaten == (state == "dominated")


def test_hiding_disturbed_jobs_hides_their_rows_and_records(open_page):
    page = open_page()
    disturbed = page.locator("#table-conditions tbody tr:visible", has_text="disturbed")
    assert disturbed.count() == 4
    before = next(row for row in figures(page) if row[0] == "rack")
    page.get_by_label("hide disturbed").check()
    after = next(row for row in figures(page) if row[0] == "rack")
    assert disturbed.count() == 0
    assert (before[2], after[2]) == ("3", "2"), "one kind of job was disturbed each time"


def test_the_jobs_of_one_machine_are_drawn_beside_the_published_ones(open_page, page_of_runs):
    page = open_page(path=page_of_runs([planted("desk", 1.0, day=day) for day in (0.0, 0.01)]))
    page.wait_for_selector("#speed svg")
    assert "2020" in page.locator("#speed h3").inner_text()
    assert page.get_by_label("Baseline").count() == 0
    assert "type one under Prices" in page.locator("#cost").inner_text()
    page.locator("#cost").get_by_role("button", name="Download SVG").click()
    page.get_by_text("There is no chart to save.").wait_for()


def test_a_mark_opens_the_records_behind_it(open_page):
    page = open_page()
    page.wait_for_selector("#speed svg")
    page.locator("#speed svg .mark-symbol path").nth(1).click()
    box = page.get_by_role("dialog")
    assert "desk" in box.get_by_role("heading").inner_text()
    assert "12 records" in box.inner_text()
    cells = box.locator("tbody tr").first.locator("td").all_text_contents()
    assert cells[1] == "desk"
    assert cells[7].endswith(".jsonl")
    page.keyboard.press("Escape")
    box.wait_for(state="hidden")
    assert "records" not in state_of(page)


@pytest.mark.parametrize(("figure", "mark"), [("steps", "symbol"), ("confusion", "rect")])
def test_a_mark_of_any_figure_opens_the_records_of_its_machine_and_job(open_page, figure, mark):
    page = open_page()
    page.wait_for_selector(f"#figure-{figure} svg")
    page.locator(f"#figure-{figure} svg .mark-{mark}.role-mark path").first.click(force=True)
    box = page.get_by_role("dialog")
    box.wait_for()
    rows = [r.locator("td").all_text_contents() for r in box.locator("tbody tr").all()]
    assert len(rows) == 4, "two seeds in two sittings"
    assert len({(job, machine) for job, machine, *_ in rows}) == 1


def test_a_row_of_a_table_opens_its_own_records_by_keyboard(open_page):
    page = open_page()
    row = page.locator("#table-capacity tbody tr", has_text="rack").filter(has_text="cnn").first
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    box = page.get_by_role("dialog")
    box.wait_for()
    jobs = {r.locator("td").first.inner_text() for r in box.locator("tbody tr").all()}
    assert jobs == {"cnn adam 6 ep"}
    assert "4 records" in box.inner_text()


def test_a_table_is_sorted_both_ways_and_back_and_unknown_values_come_last(open_page):
    page = open_page()
    heading = page.locator("#table-cost th", has_text="USD per 1000").get_by_role("button")
    place = page.locator("#table-cost th").all_text_contents().index("USD per 1000 jobs")

    def column():
        page.evaluate(PAINTED)
        rows = page.locator("#table-cost tbody tr:visible").all()
        return [row.locator("td").nth(place).text_content() for row in rows]

    first = column()
    for turned in (False, True):
        heading.focus()
        page.keyboard.press("Enter")
        found = column()
        known = [float(one) for one in found if one != "n/a"]
        assert known == sorted(known, reverse=turned)
        assert found[len(known) :] == ["n/a"] * (len(found) - len(known)) != []
    sort = page.locator("#table-cost th[aria-sort]")
    assert sort.get_attribute("aria-sort") == "descending"
    heading.click()
    assert column() == first
    assert sort.count() == 0


def test_a_filter_keeps_the_rows_that_hold_its_text_and_long_tables_have_pages(
    open_page, long_tables
):
    page = open_page(path=long_tables)
    table = page.locator("#table-capacity")
    rows = table.locator("tbody tr:visible")
    assert rows.count() == 50
    table.get_by_role("button", name="Next").click()
    page.evaluate(PAINTED)
    assert 0 < rows.count() <= 50
    table.get_by_label("Filter").fill("rack")
    page.evaluate(PAINTED)
    assert rows.count() > 0
    assert all("rack" in text for text in rows.all_text_contents())
    assert " of " in table.get_by_role("status").inner_text()


def test_a_link_opens_the_page_as_it_was_left(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Baseline").select_option("rack")
    page.get_by_label("hide disturbed").check()
    page.get_by_text("Choose the jobs").click()
    page.get_by_label("compiled", exact=True).uncheck()
    page.get_by_role("slider", name="Budget").fill("70")
    page.locator("#table-capacity").get_by_label("Filter").fill("rack")
    page.locator("#table-capacity th button").nth(2).click()
    before = [figures(page), figures(page, "cost")]
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link was copied.").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(link[link.index("#") :])
    assert [figures(other), figures(other, "cost")] == before
    assert other.get_by_label("Baseline").input_value() == "rack"
    assert other.get_by_label("hide disturbed").is_checked()
    assert not other.get_by_label("compiled", exact=True).is_checked()
    assert other.locator("#table-capacity").get_by_label("Filter").input_value() == "rack"
    assert other.locator("#table-capacity th[aria-sort]").count() == 1
    other.get_by_role("button", name="Reset").click()
    other.evaluate(PAINTED)
    assert state_of(other) == ""
    assert other.get_by_label("Baseline").input_value() == NAME


def test_an_address_of_another_report_is_read_as_far_as_it_is_known(open_page):
    page = open_page(
        "#base=gone&budget=x&off.model=never&sort.capacity=99.up&page.epochs=77&records={"
    )
    assert page.get_by_label("Baseline").input_value() == NAME
    assert len(figures(page)) == 4


def test_charts_and_tables_are_saved_and_copied(open_page, tmp_path):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_selector("#speed svg")
    with page.expect_download() as saved:
        page.locator("#speed").get_by_role("button", name="Download SVG").click()
    picture = Path(saved.value.path()).read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert "rack" in picture and "currentColor" not in picture
    with page.expect_download() as saved:
        page.locator("#table-capacity").get_by_role("button", name="Download CSV").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("machine,job")
    assert len(lines) > 10
    page.locator("#table-ranking").get_by_role("button", name="Copy as Markdown").click()
    page.get_by_text("The table was copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in copied}
    assert len(cells) == 1, "no name of a machine adds a cell"


def test_the_page_can_be_read_without_javascript(open_page, long_tables):
    page = open_page(path=long_tables, java_script_enabled=False)
    assert page.locator("#speed img").first.get_attribute("alt")
    assert page.locator("#speed img").evaluate("(one) => one.naturalWidth") > 100
    assert page.locator("#table-capacity tbody tr:visible").count() > 50
    assert page.locator("select:visible, input:visible").count() == 0


def test_a_hostile_name_is_text_wherever_it_stands(open_page):
    page = open_page("#base=rack")
    page.wait_for_selector("#cost svg")
    assert page.locator("#table-ranking td", has_text="<script>alert(1)</script>").count() > 0
    assert page.locator("#speed svg text", has_text="<script>").count() > 0
    assert page.evaluate("document.querySelectorAll('script').length") == 3
    page.locator("#speed svg .mark-symbol path").first.hover()
    page.wait_for_timeout(200)
    assert NAME in page.locator("#tip").inner_text()
    page.locator("#speed svg .mark-symbol path").first.click()
    assert NAME in page.get_by_role("dialog").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_axe_finds_nothing_serious(open_page, scheme, width):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run tools/lab-setup.sh, which needs npm")
    page = open_page(width=width, color_scheme=scheme, bypass_csp=True)
    page.wait_for_selector("#cost svg")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then((result) => JSON.stringify(result.violations))")
    serious = [
        (one["id"], one["help"], one["nodes"][0]["html"][:200])
        for one in json.loads(found)
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_paper_shows_no_controls_and_every_row(open_page, long_tables):
    page = open_page(path=long_tables, color_scheme="dark")
    page.wait_for_selector("#speed svg")
    page.emulate_media(media="print")
    assert page.locator("td button:visible, select:visible, input:visible").count() == 0
    assert page.locator("#table-capacity tbody tr:visible").count() > 50
    colours = page.evaluate(
        "['html', '#speed svg text'].map((one) => getComputedStyle(document.querySelector(one)))"
        ".map((style) => [style.color, style.backgroundColor, style.fill])"
    )
    assert colours[0][:2] == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert colours[1][2] == "rgb(0, 0, 0)", "the text of charts takes the colour of the page"


def test_a_page_that_was_saved_as_it_stood_opens_again(open_page, tmp_path):
    page = open_page("#base=rack")
    page.wait_for_selector("#cost svg")
    saved = tmp_path / "saved.html"
    saved.write_text(page.content(), encoding="utf-8")
    again = open_page("#base=rack", path=saved, passing="Applying inline style violates")
    again.wait_for_selector("#cost svg")
    assert figures(again) == figures(page)
    for control in ("#controls", "#cost figure", "dialog", "#table-epochs input[type=search]"):
        assert again.locator(control).count() == 1, control
