"""A table as Parquet: typed columns, null for unknown, and the meaning of each column beside it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.column import Column, Table

#: The package that writes Parquet; the extra `report` installs it.
PACKAGE = "pyarrow"

#: So many rows are written at a time; a table of more rows has several row groups.
GROUP_ROWS = 25_000

#: The largest whole number of a column of whole numbers.
MOST = 2**63 - 1


#: The kind of all values of a type; whole numbers may be too large, and lists hold other values.
_ALIKE: Mapping[type, str] = {bool: "bool", float: "float", str: "text"}


def is_available() -> bool:
    """Whether Parquet can be written here."""
    return importlib.util.find_spec(PACKAGE) is not None


def table_parquet(table: Table) -> bytes:
    """Return every row and key of `table` as a Parquet file.

    A column is of truth values, whole numbers, numbers, texts, or lists of one of these. A mapping,
    and a column of unlike values, are JSON texts. The metadata of a column hold its heading, unit
    and meaning, and which values are better; those of the file hold the table's title and notes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = {column.key: column for column in table.columns}
    columns, fields = [], []
    for key in table.keys:
        values = table.values(key)
        kind = _kind(values) or ("float" if _is_number(about.get(key)) else "text")
        columns.append((values, kind))
        fields.append(pa.field(key, _arrow(kind, pa), metadata=_metadata(about.get(key))))
    told = {"title": _text(table.title), "notes": json.dumps(list(table.notes))}
    schema, sink = pa.schema(fields, metadata=told), pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema) as writer:
        for start in range(0, len(table.rows) or 1, GROUP_ROWS):
            rows = slice(start, start + GROUP_ROWS)
            arrays = [
                pa.array(_cast(values[rows], kind), type=field.type)
                for (values, kind), field in zip(columns, fields, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return bytes(sink.getvalue())


def _kind(values: Sequence[Any]) -> str | None:
    """Return the kind of the known values of a column; None if no value is known."""
    types = set(map(type, values)) - {type(None)}
    if types <= _ALIKE.keys():  # all values of such a type are of one kind
        kinds = {_ALIKE[one] for one in types}
    else:
        kinds = {_kind_of(value) for value in values if value is not None}
    if not kinds:
        return None
    if kinds == {"list"}:
        inner = _kind([item for value in values if value is not None for item in value])
        return "json" if inner == "json" else f"list {inner or 'text'}"
    if kinds <= {"int", "float"}:
        return "float" if "float" in kinds else "int"
    return kinds.pop() if len(kinds) == 1 else "json"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) <= MOST else "float"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "json"


def _cast(values: Sequence[Any], kind: str) -> list[Any]:
    if kind == "json":
        return [_json(value) for value in values]
    if kind == "float":
        return [None if value is None else float(value) for value in values]
    if kind == "text":
        known = {value: None if value is None else _text(value) for value in set(values)}
        return [*map(known.__getitem__, values)]
    if kind.startswith("list "):
        inner = kind.removeprefix("list ")
        return [None if value is None else _cast(value, inner) for value in values]
    return list(values)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, allow_nan=False)


def _text(value: str) -> str:
    """Return `value` as UTF-8 can hold it: a file name may hold a lone surrogate."""
    return value.encode(errors="backslashreplace").decode()


def _arrow(kind: str, pa: Any) -> Any:
    """Return the Arrow type of a kind; `pa` is pyarrow, which a caller has imported."""
    if kind.startswith("list "):
        return pa.list_(_arrow(kind.removeprefix("list "), pa))
    types = {"bool": pa.bool_, "int": pa.int64, "float": pa.float64}
    return types.get(kind, pa.string)()


def _is_number(column: Column | None) -> bool:
    """Whether a column without a known value is one of numbers."""
    return column is not None and column.numeric


def _metadata(column: Column | None) -> Mapping[str, str] | None:
    if column is None:
        return None
    told = {
        "heading": column.heading,
        "unit": column.unit,
        "meaning": column.meaning,
        "better": column.better or "",
    }
    return {name: _text(text) for name, text in told.items() if text}
