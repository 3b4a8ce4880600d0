"""The command `schema`: the JSON Schema of a journal's lines."""

from __future__ import annotations

import json
from typing import get_args

import click
from pydantic.json_schema import models_json_schema

from bench.app.options import Command, ExitCodes
from bench.record.lines import SCHEMA_VERSION, Line, RunHeader
from bench.spec.request import Program

#: What a line of a journal may be: the header first, then any of the others.
KINDS = (RunHeader, *get_args(Line))

#: What ends every line (bench/record/seal.py).
SEAL = {
    "line": {
        "type": "integer",
        "minimum": 1,
        "description": "counts the lines of the run in the journal",
    },
    "crc32": {
        "type": "string",
        "pattern": "^[0-9a-f]{8}$",
        "description": 'CRC-32 of the bytes of the line before `,"crc32"`',
    },
}


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "schema",
        exit_codes=ExitCodes("the schema was printed", "the output could not be written"),
        help=about,
        callback=lambda: execute,
    )


def execute() -> int:
    """Print the schema of the present version."""
    print(schema_text(), end="")
    return 0


def schema_text() -> str:
    """Return the JSON Schema of the header and of every other line."""
    _, schema = models_json_schema(
        [(line, "serialization") for line in KINDS],
        title=f"benchmark journal, schema version {SCHEMA_VERSION}",
    )
    for line in KINDS:
        schema["$defs"][line.__name__]["properties"] |= SEAL
        schema["$defs"][line.__name__].setdefault("required", []).extend(SEAL)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["anyOf"] = [{"$ref": f"#/$defs/{line.__name__}"} for line in KINDS]
    return json.dumps(schema, indent=1) + "\n"
