"""Words to ssh, and what is said where a head cannot be reached; real tunnels are in tests/e2e."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

import pytest
from launches import is_gone, wait_for

from bench.dispatch.jobs_api import JobsApi
from bench.dispatch.tunnel import SshTarget, Tunnel, keeps_keys, run_there
from bench.errors import DispatchError


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A target on this machine's loopback where no sshd listens."""
    if shutil.which("ssh") is None:
        pytest.skip("there is no ssh on this machine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return SshTarget("127.0.0.9", "nobody", str(tmp_path / "no-key"))


def test_the_key_and_the_host_s_own_are_checked_and_nothing_is_asked(nowhere, tmp_path):
    words = " ".join(nowhere.words("-N"))
    assert words.startswith("ssh -N ")
    assert words.endswith("nobody@127.0.0.9")
    assert "BatchMode=yes" in words
    assert "StrictHostKeyChecking=accept-new" in words
    assert f'UserKnownHostsFile="{tmp_path}/bench/known_hosts"' in words
    assert "IdentitiesOnly=yes" in words


def test_a_head_that_does_not_answer_is_named_with_the_way_to_try_by_hand(nowhere):
    with pytest.raises(DispatchError, match=r"127\.0\.0\.9 cannot be reached.*try it by hand: ssh"):
        run_there(nowhere, "true")


def test_a_tunnel_that_does_not_open_is_an_error_and_leaves_no_process(nowhere):
    tunnel = Tunnel(nowhere)
    with pytest.raises(DispatchError, match="cannot be reached"):
        tunnel.__enter__()
    assert tunnel._process.poll() is not None


def test_a_jobs_api_that_does_not_answer_is_an_error_with_the_next_step():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(DispatchError, match=r"does not answer.*cluster check"):
        JobsApi(f"http://127.0.0.1:{port}", "token")


def test_a_cache_folder_with_a_space_and_a_percent_sign_holds_the_hosts_keys(tmp_path, monkeypatch):
    """`ssh -G` prints the settings as ssh understands them."""
    if shutil.which("ssh") is None:
        pytest.skip("there is no ssh on this machine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "My %h Cache"))
    words = SshTarget("127.0.0.9", "nobody").words("-G")
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("userknownhostsfile ")]
    assert line.removeprefix("userknownhostsfile ") in {
        str(tmp_path / "My %h Cache" / "bench" / "known_hosts"),
        str(tmp_path / "My %%h Cache" / "bench" / "known_hosts"),  # as some versions print it
    }


def test_without_a_folder_for_the_hosts_keys_ssh_keeps_none_which_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "there"))
    assert keeps_keys()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not keeps_keys()
    assert 'UserKnownHostsFile="/dev/null"' in SshTarget("127.0.0.9", "nobody").words()


#: What asks a host by ssh: a command, and a tunnel.
USES = {"command": lambda target: run_there(target, "x"), "tunnel": lambda t: Tunnel(t).__enter__()}


def stand_in(folder, monkeypatch, script):
    """Put a script in the place of ssh."""
    (folder / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return SshTarget("h", "me")


def test_a_greeting_in_another_encoding_does_not_matter(tmp_path, monkeypatch):
    target = stand_in(tmp_path, monkeypatch, r"printf 'Gr\374\337e\nanswer\n'")
    assert run_there(target, "true").splitlines()[-1] == "answer"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_complaint_in_another_encoding_is_told_with_its_last_line_in_short(
    tmp_path, monkeypatch, use
):
    flood = r"head -c 200000 /dev/zero | tr '\0' x >&2"
    script = rf"printf 'first\n\374' >&2; {flood}; exit 1"
    with pytest.raises(DispatchError) as caught:
        use(stand_in(tmp_path, monkeypatch, script))
    assert caught.value.seen.startswith("\ufffdxxx")
    assert len(caught.value.seen) == 300


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_machine_without_ssh_is_told_as_such(tmp_path, monkeypatch, use):
    target = SshTarget("h", "me")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DispatchError, match=r"cannot be reached.*No such file.*ssh"):
        use(target)


#: In place of ssh: listens where a tunnel would, and runs the command as the head's shell would.
SSH = """#!{python}
import socket, subprocess, sys
port = int(sys.argv[sys.argv.index("-L") + 1].split(":")[1])
with socket.create_server(("127.0.0.1", port)):
    sys.exit(subprocess.run(["sh", "-c", sys.argv[-1]]).returncode)
"""

PARENT = """
import time
from bench.dispatch.tunnel import SshTarget, Tunnel
with Tunnel(SshTarget("head", "somebody")) as tunnel:
    print(tunnel._process.pid, flush=True)
    time.sleep(99)
"""


def test_a_tunnel_ends_with_its_process_although_that_is_killed(tmp_path):
    """A script stands for ssh, because few machines let a test log in by a real one."""
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH.format(python=sys.executable))
    ssh.chmod(0o700)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    words = [sys.executable, "-c", PARENT]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
        wait_for(lambda: is_gone(pid))
