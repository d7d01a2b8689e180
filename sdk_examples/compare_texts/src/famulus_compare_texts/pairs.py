"""Reading pairs of texts, one at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import famulus

_MOST_PROBLEMS = 20


def read_pairs(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield each row with its line; a line that is not JSON, as text."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".jsonl":
            for line, text in enumerate(file, 1):
                yield line, _json(text)
        else:
            reader = csv.DictReader(file, strict=True)
            for row in reader:
                yield reader.line_num, row


def file_problems(path: Path) -> list[famulus.Problem]:
    """Read a file whole and return what is wrong with it."""
    try:
        found = [
            famulus.Problem(fault, file=path, line=line)
            for line, fault in islice(_faults(read_pairs(path)), _MOST_PROBLEMS)
        ]
        empty = next(read_pairs(path), None) is None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [famulus.Problem(f"cannot be read: {error}", file=path)]
    return [famulus.Problem("has no pairs", file=path)] if empty else found


def row_fault(row: Any) -> str | None:
    """Return what is wrong with one row, or None."""
    if not isinstance(row, dict) or None in row:
        return f"is no row with the texts a and b: {row!r:.60}"
    for side in ("a", "b"):
        text = row.get(side)
        if not isinstance(text, str) or not text.strip():
            return f"needs a text in {side}, not {text!r:.60}"
    return None


def _faults(rows: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, str]]:
    for line, row in rows:
        fault = row_fault(row)
        if fault is not None:
            yield line, fault


def _json(text: str) -> Any:
    try:
        row = json.loads(text, parse_constant=_refuse)
        # Half a character, which JSON can write, goes into no database.
        json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text
    return row


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
