"""Tables in CSV files that people have written by hand or saved from a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from attrs import Factory, frozen

from famulus.binary_files import HEAD_BYTES, SAVE_AS_UTF_8, binary_fault, utf_16_order
from famulus.errors import Problem, UsageError
from famulus.options.suggest import did_you_mean, nearest

#: Separators that spreadsheets use instead of the comma, and their names in messages.
_OTHER_SEPARATORS: Mapping[str, str] = MappingProxyType({";": "';'", "\t": "a tab", "|": "'|'"})
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Problems of one file that are named one by one.
_MOST_PROBLEMS = 20


@frozen(kw_only=True)
class CsvColumns:
    """The columns to read from a table; white space and case in its header are ignored."""

    #: column -> what can be done where it is missing, besides adding it; may be empty
    required: Mapping[str, str]
    optional: Sequence[str] = ()
    #: other name of a column -> the column
    aliases: Mapping[str, str] = Factory(dict)
    #: column that the table must not have -> the reason
    refused: Mapping[str, str] = Factory(dict)
    #: whether further columns are allowed
    ignores_others: bool = False


@frozen
class CsvRow:
    """The values of one row, without white space around them; a missing one is empty."""

    #: the line that the row begins on, from 1
    line: int
    values: Mapping[str, str]


class _BrokenError(Exception):
    """The rest of a file cannot be read."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_csv_table(path: Path, columns: CsvColumns, problems: list[Problem]) -> Iterator[CsvRow]:
    """Yield the rows of a table, except faulty and empty ones.

    Add the faults to ``problems``.

    :raises famulus.UsageError: when the file cannot be opened or read.
    """
    try:
        with path.open("rb") as file:
            if fault := _fault_of_head(file.peek(HEAD_BYTES)[:HEAD_BYTES]):
                problems.append(Problem(fault, file=path, line=1))
                return
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            yield from _rows(_records(text), columns, path, problems)
    except _BrokenError as error:
        problems.append(Problem(str(error), file=path, line=error.line))
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", file=path)) from error


def _fault_of_head(head: bytes) -> str:
    if head[:2] in _UTF_16 or utf_16_order(head):
        return f"is UTF-16: {SAVE_AS_UTF_8}"
    return binary_fault(head)


def refuse_table(path: Path, problems: Sequence[Problem]) -> None:
    """Raise the first problems of a table by line, and the number of the others, if any.

    :raises famulus.UsageError: when there are problems.
    """
    if not problems:
        return
    kept = sorted(problems, key=lambda problem: problem.line or 0)[:_MOST_PROBLEMS]
    more = len(problems) - len(kept)
    rest = [Problem(f"and {more:,} more", file=path)] if more else []
    raise UsageError([*kept, *rest])


def _rows(
    records: Iterator[tuple[int, list[str]]],
    columns: CsvColumns,
    path: Path,
    problems: list[Problem],
) -> Iterator[CsvRow]:
    _, header = next(records, (1, []))
    titles = [_title(cell, columns) for cell in header]
    faults = _header_faults(titles, columns)
    if faults:
        problems += [Problem(fault, file=path, line=1) for fault in faults]
        return
    places = {
        name: titles.index(name)
        for name in (*columns.required, *columns.optional)
        if name in titles
    }
    for line, cells in records:
        found = {name: cells[place] for name, place in places.items() if place < len(cells)}
        fault = _row_fault(cells, titles, columns) or _quote_fault(found)
        if fault:
            problems.append(Problem(fault, file=path, line=line))
        else:
            yield CsvRow(line, {name: found.get(name, "").strip() for name in places})


def _title(cell: str, columns: CsvColumns) -> str:
    title = cell.strip().lower()
    return columns.aliases.get(title, title)


def _header_faults(titles: Sequence[str], columns: CsvColumns) -> list[str]:
    if not titles:
        return ["is empty: its first line must name the columns"]
    if len(titles) == 1:
        for sign, name in _OTHER_SEPARATORS.items():
            if sign in titles[0]:
                return [_wrong_separator(name)]
    faults = [
        f"there is no column {name!r}{_instead(name, titles)}{f'; {remedy}' if remedy else ''}"
        for name, remedy in columns.required.items()
        if name not in titles
    ]
    known = (*columns.required, *columns.optional)
    faults += [f"has the column {name!r} twice" for name in known if titles.count(name) > 1]
    faults += [reason for name, reason in columns.refused.items() if name in titles]
    if not faults and not columns.ignores_others:
        faults += [
            f"unknown column {title!r}{did_you_mean(title, known)}"
            for title in titles
            if title and title not in known
        ]
    return faults


def _instead(column: str, titles: Sequence[str]) -> str:
    """Return a hint about a missing column: a similar column of the file, or all its columns."""
    near = nearest(column, titles)
    return f"; is {near!r} meant for it?" if near else f"; there are: {', '.join(titles)}"


def _row_fault(cells: Sequence[str], titles: Sequence[str], columns: CsvColumns) -> str:
    """Return what is wrong with the number of cells; cells without a value do not count."""
    width = len(titles)
    if any(map(str.strip, cells[width:])):
        hint = "; a quote after a space does not begin a quoted value: remove the space"
        spaced = any(map(_begins_with_spaced_quote, cells))
        return f"has {len(cells)} cells for {width} columns{hint if spaced else ''}"
    if not columns.ignores_others:
        for number, (title, cell) in enumerate(zip(titles, cells, strict=False), 1):
            if not title and cell.strip():
                return f"has a value in column {number}, which has no name"
    return ""


def _quote_fault(found: Mapping[str, str]) -> str:
    spaced = [name for name, cell in found.items() if _begins_with_spaced_quote(cell)]
    if not spaced:
        return ""
    return f"{spaced[0]}: a quote after a space does not begin a quoted value: remove the space"


def _begins_with_spaced_quote(cell: str) -> bool:
    return cell[:1] == " " and cell.lstrip(" ")[:1] == '"'


def _records(file: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that have a value, each with the line it begins on."""
    lines = _lines(file)
    first = next(lines, "")
    reader = csv.reader(chain([first], lines), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        separators = [name for sign, name in _OTHER_SEPARATORS.items() if f'"{sign}' in first]
        is_other = begins == 1 and separators
        reason = _wrong_separator(separators[0]) if is_other else _reason(error)
        raise _BrokenError(reason, begins) from error


def _wrong_separator(name: str) -> str:
    return f"the separator looks like {name}: save the file with commas"


def _lines(file: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    try:
        for number, line in enumerate(file, 1):
            if "\0" in line:
                raise _BrokenError("contains a NUL character", number)
            yield line
    except UnicodeDecodeError as error:
        # What is decoded at once begins in the line after the last one.
        line_number = number + 1 + error.object.count(b"\n", 0, error.start)
        byte = error.object[error.start]
        message = f"is not UTF-8 (byte 0x{byte:02x}): save it as UTF-8"
        raise _BrokenError(message, line_number) from error


def _reason(error: csv.Error) -> str:
    reason = str(error)
    if "field limit" in reason:
        return (
            f"has a value longer than {csv.field_size_limit():,} characters, the most that is read "
            "from CSV: leave its column out, or close the quote that it begins with"
        )
    if "unexpected end" in reason:
        return "opens a quote that is never closed"
    return f"is not CSV: {reason}"
