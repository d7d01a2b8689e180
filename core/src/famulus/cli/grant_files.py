"""Lists of grants in CSV files: checked whole, then read row by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

from famulus.errors import Problem, UsageError
from famulus.names import name_fault, stripped
from famulus.options.requirements import check_value, qualification_name
from famulus.options.suggest import did_you_mean

#: Problems of one file that are printed.
_MOST_TOLD = 20
_COLUMNS = ("worker", "value", "qualification")
_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "worker_id": "worker",
        "worker id": "worker",
        "workerid": "worker",
        "worker_name": "worker",
        "qualification_name": "qualification",
    }
)


@frozen
class GrantRow:
    """One row of a list."""

    line: int
    worker: str
    qualification: str
    value: int


def read_names(file: str, name: str | None) -> Sequence[str]:
    """Check a whole file; return the qualifications it names, in their order.

    :param name: the qualification of all rows, where the file has no column of them.
    :raises famulus.UsageError: with what is wrong, each with its line.
    """
    problems: list[Problem] = []
    names: dict[str, None] = {}
    first: dict[tuple[str, str], GrantRow] = {}
    for row in _rows(file, name, problems):
        names[row.qualification] = None
        earlier = first.setdefault((row.qualification, row.worker), row)
        if earlier.value != row.value:
            message = (
                f"{row.worker} has {row.value} here and {earlier.value} on line {earlier.line}; "
                "leave one out"
            )
            problems.append(_problem(file, row.line, message))
    if problems:
        more = len(problems) - _MOST_TOLD
        rest = [Problem(f"and {more:,} more", file=Path(file))] if more > 0 else []
        raise UsageError([*problems[:_MOST_TOLD], *rest])
    return list(names)


def read_rows(file: str, name: str | None) -> Iterator[GrantRow]:
    """Yield the rows of a file that :func:`read_names` has checked."""
    problems: list[Problem] = []
    for row in _rows(file, name, problems):
        if problems:
            raise UsageError(problems)
        yield row


def _rows(file: str, name: str | None, problems: list[Problem]) -> Iterator[GrantRow]:
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            columns = _columns(file, name, next(reader, []))
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    row = _row(file, name, reader.line_num, columns, cells, problems)
                    if row is not None:
                        yield row
    except UnicodeDecodeError as error:
        raise UsageError(_problem(file, None, "is not UTF-8; save the file as UTF-8")) from error
    except csv.Error as error:
        raise UsageError(_problem(file, reader.line_num, f"is not CSV: {error}")) from error
    except OSError as error:
        raise UsageError(_problem(file, None, f"cannot be read: {error.strerror}")) from error


def _columns(file: str, name: str | None, head: Sequence[str]) -> dict[str, int]:
    """Return where each column stands.

    :raises famulus.UsageError: when the first line does not name the columns that are needed.
    """
    titles = [cell.strip().lower() for cell in head]
    columns = {_OTHER_NAMES.get(each, each): place for place, each in enumerate(titles)}
    problems = [
        f"unknown column {each!r}{did_you_mean(each, _COLUMNS)}"
        for each in columns
        if each not in _COLUMNS and "worker" in columns
    ]
    if "worker" not in columns:
        found = ", ".join(filter(None, titles)) or "nothing"
        problems.append(f"the first line has to name the columns, worker among them, not: {found}")
    elif name is None and "qualification" not in columns:
        problems.append("has no column qualification; name the qualification after the file")
    elif name is not None and "qualification" in columns:
        problems.append(f"has a column qualification, and {name!r} is named besides; name one")
    if problems:
        raise UsageError([_problem(file, 1, each) for each in problems])
    return columns


def _row(
    file: str,
    name: str | None,
    line: int,
    columns: Mapping[str, int],
    cells: Sequence[str],
    problems: list[Problem],
) -> GrantRow | None:
    if len(cells) > len(columns):
        problems.append(_problem(file, line, f"has {len(cells)} cells for {len(columns)} columns"))
        return None
    found = {
        column: stripped(cells[place]) if place < len(cells) else ""
        for column, place in columns.items()
    }
    faults = list(_faults(found, name))
    problems += [_problem(file, line, fault) for fault in faults]
    if faults:
        return None
    value = int(found.get("value") or "1")
    return GrantRow(line, found["worker"], name or found["qualification"], value)


def _faults(found: Mapping[str, str], name: str | None) -> Iterator[str]:
    worker = found["worker"]
    fault = name_fault(worker) if worker else None
    if not worker:
        yield "has no worker"
    elif fault is not None:
        yield f"the worker {fault}"
    if name is None:
        yield from _raised(lambda: qualification_name(found["qualification"]), "the qualification")
    text = found.get("value") or "1"
    try:
        number = int(text)
    except ValueError:
        yield f"the value {text!r} is not a whole number"
    else:
        yield from _raised(lambda: check_value(number), "the value")


def _raised(check: Callable[[], object], what: str) -> Iterator[str]:
    try:
        check()
    except UsageError as error:
        for problem in error.problems:
            yield f"{what} {problem.message}"


def _problem(file: str, line: int | None, message: str) -> Problem:
    return Problem(message, file=Path(file), line=line)
