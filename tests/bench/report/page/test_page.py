"""The page's HTML holds its tables, its data and its policy, whatever its texts are."""

from __future__ import annotations

import html
import json
import re
import sys

import pytest
from page_runs import HOSTILE, many_runs, planted, small_runs
from reporting import DAY

from bench.analysis.results import analyse
from bench.report.annex import report_of_results, with_figures
from bench.report.column import Column, Table
from bench.report.data import write_report
from bench.report.page import html as parts
from bench.report.page import libraries
from bench.report.page.build import embedded, policy, summary_html
from bench.report.page.content import content
from bench.report.words.page import chips
from bench.report.words.phrasebook import Phrasebook
from bench.text import visible
from mnist_bench.description import DESCRIPTION

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


@pytest.fixture(scope="module")
def results():
    return analyse(small_runs(), DESCRIPTION.outline)


@pytest.fixture(scope="module")
def page(results):
    """The page without charts, which need no library."""
    report = report_of_results(results, day=DAY)
    return summary_html(report, report.page, {})


def test_embedded_data_cannot_end_their_element_and_are_read_back():
    packed = embedded({"name": "</script><!--\u2028&\n\u202e", "value": float("nan")})
    assert not set("<>&") & set(packed)
    assert json.loads(packed) == {"name": "</script><!-- & U+202E", "value": None}


def test_the_policy_allows_the_scripts_of_the_page_by_their_digests_and_nothing_else():
    found = policy(["let a = 1;"], "p {}")
    assert "script-src 'sha256-" in found
    assert found.startswith("default-src 'none'; ")
    assert "unsafe" not in found
    assert "http" not in found
    assert policy(["let a = 2;"], "p {}") != found


def test_every_table_of_the_report_stands_in_the_page_with_its_rows(results, page):
    for table in report_of_results(results, day=DAY).tables:
        section = page[page.index(f'id="table-{table.name}"') :]
        section = section[: section.index("</section>")]
        assert section.count("<tr") >= min(len(table.shown), parts.MOST_ROWS)
        assert html.escape(table.title) in section


def test_a_hostile_name_is_escaped_in_the_html_and_in_the_data(page):
    assert "<script>alert" not in page
    assert "\u202e" not in page
    names = [one["name"] for one in json.loads(DATA.search(page)[1])["machines"]]
    assert visible(HOSTILE) in names


def test_the_chips_tell_what_was_measured_failed_disturbed_and_priced(page):
    chips = re.findall(r'class="chip".*?<span>(.*?)</span> <strong>(.*?)</strong>', page)
    assert chips == [
        ("measured", "46 of 48"),
        ("failed", "2"),
        ("disturbed", "4 of 46"),
        ("prices of", "2026-11-20"),
    ]


def test_the_prices_have_the_dates_of_their_rows_and_a_mark_after_a_year():
    def prices_of(day, *dates):
        runs = [
            planted(f"machine-{number}", 1.0, price=1.0 + number, price_date=date)
            for number, date in enumerate(dates)
        ]
        *_, (name, span, table) = chips(analyse(runs, DESCRIPTION.outline), day)
        assert (name, table) == ("prices of", "cost")
        return span

    assert prices_of("2026-12-01", "2026-07-20") == "2026-07-20"
    assert prices_of("2026-12-01", "2026-08-03", "2026-07-20") == "2026-07-20 to 2026-08-03"
    assert prices_of("2026-12-01", "2025-01") == "2025-01, over a year old"
    assert prices_of("2026-12-01", None) == "n/a"


def test_a_long_table_says_how_many_rows_the_page_leaves_out():
    rows = tuple({"n": number} for number in range(parts.MOST_ROWS + 7))
    found = parts.table(Table("long", "Long", (Column("n", "n", "name"),), rows))
    assert found.count("<tr>") == 1 + parts.MOST_ROWS
    assert f"the first {parts.MOST_ROWS} of {parts.MOST_ROWS + 7} rows" in found
    assert "tables/long.csv" in found


def test_a_cell_whose_text_is_in_another_unit_holds_its_value_for_sorting():
    column = Column("size", "size", "text", absent=("none", "none"))
    found = parts.table(Table("one", "One", (column,), ({"size": 5}, {"size": "about 5"})))
    assert "<td>5" in found and "data-v" not in found
    column = Column("share", "share", "share")
    found = parts.table(Table("one", "One", (column,), ({"share": 0.123},)))
    assert 'data-v="0.123"' in found


def test_the_content_numbers_machines_in_the_order_of_their_rank(results):
    found = content(results, DAY, Phrasebook(), Phrasebook())
    assert [one["name"] for one in found["machines"]] == [
        *results.headline.names,
    ]
    assert [axis["name"] for axis in found["axes"]] == ["model", "optimizer", "loop"]
    assert len(found["records"]["machine"]) == len(results.measured)
    assert {len(column) for column in found["records"].values()} == {len(results.measured)}
    assert found["targets"]


def test_a_report_without_a_measurement_has_a_page(tmp_path):
    failed = planted("late", 1.0, failed=range(6))
    report = report_of_results(analyse([failed], DESCRIPTION.outline))
    written = write_report(report, tmp_path)
    page = (tmp_path / "summary.html").read_text(encoding="utf-8")
    assert tmp_path / "summary.html" in written
    assert "time limit" in page


def test_the_library_is_made_once_and_kept_in_the_users_cache(tmp_path, monkeypatch):
    pytest.importorskip("vl_convert")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    libraries.bundle.cache_clear()
    made = libraries.bundle()
    (kept,) = (tmp_path / "bench").iterdir()
    assert kept.read_text(encoding="utf-8") == made
    assert "</script" not in made and "<!--" not in made, "it would end its element"
    kept.write_text("kept", encoding="utf-8")
    libraries.bundle.cache_clear()
    assert libraries.bundle() == "kept"
    libraries.bundle.cache_clear()


def test_the_licences_of_the_library_are_in_a_page_with_charts():
    text = libraries.notices()
    for name in ("vega-lite", "vega-embed", "vega-interpreter", "d3-array", "semver"):
        assert re.search(rf"\b{name}\b", text), name
    assert "Interactive Data Lab" in text


@pytest.mark.slow
def test_ten_machines_on_the_full_grid_take_less_than_four_megabytes(tmp_path):
    pytest.importorskip("vl_convert")
    results = analyse(many_runs(10), DESCRIPTION.outline)
    write_report(with_figures(report_of_results(results, day=DAY), results), tmp_path)
    size = (tmp_path / "summary.html").stat().st_size
    print(f"{size} bytes", file=sys.stderr)
    assert 1_000_000 < size < 4_000_000
