"""The subcommands, as rows of a table, and what they share: errors to exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from bench import __version__
from bench.app.commands import cluster, machine, machines, report, run, schema
from bench.errors import BenchError

#: (name, one line of help, module with `add_arguments(parser)` and `execute(arguments) -> int`)
COMMANDS = (
    ("run", "measure this machine and write the report", run),
    ("report", "write the report again from journals, without measuring", report),
    ("machine", "print what this machine is", machine),
    ("machines", "set two machines side by side, field by field", machines),
    ("cluster", "close a cluster before it is up, or say what is missing or open", cluster),
    ("schema", "print the JSON Schema of a record", schema),
)

EXIT_CODES = """\
exit codes: 0 all jobs measured, 1 some failed (the report is still written),
            2 the request itself is wrong, 130 interrupted (the same command goes on)"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="mnist-bench",
        description="Which machine should I train on, and how sure can I be?",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mnist-bench {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, about, module in COMMANDS:
        sub = subparsers.add_parser(
            name,
            help=about,
            description=about[0].upper() + about[1:] + ".",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(execute=module.execute)
    return parser


def run_command(argv: Sequence[str]) -> int:
    """Run the subcommand that `argv` names; return the exit code."""
    try:
        arguments = build_parser().parse_args(argv)
        return arguments.execute(arguments)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before there was anything to keep; a run handles its own
        print("interrupted: nothing was measured", file=sys.stderr)
        return run.INTERRUPTED
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
