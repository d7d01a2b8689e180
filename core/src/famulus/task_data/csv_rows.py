"""Read CSV files row by row, including the peculiarities of spreadsheets."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from attrs import define, field, frozen

from famulus.task_data.json_rows import Row
from famulus.task_data.reports import Report
from famulus.task_data.text_files import check_text, open_text

#: Separators that spreadsheets use instead of the comma, and their names in messages.
_OTHER_SEPARATORS = {";": "';'", "\t": "a tab", "|": "'|'"}
_NAMED_SEPARATOR = re.compile(r"sep=([^\w\s\"]|\t)\r?\n?", re.IGNORECASE)


class _BrokenError(Exception):
    """The rest of a file is not CSV."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def check_csv(
    path: Path,
    report: Report,
    see: Callable[[int, Row], None] | None = None,
    names: Collection[str] = (),
    encoding: str | None = None,
) -> list[str]:
    """Read a CSV file whole, report everything that is wrong, and return its columns.

    :param see: called with the line of every good row, and its values in the columns ``names``.
    """
    if not check_text(path, report, encoding):
        return []
    table = _Table(report)
    try:
        with open_text(path, encoding=encoding) as file:
            for line, fields in table.rows(file):
                if see is not None:
                    wanted = zip(table.columns, fields, strict=True)
                    see(line, {name: value for name, value in wanted if name in names})
    except _BrokenError as error:
        report.add(str(error), error.line)
    else:
        table.report_whole()
    return table.columns


def read_csv(path: Path, report: Report, encoding: str | None = None) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a CSV file; every value is a string."""
    table = _Table(report)
    try:
        with open_text(path, encoding=encoding) as file:
            for line, fields in table.rows(file):
                yield line, dict(zip(table.columns, fields, strict=True))
    except _BrokenError as error:
        report.add(str(error), error.line)


@frozen
class _Separator:
    """The character that separates fields, and the number of lines that only declare it."""

    character: str
    lines: int = 0
    is_guessed: bool = False


@define
class _Lines:
    """The number of lines of one kind, and the first of them."""

    first: int = 0
    count: int = 0

    def add(self, line: int) -> None:
        self.first = self.first or line
        self.count += 1

    def also(self) -> str:
        """Return how many further lines there are, as a part of the message about the first one."""
        others = self.count - 1
        return f" (as on {others:,} more)" if others else ""


@define
class _Table:
    """The columns of one file, and what was found in its rows."""

    _report: Report
    columns: list[str] = field(factory=list)
    #: columns at the end of the header that have no name, and whether one of them that has a value
    #: was reported
    _unnamed: int = 0
    #: 1 where the first column is the number of a row, which pandas writes without a name
    _numbers: int = 0
    _is_unnamed_reported: bool = False
    _rows: int = 0
    _left_out: _Lines = field(factory=_Lines)
    _spaced_quotes: _Lines = field(factory=_Lines)
    _trailing_commas: _Lines = field(factory=_Lines)

    def rows(self, file: TextIO) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the fields of every row that has one field per column."""
        separator = _separator(file)
        if separator.is_guessed:
            message = (
                f"is read with {_OTHER_SEPARATORS[separator.character]} between the fields, as "
                "spreadsheets of some countries write it; if this line names only one column, put "
                "the name in quotes"
            )
            self._report.add(message, separator.lines + 1, warning=True)
        records = _records(file, separator)
        header = next(records, None)
        if header is None:
            self._report.add("is empty: its first line must name the columns", 1)
            return
        if header[1][0].lstrip().startswith('{"'):
            raise _BrokenError("is JSON and not CSV: give it as data_jsonl", header[0])
        self.columns = self._checked_header(header[1])
        if not self.columns:
            return
        width = len(self.columns)
        for line, record in records:
            fields = record[self._numbers :]
            if not any(map(str.strip, fields)):
                self._left_out.add(line)
                continue
            self._rows += 1
            if any(map(_begins_with_spaced_quote, fields)):
                self._spaced_quotes.add(line)
            if len(fields) < width or any(map(str.strip, fields[width:])):
                self._report_width(fields, line)
            else:
                if len(fields) > width + self._unnamed:
                    self._trailing_commas.add(line)
                yield line, fields[:width]

    def report_whole(self) -> None:
        """Report the problems of the file as a whole, after its last row."""
        if not self.columns:
            return
        if not self._rows:
            self._report.add("has a header and no rows: add a line for each assignment", 1)
        elif self._left_out.count:
            count = self._left_out.count
            rows = "1 row" if count == 1 else f"{count:,} rows"
            message = f"{rows} left out in which every field is empty"
            self._report.add(message, self._left_out.first, warning=True)
        if self._trailing_commas.count:
            message = (
                f"ends with a comma that the header does not have{self._trailing_commas.also()}: "
                "the comma is dropped; quote the last value if it is a part of it"
            )
            self._report.add(message, self._trailing_commas.first, warning=True)
        if self._spaced_quotes.count:
            message = (
                "has a space before a quote, so that the quote is part of the value"
                f"{self._spaced_quotes.also()}: remove the space"
            )
            self._report.add(message, self._spaced_quotes.first, warning=True)

    def _checked_header(self, fields: list[str]) -> list[str]:
        columns = [name.strip() for name in fields]
        while columns and not columns[-1]:
            self._unnamed += 1
            columns.pop()
        if len(columns) > 1 and not columns[0]:
            self._numbers = 1
            columns.pop(0)
            message = "column 1 has no name, as where pandas writes an index: it is left out"
            self._report.add(message, 1, warning=True)
        faults = [
            f"column {n} has no name: give it one"
            for n, name in enumerate(columns, 1 + self._numbers)
            if not name
        ]
        repeated = sorted({name for name in columns if name and columns.count(name) > 1})
        faults += [f"has the column {name!r} more than once: rename one" for name in repeated]
        if not columns:
            faults.append("has no name of a column: write the names into this line")
        for fault in faults:
            self._report.add(fault, 1)
        return [] if faults else columns

    def _report_width(self, fields: list[str], line: int) -> None:
        width = len(self.columns)
        if len(fields) > width and self._unnamed:
            if not self._is_unnamed_reported:
                self._is_unnamed_reported = True
                number = self._numbers + next(
                    n for n, text in enumerate(fields, 1) if n > width and text.strip()
                )
                message = (
                    f"has a value in column {number}, which has no name: give the column one, or "
                    "empty the field"
                )
                self._report.add(message, line)
            return
        much = "many" if len(fields) > width else "few"
        found, named = len(fields) + self._numbers, width + self._numbers
        message = f"has too {much} fields: {found}, where the header has {named}"
        if not any(map(_begins_with_spaced_quote, fields)):
            message += "; put a value that contains the separator or a line break in quotes"
        else:
            message += "; a quote after a space does not begin a quoted value: remove the space"
        self._report.add(message, line)


