"""Grids by name: those of a workload, as documents or files, and those of the user's."""

from __future__ import annotations

import pytest
from tiny_workload import GRID, TinyWorkload

from bench.errors import RequestError
from bench.spec.description import Description
from bench.spec.grid_files import load_grid

TINY = TinyWorkload.description


def test_a_grid_may_be_a_document_of_the_workload(tmp_path):
    grid = load_grid("quick", TINY)
    assert grid.name == "quick"
    assert grid.subgrids[0].axes["size"] == (64, 128)


def test_a_grid_may_be_a_file_of_the_workload(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("name: own\nsubgrids: [{sizes: 7, dtypes: float64, epochs: 1}]\n")
    description = Description("x", "X", TINY.axes, grids={"own": path, "quick": GRID})
    assert load_grid("own", description).subgrids[0].axes["size"] == (7,)


def test_a_grid_of_the_user_s_own_is_read_from_its_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsubgrids:\n  - {sizes: 5, dtypes: float32, epochs: [1, 4]}\n")
    (sub,) = load_grid(str(path), TINY).subgrids
    assert (sub.axes["size"], sub.epochs) == ((5,), (1, 4))


def test_a_file_that_is_no_yaml_is_refused_with_the_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsubgrids:\n  - {sizes: 5\n  - more: [\n")
    with pytest.raises(RequestError, match=r"mine\.yaml is wrong \(seen: line 4: "):
        load_grid(str(path), TINY)


def test_yaml_that_would_build_an_object_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("!!python/object/apply:os.getcwd []\n")
    with pytest.raises(RequestError, match="the YAML of"):
        load_grid(str(path), TINY)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RequestError, match=r"cannot read the grid file .*mine\.yaml"):
        load_grid(str(path), TINY)


@pytest.mark.parametrize("content", [None, b"name: B\xfcro\n"], ids=["missing", "not UTF-8"])
def test_a_grid_file_of_the_workload_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_bytes(content)
    description = Description("x", "X", TINY.axes, grids={"own": path})
    with pytest.raises(RequestError, match=r"cannot read the grid file own \(seen: "):
        load_grid("own", description)


def test_an_unknown_grid_is_refused_with_the_known_ones_and_the_nearest(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=r"unknown grid \(seen: huge\).*use one of quick, or"):
        load_grid("huge", TINY)
    with pytest.raises(RequestError, match=r"did you mean quick\?"):
        load_grid("quik", TINY)


def test_a_workload_without_grids_asks_for_a_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="Next: use the path of a YAML file"):
        load_grid("quick", Description("x", "X", TINY.axes))


def test_a_grid_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"missing\.yaml \(seen: No such file"):
        load_grid(str(tmp_path / "missing.yaml"), TINY)


def test_a_grid_file_that_is_not_there_is_answered_with_the_nearest_one(tmp_path):
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(RequestError, match=r"did you mean .*/mine\.yaml\?"):
        load_grid(str(tmp_path / "mien.yaml"), TINY)


def test_a_folder_is_no_grid(tmp_path):
    with pytest.raises(RequestError, match="cannot read the grid file"):
        load_grid(str(tmp_path), TINY)


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a\0b", "name: full\nsubgrids: []"])
def test_a_name_that_the_system_refuses_to_look_at_is_an_unknown_grid(name):
    with pytest.raises(RequestError, match="unknown grid") as caught:
        load_grid(name, TINY)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: a\nsubgrids:\n  - sizes: 1\n    sizes: 2\n", "line 4: the key 'sizes' stands"),
        ("name: a\nsubgrids:\n  - {sizes: 010}\n", "line 3: the number 010 has two meanings"),
        ("name: a\nabout: 2026-11-31\n", "line 2: there is no date"),
        ("name: a\nsubgrids: " + "[" * 3000, "line 2: it is nested"),
        ("name: a\nsubgrids: !!bool q", "line 2: the tag"),
    ],
    ids=lambda value: value[-12:],
)
def test_yaml_with_two_meanings_is_refused_with_the_file_and_the_line(tmp_path, text, problem):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(RequestError, match=rf"mine\.yaml is wrong \(seen: {problem}"):
        load_grid(str(path), TINY)
