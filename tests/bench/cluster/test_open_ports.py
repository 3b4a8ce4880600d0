"""Which ports of a host answer."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress

from bench.cluster.firewall import open_ports


def bound(stack: ExitStack) -> socket.socket:
    """Return a socket on a free port of this machine; it does not listen."""
    made = stack.enter_context(socket.socket())
    made.bind(("127.0.0.1", 0))
    return made


def a_full_one(stack: ExitStack) -> socket.socket:
    """Return a socket whose queue is full: it drops whoever calls, as a firewall does."""
    full = bound(stack)
    full.listen(0)
    for _ in range(3):
        caller = stack.enter_context(socket.socket())
        caller.setblocking(False)
        caller.connect_ex(full.getsockname())
    return full


def test_the_ports_that_answer_are_told_in_the_order_in_which_they_were_asked_for():
    with ExitStack() as stack:
        ours = [bound(stack) for _ in range(4)]
        for one in ours[1:3]:
            one.listen()
        ports = [one.getsockname()[1] for one in reversed(ours)]
        assert open_ports("127.0.0.1", ports) == ports[1:3]


def test_a_port_that_lets_callers_wait_is_closed_and_hides_no_open_one():
    with ExitStack() as stack:
        full, open_ = a_full_one(stack), bound(stack)
        open_.listen()
        ports = [full.getsockname()[1], open_.getsockname()[1]]
        assert open_ports("127.0.0.1", ports, 0.5) == ports[1:]


def test_all_ports_are_tried_at_once():
    """The first port answers only after the second one was tried: then its queue is emptied."""
    with ExitStack() as stack:
        full, second = a_full_one(stack), bound(stack)
        second.listen()

        def empty_the_queue():
            with suppress(OSError):  # its end
                second.accept()[0].close()
                while True:
                    full.accept()[0].close()

        emptying = threading.Thread(target=empty_the_queue)
        emptying.start()
        ports = [full.getsockname()[1], second.getsockname()[1]]
        found = open_ports("127.0.0.1", ports, 20)
        for one in (full, second):
            one.shutdown(socket.SHUT_RDWR)
        emptying.join()
        assert found == ports
