"""The server of the live page: loopback alone, its own names alone, a table of paths, only GET."""

from __future__ import annotations

import socket
import time

import psutil
import pytest
from live_clients import answer, free_port

from bench.app.live.server import Answer, LiveServer
from bench.errors import RequestError

PAGE = b"<p>here"
BIG = b"x" * 20_000_000


ANSWERS = {
    "/": Answer("text/html; charset=utf-8", lambda: PAGE, is_page=True),
    "/states.json": Answer("application/json", lambda: b"{}"),
    "/big": Answer("text/plain", lambda: BIG),
}


@pytest.fixture(scope="module")
def server():
    started = LiveServer(ANSWERS)
    yield started
    started.close()


def test_the_server_listens_on_loopback_alone(server):
    own = [
        one.laddr
        for one in psutil.Process().net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == server.port
    ]
    assert [address.ip for address in own] == ["127.0.0.1"]
    assert server.url == f"http://127.0.0.1:{server.port}/"


def test_its_answers_may_be_neither_kept_nor_framed_nor_taken_by_another_site(server):
    status, headers, body = answer(server.port)
    assert (status, body) == (200, b"<p>here")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Python" not in headers["Server"]
    assert answer(server.port, "/states.json?page=one")[2] == b"{}"


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"),
        *("/states.json/", "/index.html", "[", "/./", "/%00"),
    ],
)
def test_a_path_that_is_not_in_the_table_is_nowhere(server, path):
    status, _, body = answer(server.port, path)
    assert (status, body) == (404, b"404 Not Found\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "NONSENSE"])
def test_nothing_but_get_is_answered(server, method):
    status, headers, _ = answer(server.port, "/states.json", method)
    assert status == 405
    assert headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost", 200), ("LOCALHOST:8000", 200), ("127.0.0.1:1", 200)),
        *(("evil.example", 403), ("evil.example:80", 403), ("127.0.0.1.evil.example", 403)),
        *(("localhost.evil.example:80", 403), ("user@localhost:80", 403), ("", 403)),
        *(("[::1]:80", 403), ("[", 403), ("127.0.0.1:80:80", 403)),
    ],
)
def test_a_request_by_another_name_is_refused(server, host, status):
    """A web site whose name is made to point to this machine would send its own name."""
    assert answer(server.port, headers={"Host": host})[0] == status


def test_a_request_without_a_name_is_refused(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 403 " in raw.recv(4096)


def test_clients_that_say_nothing_or_go_away_stop_nobody_and_print_nothing(server, capfd):
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for _ in range(3):
        raw = socket.create_connection(("127.0.0.1", server.port))
        raw.sendall(b"GET /big HTTP/1.0\r\nHost: localhost\r\n\r\n")
        raw.recv(1000)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()  # with a reset, in the middle of the answer
    garbage = socket.create_connection(("127.0.0.1", server.port))
    garbage.sendall(b"\x16\x03\x01\xff\0\0" * 1000)
    assert answer(server.port, "/big")[2] == BIG
    assert answer(server.port)[0] == 200
    for one in (*silent, garbage):
        one.close()
    assert capfd.readouterr() == ("", "")


def test_open_pages_are_told_apart_and_forgotten():
    server = LiveServer(ANSWERS)
    assert server.viewers(60) == 0
    answer(server.port)
    for name in ("one", "two", "one"):
        answer(server.port, f"/states.json?page={name}")
    deadline_s = time.monotonic() + 10  # an answer counts once it was sent
    while server.viewers(60) != 2 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert server.viewers(60) == 2
    assert server.viewers(-1) == 0
    assert (server.answered(PAGE), server.answered(BIG)) == (1, 0)
    server.close()


def test_a_port_that_is_taken_is_a_wrong_request_that_says_what_to_do(server):
    with pytest.raises(RequestError, match=rf"port {server.port} .*give another port"):
        LiveServer({}, server.port)


def test_a_closed_server_lets_its_port_go():
    port = free_port()
    LiveServer({}, port).close()
    LiveServer({}, port).close()
