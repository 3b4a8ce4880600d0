"""Every figure is a valid chart, holds the data that its results give, and is rendered.

If a change of the data is wanted, renew the files and read the difference:
`RENEW_GOLDEN=1 python -m pytest tests/bench/report/figures`, then `git diff tests/samples`.
"""

from __future__ import annotations

import json
import os
import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import altair
import pytest
import vl_convert
from builders import cnn_run
from colours import contrast
from figure_runs import figure_runs, results_of, thread_runs

from bench.report.figures import gallery, render, theme
from bench.report.figures.labels import label, labels
from mnist_bench.description import DESCRIPTION

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).resolve().parents[3] / "samples" / "golden" / "figures"
NAMES = (*gallery.BUILDERS, "network-mlp", "network-cnn")
HOSTILE = "<script>alert(1)</script>|x\n\u202eevil\u2066 `b` $x$ " + 60 * "long "


@pytest.fixture(scope="module")
def figures():
    """Every figure of planted runs, by name."""
    results = results_of([*figure_runs(["fast", "middle", "slow"]), *thread_runs("threads")])
    found = gallery.figures(results, DESCRIPTION.drawings)
    return {figure.name: figure for figure in found}


@pytest.fixture(scope="module")
def hostile():
    """Every figure of runs whose machines have hostile names, by name."""
    names = [HOSTILE, HOSTILE + "2", "rack"]
    found = gallery.figures(results_of([*figure_runs(names), *thread_runs(HOSTILE + "3")]))
    return {figure.name: figure for figure in found}


@pytest.fixture(scope="module")
def many():
    """Every figure of many machines, by name."""
    runs = figure_runs([f"machine {number:03d}" for number in range(45)], sittings=1)
    return {figure.name: figure for figure in gallery.figures(results_of(runs))}


def test_planted_runs_have_every_figure(figures):
    assert set(figures) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_a_valid_specification_with_one_inline_data_set(figures, name):
    spec = figures[name].spec
    altair.Chart.from_dict(spec)  # raises if the specification breaks the schema
    assert spec["data"]["name"] == name
    assert spec["data"]["values"]
    inner = json.dumps({key: value for key, value in spec.items() if key != "data"})
    assert '"data"' not in inner
    assert '"url"' not in inner


@pytest.mark.parametrize("name", NAMES)
def test_the_data_of_a_figure_are_the_golden_ones(figures, name):
    path = GOLDEN / f"{name}.json"
    now = json.loads(
        json.dumps(figures[name].rows), parse_float=lambda text: float(f"{float(text):.9g}")
    )
    if os.environ.get("RENEW_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in now)
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    golden = json.loads(path.read_text(encoding="utf-8"))
    assert now == [
        {
            key: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            for key, value in row.items()
        }
        for row in golden
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_says_what_it_shows_and_how_to_read_it(figures, name):
    figure = figures[name]
    assert figure.title
    assert len(figure.how_to_read) == 2
    for sentence in (*figure.how_to_read, figure.alt):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_rendered_as_svg_and_png(figures, name):
    text = render.svg(figures[name])
    width = int(ElementTree.fromstring(text).attrib["width"])
    assert 300 < width < 1200
    pixels = render.png(text)
    assert pixels.startswith(b"\x89PNG")
    assert abs(struct.unpack(">I", pixels[16:20])[0] - render.PNG_SCALE * width) < 12


@pytest.mark.parametrize("name", gallery.BUILDERS)
def test_hostile_names_of_machines_are_text_in_a_figure(hostile, name):
    text = render.svg(hostile[name])
    picture = ElementTree.fromstring(text)
    assert "<script" not in text
    assert int(picture.attrib["width"]) < 1300
    words = [element.text or "" for element in picture.iter() if element.tag.endswith("text")]
    shown = [word for word in words if "alert(1)" in word]
    assert shown
    assert not any(re.search(r"[\n\u202e\u2066]", word) for word in words)


@pytest.mark.parametrize("name", sorted({*gallery.BUILDERS} - {"threads"}))
def test_a_figure_of_very_many_machines_fits_on_a_page(many, name):
    picture = ElementTree.fromstring(render.svg(many[name]))
    assert int(picture.attrib["height"]) < 2200
    assert int(picture.attrib["width"]) < 1200


def test_the_renderer_knows_the_version_that_altair_writes():
    major, minor, _ = altair.VEGALITE_VERSION.split(".")
    assert f"{major}.{minor}" in vl_convert.get_vegalite_versions()


def test_svg_is_transparent_and_png_is_dark_text_on_white():
    svg = render.svg(gallery.figures(results_of(figure_runs(["a", "b"])))[0])
    paper = render.on_paper(svg)
    assert "<rect" not in svg.split("<g", 1)[0]
    assert f'<rect width="100%" height="100%" fill="{theme.PAPER}"/>' in paper.split("<g", 1)[0]
    assert ElementTree.fromstring(paper).attrib == ElementTree.fromstring(svg).attrib
    assert f'fill="{theme.TEXT}"' in svg
    assert theme.TEXT not in paper
    assert contrast(theme.INK, theme.PAPER) >= 7


@pytest.mark.parametrize("page", ["#FFFFFF", "#0D1117"])
def test_every_colour_stands_out_on_light_and_dark_pages(page):
    for colour in (*(style[0] for style in theme.STYLES), theme.QUIET, theme.ACCENT):
        assert contrast(colour, page) >= 3, colour
    assert contrast(theme.TWO_TONE["title"]["color"], page) >= 4


def test_unlike_names_have_unlike_labels_on_one_short_line():
    names = [HOSTILE, HOSTILE + " 2", HOSTILE + "\u202e", "", "\n", "rack"]
    found = labels(names)
    assert len(set(found.values())) == len(names)
    assert all(len(one) <= 50 and one.isprintable() for one in found.values())
    assert label("AMD EPYC, 2 CPUs [3]") == "AMD EPYC, 2 CPUs [3]"
    assert label(30 * "name " + "[3]").endswith("[3]")


def test_results_without_a_measurement_have_no_figure():
    assert gallery.figures(results_of([])) == ()


def test_results_of_another_workload_without_metrics_have_no_figure_of_quality():
    results = results_of([cnn_run()])
    bare = results.outline.model_copy(update={"metrics": ()})
    found = gallery.figures(type(results)(**{**vars(results), "outline": bare}))
    assert "quality" not in {figure.name for figure in found}
