"""Records as JSON lines and as CSV."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from famulus.model.fields import dump_json

Record = Mapping[str, Any]
#: Writes records to a stream and returns their number; the folder is for what it sets aside.
Writer = Callable[[Iterable[Record], TextIO, Path | None], int]

#: The columns that every CSV has, the data's and the answers' standing before the last.
_FIRST = (
    "run",
    "task",
    "unit",
    "assignment",
    "row",
    "unit_index",
    "unit_status",
    "agent",
    "agent_status",
    "worker",
    "provider",
    "started_at",
    "submitted_at",
    "duration_seconds",
    "late",
    "unanswered",
    "counts",
    "review_decision",
    "review_note",
    "reviewed_at",
    "reward",
    "reward_status",
    "bonus",
    "bonus_status",
    "currency",
)
_LAST = ("files",)


def write_jsonl(records: Iterable[Record], stream: TextIO, _folder: Path | None = None) -> int:
    """Write a line a record; return their number."""
    number = 0
    for record in records:
        stream.write(f"{dump_json(record)}\n")
        number += 1
    return number


def write_csv(records: Iterable[Record], stream: TextIO, folder: Path | None = None) -> int:
    """Write a header with every column that any record has, then a row a record.

    The records are set aside in a file while their columns are collected: memory stays small, and
    answers that come meanwhile cannot bring a column that the header lacks.

    :param folder: where to set them aside; unless given, where temporary files go.
    """
    names: dict[str, None] = {}
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder) as aside:
        for record in records:
            flat = _flat(record)
            names.update(dict.fromkeys(flat))
            aside.write(f"{dump_json(flat)}\n")
        aside.seek(0)
        return _write_rows(map(json.loads, aside), _columns(names), stream)


def _write_rows(rows: Iterator[Record], columns: list[str], stream: TextIO) -> int:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    number = 0
    for row in rows:
        writer.writerow([row.get(column, "") for column in columns])
        number += 1
    return number


def _columns(names: Iterable[str]) -> list[str]:
    found = list(names)
    inputs = [name for name in found if name.startswith("input.")]
    outputs = [name for name in found if name.startswith("output")]
    return [*_FIRST, *inputs, *outputs, *_LAST]


def _flat(record: Record) -> dict[str, str]:
    cells = {name: record[name] for name in (*_FIRST, *_LAST)}
    cells |= {f"input.{name}": value for name, value in record["inputs"].items()}
    outputs = record["outputs"]
    if isinstance(outputs, Mapping):
        cells |= {f"output.{name}": value for name, value in outputs.items()}
    else:
        cells["output"] = outputs
    return {name: _cell(value) for name, value in cells.items()}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_json(value)


_WRITERS: Mapping[str, Writer] = MappingProxyType({"jsonl": write_jsonl, "csv": write_csv})


def writer(name: str) -> Writer:
    """Return what writes a format by its name, ``jsonl`` or ``csv``."""
    return _WRITERS[name]
