"""`--lang es` says every heading and the whole first screen in Spanish, with the same figures."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation, cnn_run, facts
from reporting import report_of
from screens import a_loud_run, first_screen, loud_runs

from bench.analysis.conditions import Disturbances
from bench.analysis.job_counts import JobCounts
from bench.record.failure import REASONS
from bench.record.measurement import ThreadFacts
from bench.report import tables as builders_of_tables
from bench.report.column import Column
from bench.report.data import summary_json, table_csv
from bench.report.escaping import anchor
from bench.report.markdown import render
from bench.report.words.catalogue import Words, words_of
from bench.report.words.phrasebook import Phrasebook, phrasebook
from bench.report.words.sureness import Bracket
from bench.spec.languages import LANGUAGES
from bench.watch.flags import CAUSES
from mnist_bench.description import AXES, DESCRIPTION, METRICS

BOOK = phrasebook("es", DESCRIPTION.translations["es"])

#: Headings that are names and no words: packages, and the numbers of epochs.
NAMES = {*DESCRIPTION.packages, *map(str, range(1, 16))}

SPEED = Bracket(1.18, 1.02, 1.36)
COUNTS = JobCounts(9, 5, 1, 1, 2, ("arm", "gpu"), no_time=1, added=3)

#: Arguments of each sentence; further lines are further cases.
SAID = {
    "nothing_measured": [(True,), (False,)],
    "one_machine": [("desk",)],
    "beside_published": [("desk", "cnn 2 ep", "X", SPEED, 0.98), ("desk", "a", "X", SPEED, 0.2)],
    "no_common_job": [(3,)],
    "train_on": [("rack", "desk", SPEED, 0.98)],
    "equal": [("rack", "desk", SPEED, 0.03, 0.96)],
    "still_open": [("rack", "desk", SPEED, 0.86), ("rack", "desk", SPEED, 0.55)],
    "no_winner": [(("rack", "desk", "oak"), "rack", "desk", SPEED, 0.7)],
    "no_winner_known": [(tuple("abcdefgh"),), (("a", "b"),)],
    "measured": [(COUNTS, 12, 2, 3), (JobCounts(1, 1, 0, 0, 0, ()), 1, 1, 1)],
    "failed": [(COUNTS, {"time limit": 1})],
    "disturbed": [(Disturbances(5, 2, 0, {"foreign CPU": 2}),)],
    "assumed": [(0.05, 0.94, None, 1), (0.05, None, 0.32, 2)],
    "assumed_published": [(0.05,)],
    "not_ranked": [(["a", "b", "c", "d", "e", "f", "g"],)],
    "trains_wrong": [([("desk", "cnn adam 2 ep")],)],
    "data": [("note", 1, 2), ("note", 2, 2)],
    "how_to_read": [("desk", True), ("desk", False), (None, True)],
    "more_rows": [(1,), (7,)],
    "title": [("T",)],
    "contents": [()],
    "own_language": [()],
    "in_all_tables": [([("batch", "128")],)],
    "in_all_rows": [([("batch", "128")],)],
    "unknown": [(["batch"],)],
}


def every_report(language):
    """Return reports that hold every table between them."""
    steps = {1: 0.008, 2: 0.005}
    threads = [
        a_record(
            a_job(threads=number, seed=seed),
            a_measurement(
                [[1.0, step], [step] * 2], threads=ThreadFacts(asked=number, environment={})
            ),
            machine=facts(usable_cpus=8.0),
        )
        for number, step in steps.items()
        for seed in (1, 2, 3)
    ]
    scores = [(1, 0.9), (2, 0.97), (3, 0.95)]
    ended = [an_evaluation(epoch, 10.0 + epoch, test_accuracy=score) for epoch, score in scores]
    curve = a_measurement([[0.2, 0.1]] * 3, evaluations=ended)
    evaluated = [a_record(a_job(epochs=3, evaluate="every", seed=seed), curve) for seed in (1, 2)]
    for runs in ([a_run(threads)], [a_run(evaluated)], [cnn_run()], loud_runs(1), loud_runs(3), []):
        yield in_language(runs, language)


def in_language(runs, language):
    return report_of(runs, language, commands=["mnist-bench report"])


def columns_of(value):
    """Yield every column in a module's constants."""
    if isinstance(value, Column):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from columns_of(item)


def every_column():
    """Return every column of any report, those of rare facts too."""
    found = [
        column
        for report in every_report("en")
        for table in (*report.tables, *([report.overview] if report.overview else []))
        for column in (*table.columns, *table.read)
    ]
    for module in pkgutil.iter_modules(builders_of_tables.__path__):
        if module.name != "compared":  # a command of its own
            constants = vars(
                importlib.import_module(f"{builders_of_tables.__name__}.{module.name}")
            )
            found += [one for value in constants.values() for one in columns_of(value)]
    return found


def test_every_heading_and_every_meaning_has_its_spanish_form():
    texts = {one.heading for one in every_column()} | {one.meaning for one in every_column()}
    assert sorted(text for text in texts - NAMES - {""} if not BOOK.knows(text)) == []


def test_every_title_has_its_spanish_form():
    titles = {table.title for report in every_report("en") for table in report.tables}
    assert len(titles) > 15
    assert sorted(title for title in titles if not BOOK.knows(title)) == []


