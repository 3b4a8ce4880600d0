"""The languages that a report can be in."""

from __future__ import annotations

from typing import Literal, get_args

#: The first language is the default; a report in another one has English keys and data.
Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
