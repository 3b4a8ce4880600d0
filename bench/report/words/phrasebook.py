"""Headings, titles and short words in another language, read from a table of phrases.

A phrase of the table may hold `{}`, which stands for a name: "vs {}" covers "vs 2020 laptop". Names
are translated too. A workload adds the phrases of its own words.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

from bench.outside.yaml_files import parse_yaml
from bench.spec.languages import Language

#: What stands for a name in a phrase.
HOLE = "{}"


@dataclass(frozen=True)
class Phrasebook:
    """The phrases of one language by the English ones."""

    phrases: Mapping[str, str] = field(default_factory=dict)

    def knows(self, text: str) -> bool:
        """Whether there is a phrase for `text`."""
        return text in self.phrases or self._with_name(text) is not None

    def said(self, text: str) -> str:
        """Return `text` in this language; as it is if there is no phrase for it."""
        if text in self.phrases:
            return self.phrases[text]
        return self._with_name(text) or text

    def _with_name(self, text: str) -> str | None:
        for english, phrase in self._holed:
            if found := english.fullmatch(text):
                return phrase.format(*map(self.said, found.groups()))
        return None

    @functools.cached_property
    def _holed(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """The phrases with a name in them; a longer one is tried first."""
        holed = sorted((one for one in self.phrases if HOLE in one), key=len, reverse=True)
        return tuple(
            (re.compile("(.+)".join(map(re.escape, one.split(HOLE)))), self.phrases[one])
            for one in holed
        )


#: The phrases of English: every text stays as it is.
ENGLISH = Phrasebook()


def phrasebook(
    language: Language, own: Mapping[str, str] | None = None, more: str = ""
) -> Phrasebook:
    """Return the phrases of a language; `own` are the phrases of a workload.

    `more` names a table of its own beside the one of headings: `_page` has the words of the page,
    `_figures` those of the figures.
    """
    return Phrasebook({**_table(f"{language}{more}"), **(own or {})})


@functools.cache
def _table(name: str) -> Mapping[str, str]:
    """Return a table of phrases; English needs none."""
    if name.startswith("en"):
        return {}
    text = resources.files("bench.report.words").joinpath(f"{name}.yaml").read_text("utf-8")
    found: dict[str, str] = parse_yaml(text)
    return found
