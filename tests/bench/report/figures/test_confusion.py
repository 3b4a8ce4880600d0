"""The figure of the best model's confusion matrix: whose it is, and that its counts can be read."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation
from colours import contrast
from figure_runs import RIGHT, figure_runs, results_of

from bench.record.confusion import Confusion
from bench.report.figures import render
from bench.report.figures.confusion import MOST_COUNTS, confusion_figure

pytestmark = pytest.mark.slow


def figure_of(classes, counts, **changes):
    """Return the figure of one job with this confusion matrix."""
    job = a_job(**changes)
    confusion = Confusion(classes=classes, counts=counts)
    final = an_evaluation(job.epochs, 2.0, confusion=confusion)
    measured = a_measurement([[0.02, 0.01]] * job.epochs, evaluations=[final])
    return confusion_figure(results_of([a_run([a_record(job, measured, label="desk")])]))


def texts(picture):
    return [one.text or "" for one in picture.iter() if one.tag.endswith("}text")]


def test_the_title_says_whose_model_it_is_and_the_caption_how_it_was_chosen():
    figure = confusion_figure(results_of(figure_runs(["fast", "slow"])))
    shown = texts(ElementTree.fromstring(render.svg(figure)))
    assert "Confusion matrix of the best model" in shown
    assert "cnn adam 4 ep b32 fit float32 tensorflow on fast" in shown
    assert "the highest mean test accuracy over its repeats (0.981)" in figure.how_to_read[1]
    assert "the counts of its 2 trainings are added up" in figure.how_to_read[1]
    assert "the most frequent mistake is 9 in place of 4 (36 samples)" in figure.alt


def test_every_count_can_be_read_on_its_cell_and_zeros_are_left_out():
    counts = tuple(tuple(2 ** (row + 2 * column) for column in range(7)) for row in range(7))
    counts = (*counts[:-1], (0,) * 6 + (5000,))
    figure = figure_of(tuple("abcdefg"), counts)
    picture = ElementTree.fromstring(render.svg(figure))
    marks = {"mark-rect": [], "mark-text": []}
    for group in picture.iter():
        for name, found in marks.items():
            if f"{name} role-mark" in group.attrib.get("class", ""):
                found += [one.attrib["fill"] for one in group if "fill" in one.attrib]
    assert len(marks["mark-rect"]) == len(marks["mark-text"]) == 43 == len(figure.rows)
    for cell, ink in zip(marks["mark-rect"], marks["mark-text"], strict=True):
        assert contrast(as_hex(cell), as_hex(ink)) >= 4.5


def as_hex(colour):
    """Return `rgb(1, 2, 3)`, a name or `#010203` as the last one."""
    if colour in ("white", "black"):
        return {"white": "#FFFFFF", "black": "#000000"}[colour]
    parts = re.findall(r"\d+", colour) if colour.startswith("rgb") else []
    return "#" + "".join(f"{int(part):02x}" for part in parts) if parts else colour


def test_a_matrix_of_many_classes_has_no_counts_and_is_no_larger():
    size = MOST_COUNTS + 8
    classes = tuple(f"a class with a long name {number}" for number in range(size))
    picture = ElementTree.fromstring(render.svg(figure_of(classes, (((3,) * size),) * size)))
    assert int(picture.attrib["width"]) < 700
    assert "3" not in texts(picture)
    assert len([one for one in texts(picture) if "…" in one]) == 2 * size


def test_the_rows_are_the_counts_of_the_planted_matrices():
    figure = confusion_figure(results_of(figure_runs(["fast"])))
    right = [row["count"] for row in figure.rows if row["true"] == row["predicted"]]
    assert right == [2 * count for count in RIGHT]
    by_class = {}
    for row in figure.rows:
        by_class[row["true"]] = by_class.get(row["true"], 0) + row["share"]
    assert list(by_class.values()) == pytest.approx([1] * len(RIGHT))


def test_jobs_without_a_confusion_matrix_have_no_such_figure():
    steps = [[0.02, 0.01]] * 2
    assert confusion_figure(results_of([a_run([a_record(a_job(), a_measurement(steps))])])) is None
