"""Text from a machine is data: no label, host name or error adds markup to a report."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from builders import a_job, a_record, a_run, digest, facts, steady_run
from reporting import report_of
from screens import first_screen

from bench.record.failure import Failure
from bench.record.lines import MachineEntry
from bench.report.figures.figure import Figure
from bench.report.markdown import PICTURE, render

LABELS = {
    "script": "<script>alert(1)</script>|x",
    "lines": "desk\n\n## Owned\n| a | b |\r\n- item",
    "backticks": "`rm -rf`|```\n```",
    "right to left": "\u202egnirts\u200f\u2066x",
    "links": "![x](http://h/i.png) [y](javascript:alert(1)) www.h.example",
    "emphasis": "**bold** _it_ ~~gone~~ $x$ # head",
    "html": "&lt;b&gt; <b onmouseover=x>",
}
JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]


def machine(name, **changes):
    return facts(machine_id=digest(name)[:16], host_hash=digest(f"host {name}")[:16], **changes)


def runs_of(label):
    """Return runs in which every text that a machine chooses is `label`."""
    hostile = machine("a", cpu_model=label, os=label, environment={"FLAGS": label})
    first = steady_run(label, 0.01, jobs=JOBS, machine=hostile, run_id="run-a")
    second = steady_run("plain", 0.02, jobs=JOBS, machine=machine("b"), run_id="run-b")
    failure = Failure(reason="exception", message=label, exception=label, log_tail=label)
    failed = a_record(JOBS[0], failure, label=label, run_id="run-c", machine=hostile)
    gone = MachineEntry(run_id="run-a", label=f"gone {label}", reason=label)
    first = replace(first, machines=(*first.machines, gone))
    return [first, second, a_run([failed], machine=hostile, dataset_note=label)]


def cells(line):
    """Return how many cells a line of a table has."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS.keys())
def test_a_hostile_label_breaks_no_table_and_adds_no_heading(label):
    report, honest = report_of(runs_of(label)), report_of(runs_of("desk"))
    page, plain = render(report), render(honest)
    assert shape(page) == shape(plain)
    assert "<" not in page.replace("&lt;", "")
    assert not [mark for mark in "\u202e\u200f\u2066\r" if mark in page]
    assert not re.search(r"(?<!\\)`", page)


def shape(page):
    """Return the headings of a page, and the numbers of cells in the lines of its tables."""
    lines = page.splitlines()
    headings = [line for line in lines if re.match(r"#+ ", line)]
    return headings, [cells(line) for line in lines if line.startswith("|")]


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS.keys())
def test_no_line_of_a_page_with_a_hostile_label_becomes_a_list_or_a_link(label):
    page, plain = render(report_of(runs_of(label))), render(report_of(runs_of("desk")))
    assert items(page) == items(plain)
    targets = re.findall(r"(?<!\\)\]\(([^)]*)\)", page)
    assert [target for target in targets if not target.startswith("#")] == []
    assert "http://" not in page
    assert not re.search(r"(?<!\\)www\.", page)


def items(page):
    """Return how many items the lists of a page have, nested ones too."""
    return len(re.findall(r"^ *(?:[-+*]|\d+[.)]) ", page, flags=re.MULTILINE))


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS.keys())
def test_a_hostile_label_cannot_leave_the_alternative_text_of_the_picture(label):
    picture = Figure(PICTURE, "Speed", {}, ("One.", "Two."), f"{label} is the fastest.")
    report = replace(report_of(runs_of(label)), figures=(picture,))
    (line,) = (line for line in first_screen(report) if line.startswith("!["))
    assert re.fullmatch(r"!\[[^\[\]]*\]\(figures/speed\.svg\)", line)
    assert "<" not in line


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS.keys())
def test_the_verdict_stays_one_bold_paragraph(label):
    lines = first_screen(report_of(runs_of(label)))
    bold = "\n".join(lines[2 : lines.index("", 2)])
    assert bold.startswith("**Train on ")
    assert bold.endswith(").**")
    assert len(re.findall(r"(?<!\\)\*\*", bold)) == 2
