"""A named cluster without its key, with a closed port, or with another token than it asks for."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from doctors import cluster_of, found
from live_clients import free_port

from bench.app.doctor import remote
from bench.cluster import keys
from bench.cluster.config import read_cluster_file
from bench.cluster.issue import Issue
from bench.dispatch.tunnel import SshTarget

#: An address of loopback that no sshd listens on, as a rule.
CLOSED = "127.0.0.9"

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh here")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own without an agent."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


def made_key(path: Path, passphrase: str = "") -> Path:
    """Make a real key."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path


def test_without_a_cluster_nothing_of_one_is_looked_at():
    for check in ("ssh", "file", "hosts", "head"):
        (one,) = found(check)
        assert one.state == "skipped"
        assert "--cluster FILE" in one.seen


@needs_ssh
def test_a_missing_key_is_named_with_the_command_that_makes_it(home):
    file = cluster_of(home, CLOSED, home / "no-key")
    (one,) = found("ssh", cluster=file)
    assert one.state == "problem"
    assert f"the SSH key {home}/no-key does not exist here" in one.seen
    assert f"ssh-keygen -t ed25519 -f {home}/no-key" in one.cure


@needs_ssh
def test_a_key_that_others_may_read_or_that_asks_is_named(home):
    key = made_key(home / "key", "secret")
    (one,) = found("ssh", cluster=cluster_of(home, CLOSED, key))
    assert one.state == "problem"
    assert "passphrase" in one.seen
    assert f"ssh-add {key}" in one.cure
    key.chmod(0o644)
    (one,) = found("ssh", cluster=cluster_of(home, CLOSED, key))
    assert "may be read by others (644)" in one.seen
    assert one.cure == f"chmod 600 {key}"


@needs_ssh
def test_a_sound_key_is_named(home):
    (one,) = found("ssh", cluster=cluster_of(home, CLOSED, made_key(home / "key")))
    assert one.state == "ok"
    assert one.seen.startswith(f"key {home}/key; ")


@needs_ssh
def test_a_closed_port_is_named_with_its_host(home):
    with socket.socket() as probe:
        if probe.connect_ex((CLOSED, 22)) == 0:
            pytest.skip("an sshd listens on every address of this machine")
    (one,) = found("hosts", cluster=cluster_of(home, CLOSED, made_key(home / "key")))
    assert one.state == "problem"
    assert one.seen.startswith(f"{CLOSED}: no SSH")
    assert "Connection refused" in one.seen
    assert "open its port 22" in one.cure


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("u@h: Permission denied (publickey).", "ssh-copy-id -i k u@h"),
        ("Host key verification failed.", "ssh-keygen -R h -f "),
        ("ssh: connect to host h port 22: Connection timed out", "ping h"),
        ("ssh: Could not resolve hostname h", "its right name"),
        ("exit code 127", "apt-get install python3 rsync make"),
        ("something that is new", "try it by hand: ssh h"),
    ],
)
def test_each_word_of_ssh_has_its_cure(home, said, words):
    assert words in keys.cure(SshTarget("h", "u", "k"), said)


def test_what_the_file_lacks_is_named_with_what_it_stops(home):
    file = cluster_of(home, CLOSED)
    (one,) = found("file", cluster=file)
    assert one.state == "ok"
    text = file.read_text() + "file_mounts: {~/there: ./planted-nowhere}\n"
    file.write_text(text.replace("ray-env", "other"))
    mount, token = found("file", cluster=file)
    assert (mount.state, token.state) == ("problem", "warning")
    assert "planted-nowhere" in mount.seen
    assert "no token is required" in token.seen


