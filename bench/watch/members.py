"""Several sources of one kind: one that fails does not take the others with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

#: A source that fails this many times in a row is not read any more.
TRIES = 3


class Members(Generic[Key, Value]):
    """Reads each of `readers`; one that fails TRIES looks in a row is given up, alone."""

    def __init__(self, readers: Mapping[Key, Callable[[], Value]]) -> None:
        self._readers = dict(readers)
        self._failed: dict[Key, int] = {}
        self._errors: dict[Key, Exception] = {}

    def read(self) -> dict[Key, Value]:
        """Return the values of all members that answer.

        If none answers, raises the last error of the first one.
        """
        values: dict[Key, Value] = {}
        for key, read in tuple(self._readers.items()):
            try:
                values[key] = read()
            except Exception as error:  # any error of a driver concerns this member alone
                self._errors[key] = error
                self._failed[key] = self._failed.get(key, 0) + 1
                if self._failed[key] >= TRIES:
                    del self._readers[key]
            else:
                self._failed.pop(key, None)
        if not values and self._errors:
            raise next(iter(self._errors.values()))
        return values
