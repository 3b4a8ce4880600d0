"""The answer of Ray's launcher, among all that Ray prints: a stand-in for its process prints it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.dispatch import launcher
from bench.dispatch.launcher import MARK, ask_head
from bench.errors import DispatchError
from bench.text import printable

HEAD = '{"head": "10.0.0.1", "user": "ubuntu", "key": null}'


@pytest.fixture
def ray_prints(tmp_path, monkeypatch):
    """A function that lets the launcher's process print these bytes, and end with this code."""

    def put(out, errors=b"", code=0):
        script = tmp_path / "python"
        parts = f"os.write(1, {out!r}); os.write(2, {errors!r}); sys.exit({code})"
        script.write_text(f"#!{sys.executable} -I\nimport os, sys; {parts}\n")
        script.chmod(0o755)
        monkeypatch.setattr(launcher.sys, "executable", str(script))

    return put


def answer(text):
    return f"{MARK}{text}\n".encode()


@pytest.mark.parametrize(
    "before", [b"", b"Loaded cached config\n", b"Gr\xfc\xdfe\n", b'{"head": 1}\n']
)
@pytest.mark.parametrize("after", [b"", b"a warning after the answer\n", b"Gr\xfc\xdfe\n"])
def test_the_answer_is_found_among_whatever_ray_prints(ray_prints, before, after):
    ray_prints(before + answer(HEAD) + after)
    assert ask_head(Path("c.yaml")) == {"head": "10.0.0.1", "user": "ubuntu", "key": None}


def test_a_cluster_that_is_not_up_has_no_head(ray_prints):
    ray_prints(answer('{"head": null}'))
    assert ask_head(Path("c.yaml"))["head"] is None


@pytest.mark.parametrize(
    ("out", "errors", "code", "seen"),
    [
        (b"no answer\n", b"", 0, "it printed no answer"),
        (b"", b"first\nGr\xfc\xdfe \x1b[2J\n\n", 1, "Gr\ufffd\ufffde"),
        (answer(HEAD), b"it failed afterwards\n", 1, "it failed afterwards"),
        (answer("expected"), b"", 0, "line 1"),
        (answer('{"head": "10.0.0.1"}'), b"", 0, "no user for ssh"),
        (answer(HEAD.replace("10.0.0.1", "-oProxyCommand=x")), b"", 0, "head"),
        (answer(HEAD.replace("ubuntu", "u;touch x")), b"", 0, "user"),
        (b"", b"x" * 100_000, 1, "xxx"),
    ],
    ids=repr,
)
def test_what_is_no_answer_is_an_error_with_the_file_and_the_next_step(
    ray_prints, out, errors, code, seen
):
    ray_prints(out, errors, code)
    with pytest.raises(
        DispatchError, match=r"failed on c\.yaml.*ray get-head-ip c\.yaml"
    ) as caught:
        ask_head(Path("c.yaml"))
    said = str(caught.value)
    assert seen in said
    assert printable(said) == said
    assert len(said) < 600
