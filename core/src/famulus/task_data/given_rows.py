"""Rows that a run script gives in Python: a list, or a generator that is read only once."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from famulus.errors import Problem, UsageError
from famulus.task_data.reports import Report


def shape_fault(rows: Any) -> str | None:
    """Return why a value cannot be a run's data, without reading its rows; None if it can."""
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        call = ": call it, and give what it returns" if callable(rows) else ""
        return f"must be a list or a generator of rows, not {type(rows).__name__}{call}"
    if isinstance(rows, Sequence) and not rows:
        return "has no rows"
    return None


def check_rows(
    rows: Sequence[Any], see: Callable[[int, Mapping[str, Any]], None], report: Report
) -> None:
    """Report every row of a list that cannot be used; ``see`` is called with the others."""
    for number, row in enumerate(rows, 1):
        fault = row_fault(row)
        if fault:
            report.add(f"row {number} {fault}")
        else:
            see(number, row)


def checked_rows(
    rows: Iterable[Any],
    needed: Collection[str],
    key: str,
    see: Callable[[int, Mapping[str, Any]], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield each row once it is known to be good. ``see`` may refuse it for reasons of its own.

    :param key: the option that a problem names.
    :raises UsageError: at the first row that is not good, with its number.
    """
    for number, row in enumerate(rows, 1):
        fault = row_fault(row) or _lack(row, needed)
        if fault:
            raise UsageError(Problem(f"row {number} {fault}", key=key))
        if see is not None:
            see(number, row)
        yield dict(row)


def row_fault(row: Any) -> str | None:
    """Return why a value is not a row (not a mapping, or not JSON), or None."""
    if not isinstance(row, Mapping):
        return f"is not a dict but {type(row).__name__}"
    for key, value in row.items():
        if not isinstance(key, str):
            return f"has the key {key!r}, which is not a string"
        try:
            json.dumps({key: value}, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            return f"has a value for {key!r} that JSON cannot hold: {error}"
    return None


def _lack(row: Mapping[str, Any], needed: Collection[str]) -> str | None:
    lacking = sorted(set(needed) - row.keys())
    return f"lacks {', '.join(lacking)}, which the page uses" if lacking else None
