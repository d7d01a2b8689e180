"""Read data files of JSON row by row; a million rows need no more memory than ten.

Every reader yields ``(line, row)`` and adds problems, with their lines, to a report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from famulus.task_data.json_stream import HALF_CHARACTER, STRICT_JSON, is_whole, json_items
from famulus.task_data.reports import Report
from famulus.task_data.text_files import open_text

Row = dict[str, Any]


def read_jsonl(
    path: Path, report: Report, encoding: str | None = None
) -> Iterator[tuple[int, Row]]:
    """Yield the objects of a file that has one on each line."""
    with open_text(path, newline=None, encoding=encoding) as file:
        line = 0
        for line, text in enumerate(file, 1):
            if not text.strip():
                report.add("is a blank line: remove it", line)
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


def read_json(path: Path, report: Report, encoding: str | None = None) -> Iterator[tuple[int, Row]]:
    """Yield the objects of a JSON list, one at a time."""
    with open_text(path, encoding=encoding) as file:
        for line, item in json_items(file, report):
            if _is_row(item, line, report):
                yield line, item


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
