"""The page in Spanish: each text of its script, of its frame and of its figures has a phrase."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from builders import a_job
from figure_runs import figure_runs, results_of, thread_runs
from page_runs import HOSTILE
from reporting import DAY

from bench.app.progress_words import ceilings_name, epoch_words
from bench.record.job_states import JobState, MachineStates, RunStates
from bench.record.price import NO_SPOT
from bench.report.annex import report_of_results
from bench.report.figures import gallery
from bench.report.page.build import LIVE, SCRIPTS, asset, bare_html, summary_html
from bench.report.page.live import Served, states_json
from bench.report.page.make import page_of
from bench.report.translation import figure_in
from bench.report.words import live
from bench.report.words import page as words
from bench.report.words.phrasebook import phrasebook
from bench.text import visible
from mnist_bench.description import DESCRIPTION

BOOK = words.page_book("es")
OWN = DESCRIPTION.translations["es"]

#: A text that the script gives to `t`.
TOLD = re.compile(r'\bt\("((?:[^"\\]|\\.)*)"')
TEXTS = [text for name in (*SCRIPTS, LIVE) for text in TOLD.findall(asset(f"{name}.js"))]

#: What a live page says beside its script.
LIVE_TEXTS = [
    *(said.format(number=2, of=3, begins_at="14:30") for said in live.PHASES.values()),
    *live.LETTERS,
    *(f"1 {state}" for state in ("measured", "failed", "skipped")),
    *(live.THE_RUN, live.NO_FIGURES, live.NO_SCRIPT, live.FOLLOW, live.FOLLOW_COST),
    live.lost("reports/summary.html"),
]

#: A run in the second of three sittings, and what a page of it says in Spanish.
STATES = RunStates(
    "s",
    "measuring",
    (
        MachineStates("desk", {"a": JobState("measured"), "b": JobState("waiting")}),
        MachineStates("vm", reason="0 of 1 came up"),
        MachineStates("idle"),
    ),
    left_s=90.0,
    sitting=(2, 3),
    figures=1,
    figures_of=7,
)


#: What a job tells at the end of an epoch.
EPOCH = {"event": "epoch", "epoch": 1, "epochs": 2, "wall_s": 2.0, "metrics": {"accuracy": 0.5}}


@pytest.fixture(scope="module")
def report(results):
    return report_of_results(results, language="es", own_words=OWN, day=DAY)


def test_every_text_of_the_script_and_of_the_frame_has_a_phrase_with_its_holes():
    assert len(set(TEXTS)) > 60
    for text in {*TEXTS, *words.FRAME.values(), words.HOW_TO_READ, words.COLUMNS, words.NO_ROWS}:
        assert text in BOOK.phrases, text
    for text in LIVE_TEXTS:
        assert BOOK.knows(text), text
    for text, phrase in BOOK.phrases.items():
        assert phrase and text.count("{}") == phrase.count("{}"), text


def test_no_phrase_is_left_that_nothing_says():
    source = " ".join(
        [
            *(asset(f"{name}.js") for name in (*SCRIPTS, LIVE)),
            *words.FRAME.values(),
            words.HOW_TO_READ,
        ]
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
    states = [
        replace(STATES, figures=0),
        replace(STATES, figures_of=1),
        replace(STATES, trouble="x"),
    ]
    told = [live.figures(one) for one in (STATES, *states)]
    told += [live.now(STATES), *map(live.counts, STATES.machines)]
    bare = a_job(threads=2)
    told += [ceilings_name(bare, DESCRIPTION.outline), epoch_words({}, DESCRIPTION.outline)]
    told += [epoch_words(EPOCH, DESCRIPTION.outline)]
    said = "|".join([source, *made, chips, ages, marked, missing, NO_SPOT, *LIVE_TEXTS, *told])
    for text in BOOK.phrases:
        assert text in said or re.search(with_gaps_filled(text), said), text


def with_gaps_filled(text: str) -> str:
    """Return a pattern of a phrase; a gap at an end of it takes one character, which is enough.

    If it took more, a search would go on to the end of the line from every character.
    """
    inner = text.removeprefix("{}").removesuffix("{}")
    begin, end = ("[^|]" * at_end for at_end in (text.startswith("{}"), text.endswith("{}")))
    return begin + "[^|]+".join(map(re.escape, inner.split("{}"))) + end


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


def test_a_run_that_goes_on_is_told_in_spanish():
    found = json.loads(states_json(STATES, "es"))
    assert found["now"] == "La medición sigue. Es la sesión 2 de 3. Quedan unos 1 min 30 s."
    assert found["about_figures"] == "Los últimos gráficos contienen 7 trabajos de esta medición."
    assert found["letters"]["w"] == "en espera"
    counts = [machine["counts"] for machine in found["machines"]]
    assert counts == ["1 medido, 1 en espera", "no disponible: 0 of 1 came up", "ningún trabajo"]
    page = bare_html("t", Served("s", "reports/summary.html", 5.0, language="es"))
    assert '<html lang="es">' in page and 'aria-label="La medición"' in page
    (data,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["words"]["Every job"] == "Cada trabajo"
    assert "ha terminado o se ha cortado" in json.loads(data)["live"]["lost"]


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
