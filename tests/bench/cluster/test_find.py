"""The token of a head: found among whatever a login prints, and never shown in an error.

ssh is a stand-in that runs the command that it is given in a home of its own, between what a
login's files print.
"""

from __future__ import annotations

import shlex

import pytest
from conftest import ROOT

from bench.cluster import find
from bench.cluster.config import read_cluster_file
from bench.cluster.find import MARK, token_in

TOKEN = "0123456789abcdef0123456789abcdef"

#: What .bashrc and .bash_logout may print.
NOISE = ["", "Welcome to gpu01\n", "Connection-closed\n", f"{TOKEN[::-1]}\n", "Gr\\374\\337e\n"]


@pytest.fixture
def head(tmp_path, monkeypatch):
    """A function that returns the token which is found on a head with these files."""

    def of(greeting="", token=None, farewell="", shell="sh"):
        home, tools = tmp_path / "home", tmp_path / "bin"
        (home / ".ray").mkdir(parents=True)
        tools.mkdir()
        if token is not None:
            (home / ".ray" / "auth_token").write_text(token)
        lines = [
            "#!/bin/sh",
            "for word; do :; done",
            f"printf {shlex.quote(greeting)}",
            f'HOME={shlex.quote(str(home))} {shell} -c "$word" || exit',
            f"printf {shlex.quote(farewell)}",
        ]
        (tools / "ssh").write_text("\n".join(lines) + "\n")
        (tools / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        answer = {"head": "127.0.0.1", "user": "me", "key": None}
        monkeypatch.setattr(find, "ask_head", lambda path: answer)
        return find.up(read_cluster_file(ROOT / "clusters" / "onprem.yaml")).token

    return of


@pytest.mark.parametrize("greeting", NOISE)
@pytest.mark.parametrize("farewell", NOISE)
def test_the_token_is_found_among_what_the_login_prints(head, greeting, farewell):
    assert head(greeting, TOKEN, farewell) == TOKEN


@pytest.mark.parametrize("token", [None, "", "short", "no token here", "\n\n"], ids=repr)
@pytest.mark.parametrize("noise", NOISE)
def test_where_there_is_no_token_none_is_found(head, token, noise):
    assert head(noise, token, noise) is None


@pytest.mark.parametrize("token", [TOKEN, f"{TOKEN}\n", f"{TOKEN}\nrest\n", "made.by-hand_~+/="])
def test_a_token_s_file_may_end_as_it_likes_if_one_line_is_the_token(head, token):
    assert head(token=token) == token.split("\n")[0]


@pytest.mark.parametrize(
    ("said", "token"),
    [
        (f"Welcome to gpu01\n{TOKEN}\n", TOKEN),
        ("Welcome to gpu01\n", None),
        ("Welcome-to-gpu01\n", None),
        ("Connection-closed\n", None),
        ("", None),
        (f"{MARK}\n{TOKEN}\n", None),
    ],
)
def test_a_login_that_runs_another_command_gives_a_random_token_or_none(said, token):
    assert token_in(said) == token
