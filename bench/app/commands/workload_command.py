"""A command whose options follow from a workload that its own words name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from bench.app.options import Command, workload_option
from bench.child.workload import load_workload
from bench.spec.description import Description
from bench.spec.request import Program


class WorkloadCommand(Command):
    """A command whose options follow from the workload that the words of each call name."""

    def __init__(
        self,
        name: str,
        program: Program,
        options: Callable[[Description, Program], list[click.Parameter]],
        **fields: Any,
    ) -> None:
        super().__init__(name, **fields)
        self._program, self._options = program, options

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of a call with the options of the workload that `args` name."""
        workload = load_workload(workload_named(args, self._program))
        self.params = self._options(workload.description, self._program)
        return super().make_context(info_name, args, parent, **extra)


def workload_named(args: Sequence[str], program: Program) -> str:
    """Return the workload that the words of a run name; the options follow from it.

    Every other word is ignored, as its meaning is unknown until the workload is read.
    """
    reader = click.Command(
        "run",
        params=[workload_option(program)],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    context = reader.make_context("run", list(args), resilient_parsing=True)
    return context.params.get("workload") or program.workload
