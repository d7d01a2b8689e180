"""Read data files row by row; a million rows need no more memory than ten.

Every reader yields ``(line, row)`` and hands what is wrong to a report, with its line.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from famulus_static_html.json_stream import HALF_CHARACTER, STRICT_JSON, is_whole, json_items
from famulus_static_html.reports import Report

Row = dict[str, Any]
_BLOCK = 1 << 20


def check_text(path: Path, report: Report) -> bool:
    """Say whether a file is UTF-8 text without NUL; report the first line that is not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += block.count(b"\n", 0, max(0, error.start - pending))
                byte = error.object[error.start]
                report.add(f"is not UTF-8 (byte 0x{byte:02x}): save it as UTF-8", line)
                return False
            nul = block.find(b"\0")
            if nul >= 0:
                report.add("holds a NUL character", line + block.count(b"\n", 0, nul))
                return False
            if not block:
                return True
            line += block.count(b"\n")


def check_csv(
    path: Path,
    report: Report,
    see: Callable[[int, Row], None] | None = None,
    names: Collection[str] = (),
) -> list[str]:
    """Read a CSV file whole, report everything that is wrong, and return its columns.

    :param see: is called with the line of every good row, and with its values of these ``names``.
    """
    if not check_text(path, report):
        return []
    with _open(path) as file:
        records = _csv_records(file, report)
        header = next(records, None)
        if header is None:
            report.add("is empty: its first line must name the columns", 1)
            return []
        columns = _checked_header(header[1], report)
        if not columns:
            return []
        width, line = len(columns), 0
        wanted = [(index, name) for index, name in enumerate(columns) if name in names]
        for line, fields in records:
            if len(fields) != width:
                _report_width(fields, width, line, report)
            elif see is not None:
                see(line, {name: fields[index] for index, name in wanted})
    if not line:
        report.add("has a header and no rows", 1)
    return columns


def read_csv(path: Path, report: Report) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a CSV file; every value is a string."""
    columns: list[str] = []
    with _open(path) as file:
        for line, fields in _csv_records(file, report):
            if not columns:
                columns = _checked_header(fields, report)
                if not columns:
                    return
            elif len(fields) == len(columns):
                yield line, dict(zip(columns, fields, strict=True))
            else:
                _report_width(fields, len(columns), line, report)


def read_jsonl(path: Path, report: Report) -> Iterator[tuple[int, Row]]:
    """Yield the objects of a file that has one on each line."""
    with _open(path, newline=None) as file:
        line = 0
        for line, text in enumerate(file, 1):
            if not text.strip():
                report.add("is a blank line: take it out", line)
                continue
            try:
                item = STRICT_JSON.decode(text)
            except (ValueError, RecursionError) as error:
                report.add(f"is not JSON: {_reason(error)}", line)
                continue
            if "\\u" in text and not is_whole(item):
                report.add(HALF_CHARACTER, line)
            elif _is_row(item, line, report):
                yield line, item
        if not line:
            report.add("is empty: it must have a JSON object on each line", 1)


def read_json(path: Path, report: Report) -> Iterator[tuple[int, Row]]:
    """Yield the objects of a JSON list, one at a time."""
    with _open(path) as file:
        for line, item in json_items(file, report):
            if _is_row(item, line, report):
                yield line, item


def _open(path: Path, newline: str | None = "") -> TextIO:
    return path.open(encoding="utf-8-sig", newline=newline)


def _csv_records(file: TextIO, report: Report) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not blank, each with the line it begins on."""
    reader = csv.reader(file, strict=True)
    begins = 1
    try:
        for fields in reader:
            if fields:
                yield begins, fields
            begins = reader.line_num + 1
    except csv.Error as error:
        report.add(_csv_reason(error), begins)


def _csv_reason(error: csv.Error) -> str:
    reason = str(error)
    if "field limit" in reason:
        return (
            f"has a value longer than {csv.field_size_limit()} characters, the most that is read "
            "from CSV: give the data as data_jsonl"
        )
    if "unexpected end" in reason:
        return "opens a quote that is never closed"
    return f"is not CSV: {reason}"


def _checked_header(fields: list[str], report: Report) -> list[str]:
    columns = [name.strip() for name in fields]
    faults = [f"column {number} has no name" for number, name in enumerate(columns, 1) if not name]
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    faults += [f"has the column {name!r} more than once" for name in repeated]
    for fault in faults:
        report.add(fault, 1)
    return [] if faults else columns


def _report_width(fields: list[str], width: int, line: int, report: Report) -> None:
    much = "many" if len(fields) > width else "few"
    report.add(f"has too {much} fields: {len(fields)}, where the header has {width}", line)


def _is_row(item: Any, line: int, report: Report) -> bool:
    if not isinstance(item, dict):
        found = json.dumps(item, ensure_ascii=False)
        shown = found if len(found) <= 40 else f"{found[:37]}..."
        report.add(f"is not an object but {shown}", line)
        return False
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
