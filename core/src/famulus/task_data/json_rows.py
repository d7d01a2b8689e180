"""Read data files of JSON row by row; a million rows need no more memory than ten.

Every reader yields ``(line, row)`` and hands what is wrong to a report, with its line.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from famulus.task_data.json_stream import HALF_CHARACTER, STRICT_JSON, is_whole, json_items
from famulus.task_data.reports import Report

Row = dict[str, Any]
_BLOCK = 1 << 20


def check_text(path: Path, report: Report) -> bool:
    """Return whether a file is UTF-8 text without NUL; report the first line that is not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            report.add("is UTF-16: save it as UTF-8, which Excel calls “CSV UTF-8”", line)
            return False
        file.seek(0)
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
                report.add("contains a NUL character", line + block.count(b"\n", 0, nul))
                return False
            if not block:
                return True
            line += block.count(b"\n")


def read_jsonl(path: Path, report: Report) -> Iterator[tuple[int, Row]]:
    """Yield the objects of a file that has one on each line."""
    with open_text(path, newline=None) as file:
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
    with open_text(path) as file:
        for line, item in json_items(file, report):
            if _is_row(item, line, report):
                yield line, item


def open_text(path: Path, newline: str | None = "") -> TextIO:
    """Open a file of UTF-8 text, with or without a mark at its start."""
    return path.open(encoding="utf-8-sig", newline=newline)


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
