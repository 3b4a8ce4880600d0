"""Where the live page can be seen: what the command says about it."""

from __future__ import annotations

import click
import pytest
from command_line import PROGRAM

from bench.app.commands import run_options
from bench.app.commands.run_live import tunnel_command


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, None),
        ({"SSH_CONNECTION": "odd"}, None),
        (
            {"SSH_CONNECTION": "192.0.2.9 50000 192.0.2.1 22", "USER": "ann"},
            "ssh -N -L 8000:127.0.0.1:8000 ann@192.0.2.1",
        ),
        (
            {"SSH_CONNECTION": "192.0.2.9 50000 192.0.2.1 2222"},
            "ssh -N -L 8000:127.0.0.1:8000 -p 2222 192.0.2.1",
        ),
    ],
)
def test_who_came_by_ssh_is_told_the_way_back(environment, command):
    assert tunnel_command(8000, environment) == command


@pytest.mark.parametrize(
    ("words", "port"),
    [
        ([], None),
        (["--serve"], 0),
        (["--serve", "8000"], 8000),
        (["--serve=8000"], 8000),
        (["--serve", "--fresh"], 0),
    ],
)
def test_serve_takes_a_port_or_any_free_one(words, port):
    command = run_options.command(PROGRAM, "")
    with command.make_context("run", list(words)) as context:
        assert run_options.request_of(context.params).serve == port


@pytest.mark.parametrize("word", ["web", "70000"])
def test_a_port_that_is_none_is_refused(word):
    command = run_options.command(PROGRAM, "")
    with pytest.raises(click.UsageError) as refused:
        command.make_context("run", [f"--serve={word}"])
    assert "Invalid value for '--serve'" in refused.value.format_message()
