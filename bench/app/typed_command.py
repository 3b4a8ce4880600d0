"""The command that a user typed, as a journal and a report may show it."""

from __future__ import annotations

import shlex

from bench.child.workload import Workload
from bench.spec.privacy import Privacy
from bench.spec.request import Program

#: Words of a command line that a host may be called too, beside options and the workload's words.
COMMAND_WORDS = (
    *("python", "run", "report", "all", "max", "auto", "ray", "inline", "end", "every", "step"),
    *("total", "p10", "reports"),
)


def shown_command(program: Program, privacy: Privacy, workload: Workload) -> str:
    """Return the typed command without private names.

    A host may be called like a word of the command, such as `full`: that word is kept.
    """
    options = (word.removeprefix("--") for word in program.typed if word.startswith("--"))
    words = (program.name, *COMMAND_WORDS, *options, *workload.description.words)
    return privacy.redacted(shlex.join(program.typed), own=words)
