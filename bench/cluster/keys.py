"""The SSH key of a cluster file: whether ssh can use it without asking, and who else has one."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator

from bench.cluster.config import ClusterFile
from bench.cluster.issue import Issue
from bench.dispatch.tunnel import SshTarget, known_hosts
from bench.outside.programs import ProgramEnd, run_to_end

#: Permissions of a private key that ssh refuses: those of the group and of others.
OTHERS = 0o077

#: Seconds for a program that reads a key or asks the agent.
KEY_S = 10

#: Exit codes of `ssh-add -l`: the agent has keys, it has no key, there is no agent.
HAS_KEYS, HAS_NONE, NO_AGENT = 0, 1, 2

#: What ssh says of a host that it cannot reach, and what mends that.
CURES = (
    ("Permission denied", "give the host your key: ssh-copy-id {key}{user}@{host}"),
    ("Host key verification failed", "if the host was made anew: ssh-keygen -R {host} -f {known}"),
    ("IDENTIFICATION HAS CHANGED", "if the host was made anew: ssh-keygen -R {host} -f {known}"),
    ("Connection refused", "start sshd there, or open its port 22: sudo systemctl start ssh"),
    ("resolve hostname", "write the host's address or its right name into the cluster file"),
    ("timed out", "start the host, or let its firewall pass port 22 (ping {host})"),
    ("route to host", "start the host, or write its right address into the cluster file"),
    ("exit code", "install them there: sudo apt-get install python3 rsync make"),
)


def issues(file: ClusterFile) -> Iterator[Issue]:
    """Yield what keeps ssh from using the key that the file names; nothing if it names none."""
    named = _named(file)
    if named is None:
        return
    key, word = os.path.expanduser(named), _word(named)
    try:
        mode = os.stat(key).st_mode & 0o777
    except (OSError, ValueError):  # ValueError: a name that no file can have
        make = f"name another key in the file, or make this one: ssh-keygen -t ed25519 -f {word}"
        yield Issue(f"the SSH key {named} does not exist here", cure=make, stops=True)
        return
    if mode & OTHERS:
        what = f"the SSH key {named} may be read by others ({mode:o}), so ssh refuses it"
        yield Issue(what, cure=f"chmod 600 {word}", stops=True)
    elif _asks(key) and _agent_says() != HAS_KEYS:
        what = f"the SSH key {named} has a passphrase, and the agent holds no key"
        yield Issue(what, cure=f'eval "$(ssh-agent)"; ssh-add {word}', stops=True)


def described(file: ClusterFile) -> str:
    """Return in words which key is used."""
    named = _named(file)
    return "the file names no key (Ray or ssh chooses one)" if named is None else f"key {named}"


def agent() -> str:
    """Return in words what the agent holds."""
    held = {HAS_KEYS: "the agent holds keys", HAS_NONE: "the agent holds no key"}
    return held.get(_agent_says(), "there is no agent")


def cure(target: SshTarget, seen: object) -> str:
    """Return what mends that `target` cannot be reached, after what ssh said of it."""
    step = next((step for said, step in CURES if said in str(seen)), "try it by hand: ssh {host}")
    key = f"-i {_word(target.key)} " if target.key else ""
    known = _word(str(known_hosts()))
    return step.format(key=key, user=target.user, host=target.host, known=known)


def _named(file: ClusterFile) -> str | None:
    named = (file.document.get("auth") or {}).get("ssh_private_key")
    return None if named is None else str(named)


def _word(path: str) -> str:
    """Return a path as a shell takes it; a path from the user's home is kept as it was written."""
    rest = path.removeprefix("~")
    return path if shlex.quote(rest) == rest else shlex.quote(os.path.expanduser(path))


def _asks(key: str) -> bool:
    """Say whether a private key has a passphrase; a file that is no key counts as one without."""
    said = _said(["ssh-keygen", "-y", "-P", "", "-f", key])
    return said is not None and said.code != 0 and "passphrase" in said.errors


def _agent_says() -> int:
    said = _said(["ssh-add", "-l"])
    return NO_AGENT if said is None else said.code


def _said(words: list[str]) -> ProgramEnd | None:
    """Run a program of OpenSSH; None if it is missing or hangs."""
    try:
        return run_to_end(words, KEY_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
