"""The data of a run, from a file or from Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import Factory, define, frozen

import famulus
from famulus_static_html.columns import Coverage
from famulus_static_html.csv_data import check_csv, read_csv
from famulus_static_html.data import Row, check_text, read_json, read_jsonl
from famulus_static_html.given_rows import check_rows, checked_rows, shape_fault
from famulus_static_html.reports import CollectingReport, RaisingReport, Report

Reader = Callable[[Path, Report], Iterator[tuple[int, Row]]]
#: The options that name a data file, in the order they are documented.
READERS: Mapping[str, Reader] = {
    "data_csv": read_csv,
    "data_json": read_json,
    "data_jsonl": read_jsonl,
}


class Watch(Protocol):
    """Gets the rows of a run as they are read, or their values of some columns."""

    @property
    def names(self) -> Collection[str]:
        """The columns that it reads."""

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Record one row; ``place`` is its line or its number."""


@frozen
class DataCheck:
    """The result of a check of the data. ``columns`` is None where they are not known yet."""

    problems: Sequence[famulus.Problem] = Factory(tuple)
    columns: Collection[str] | None = None
    first: Collection[str] | None = None


@define
class FileData:
    """Rows in a file, named by one of the options in :data:`READERS`."""

    option: str
    path: Path

    def check(self, needed: Collection[str], watch: Watch | None = None) -> DataCheck:
        """Read the file whole.

        :raises OSError: when it cannot be read.
        """
        report = CollectingReport(self.path)
        if self.option == "data_csv":
            see, names = (watch.see, watch.names) if watch else (None, ())
            columns = check_csv(self.path, report, see, names) or None
            return DataCheck(report.problems, columns, columns)
        coverage = Coverage(frozenset(needed))
        if check_text(self.path, report):
            for line, row in READERS[self.option](self.path, report):
                coverage.see(line, row)
                if watch:
                    watch.see(line, row)
        for name, lines, count in coverage.lacking():
            report.add(_lack(name, "lines", lines, count), lines[0])
        return _checked(report, coverage)

    def rows(self) -> Iterator[Row]:
        """Stream the rows.

        :raises famulus.UsageError: where the file has changed into something that cannot be read.
        """
        try:
            for _, row in READERS[self.option](self.path, RaisingReport(self.path)):
                yield row
        except (OSError, UnicodeDecodeError) as error:
            raise famulus.UsageError(
                famulus.Problem(f"cannot be read: {error}", file=self.path)
            ) from error


@define
class GivenData:
    """Rows from a run script."""

    given: Any
    key = "shared_state.static_task_data"

    def check(self, needed: Collection[str], watch: Watch | None = None) -> DataCheck:
        """Check all rows of a list; a generator is not read."""
        fault = shape_fault(self.given)
        if fault:
            return DataCheck([famulus.Problem(fault, key=self.key)])
        if not isinstance(self.given, Sequence):
            return DataCheck()
        report, coverage = CollectingReport(None, self.key), Coverage(frozenset(needed))

        def see(number: int, row: Mapping[str, Any]) -> None:
            coverage.see(number, row)
            if watch:
                watch.see(number, row)

        check_rows(self.given, see, report)
        for name, numbers, count in coverage.lacking():
            report.add(f"row {numbers[0]} {_lack(name, 'rows', numbers, count)}")
        return _checked(report, coverage)

    def rows(self, needed: Collection[str], watch: Watch | None = None) -> Iterator[Row]:
        """Stream the rows, each checked. Only a generator's are watched: a list was before.

        :raises famulus.UsageError: at the first that cannot be used, with its number.
        """
        is_new = not isinstance(self.given, Sequence)
        return checked_rows(self.given, needed, watch.see if watch and is_new else None)


def _checked(report: CollectingReport, coverage: Coverage) -> DataCheck:
    columns = None if coverage.first is None else coverage.columns
    return DataCheck(report.problems, columns, coverage.first)


def _lack(name: str, noun: str, places: Sequence[int], count: int) -> str:
    shown = ", ".join(map(str, places[1:]))
    more = f" and {count - len(places)} more" if count > len(places) else ""
    also = f" (nor have {noun} {shown}{more})" if shown else ""
    return f"has no {name}, which the page uses{also}"
