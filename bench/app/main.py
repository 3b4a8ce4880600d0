"""The command line: its commands as a table, and errors turned into messages and exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from bench import __version__, stops
from bench.app.options import CommandGroup, ExitCodes
from bench.app.output import Outputs, forgiving
from bench.errors import BenchError, RequestError, StoreError, WorkloadError
from bench.outside.environment import ensure_home
from bench.outside.exits import no_exit
from bench.outside.words import check_words
from bench.spec.request import Program
from bench.text import shortened, visible

#: The commands: name, the first line of their help, and the module with `command(program, about)`.
#: A module is imported only for its own command, so that no command waits for another's imports.
COMMANDS = (
    ("run", "Measure this machine and the cluster, and write the report.", "run_options"),
    ("report", "Write the report again from journals, without measuring.", "report"),
    ("choose", "Say which machine reaches a target in time and for the money.", "choose"),
    ("compare", "Say which machine is faster, by how much, and how sure that is.", "compare"),
    (
        "history",
        "Show a machine over its sittings, and what changed when its speed did.",
        "history",
    ),
    ("machine", "Print what this machine is.", "machine"),
    ("machines", "List the machines that were measured, or set two side by side.", "machines"),
    ("export", "Write the results for another program: pyperf, JUnit or OpenMetrics.", "export"),
    ("share", "Write journals without private data, to be sent to others.", "share"),
    ("cluster", "Close a cluster before it is up, or say what is missing or open.", "cluster"),
    ("doctor", "Say what would stop a run here, and the command that mends it.", "doctor"),
    ("schema", "Print the JSON Schema of a journal's lines.", "schema"),
)

#: The exit code of each class of errors; the first class that fits counts. The user named the
#: journal that cannot be read (StoreError), and the workload whose options are wrong
#: (WorkloadError), so these two are wrong requests too.
EXIT_CODE_OF: Mapping[type[BenchError], int] = {
    RequestError: 2,
    StoreError: 2,
    WorkloadError: 2,
    BenchError: 1,
}

#: The exit code of a fault of this program. It is the one of any other failure.
FAULT = 1

#: The exit codes in general; the help of each command says what they stand for there.
GENERAL = ExitCodes(
    "done",
    "something failed or is missing, or it could not be written",
    condition="a condition that you set is met (compare --fail-if-slower)",
)

COMPLETION = """\b
Completion of words in your shell (bash, zsh or fish):
  {program} doctor completion    prints the command that installs it
"""


class LazyCommand(click.Command):
    """A command whose module is imported once the command is used."""

    def __init__(self, name: str, about: str, module: str, program: Program) -> None:
        super().__init__(name, help=about)
        self._module, self._program, self._about = f"bench.app.commands.{module}", program, about

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of the command that the module makes."""
        made: click.Command = importlib.import_module(self._module).command(
            self._program, self._about
        )
        try:
            return made.make_context(info_name, args, parent, **extra)
        except BenchError:
            if not extra.get("resilient_parsing"):
                raise
        # completion offers nothing for a wrong workload, and never fails
        return click.Command(info_name).make_context(info_name, args, parent, **extra)


def command_line(program: Program) -> click.Group:
    """Return the command line of `program`. A command, once parsed, gives what is to be called."""
    completion = COMPLETION.format(program=program.name)
    group = CommandGroup(
        program.name,
        commands=[LazyCommand(*row, program) for row in COMMANDS],
        help="Which machine should I train on, and how sure can I be?",
        epilog=f"{GENERAL.text}\n\n{completion}",
    )
    version = click.version_option(__version__, message=f"{program.name} %(version)s")
    return version(group)


def main(argv: Sequence[str], program: Program) -> int:
    """Do what `argv` asks for; return the exit code."""
    return stops.guarded(lambda: _run(argv, program), say_interrupted)


def say_interrupted() -> None:
    """Say that a signal ended the command. A run says it itself once it measures."""
    print(f"interrupted: {stops.words()}", file=sys.stderr)


def _run(argv: Sequence[str], program: Program) -> int:
    with forgiving() as outputs:
        return _code_of_output(_execute(argv, program), argv, outputs)


def _code_of_output(code: int, argv: Sequence[str], outputs: Outputs) -> int:
    """Return the exit code, which is 1 if the answer could not be written.

    What `run` prints is no answer: its results are files.
    """
    if code != 0 or outputs.lost is None or argv[:1] == ["run"]:
        return code
    print(f"error: standard output is incomplete (seen: {outputs.lost.strerror})", file=sys.stderr)
    return 1


def _execute(argv: Sequence[str], program: Program) -> int:
    try:
        ensure_home()
        check_words(argv)
        parsed: Any = command_line(program).main(
            list(argv), prog_name=program.name, standalone_mode=False
        )
        with no_exit():  # the end of completion, above, is meant
            return int(parsed() if callable(parsed) else parsed)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else program.name
        message = visible(shortened(error.format_message()))
        end = "" if message.endswith((".", "?")) else "."
        print(f"error: {message}{end} Next: {path} --help", file=sys.stderr)
        return 2
    except BenchError as error:
        print(f"error: {program.spoken(str(error))}", file=sys.stderr)
        return next(code for kind, code in EXIT_CODE_OF.items() if isinstance(error, kind))
    except (KeyboardInterrupt, click.Abort):  # a run handles its own once it measures
        say_interrupted()
        return stops.INTERRUPTED
    except Exception as error:  # the last catch: every error that a user can mend is a BenchError
        if _is_by_signal(error) or _is_missing_package(error, program):
            raise  # what the caller tells
        from bench.app.fault import lines_of

        lines = lines_of(error, argv, program)
        if stops.arrived():  # the signal may have caused the error
            say_interrupted()
            seen = type(error).__name__
            lines = [f"note: a {seen} came after the signal; its details lie with those of faults"]
        print(*lines, sep="\n", file=sys.stderr)
        return stops.INTERRUPTED if stops.arrived() else FAULT


def _is_by_signal(error: BaseException | None) -> bool:
    """Return whether an error came while the interrupt of a signal was answered."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _is_missing_package(error: Exception, program: Program) -> bool:
    """Return whether a package that is not of this project could not be imported."""
    package = (getattr(error, "name", None) or "").partition(".")[0]
    own = ("", __name__.partition(".")[0], program.workload.partition(".")[0])
    return isinstance(error, ImportError) and package not in own
