"""What the commands share of their options: help in sections, names of machines, near misses."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from click.shell_completion import CompletionItem

from bench.app.labels import labels_in
from bench.spec.limits import MOST_AMOUNT
from bench.spec.request import REPORTS, Program
from bench.text import did_you_mean, is_near_miss

#: What every command of the program is made with.
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}

#: The exit code of a condition of the user's that is met.
CONDITION_MET = 3

EXIT_CODES = """\b
Exit codes:
  0    {0.done}
  1    {0.failed}
  2    the request itself is wrong
{0.condition_line}  130  {0.interrupted}"""

#: What `--price` takes.
PRICE = (
    "dollars an hour (0.35), what the machine cost and its years of use (1800/4y), or a YAML file "
    "of rules; a bare figure applies to this machine alone, not to a cluster's nodes"
)


@dataclass(frozen=True)
class ExitCodes:
    """What the exit codes of a command stand for, in words.

    `condition` is empty if the command has no condition that a user can set.
    """

    done: str
    failed: str
    interrupted: str = "interrupted"
    condition: str = ""

    @property
    def condition_line(self) -> str:
        """The line of the exit code of a condition that is met."""
        return f"  {CONDITION_MET}    {self.condition}\n" if self.condition else ""

    @property
    def text(self) -> str:
        """The end of the command's help."""
        return EXIT_CODES.format(self)


class Option(click.Option):
    """An option with the title of the section of the help in which it stands."""

    def __init__(self, *words: str, section: str = "Options", **fields: Any) -> None:
        super().__init__(words, **fields)
        self.section = section


class CommandGroup(click.Group):
    """A command with subcommands, which the help lists in the order in which they were given."""

    def __init__(self, name: str, commands: Sequence[click.Command], **fields: Any) -> None:
        super().__init__(
            name, commands=commands, context_settings=SETTINGS, no_args_is_help=True, **fields
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(self.commands)


class Command(click.Command):
    """A command whose help shows its options in titled sections, and its exit codes.

    `instead` says what to do in place of options that a user may expect but that do not exist.
    """

    def __init__(
        self,
        name: str,
        *,
        exit_codes: ExitCodes,
        instead: Mapping[str, str] = MappingProxyType({}),
        **fields: Any,
    ) -> None:
        super().__init__(name, context_settings=SETTINGS, epilog=exit_codes.text, **fields)
        self._instead = instead

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; every error names this command, so that its help is the next step."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise self._no_option(error, ctx) from None
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # the parser itself knows no context
            raise

    def _no_option(self, error: click.NoSuchOption, ctx: click.Context) -> click.NoSuchOption:
        """Return the error with what to do instead, or with the options that may be meant."""
        word = error.option_name
        message = f"No such option {word!r}"
        if word in self._instead:
            return click.NoSuchOption(word, f"{message}: {self._instead[word]}", ctx=ctx)
        name = word.lstrip("-")
        meant = [one for one in error.possibilities or () if is_near_miss(name, one.lstrip("-"))]
        return click.NoSuchOption(word, f"{message}.", meant, ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section with its options, in the order in which sections first appear."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx)
            if row is not None:
                sections.setdefault(_section(param), []).append(row)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _section(param: click.Parameter) -> str:
    """Return the title of the section of the help in which a parameter stands."""
    usual = "Arguments" if isinstance(param, click.Argument) else "Help"
    title: str = getattr(param, "section", usual)
    return title


class OneOf(click.Choice[str]):
    """One of several words; a near miss is answered with the word that was probably meant."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return the message for a value that is not one of the words."""
        return f"{value!r} is unknown: {near_miss(str(value), self.choices)}"


class MachineName(click.ParamType[str]):
    """The name of a machine, or several with commas between them.

    The shell completes it from the journals that the command is given, or else from those of the
    folder of reports, which the parameter called `folder` names.
    """

    name = "name"

    def __init__(self, *, several: bool = True, folder: str | None = "out") -> None:
        self._several, self._folder = several, folder

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the labels of the measured machines that the last name may become."""
        done, comma, word = incomplete.rpartition(",") if self._several else ("", "", incomplete)
        journals = ctx.args if "journals" in ctx.params else []  # a line that is not done yet
        given: list[Any] = journals or [ctx.params.get(self._folder or "") or REPORTS]
        known = labels_in(Path(place) for place in given)
        return [
            CompletionItem(f"{done}{comma}{label}") for label in known if label.startswith(word)
        ]


#: A whole number that is at least 1.
POSITIVE = click.IntRange(1, int(MOST_AMOUNT))


class HomePath(click.Path):
    """A path in which `~` is the user's home, also in `--out=~/reports`, which a shell keeps."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path with the user's home in the place of `~`."""
        return Path(os.path.expanduser(os.fsdecode(super().convert(value, param, ctx))))


#: A file or folder.
PATH = HomePath(path_type=Path)


def near_miss(word: str, known: Sequence[str]) -> str:
    """Return what to type instead of `word`: the nearest of the known words, and all of them."""
    return f"{did_you_mean(word, known)}use one of {', '.join(known)}"


def workload_option(program: Program, section: str = "Options") -> Option:
    """Return the option that names the workload."""
    return Option(
        "--workload",
        section=section,
        metavar="FILE|MODULE:NAME",
        default=program.workload,
        help="what is measured: a Python file or a module's attribute that holds a workload",
    )


def only_option(what: str, *, folder: str | None = "out") -> Option:
    """Return the option that chooses machines; `what` says what holds of them.

    `folder` is the parameter that names the folder of reports, None if the command has none.
    """
    return Option(
        "--only",
        type=MachineName(folder=folder),
        multiple=True,
        metavar="A,B",
        help=f"{what}: labels, names in the report, or first letters of ids",
    )


def out_option(help_: str, section: str = "Options") -> Option:
    """Return the option that names the folder of reports."""
    return Option(
        "--out", section=section, type=PATH, metavar="FOLDER", default=REPORTS, help=help_
    )


def by_option(what: str) -> Option:
    """Return the option that names a quantity; `what` says what is done with it."""
    return Option(
        "--by",
        type=OneOf(["step", "total", "p10"]),
        default="step",
        help=f"what is {what}: the mean step (epoch over steps), the total, or the p10",
    )


def price_option(help_: str = PRICE, section: str = "Options") -> Option:
    """Return the option that states what a machine costs."""
    return Option("--price", section=section, metavar="USD|USD/4y|FILE", help=help_)


def flag(word: str, help_: str, section: str = "Options", expose_as: str | None = None) -> Option:
    """Return an option without a value; `expose_as` is its name in the program, if another."""
    words = (word, expose_as) if expose_as else (word,)
    return Option(*words, section=section, is_flag=True, help=help_, show_default=False)
