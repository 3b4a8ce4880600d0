"""Inputs for the fuzz: sound documents and lines that are bent in one to three places."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

import yaml
from hypothesis import strategies as st

#: Values that readers have stumbled over.
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2**31, 2**32, 2**63, -(2**63) - 1, 10**400, 1e308, 1e-320),
    *(float("nan"), float("inf"), float("-inf"), "", " ", "a" * 300, "0", "-1", "1e999", "nan"),
    *("\x1b[31mred", "\u202egnp", "\u2028", "line\nline", "~", "~nobody/x", "../../etc/passwd"),
    *("/dev/null", "/proc/self/mem", "2026-99-99", "yes", "all", "max", "@octo/team", "{program}"),
    *([], [[]], {}, {"a": {}}, [None], [1, "a"], {"": ""}, ["x"] * 300),
)

#: Texts that are put into YAML and JSON as they are.
TOKENS: tuple[bytes, ...] = (
    *(b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\t", b"\x1b[2J", b"\n---\n"),
    *(b"!!bool q", b"!!int x", b"!!python/object/apply:os.getcwd []", b"&a [*a]", b"*nowhere"),
    *(b"<<: 1", b"? [a]\n: b", b"2026-99-99", b"010", b"1:30", b"1_000", b"yes", b"~", b"=", b"%"),
    *(b"9" * 400, b"9" * 5000, b"1e999", b".nan", b".inf", b"NaN", b"Infinity", b'"\\ud800"'),
    *(b"[" * 3000, b"{" * 3000, b"{a: " * 3000, b"- " * 3000, b"[" * 100_000, b'{"a":' * 100_000),
    *(b"x" * 600_000, b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" * 3),
)

_numbers = st.integers(0, 10**6)
_values = st.sampled_from(HOSTILE)
_edits = st.lists(st.tuples(st.integers(0, 5), _numbers, _values), min_size=1, max_size=3)
_cuts = st.lists(
    st.tuples(st.integers(0, 5), _numbers, st.integers(0, 60), st.sampled_from(TOKENS)),
    min_size=1,
    max_size=3,
)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Return each container with a key or index in it, in the order of the document."""
    if isinstance(node, dict):
        items: list[tuple[Any, Any]] = list(node.items())
    elif isinstance(node, list):
        items = list(enumerate(node))
    else:
        return []
    return [pair for key, value in items for pair in ((node, key), *_places(value))]


def bent(document: Any, edits: Sequence[tuple[int, int, Any]]) -> Any:
    """Return a copy of `document` with each edit done at the place that its number chooses."""
    document = copy.deepcopy(document)
    for kind, number, value in edits:
        places = _places(document)
        if not places:
            return copy.deepcopy(value)
        holder, key = places[number % len(places)]
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[str(value)[:50]] = holder.pop(key)
        elif kind == 2:
            holder[key] = [holder[key]]
        elif kind == 3 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(value)
    return document


def cut(text: bytes, cuts: Sequence[tuple[int, int, int, bytes]]) -> bytes:
    """Return `text` after each cut: a flip, a gap, an insertion, a doubled part, an end, a swap."""
    for kind, number, length, token in cuts:
        at = number % (len(text) + 1)
        head, tail = text[:at], text[at:]
        text = (
            head + bytes([tail[0] ^ (1 << length % 8)]) + tail[1:] if kind == 0 and tail else text,
            head + tail[length:],
            head + token + tail,
            head + tail[:length] * 3 + tail,
            head,
            tail + head,
        )[kind]
    return text


def _written(write: Callable[[Any], str]) -> Callable[[Any], bytes]:
    def of(document: Any) -> bytes:
        try:
            return write(document).encode("utf-8", "surrogatepass")
        except (ValueError, yaml.YAMLError):  # a number of 400 digits in a float's place, say
            return repr(document).encode("utf-8", "surrogatepass")

    return of


def documents(bases: Sequence[Any], write: Callable[[Any], str]) -> st.SearchStrategy[bytes]:
    """Return files: a document bent as a structure, or its text cut as bytes, or both."""
    base, text = st.sampled_from(list(bases)), _written(write)
    structured = st.builds(lambda one, edits: text(bent(one, edits)), base, _edits)
    raw = st.builds(lambda one, cuts: cut(text(one), cuts), base, _cuts)
    both = st.builds(
        lambda one, edits, cuts: cut(text(bent(one, edits)), cuts), base, _edits, _cuts
    )
    return st.one_of(structured, structured, raw, both)


def yaml_files(bases: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Return YAML files."""
    return documents(bases, lambda one: yaml.safe_dump(one, sort_keys=False, allow_unicode=True))


def json_files(bases: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Return JSON files."""
    return documents(bases, json.dumps)


def journals(lines: Sequence[Any], seal: Callable[[str, int], bytes]) -> st.SearchStrategy[bytes]:
    """Return journals: lines bent, doubled, swapped, left out, and cut as bytes.

    `seal` gives a line its checksum and count, so that a bent line is read and not only refused.
    """
    one = st.builds(bent, st.sampled_from(list(lines)), _edits)
    some = st.lists(st.one_of(st.sampled_from(list(lines)), one), min_size=0, max_size=4)
    whole = st.builds(lambda rest: [lines[0], *rest], some)
    text = st.builds(
        lambda these: b"".join(_line(one, place, seal) for place, one in enumerate(these, 1)),
        st.one_of(whole, whole, some),
    )
    return st.one_of(text, st.builds(cut, text, _cuts))


def _line(line: Any, place: int, seal: Callable[[str, int], bytes]) -> bytes:
    text = json.dumps(line, separators=(",", ":"))
    return seal(text, place) if isinstance(line, dict) else text.encode() + b"\n"
