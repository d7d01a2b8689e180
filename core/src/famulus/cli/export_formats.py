"""Records as JSON lines and as CSV."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from famulus.data.export import COLUMNS
from famulus.data.item_records import ITEM
from famulus.model.fields import dump_json

Record = Mapping[str, Any]
#: Writes records to a stream and returns their number; the folder is for what it sets aside.
Writer = Callable[[Iterable[Any], TextIO, Path | None], int]

#: Holds answers whose names have no column of their own.
_OTHERS = "other_outputs"
_LAST = ("files",)
#: Names of answers with a column of their own; a form can be sent with any number of made-up ones.
_MOST_OUTPUTS = 300
_OUTPUT = "output."
#: What spreadsheets take for the beginning of a formula, or leave out before one.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
#: What ``str.splitlines`` and JavaScript take for the end of a line, and JSON allows in a string.
_LINE_SEPARATORS = ("\x85", "\u2028", "\u2029")
#: Lines written at once.
_BLOCK = 500


def write_jsonl(records: Iterable[Record], stream: TextIO, _folder: Path | None = None) -> int:
    """Write one line per record, like :func:`write_lines`; return their number."""
    return write_lines(map(dump_json, records), stream)


def write_lines(lines: Iterable[str], stream: TextIO, _folder: Path | None = None) -> int:
    """Write records that are JSON already, one per line; return their number.

    Characters that some readers take for the end of a line are escaped.
    """
    number = 0
    remaining = iter(lines)
    while block := list(islice(remaining, _BLOCK)):
        text = "\n".join(block)
        if not text.isascii():
            for separator in _LINE_SEPARATORS:
                text = text.replace(separator, f"\\u{ord(separator):04x}")
        stream.write(f"{text}\n")
        number += len(block)
    return number


def write_csv(records: Iterable[Record], stream: TextIO, folder: Path | None = None) -> int:
    """Write a header with every column that any record has, then one row per record.

    The 300 most frequent answers have columns of their own; all others are together in the column
    ``other_outputs``, as JSON.

    The records are set aside in a file while their columns are collected: memory stays small, and
    later answers cannot add a column that the header lacks.

    :param folder: the folder for that file; the system's temporary folder unless given.
    """
    names = Counter[str]()
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder) as aside:
        for record in records:
            flat = _flat(record)
            names.update(flat.keys())
            aside.write(f"{dump_json(flat)}\n")
        aside.seek(0)
        return _write_rows(map(json.loads, aside), _columns(names), stream)


def write_spreadsheet(records: Iterable[Record], stream: TextIO, folder: Path | None = None) -> int:
    """Write CSV like :func:`write_csv`, but without formulas for a spreadsheet to run.

    A text that looks like a formula gets an apostrophe in front.
    """
    return write_csv(map(without_formulas, records), stream, folder)


def _write_rows(rows: Iterator[dict[str, str]], columns: list[str], stream: TextIO) -> int:
    writer = csv.writer(stream, lineterminator="\n")
    # Before Python 3.13, csv does not quote a carriage return, which ends a row for its readers.
    quoting = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    (quoting if "\r" in "".join(columns) else writer).writerow(columns)
    known = frozenset(columns)
    number = 0
    for row in rows:
        others = {
            name.removeprefix(_OUTPUT): value for name, value in row.items() if name not in known
        }
        if others:
            row[_OTHERS] = dump_json(others)
        cells = [row.get(column, "") for column in columns]
        (quoting if any("\r" in cell for cell in cells) else writer).writerow(cells)
        number += 1
    return number


def _columns(names: Counter[str]) -> list[str]:
    inputs = [name for name in names if name.startswith("input.")]
    outputs = [name for name in names if name.startswith("output")]
    if len(outputs) > _MOST_OUTPUTS:
        # Of equally frequent names those that came first.
        kept = frozenset(sorted(outputs, key=lambda name: -names[name])[:_MOST_OUTPUTS])
        outputs = [*(name for name in outputs if name in kept), _OTHERS]
    item = [ITEM] if ITEM in names else []
    return [*COLUMNS, *item, *inputs, *outputs, *_LAST]


def without_formulas(record: Record) -> Record:
    """Put an apostrophe before texts from outside that a spreadsheet would run."""
    return {name: _defused(value) for name, value in record.items()}


def _defused(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _defused(each) for name, each in value.items()}
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _flat(record: Record) -> dict[str, str]:
    cells = {name: record[name] for name in (*COLUMNS, *_LAST)}
    if ITEM in record:
        cells[ITEM] = record[ITEM]
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


_WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "jsonl": write_jsonl,
        "csv": write_csv,
        "spreadsheet": write_spreadsheet,
    }
)


def writer(name: str) -> Writer:
    """Return the function that writes a format: ``jsonl``, ``csv`` or ``spreadsheet``."""
    return _WRITERS[name]
