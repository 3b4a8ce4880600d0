"""The client of the Jobs API asks the address that it was given, and nobody else."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from bench.dispatch.jobs_api import JobsApi

pytestmark = pytest.mark.slow  # each imports Ray's client


class Head(http.server.ThreadingHTTPServer):
    """Answers as the Jobs API of an idle cluster does, and notes who asked for what."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[tuple[str, str | None]] = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Answer(http.server.BaseHTTPRequestHandler):
    server: Head

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        version = {"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "s"}
        body = b"[]" if self.path.endswith("/jobs/") else json.dumps(version).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_CONNECT = do_POST = do_GET

    def log_message(self, *words: object) -> None:
        """Print nothing."""


@pytest.fixture
def heads():
    """Two heads: the one that is asked for, and another one."""
    pytest.importorskip("aiohttp", reason="the client needs ray[default]")
    made = [Head(), Head()]
    for head in made:
        threading.Thread(target=head.serve_forever, daemon=True).start()
    yield made
    for head in made:
        head.shutdown()
        head.server_close()


@pytest.mark.parametrize(
    "name", ["RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "http_proxy", "HTTP_PROXY", "all_proxy"]
)
def test_the_environment_sends_neither_token_nor_job_elsewhere(heads, monkeypatch, name):
    named, other = heads
    monkeypatch.setenv(name, other.address)
    assert JobsApi(named.address, "token-of-my-head").state("job") is None
    assert {token for _, token in named.asked} == {"Bearer token-of-my-head"}
    assert other.asked == []


def test_a_password_of_the_user_s_netrc_does_not_replace_the_token(heads, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    JobsApi(heads[0].address, "token-of-my-head")
    assert {token for _, token in heads[0].asked} == {"Bearer token-of-my-head"}
