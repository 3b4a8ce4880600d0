"""The firewall's command: each host is one word of iptables, whatever it holds.

ssh is a stand-in that runs the command here with an iptables that only takes notes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cluster import firewall
from bench.cluster.config import ClusterFile

SSH = '#!/bin/sh\nfor word; do :; done\nPATH={tools} exec /bin/sh -c "$word"\n'
IPTABLES = '#!/bin/sh\nprintf "<%s>" "$@" >>{log}\nprintf "\\n" >>{log}\n'


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """The words of each call of iptables, which is the only program on the way of a host."""
    log, tools, ours = tmp_path / "log", tmp_path / "there", tmp_path / "here"
    for folder, name, script in ((tools, "iptables", IPTABLES), (ours, "ssh", SSH)):
        folder.mkdir()
        (folder / name).write_text(script.format(tools=tools, log=log))
        (folder / name).chmod(0o755)
    (tools / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", f"{ours}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return log


def closed(hosts):
    """Close a cluster of `hosts`; their form, which its reader checks, is not checked here."""
    document = {
        "provider": {"type": "local", "head_ip": hosts[0], "worker_ips": hosts[1:]},
        "auth": {"ssh_user": "me"},
    }
    firewall.close(ClusterFile(Path("c.yaml"), "c", "local", None, document, (), None))


def test_every_host_is_let_through_and_the_rest_is_dropped(notes):
    closed(["10.0.0.1", "10.0.0.2"])
    said = notes.read_text().splitlines()
    once = [line for line in said if line.startswith("<-A>")]
    assert once[:4] == [
        "<-A><BENCH><-i><lo><-j><RETURN>",
        "<-A><BENCH><-s><10.0.0.1><-j><RETURN>",
        "<-A><BENCH><-s><10.0.0.2><-j><RETURN>",
        f"<-A><BENCH><-p><tcp><-m><multiport><--dports><{','.join(firewall.PORTS)}><-j><DROP>",
    ]
    assert len(once) == 8  # the rules of two hosts


@pytest.mark.parametrize("host", ["h;>{}", "h$(>{})", "h`>{}`", "h'>{}'", "h|>{}", "h\n>{}"])
def test_what_a_shell_would_run_is_a_word_of_iptables(notes, tmp_path, host):
    made = tmp_path / "made"
    closed([host.format(made)])
    assert not made.exists()
    assert f"<-s><{host.format(made)}><-j>" in notes.read_text()
