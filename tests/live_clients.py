"""Clients of the live page for tests: real HTTP over loopback, and one that follows a run."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Self

#: What a page holds that may ask for the states; the report itself may not.
CONNECTS = b"connect-src 'self'"


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(
    port: int, path: str = "/", method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """Return the status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        got = connection.getresponse()
        return got.status, got.headers, got.read()
    finally:
        connection.close()


class Follower(threading.Thread):
    """Asks for the states until nobody answers, as a page does; keeps them, and the pages."""

    def __init__(self, port: int, every_s: float = 0.05) -> None:
        super().__init__(daemon=True)
        self.states: list[dict[str, Any]] = []
        self.pages: dict[int, bytes] = {}
        self.ended = b""
        self._port, self._every_s = port, every_s

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.join(30)

    @property
    def phases(self) -> list[str]:
        """The phases in their order, each run of equal ones once."""
        seen = [one["phase"] for one in self.states]
        return [one for place, one in enumerate(seen) if place == 0 or seen[place - 1] != one]

    def is_at(self, letter: str) -> bool:
        """Say whether a job of the first machine was seen in the state that a letter stands for."""
        return any(letter in one["machines"][0]["states"] for one in self.states if one["machines"])

    def run(self) -> None:
        """Ask until the server, once it was there, is gone."""
        first_s = time.monotonic() + 20
        while True:
            try:
                _, _, body = answer(self._port, "/states.json?page=follower")
                found = json.loads(body)
                self.states.append(found)
                if found["phase"] == "ended" or found["figures"] not in self.pages:
                    page = answer(self._port)[2]
                    if CONNECTS not in page:  # the report, which asks for nothing any more
                        self.ended = page
                        return
                    self.pages[found["figures"]] = page
            except OSError:
                if self.states or time.monotonic() > first_s:
                    return
            time.sleep(self._every_s)
