"""This machine's address, as a service on this machine's loopback tells it."""

from __future__ import annotations

import socketserver
import threading

import pytest

from bench.cluster import address
from bench.cluster.address import my_address, network_of
from bench.errors import DispatchError, RequestError
from bench.text import printable

OK = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.fixture
def service(monkeypatch):
    """A function that lets the service answer with these bytes."""
    servers = []

    def answering(answer):
        class Answer(socketserver.StreamRequestHandler):
            def handle(self):
                while self.rfile.readline().strip():
                    pass
                self.wfile.write(answer)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(
            address, "ADDRESS_SERVICE", f"http://127.0.0.1:{server.server_address[1]}"
        )

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield answering
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("said", "network"), [(b"203.0.113.7\n", "203.0.113.7/32"), (b"2001:db8::7", "2001:db8::7/128")]
)
def test_the_address_is_told_as_a_network_of_one(service, said, network):
    service(OK + said)
    assert my_address() == network


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"0.0.0.0/0",
        OK + b"203.0.113.0/24",
        OK + b"fe80::1%eth0",
        OK + b"Gr\xfc\xdfe",
        OK + b"<html>" + b"x" * 100_000,
        OK + b"\x1b[2J203.0.113.7",
        OK,
        b"HTTP/1.0 500 \x1b[2J\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_what_is_no_single_address_is_an_error_of_one_short_line(service, answer):
    service(answer)
    with pytest.raises(DispatchError, match=r"--from 203\.0\.113\.7") as caught:
        my_address()
    said = str(caught.value)
    assert len(said) < 600
    assert printable(said) == said


@pytest.mark.parametrize("text", ["my house", "fe80::1%eth0", "203.0.113.7/33", "x" * 20_000])
def test_what_a_user_writes_instead_of_an_address_is_refused_in_short(text):
    with pytest.raises(RequestError, match="not an address") as caught:
        network_of(text)
    assert len(str(caught.value)) < 600
