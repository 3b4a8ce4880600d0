"""YAML from outside: what is taken, what is refused with its line, and how little a bomb costs."""

from __future__ import annotations

import pytest

from bench.errors import OutsideError
from bench.outside.yaml_files import MOST_VALUES, parse_yaml, read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 10", {"a": 10}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 0.5", {"a": 0.5}),
        ("a: 0x1f", {"a": 31}),
        ("a: -3", {"a": -3}),
        ("a: yes", {"a": True}),
        ('a: "010"', {"a": "010"}),
        ("a: !!str 010", {"a": "010"}),
        ("a: '0o10'\nb: 0x10", {"a": "0o10", "b": 16}),
        ("a: 2026-11-01", {"a": "2026-11-01"}),
        ("a: 2026-11-01T10:00:00Z", {"a": "2026-11-01T10:00:00Z"}),
        ("x: &d {a: 1, b: 2}\ny: {<<: *d, a: 3}", {"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 2}}),
        (
            "a: &a {x: 1}\nw: {inner: &b {<<: *a, x: 2}}\nc: {<<: *b, y: 3}\nd: {<<: [*a, *b]}",
            {"a": {"x": 1}, "w": {"inner": {"x": 2}}, "c": {"x": 2, "y": 3}, "d": {"x": 1}},
        ),
        ("", None),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_yaml_of_one_meaning_is_taken(text, value):
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' stands there twice"),
        ("x:\n  - {a: 1, a: 1}", "line 2: the key 'a' stands there twice"),
        ("x: &d {a: 1}\ny: {<<: *d, a: 2, a: 3}", "line 2: the key 'a' stands there twice"),
        ("x: &d {a: 1}\ny: {<<: *d, <<: *d}", "line 2: the key '<<' stands there twice"),
        ("{1: a, 0x1: b}", "the key 1 stands there twice"),
        ("a: 010", "line 1: the number 010 has two meanings"),
        ("a: -0100", "two meanings"),
        ("a: 0b11", "two meanings"),
        ("a: 0o10", "two meanings"),
        ("a: 1:30", "the number 1:30 has two meanings"),
        ("a: 1:30.5", "two meanings"),
        ("a: 1_000", "two meanings"),
        ("a:\n  2026-99-99", "line 2: there is no date 2026-99-99"),
        ("a: 2026-11-31", "there is no date"),
        ("a: !!bool q", "the tag tag:yaml.org,2002:bool is not taken"),
        ("!!python/object/apply:os.getcwd []", "the tag .* is not taken"),
        ("a: " + "9" * 5000, "more than 64 digits"),
        ("a: " + "9" * 30, "more than 64 bits"),
        ("? [a]\n: 1", "unhashable key"),
        ("&a [*a]", "the anchor a holds itself"),
        ("a: *nowhere", "undefined alias"),
        ("[" * 3000, "nested more than 50 deep"),
        ("{a: " * 3000, "nested more than 50 deep"),
        ("- " * 3000, "nested more than 50 deep"),
        (BOMB, f"it holds more than {MOST_VALUES} values"),
        ("a: \0", "special characters are not allowed"),
        ("a: [", "line 1"),
        ("---\na: 1\n---\nb: 1", "another document"),
        ("x" * 600_000, "larger than 512 KiB"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_yaml_that_is_wrong_or_has_two_meanings_is_refused(text, problem):
    with pytest.raises(OutsideError, match=problem):
        parse_yaml(text)


def test_a_tag_of_any_length_is_told_shortly():
    with pytest.raises(OutsideError) as caught:
        parse_yaml("a: !" + "x" * 100_000)
    assert len(str(caught.value)) < 400


def test_a_file_that_never_ends_is_refused_at_its_limit():
    with pytest.raises(OutsideError, match="larger than 512 KiB"):
        read_yaml("/dev/zero")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "missing.yaml", "."])
def test_a_path_that_the_system_refuses_is_an_error_of_ours(tmp_path, name):
    with pytest.raises(OutsideError):
        read_yaml(tmp_path / name)


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: 1\nb: B\xfcro\n")
    with pytest.raises(OutsideError, match="line 2: it is not UTF-8 text"):
        read_yaml(path)
