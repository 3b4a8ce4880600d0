"""The client of the Jobs API asks the address that it was given, and no other."""

from __future__ import annotations

import http.server
import io
import json
import os
import threading
import tracemalloc
import zipfile

import pytest

from bench.dispatch import jobs_api
from bench.dispatch.jobs_api import JobsApi, Lines
from bench.errors import DispatchError

pytestmark = pytest.mark.slow  # each imports Ray's client


class Head(http.server.ThreadingHTTPServer):
    """Answers as the Jobs API of an idle cluster does, and notes who asked for what."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[tuple[str, str | None]] = []
        self.packages: dict[str, bytes] = {}
        self.jobs: list[dict[str, object]] = []
        self.saw: set[str | None] = set()  # RAY_ADDRESS, as other threads of the process see it
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Answer(http.server.BaseHTTPRequestHandler):
    server: Head

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        version = {"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "s"}
        self.server.saw.add(os.environ.get("RAY_ADDRESS"))
        body = b"[]" if self.path.endswith("/jobs/") else json.dumps(version).encode()
        unknown = "/packages/" in self.path and self.path not in self.server.packages
        self._answer(body, 404 if unknown else 200)

    def do_PUT(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.server.packages[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"{}", 200)

    def do_POST(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.server.saw.add(os.environ.get("RAY_ADDRESS"))
        job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.jobs.append(job)
        name = job["submission_id"]
        self._answer(json.dumps({"job_id": name, "submission_id": name}).encode(), 200)

    def _answer(self, body: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_CONNECT = do_GET

    def log_message(self, *words: object) -> None:
        """Print nothing."""


@pytest.fixture
def heads():
    """Two heads: the one that is asked for, and another one."""
    pytest.importorskip("aiohttp", reason="the client needs ray[default]")
    made = [Head(), Head()]
    for head in made:
        threading.Thread(target=head.serve_forever, args=(0.01,), daemon=True).start()
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


def shipped(folder):
    """Make a folder as a run ships it, with names that Ray leaves out if its variables say so."""
    for name in ("request.json", "data.npz", "code/bench/x.py", "code/venv/y.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / ".gitignore").write_text("*.npz\n")
    return folder


def test_the_whole_folder_is_sent_whatever_ray_s_variables_leave_out(heads, monkeypatch, tmp_path):
    named, other = heads
    monkeypatch.setenv("RAY_ADDRESS", other.address)
    monkeypatch.setenv("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES", "code,request.json")
    monkeypatch.setenv("RAY_RUNTIME_ENV_IGNORE_GITIGNORE", "0")
    JobsApi(named.address, "token").submit("job-1", shipped(tmp_path), "python -m x")
    ((path, package),) = named.packages.items()
    sent = {name for name in zipfile.ZipFile(io.BytesIO(package)).namelist() if name[-1] != "/"}
    assert {"request.json", "data.npz", "code/bench/x.py", "code/venv/y.py"} <= sent
    (job,) = named.jobs
    assert job["entrypoint"] == "python -m x"
    assert path.endswith(job["runtime_env"]["working_dir"].removeprefix("gcs://"))
    assert {token for _, token in named.asked} == {"Bearer token"}
    assert other.asked == []


def test_the_environment_of_other_threads_stays_as_it_is_meanwhile(heads, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_ADDRESS", "http://elsewhere")
    JobsApi(heads[0].address).submit("job-1", shipped(tmp_path), "python -m x")
    assert heads[0].saw == {"http://elsewhere"}


def test_a_token_of_ray_s_own_variables_goes_to_no_head_that_asks_for_none(heads, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "token-of-another-cluster")
    JobsApi(heads[0].address)
    assert {token for _, token in heads[0].asked} == {None}


def test_lines_that_come_in_pieces_are_put_together_and_empty_ones_left_out():
    lines = Lines()
    assert lines.ended_by("one\ntw") == ["one"]
    assert lines.ended_by("") == []
    assert lines.ended_by("o\n\nthree") == ["two"]
    assert lines.ended_by("\n") == ["three"]


def test_chunks_without_a_character_take_no_memory():
    lines = Lines()
    tracemalloc.start()
    try:
        for _ in range(100_000):
            lines.ended_by("")
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 10_000


def test_a_line_that_does_not_end_is_an_error_and_one_that_does_is_not(monkeypatch):
    monkeypatch.setattr(jobs_api, "MOST_MADE", 100)
    lines = Lines()
    for _ in range(10):
        assert lines.ended_by("x" * 90 + "\n") == ["x" * 90]
    assert lines.ended_by("x" * 90) == []
    with pytest.raises(DispatchError, match="a line of more than 100 characters"):
        lines.ended_by("x" * 90)
