"""The page in Spanish: each text of its script, of its frame and of its figures has a phrase."""

from __future__ import annotations

import json
import re

import pytest
from figure_runs import figure_runs, results_of, thread_runs
from page_runs import HOSTILE
from reporting import DAY

from bench.record.price import NO_SPOT
from bench.report.annex import report_of_results
from bench.report.figures import gallery
from bench.report.page.build import SCRIPTS, _asset, summary_html
from bench.report.page.make import page_of
from bench.report.translation import figure_in
from bench.report.words import page as words
from bench.report.words.phrasebook import phrasebook
from bench.text import visible
from mnist_bench.description import DESCRIPTION

BOOK = words.page_book("es")
OWN = DESCRIPTION.translations["es"]

#: A text that the script gives to `t`.
TOLD = re.compile(r'\bt\("((?:[^"\\]|\\.)*)"')
TEXTS = [text for name in SCRIPTS for text in TOLD.findall(_asset(f"{name}.js"))]


@pytest.fixture(scope="module")
def report(results):
    return report_of_results(results, language="es", own_words=OWN, day=DAY)


def test_every_text_of_the_script_and_of_the_frame_has_a_phrase_with_its_holes():
    assert len(set(TEXTS)) > 60
    for text in {*TEXTS, *words.FRAME.values(), words.HOW_TO_READ, words.COLUMNS, words.NO_ROWS}:
        assert text in BOOK.phrases, text
    for text, phrase in BOOK.phrases.items():
        assert phrase and text.count("{}") == phrase.count("{}"), text


def test_no_phrase_is_left_that_nothing_says():
    source = " ".join(
        [*(_asset(f"{name}.js") for name in SCRIPTS), *words.FRAME.values(), words.HOW_TO_READ]
    )
    made = [words.COLUMNS, words.NO_ROWS, words.more_rows(7, 9, "x"), words.left_out(9, 7)]
    chips = (
        "measured failed disturbed prices of|1 of 2|1 of 2 + 3|2025 to 2026|2025, over a year old"
    )
    ages = "2025, 3 days old|2025, 1 day old|2025, 4 months old|x, of unknown age|no date is known"
    gpu = "the list price of x excludes the attached GPU: give --price"
    missing = (
        f"no instance type is known: give --price|x is not in the price table: give --price|{gpu}"
    )
    marked = "2025-01, 23 months old, over a year: check it"
    said = "|".join([source, *made, chips, ages, marked, missing, NO_SPOT])
    for text in BOOK.phrases:
        pattern = "[^|]+".join(map(re.escape, text.split("{}")))
        assert text in said or re.search(pattern, said), text


def test_the_chips_the_note_and_the_names_of_the_axes_are_in_spanish(results):
    page = page_of(results, DAY, "es", OWN)
    assert [name for name, _, _ in page.chips] == [
        "medidos",
        "fallidos",
        "con perturbación",
        "precios de",
    ]
    assert page.chips[0][1] == "46 de 48"
    assert page.content["words"]["Close"] == "Cerrar"
    english = page_of(results, DAY)
    assert english.content["words"] == {}
    titles = [[axis["title"] for axis in one.content["axes"]] for one in (page, english)]
    assert titles[0] != titles[1]
    dates = [one["price_date"] for one in page.content["machines"] if one["price_date"]]
    assert "2026-11-20, de hace 11 días" in dates


def test_the_frame_is_in_spanish_and_says_what_is_not(report):
    page = summary_html(report, report.page, {})
    assert '<html lang="es">' in page
    for text in ("El veredicto completo", "Qué significan las columnas", "Ir a la respuesta"):
        assert text in page
    assert "están en inglés" in page
    frame = page.split('<script type="application/json"')[0]
    for text in (*words.FRAME.values(), words.COLUMNS):
        assert f">{text}<" not in frame and f'"{text}"' not in frame
    (data,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["words"]["Baseline"] == "Referencia"


@pytest.mark.slow
def test_every_figure_has_its_title_and_its_sentences_in_spanish():
    runs = [*figure_runs(["fast", "middle", "slow"]), *thread_runs("threads")]
    found = list(gallery.figures(results_of(runs), DESCRIPTION.drawings))
    alone = gallery.figures(results_of(figure_runs(["fast"])))
    book = phrasebook("es", OWN, more="_figures")
    assert len(found) >= len(gallery.BUILDERS)
    for figure in (*found, *alone):
        said = figure_in(figure, book)
        for english, spanish in zip(figure.how_to_read, said.how_to_read, strict=True):
            assert english != spanish, english
        if figure.name in gallery.BUILDERS:
            assert figure.title != said.title, figure.title
        assert figure.alt != said.alt, figure.alt
        assert figure.spec.get("data") == said.spec.get("data")


#: Gives the texts of all controls, headings and captions, and what screen readers are told of them.
GATHER = """(controls) => {
  const said = [];
  for (const one of document.querySelectorAll(controls)) {
    const nodes = [...one.childNodes].filter((node) => node.nodeType === 3);
    said.push(...nodes.map((node) => node.data));
    for (const { name, value } of one.attributes) {
      if (/^aria-(label|valuetext)$|^placeholder$/.test(name)) said.push(value);
    }
  }
  return said.map((text) => text.trim()).filter((text) => /[a-z]{3}/i.test(text));
}"""
CONTROLS = (
    "button, input, summary, legend, option, label, label > span, th, h2, h3, strong, figcaption, "
    "figcaption *, [role=status], .controls, .controls *, a.skip, nav, section, .chart"
)


#: What is a name or a unit on both pages: machines, values of axes, titles of columns.
NAMES = {
    *("desk", "old", "rack", visible(HOSTILE), "CPU", "Python", "USD"),
    *("cnn", "mlp", "adam", "sgd", "keras", "compiled", "fit"),
}


def test_a_spanish_page_has_no_english_control_left(open_page, summary, summary_es):
    """Each text of a control is another one than on the English page, but for names and units."""

    def texts(path, show):
        page = open_page(path=path)
        page.wait_for_selector("#cost svg")
        page.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        page.locator("#speed").get_by_role("button", name=show).first.click()
        page.wait_for_selector("#records[open]")
        return set(page.evaluate(GATHER, CONTROLS))

    english = texts(summary, "show the records of")
    spanish = texts(summary_es, "ver los registros de")
    assert len(english) > 80
    left = sorted(english & spanish - NAMES)
    assert left == [], "\n".join(left)