def test_every_reason_and_every_cause_has_its_spanish_form():
    assert [name for name in REASONS if not BOOK.knows(name)] == []
    assert [cause.name for cause in CAUSES if not BOOK.knows(cause.name)] == []


def test_the_workload_translates_its_title_axes_metrics_and_caveat():
    marked = [axis for axis in AXES if axis.mark]
    own = {DESCRIPTION.title, DESCRIPTION.caveat, *(axis.title for axis in marked)}
    own |= {metric.title for metric in METRICS} | {metric.meaning for metric in METRICS}
    assert sorted(text for text in own if not BOOK.knows(text)) == []


def test_every_sentence_of_the_catalogue_is_tried_here():
    own = {name for name, _ in inspect.getmembers(Words, inspect.isfunction)}
    assert own == set(SAID)


@pytest.mark.parametrize(
    ("name", "arguments"), [(n, a) for n, cases in SAID.items() for a in cases]
)
def test_a_sentence_is_said_in_spanish_with_the_same_figures(name, arguments):
    english, spanish = (getattr(words_of(language), name)(*arguments) for language in LANGUAGES)
    assert (english == spanish) == (name == "data" and arguments[1] == arguments[2])
    if name != "own_language":
        assert numbers(english) == numbers(spanish)


def test_titles_and_first_words_of_remarks_differ_between_the_languages():
    english, spanish = map(words_of, LANGUAGES)
    assert list(english.remark_names) == list(spanish.remark_names)
    for kind, name in english.remark_names.items():
        assert name != spanish.remark_names[kind]
    for name in ("to", "details_title", "absent_title", "notes_title", "nothing"):
        assert getattr(english, name) != getattr(spanish, name)


def numbers(text):
    """Return the numbers of a text, each as often as it stands there."""
    return sorted(re.findall(r"\d+(?:\.\d+)?", text))


@pytest.mark.parametrize("machines", [1, 2, 10])
def test_the_first_screens_of_both_languages_hold_the_same_figures_and_names(machines):
    screens = ["\n".join(first_screen(in_language(loud_runs(machines), one))) for one in LANGUAGES]
    english, spanish = ([line for line in one.splitlines() if line] for one in screens)
    assert numbers(screens[0]) == numbers(screens[1])
    cells = [line for line in english if line.startswith("| ")][1:]
    same = [line.replace(" to ", " a ") for line in cells]
    assert [re.sub(" +", " ", line) for line in same] == [
        re.sub(" +", " ", line) for line in spanish if line.startswith("| ")
    ][1:]
    assert len(screens[1].splitlines()) <= 40
    for word in ("speed", "machine ", "sitting", "bracket", "chance", "Failed", "the "):
        assert word not in screens[1].replace("synthetic digits, because the data set", "")


def test_data_files_are_the_same_in_both_languages_but_for_sentences():
    english, spanish = (in_language(loud_runs(2), language) for language in LANGUAGES)
    for ours, theirs in zip(english.tables, spanish.tables, strict=True):
        assert table_csv(ours) == table_csv(theirs)
    first, second = json.loads(summary_json(english)), json.loads(summary_json(spanish))
    assert list(first) == list(second)
    assert first["about"][0]["language"] == "en"
    assert second["about"][0]["language"] == "es"
    assert [row["kind"] for row in first["verdict"]] == [row["kind"] for row in second["verdict"]]
    for name in set(first) - {"about", "verdict", "columns", "notes", "overview"}:
        assert first[name] == second[name]
    ranks = [{**row, "rank": None} for row in first["overview"]]
    assert ranks == [{**row, "rank": None} for row in second["overview"]]
    keys = ("table", "key", "unit", "better", "low", "high")
    for ours, theirs in zip(first["columns"], second["columns"], strict=True):
        assert [ours[key] for key in keys] == [theirs[key] for key in keys]


def test_the_links_of_the_contents_lead_to_headings():
    for language in LANGUAGES:
        page = render(in_language(loud_runs(2), language))
        headings = {anchor(line.removeprefix("## ")) for line in page.splitlines() if "## " in line}
        targets = re.findall(r"\]\(#([^)]*)\)", page.replace("\n", " "))
        assert targets
        assert set(targets) <= headings


def test_a_phrase_may_hold_names_which_are_translated_too():
    book = Phrasebook({"how much better {} is than {}": "{1} < {0}", "dog": "perro"})
    assert book.said("how much better dog is than a {cat}") == "a {cat} < perro"
    assert book.said("anything else") == "anything else"
    assert not book.knows("anything else")


def test_names_that_begin_with_an_o_follow_the_spanish_u():
    assert words_of("es").no_winner_known(["desk", "oak"]).endswith("puede ser desk u oak.")
    assert words_of("es").no_winner_known(["oak", "desk"]).endswith("puede ser oak o desk.")


def test_a_report_without_a_measurement_is_in_spanish_too():
    report = in_language([a_run([], planned=[a_job()])], "es")
    assert report.verdict == ("No se ha medido nada: abajo se indica qué falló.",)
    assert "**Fallos**: 1 sin ejecutar" in render(report)


def test_one_machine_of_another_label_keeps_its_name():
    report = in_language([a_loud_run("job", 0.01)], "es")
    assert "job es" in report.verdict[0]