def _records(file: TextIO, separator: _Separator) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not blank, each with the line it begins on."""
    reader = csv.reader(file, delimiter=separator.character, strict=True)
    begins = separator.lines + 1
    try:
        for fields in reader:
            if fields:
                yield begins, fields
            begins = separator.lines + reader.line_num + 1
    except csv.Error as error:
        raise _BrokenError(_reason(error), begins) from error


def _reason(error: csv.Error) -> str:
    reason = str(error)
    if "field limit" in reason:
        return (
            f"has a value longer than {csv.field_size_limit()} characters, the most that is read "
            "from CSV: give the data as data_jsonl, or close the quote that it begins with"
        )
    if "unexpected end" in reason:
        return "opens a quote that is never closed: close it, or write it twice within quotes"
    return f"is not CSV: {reason}; write a quote in a quoted value twice"


def _separator(file: TextIO) -> _Separator:
    """Return the separator of a file's fields; skip a first line that only declares it.

    A character other than the comma is the separator if it separates fields in the header, where no
    comma does, and in the first row. Excel reads and writes a first line such as ``sep=;``.
    """
    named = _NAMED_SEPARATOR.fullmatch(file.readline())
    if named:
        return _Separator(named[1], lines=1)
    found = ","
    if len(_first_records(file, ",", 1)[0]) < 2:
        found = next((char for char in _OTHER_SEPARATORS if _separates(file, char)), ",")
    file.seek(0)
    return _Separator(found, is_guessed=found != ",")


def _separates(file: TextIO, character: str) -> bool:
    """Return whether a character separates fields in the header and in the first row."""
    return all(len(fields) > 1 for fields in _first_records(file, character, 2))


def _first_records(file: TextIO, separator: str, count: int) -> list[list[str]]:
    """Return the first records that are not blank; an empty list for each that is missing."""
    file.seek(0)
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # not CSV with this separator
        reader = csv.reader(file, delimiter=separator, strict=True)
        found.extend(islice(filter(None, reader), count))
    return found + [[]] * (count - len(found))


def _begins_with_spaced_quote(value: str) -> bool:
    return value[:1] == " " and value.lstrip(" ")[:1] == '"'
