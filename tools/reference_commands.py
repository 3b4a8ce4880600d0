"""The page of the reference about commands: usage, options by section, exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from bench.app.main import GENERAL, command_line
from bench.spec.request import Program
from mnist_bench.cli import NAME, WORKLOAD
from tools import markup

PROGRAM = Program(NAME, WORKLOAD, (NAME,))


def commands() -> str:
    """Return the page."""
    return markup.page(
        "# Commands",
        f"`{NAME} COMMAND --help` prints what this page says of a command. `python -m mnist_bench` "
        f"stands for `{NAME}`, `python -m mnist_bench.run` for `{NAME} run`, and "
        f"`python -m mnist_bench.report` for `{NAME} report`. The options that a workload's axes "
        "make are those of MNIST here; `--workload FILE --help` prints those of another one.",
        _codes(GENERAL.text),
        *(part for context in contexts() for part in _section(context)),
    )


def contexts() -> Iterator[click.Context]:
    """Yield the context of each command, with the whole command as its `info_name`."""
    yield from _below(command_line(PROGRAM).make_context(NAME, [], resilient_parsing=True))


def _below(parent: click.Context) -> Iterator[click.Context]:
    """Yield the contexts of the subcommands of `parent`, and of theirs."""
    group = parent.command
    for name in group.list_commands(parent) if isinstance(group, click.Group) else ():
        command = group.get_command(parent, name)
        assert command is not None
        context = command.make_context(f"{parent.info_name} {name}", [], resilient_parsing=True)
        yield context
        yield from _below(context)


def _section(context: click.Context) -> list[str]:
    command = context.command
    usage = " ".join([str(context.info_name), *command.collect_usage_pieces(context)])
    return [
        f"## {context.info_name}",
        f"```text\n{usage}\n```",
        _paragraphs(command.help or ""),
        *_options(context),
        _codes(command.epilog or "") if not isinstance(command, click.Group) else "",
    ]


def _paragraphs(text: str) -> str:
    """Return a help text with each paragraph on one line."""
    parts = re.split(r"\n\s*\n", text.replace("\b", ""))
    return "\n\n".join(markup.plain(" ".join(part.split())) for part in parts)


def _options(context: click.Context) -> list[str]:
    """Return the title and the table of each section of the help."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts and record[1]:
            title = getattr(parameter, "section", "Options")
            sections.setdefault(title, []).append(record)
    return [
        part
        for title, records in sections.items()
        for part in (
            f"**{title.rstrip(':')}**",
            markup.table(("option", "meaning"), [(f"`{words}`", text) for words, text in records]),
        )
    ]


def _codes(text: str) -> str:
    """Return the exit codes of a help's end as a table."""
    rows = re.findall(r"^ +(\d+) +(.+)$", text, re.MULTILINE)
    return markup.table(("exit code", "meaning"), [(f"`{code}`", said) for code, said in rows])
