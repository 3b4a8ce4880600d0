"""Reads YAML from outside strictly: no key twice, no bomb, no value with two meanings.

YAML 1.1, which PyYAML reads, and YAML 1.2 differ: `010` is 8 or 10, `1:30` is 90 or a text. Such a
number is refused. A date that the calendar has stays the text that was written, and `1e3` is a
number, as in YAML 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from bench.errors import OutsideError
from bench.outside.documents import LEAST_WHOLE, MOST_WHOLE
from bench.outside.files import MOST_WRITTEN, read_text
from bench.text import LINE_LIMIT, first_line

#: The most values of a document, each counted again wherever an alias repeats it.
MOST_VALUES = 50_000

#: How deep a document may be nested.
MOST_DEPTH = 50

#: The only tag that a file may write: it makes a text of `!!str 010`.
TEXT_TAG = "tag:yaml.org,2002:str"

#: The most characters of a number.
MOST_DIGITS = 64

#: Numbers that YAML 1.1 and 1.2 read differently: octal, binary, base 60, and with underscores.
_TWO_MEANINGS = re.compile(r"[-+]?0(?:[0-9]+$|[bo])|.*[:_]")


#: What PyYAML raises for some values: dates that do not exist, and keys that cannot be hashed.
_OF_VALUES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def read_yaml(path: Path, most: int = MOST_WRITTEN) -> Any:
    """Return the document of a YAML file. Raises OutsideError, as `parse_yaml` does."""
    return parse_yaml(read_text(path, most))


def parse_yaml(text: str) -> Any:
    """Return the one document of a YAML text; None if it is empty.

    Raises OutsideError, with the line, if it is not YAML, if a key stands twice in one mapping, if
    it is nested or repeated too much, or if it holds a tag or a number with two meanings.
    """
    if len(text) > MOST_WRITTEN:
        raise OutsideError(f"it is larger than {MOST_WRITTEN // 1024} KiB")
    try:
        loader = _StrictLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise OutsideError(_told(error)) from error
    except (*_OF_VALUES, RecursionError) as error:
        raise OutsideError(first_line(error)) from error


class _StrictLoader(yaml.SafeLoader):
    """A SafeLoader that counts what it reads, and refuses what has two meanings."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._values = 0
        self._sizes: dict[int, int] = {}  # by the id of a node: its values, aliases repeated

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, and count it and all that it holds."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            return self._alias(super().compose_node(parent, index), event)
        tag = getattr(event, "tag", None)
        if tag is not None and tag != TEXT_TAG:
            raise _refused(f"the tag {tag} is not taken", event.start_mark)
        before = self._values
        self._count(1, event)
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _refused(f"it is nested more than {MOST_DEPTH} deep", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._sizes[id(node)] = self._values - before
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping whose keys all differ; a merged key may be written anew.

        The keys are compared before any mapping is constructed: a merge puts those of the other
        mapping into the node.
        """
        node = super().compose_mapping_node(anchor)
        known: set[Any] = set()
        for key_node, _ in node.value:
            key = "<<" if _is_merge(key_node) else self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):
                if key in known:
                    raise _refused(f"the key {key!r} stands there twice", key_node.start_mark)
                known.add(key)
        return node

    def _alias(self, node: yaml.Node | None, event: Any) -> yaml.Node | None:
        if id(node) not in self._sizes:
            raise _refused(f"the anchor {event.anchor} holds itself", event.start_mark)
        self._count(self._sizes[id(node)], event)
        return node

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise _refused(f"it holds more than {MOST_VALUES} values", event.start_mark)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Construct a number that has one meaning and 64 bits at most."""
        if len(node.value) > MOST_DIGITS:
            raise _refused(f"the number has more than {MOST_DIGITS} digits", node.start_mark)
        if _TWO_MEANINGS.match(node.value):
            raise _refused(
                f"the number {node.value} has two meanings in YAML: write it without leading "
                "zeros, `:` and `_`, or put it in quotes",
                node.start_mark,
            )
        if node.tag.endswith(":float"):
            return float(self.construct_yaml_float(node))
        value = int(self.construct_yaml_int(node))
        if not LEAST_WHOLE <= value <= MOST_WHOLE:
            raise _refused("the number has more than 64 bits", node.start_mark)
        return value

    def construct_date(self, node: yaml.ScalarNode) -> str:
        """Construct the text of a date that the calendar has."""
        try:
            self.construct_yaml_timestamp(node)
        except (ValueError, OverflowError):
            raise _refused(f"there is no date {node.value}", node.start_mark) from None
        return str(node.value)


for _tag in ("int", "float"):
    _StrictLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _StrictLoader.construct_number)
_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _StrictLoader.construct_date)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


_StrictLoader.add_implicit_resolver(  # a text in YAML 1.1, a number in YAML 1.2
    "tag:yaml.org,2002:int", re.compile(r"[-+]?0o[0-7]+$"), list("-+0")
)


def _is_merge(node: yaml.Node) -> bool:
    """Say whether a key is `<<`: it merges another mapping, and is not one of the mapping's own."""
    return node.tag == "tag:yaml.org,2002:merge"


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _told(error: yaml.YAMLError) -> str:
    """Return what is wrong on one line, with the number of the line in the file if it is known."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or first_line(error))[:LINE_LIMIT]
    return f"line {mark.line + 1}: {problem}" if mark else problem
