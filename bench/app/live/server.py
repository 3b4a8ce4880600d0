"""The HTTP server of the live page: two answers, on loopback only, from a thread of its own.

Three rules decide who may read the answers. The server listens on 127.0.0.1 alone. It
answers only requests whose `Host` is a name of this machine, so that a web site whose name is made
to point here (DNS rebinding) reads nothing. And it has no files: a path is looked up in a table.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs

from bench.errors import RequestError

#: The only address that the server listens on, and the names by which a browser may know it. The
#: port may be another one, because an SSH tunnel may begin at another one.
ADDRESS = "127.0.0.1"
NAMES = (ADDRESS, "localhost")

#: Seconds after which a connection that says nothing is closed.
SILENT_S = 10.0

#: Pages that are told apart; a viewer beyond them is answered, but not waited for. A page that did
#: not ask for so many seconds is forgotten.
MOST_VIEWERS, FORGOTTEN_S = 64, 120.0

#: Headers of every answer. What the page itself may do stands in the page.
HEADERS: Mapping[str, str] = {
    "Allow": "GET",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Answer:
    """What a path answers; `is_page` marks the page that people open."""

    kind: str
    body: Callable[[], bytes]
    is_page: bool = False


class LiveServer:
    """Answers the paths of `answers`, such as `/`, until it is closed; `port` 0 is any free port.

    Raises RequestError if the port is unavailable.
    """

    def __init__(self, answers: Mapping[str, Answer], port: int = 0) -> None:
        self._viewers: dict[str, float] = {}  # when each open page last asked for something
        self._page, self._times = b"", 0  # the page that was answered last, and how often
        self._lock = threading.Lock()
        try:
            self._server = _Server((ADDRESS, port), _Handler)
        except OSError as error:
            raise RequestError(
                f"port {port} of this machine is unavailable for the live page",
                seen=error.strerror or str(error),
                next_step="give another port, or --serve without one for any free port",
            ) from error
        self._server.answers, self._server.seen = answers, self._seen
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="live page", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.port}/"

    def answered(self, page: bytes) -> int:
        """Return how often exactly this page was answered since another one was."""
        with self._lock:
            return self._times if self._page is page else 0

    def viewers(self, within_s: float) -> int:
        """Return how many open pages asked for the states in the last seconds."""
        since = time.monotonic() - within_s
        with self._lock:
            return sum(last >= since for last in self._viewers.values())

    def close(self) -> None:
        """Stop answering. Connections that are open are cut off when the process ends."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _seen(self, answer: Answer, body: bytes, viewer: str) -> None:
        """Take note of an answer that was sent whole."""
        now = time.monotonic()
        with self._lock:
            if answer.is_page:
                self._times = 1 if self._page is not body else self._times + 1
                self._page = body
            known = {one: at for one, at in self._viewers.items() if now - at < FORGOTTEN_S}
            if viewer and (viewer in known or len(known) < MOST_VIEWERS):
                known[viewer] = now
            self._viewers = known


class _Server(ThreadingHTTPServer):
    """A thread a connection: a browser may open one and say nothing on it."""

    daemon_threads = True
    block_on_close = False
    answers: Mapping[str, Answer]
    seen: Callable[[Answer, bytes, str], None]

    def server_bind(self) -> None:
        """Take the port; unlike the library's own, this asks no name server for a name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that went away is no matter of the run's terminal."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SILENT_S
    server_version, sys_version = "bench", ""
    error_content_type, error_message_format = "text/plain; charset=utf-8", "%(code)d %(message)s\n"

    def parse_request(self) -> bool:
        """Read a request; refuse what is no GET, and what comes by another name."""
        if not super().parse_request():
            return False
        if _host_name(self.headers.get("Host", "")) not in NAMES:
            self.send_error(HTTPStatus.FORBIDDEN, "this name is not the live page's")
        elif self.command != "GET":
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            return True
        return False

    def do_GET(self) -> None:
        """Answer a path of the table."""
        path, _, query = self.path.partition("?")
        answer = self.server.answers.get(path)
        if answer is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = answer.body()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.seen(answer, body, parse_qs(query).get("page", [""])[0][:32])

    def end_headers(self) -> None:
        """End the headers with those of every answer."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing."""


def _host_name(host: str) -> str:
    """Return the name in a `Host` header without its port, which follows the last colon."""
    name, colon, port = host.strip().lower().rpartition(":")
    return name if colon and port.isdecimal() else host.strip().lower()
