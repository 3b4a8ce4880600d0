"""How the child finds a workload: by module and attribute, or as a Python file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import toy_workload

from bench.child.meter import Meter
from bench.child.workload import code_digest, load_workload, workload_file
from bench.errors import RequestError
from bench.record.failure import NO_GPU
from bench.spec.job import make_job

ROOT = Path(__file__).resolve().parents[3]

#: The modules whose messages an author of workloads may see.
CHILD_MODULES = ("meter", "stopwatch", "job", "devices")


def test_a_module_and_its_attribute_name_a_workload():
    assert load_workload(toy_workload.NAME) is toy_workload.WORKLOAD
    assert load_workload("toy_workload") is toy_workload.WORKLOAD


@pytest.mark.parametrize("name", ["matmul", "keras_model"])
def test_a_file_is_a_workload_and_is_loaded_once(name):
    path = str(ROOT / "examples" / f"{name}.py")
    workload = load_workload(path)
    assert workload.description.name == name
    assert load_workload(path) is workload
    assert workload_file(path) == Path(path)
    assert workload_file(toy_workload.NAME) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_example_of_products_measures_its_ceiling_in_the_type_of_its_job(dtype):
    workload = load_workload(str(ROOT / "examples" / "matmul.py"))
    axes = workload.description.axes
    job = make_job(axes, {"size": 8, "dtype": dtype}, epochs=1, seed=1)
    metrics = workload.description.metrics
    meter = Meter(job, threads=1, started_s=0.0, emit=lambda event: None, metrics=metrics)
    workload.run_job(job, meter)
    assert meter.notebook.operations.matmul(4)().dtype == dtype
    assert [axis.name for axis in axes if axis.sets_ceiling] == ["dtype"]
    assert meter.notebook.evaluations[0].metrics["residual"] < 1e-3


def test_the_page_on_workloads_quotes_the_example_as_it_is():
    page = (ROOT / "docs" / "workloads.md").read_text(encoding="utf-8")
    example = (ROOT / "examples" / "matmul.py").read_text(encoding="utf-8")
    lines = {line.strip() for line in example.splitlines()}
    quoted = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(quoted) == 2
    assert [
        line for block in quoted for line in block.splitlines() if line.strip() not in lines
    ] == []


@pytest.mark.parametrize(
    ("reference", "seen"),
    [
        ("no_such_module:WORKLOAD", "ModuleNotFoundError"),
        ("toy_workload:nothing", "AttributeError"),
        ("toy_workload:STEPS", "STEPS is not a Workload"),
        ("nowhere.py", "FileNotFoundError"),
        ("", "ValueError"),
    ],
)
def test_what_is_no_workload_is_refused_with_the_reason(reference, seen):
    with pytest.raises(RequestError) as caught:
        load_workload(reference)
    assert seen in str(caught.value)
    assert "WORKLOAD" in caught.value.next_step


def test_a_file_with_a_mistake_is_refused_and_can_be_mended(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("this is no Python (")
    with pytest.raises(RequestError, match="SyntaxError"):
        load_workload(str(path))
    path.write_text("from toy_workload import WORKLOAD\n")
    assert load_workload(str(path)) is toy_workload.WORKLOAD


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise SystemExit", "SystemExit"),
        ("import argparse; argparse.ArgumentParser().parse_args(['--no'])", "SystemExit: 2"),
    ],
)
def test_a_file_that_ends_the_program_is_refused_with_what_to_do(tmp_path, text, seen):
    path = tmp_path / "script.py"
    path.write_text(text)
    with pytest.raises(RequestError) as caught:
        load_workload(str(path))
    assert caught.value.seen == f"{path}: {seen}"
    assert '`if __name__ == "__main__":`' in caught.value.next_step


def test_the_digest_of_the_code_changes_with_a_workload_s_file(tmp_path):
    path, other = tmp_path / "mine.py", tmp_path / "other.py"
    for file in (path, other):
        file.write_text("from toy_workload import WORKLOAD\n")
    first = code_digest(str(path))
    assert first == code_digest(str(path))
    assert first != code_digest(str(other))
    path.write_text("from toy_workload import WORKLOAD  # changed\n")
    assert code_digest(str(path)) != first


def test_the_messages_that_the_page_on_workloads_quotes_stand_in_the_code():
    page = (ROOT / "docs" / "workloads.md").read_text(encoding="utf-8")
    section = page.partition("## Which mistakes are refused")[2].partition("These mistakes end")[0]
    answers = re.findall(r"^\| .*? \| `+(.*?) ?`+ \|$", section, re.MULTILINE)
    assert len(answers) >= 12
    files = [ROOT / "bench" / "child" / f"{name}.py" for name in CHILD_MODULES]
    code = "".join(file.read_text(encoding="utf-8") for file in files).replace("{NO_GPU}", NO_GPU)
    text = re.sub(r'"\s*f?"', "", code)  # a string that is written on two lines
    for answer in answers:
        what, _, rest = answer.partition(". Next: ")
        words = re.sub(r"^epoch 1 ", "", what.partition(" (seen:")[0])
        parts = [part for part in re.split(r"\.\.\.|epoch 1|an epoch$", words) if part]
        steps = [] if "..." in rest else [rest]
        assert [part for part in (*parts, *steps) if part.strip() not in text] == [], answer
