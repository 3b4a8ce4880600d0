"""The check of the shell: whether it completes the command's words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.app.doctor.check_result import CheckResult, ok, skipped
from bench.app.doctor.patient import Patient
from bench.errors import OutsideError
from bench.outside.files import MOST_WRITTEN, read_bytes
from bench.outside.programs import decoded

#: For each shell: the file that switches completion on, and the command that writes it once. The
#: file gets the script itself, because a new shell may not find the program: its environment is
#: not activated yet.
SHELLS: Mapping[str, tuple[str, str]] = {
    "bash": (
        "~/.bashrc",
        "{variable}=bash_source {program} >> ~/.bashrc",
    ),
    "zsh": (
        "~/.zshrc",
        "{variable}=zsh_source {program} >> ~/.zshrc",
    ),
    "fish": (
        "~/.config/fish/completions/{program}.fish",
        "mkdir -p ~/.config/fish/completions && "
        "{variable}=fish_source {program} > ~/.config/fish/completions/{program}.fish",
    ),
}


def completion(patient: Patient) -> Iterator[CheckResult]:
    """Look whether this user's shell completes the command's words."""
    name = patient.program.name
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        yield skipped(f"the shell is {shell or 'unknown'}; {', '.join(SHELLS)} complete words")
        return
    file, command = (text.format(variable=variable, program=name) for text in SHELLS[shell])
    try:
        written = read_bytes(Path(os.path.expanduser(file)), MOST_WRITTEN)
        is_on = variable in decoded(written)  # a user's file may hold any bytes
    except OutsideError:
        is_on = False
    if is_on:
        yield ok(f"{shell} completes the words of {name} ({file})")
    else:
        yield skipped(f"{shell} does not complete the words of {name}", command)
