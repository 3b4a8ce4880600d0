"""`mnist-bench schema`: the JSON Schema of a journal's lines."""

from __future__ import annotations

import argparse
import json

from pydantic.json_schema import models_json_schema

from bench.record.lines import SCHEMA_VERSION, JobRecord, MachineEntry, RunHeader, SiteEntry

#: What a line of a journal may be: the header first, then any of the others.
LINES = (RunHeader, JobRecord, MachineEntry, SiteEntry)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments: it has none."""


def execute(arguments: argparse.Namespace) -> int:
    """Print the schema of the present version."""
    print(schema_text(), end="")
    return 0


def schema_text() -> str:
    """Return the JSON Schema of the header (first line) and of every further line."""
    _, schema = models_json_schema(
        [(line, "serialization") for line in LINES],
        title=f"mnist-bench journal, schema version {SCHEMA_VERSION}",
    )
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["anyOf"] = [{"$ref": f"#/$defs/{line.__name__}"} for line in LINES]
    return json.dumps(schema, indent=1) + "\n"