def test_a_cache_in_which_no_key_of_a_host_is_kept_is_named(home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    (one,) = found("file", cluster=cluster_of(home, CLOSED))
    assert one.state == "warning"
    assert "a false host is not noticed" in one.seen
    assert "export XDG_CACHE_HOME=" in one.cure


def test_a_command_names_a_path_as_a_shell_takes_it(home):
    (one,) = keys.issues(read_cluster_file(cluster_of(home, CLOSED, "~/my; key")))
    assert one.cure.endswith(f"-f {shlex.quote(os.path.expanduser('~/my; key'))}")
    (one,) = keys.issues(read_cluster_file(cluster_of(home, CLOSED, "~/no-such-key")))
    assert one.cure.endswith("-f ~/no-such-key")


def test_the_path_of_a_cluster_file_stands_in_commands_as_a_shell_takes_it(home, monkeypatch):
    """Whether the cluster is up is planted: asking Ray's launcher takes seconds."""
    (home / "my files").mkdir()
    file = cluster_of(home / "my files", CLOSED)
    monkeypatch.setattr(remote, "up", lambda file: None)
    (one,) = found("head", cluster=file)
    assert shlex.split(one.cure) == ["ray", "up", str(file)]
    monkeypatch.setattr(remote.check, "around", lambda file: [Issue("open", prepared=True)])
    (one,) = found("hosts", cluster=file)
    assert shlex.split(one.cure)[1:] == ["cluster", "prepare", str(file)]


def test_of_a_provider_that_is_not_asked_nothing_is_claimed(home):
    text = "cluster_name: a\nprovider: {type: azure, location: there}\n"
    (home / "cluster.yaml").write_text(text)
    (one,) = found("hosts", cluster=home / "cluster.yaml")
    assert one.state == "skipped"
    assert "azure" in one.seen


@pytest.mark.slow
@needs_ssh
def test_a_cluster_that_is_not_up_is_named_with_the_command_that_starts_it(home):
    """Ray's own launcher says that this cluster has no head."""
    file = cluster_of(home, CLOSED, made_key(home / "key"))
    (one,) = found("head", cluster=file)
    assert one.state == "problem"
    assert one.cure


@pytest.fixture(scope="module")
def real_head(tmp_path_factory):
    """Start a real head of Ray that asks for a token; yield its address and the token's file."""
    folder = Path(tmp_path_factory.mktemp("head"))
    token = folder / "token"
    token.write_text("a" * 64)
    token.chmod(0o600)
    temporary = Path("/tmp") / f"doctor-{os.getpid()}"  # its sockets need a short path
    port, dashboard, agent = free_port(), free_port(), free_port()
    environment = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    words = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"]
    words += [f"--port={port}", f"--dashboard-port={dashboard}", "--dashboard-host=127.0.0.1"]
    words += [f"--dashboard-agent-listen-port={agent}", "--node-ip-address=127.0.0.1"]
    words += ["--num-cpus=1", "--object-store-memory=80000000", "--disable-usage-stats"]
    words += [f"--temp-dir={temporary}"]
    log = (folder / "log").open("w")
    head = subprocess.Popen(words, env=environment, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{dashboard}"
    try:
        wait_for_answer(address, head, folder / "log")
        yield address, token
    finally:
        below = psutil.Process(head.pid).children(recursive=True) if head.poll() is None else []
        head.send_signal(signal.SIGTERM)
        psutil.wait_procs([psutil.Process(head.pid)] if head.poll() is None else [], 20)
        for process in below:
            if process.is_running():
                process.kill()
        head.kill()
        head.wait()
        shutil.rmtree(temporary, ignore_errors=True)


def wait_for_answer(address, head, log):
    """Wait until the Jobs API answers anything, a refusal too."""
    deadline = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(f"{address}/api/version", timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert head.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.3)


def head_seen(address, token):
    """Return what `doctor head` finds with a file of a token."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    words = [sys.executable, "-m", "mnist_bench", "doctor", "head", "--json"]
    done = subprocess.run(
        [*words, "--address", address],
        env={**environment, "RAY_AUTH_TOKEN_PATH": str(token)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (one,) = json.loads(done.stdout)["findings"]
    return done.returncode, one


@pytest.mark.slow
def test_a_wrong_token_is_told_from_a_cluster_that_is_not_there(real_head, tmp_path):
    address, right = real_head
    code, one = head_seen(address, right)
    assert (code, one["state"]) == (0, "ok"), one
    wrong = tmp_path / "wrong"
    wrong.write_text("b" * 64)
    wrong.chmod(0o600)
    code, one = head_seen(address, wrong)
    assert (code, one["state"]) == (1, "problem")
    assert "token" in one["seen"]
    assert "RAY_AUTH_TOKEN_PATH" in one["cure"]
    code, one = head_seen(f"http://127.0.0.1:{free_port()}", right)
    assert code == 1
    assert "RAY_AUTH_TOKEN_PATH" not in one["cure"]
