"""How the child finds a workload: by module and attribute, or as a Python file."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_workload

from bench.child.workload import code_digest, load_workload, workload_file
from bench.errors import RequestError

ROOT = Path(__file__).resolve().parents[3]


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


def test_the_digest_of_the_code_changes_with_a_workload_s_file(tmp_path):
    path, other = tmp_path / "mine.py", tmp_path / "other.py"
    for file in (path, other):
        file.write_text("from toy_workload import WORKLOAD\n")
    first = code_digest(str(path))
    assert first == code_digest(str(path))
    assert first != code_digest(str(other))
    path.write_text("from toy_workload import WORKLOAD  # changed\n")
    assert code_digest(str(path)) != first
