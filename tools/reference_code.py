"""The pages of the reference about grids, axes, failures, the journal and machine facts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bench.app.commands.schema import KINDS, schema_text
from bench.probe.machine import all_facts
from bench.record.failure import REASONS
from bench.spec.axes import Axis
from bench.spec.grid import expand, with_available
from bench.spec.grid_files import load_grid
from mnist_bench.cli import NAME
from mnist_bench.description import DESCRIPTION
from tools import markup

#: What the types of JSON Schema are called on the page.
TYPES = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "`null`",
}


def grids() -> str:
    """Return the page of the grids that come with the package."""
    whole = replace(DESCRIPTION, axes=tuple(map(_with_all, DESCRIPTION.axes)))
    rows, parts = [], []
    for name, path in DESCRIPTION.grids.items():
        grid = load_grid(name, DESCRIPTION)
        jobs = expand(with_available(grid, whole), whole)
        rows.append((f"[`{name}`](#{name})", len(jobs), grid.about))
        parts += [f"## {name}", f"```yaml\n{path.read_text(encoding='utf-8').strip()}\n```"]
    return markup.page(
        "# Grids",
        "The jobs are counted with every backend installed. [Grids](../grids.md) explains the "
        f"keys, and `{NAME} run --grid NAME --list` prints the jobs of this machine.",
        markup.table(("grid", "jobs", "purpose"), rows),
        *parts,
    )


def _with_all(axis: Axis) -> Axis:
    """Return an axis all of whose values are available, as on a machine with every package."""
    return axis if axis.available is None else replace(axis, available=lambda: axis.choices)


def axes() -> str:
    """Return the page of the axes and metrics of MNIST."""
    jobs = [
        (
            markup.code(axis.name),
            markup.code(axis.key),
            f"`--{axis.key.replace('_', '-')}`",
            ", ".join(map(markup.code, axis.known)) or _kind(axis),
            "" if axis.default is None else markup.code(str(axis.default).lower()),
            markup.code(axis.mark.format("...")) if axis.mark else "",
            axis.meaning,
        )
        for axis in DESCRIPTION.axes
    ]
    metrics = [
        (
            markup.code(metric.name),
            metric.better,
            {"both": "epoch, evaluation"}.get(metric.measured, metric.measured),
            ", ".join(f"{target:g}" for target in metric.targets),
            metric.meaning,
        )
        for metric in DESCRIPTION.metrics
    ]
    return markup.page(
        "# Axes and metrics",
        "An axis is one thing in which jobs differ. An axis without a default must stand in every "
        "sub-grid. [Grids](../grids.md#how-axes-make-keys-and-options) says how keys, options and "
        "names of jobs follow from an axis, and which further keys every workload has.",
        markup.table(
            ("axis", "key of a grid", "option", "values", "default", "in a name", "meaning"), jobs
        ),
        "A metric is one figure of quality. The report says what a training takes until it reaches "
        "each target.",
        markup.table(("metric", "better", "measured at the end of", "targets", "meaning"), metrics),
    )


def _kind(axis: Axis) -> str:
    words = {"int": "a whole number", "float": "a number", "bool": "`true`, `false`"}
    least = "" if axis.least is None else f", {axis.least} or more"
    return words.get(axis.type, "a text") + least


def failures() -> str:
    """Return the page of the reasons why a job gave no measurement."""
    rows = [
        (f"`{reason.name}`", reason.advice, "yes" if reason.again else "no")
        for reason in REASONS.values()
    ]
    return markup.page(
        "# Reasons of failures",
        "A record holds either a measurement or a failure, and a failure has one of these reasons. "
        "[Faults](../faults.md#reasons-of-failures) says when each of them is given, and how often "
        "a job is tried within a run.",
        markup.table(("reason", "what to do", "tried again by the same command"), rows),
    )


def facts() -> str:
    """Return the page of the facts of a machine."""
    rows = [
        (
            f"`{fact.name}`",
            fact.how,
            fact.unit,
            fact.absent or "`null` is a finding: there is no such limit or kind",
        )
        for fact in all_facts()
    ]
    return markup.page(
        "# Machine facts",
        f"`{NAME} machine --json` prints these facts of a machine, and every record holds them. A "
        "fact that cannot be read is `null`, and `unknown` names the reason. "
        "[Know the machine](../machine.md) explains how they are read, and what identifies a "
        "machine.",
        markup.table(("fact", "how it is read", "unit", "when unknown"), rows),
    )


def journal() -> str:
    """Return the page of the fields of a journal's lines."""
    schema = json.loads(schema_text())
    lines = [kind.__name__ for kind in KINDS]
    models = [*lines, *sorted(set(schema["$defs"]) - set(lines))]
    return markup.page(
        "# Fields of a journal",
        "A journal is a file of JSON documents, one a line. The first part of this page shows the "
        "kinds of lines, the second part what lies within them. The end of a name is its unit: "
        "`_s` seconds, `_bytes` bytes, `_hz` hertz, `_usd` US dollars. A field without a remark is "
        "what its name says. [The journal](../journal.md) explains how lines are written and read, "
        "and [`journal.schema.json`](../journal.schema.json) is the same as a JSON Schema.",
        *(part for name in models for part in _model(name, schema["$defs"][name])),
    )


def _model(name: str, model: dict[str, Any]) -> list[str]:
    about = model.get("description", "")
    if "properties" not in model:
        return [f"## {name}", markup.plain(about), f"Values: {_type(model)}."]
    rows = [
        (f"`{field}`", _type(shape), shape.get("description", ""))
        for field, shape in model["properties"].items()
    ]
    paragraphs = [" ".join(part.split()) for part in about.split("\n\n")]
    return [
        f"## {name}",
        *map(_code_kept, paragraphs),
        markup.table(("field", "type", "remark"), rows),
    ]


def _code_kept(text: str) -> str:
    return markup.cell(text).replace("\\|", "|")


def _type(shape: dict[str, Any]) -> str:
    """Return the type of a value of the JSON Schema in words."""
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in shape:
        return f"`{shape['const']}`"
    if "enum" in shape:
        return ", ".join(f"`{value}`" for value in shape["enum"])
    if "anyOf" in shape:
        return " or ".join(dict.fromkeys(map(_type, shape["anyOf"])))
    if shape.get("type") == "array":
        return f"list of {_type(shape['items'])}" if "items" in shape else "list"
    if isinstance(shape.get("additionalProperties"), dict):
        return f"{_type(shape['additionalProperties'])} by name"
    kind = shape.get("type", "any value")
    return TYPES.get(kind, kind)
