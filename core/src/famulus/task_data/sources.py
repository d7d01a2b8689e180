"""The data of a run, from a file or from Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from attrs import Factory, define, frozen

from famulus.contracts.blueprint_args import BlueprintArgs
from famulus.errors import Problem, UsageError
from famulus.task_data.coverage import Coverage
from famulus.task_data.csv_rows import check_csv, read_csv
from famulus.task_data.given_rows import check_rows, checked_rows, shape_fault
from famulus.task_data.json_rows import Row, read_json, read_jsonl
from famulus.task_data.reports import CollectingReport, RaisingReport, Report
from famulus.task_data.text_files import check_text

Reader = Callable[[Path, Report, str | None], Iterator[tuple[int, Row]]]
#: Options of a blueprint that name a data file, in the order they are documented.
_READERS: Mapping[str, Reader] = MappingProxyType(
    {"data_csv": read_csv, "data_json": read_json, "data_jsonl": read_jsonl}
)


class RowWatch(Protocol):
    """Receives the rows of a run, or their values in some columns, as they are read."""

    @property
    def names(self) -> Collection[str]:
        """The columns that it reads."""

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Record one row; ``place`` is its line or its number."""


@frozen
class DataCheck:
    """The result of a check of the data. ``columns`` is None if they are not known yet."""

    problems: Sequence[Problem] = Factory(tuple)
    columns: Collection[str] | None = None
    first: Collection[str] | None = None


@define
class DataFile:
    """Rows in a file, as :func:`famulus.data_files` finds it among the options of a blueprint."""

    #: the option that names the file, and so how it is read
    option: str
    path: Path
    #: what ``data_encoding`` says; None if the blueprint has no such option
    encoding: str | None = None

    def check(self, needed: Collection[str], watch: RowWatch | None = None) -> DataCheck:
        """Read the file whole.

        :raises OSError: when it cannot be read.
        """
        report = CollectingReport(self.path)
        if self.option == "data_csv":
            see, names = (watch.see, watch.names) if watch else (None, ())
            columns = check_csv(self.path, report, see, names, self.encoding) or None
            return DataCheck(report.problems, columns, columns)
        coverage = Coverage(frozenset(needed))
        if check_text(self.path, report, self.encoding):
            for line, row in _READERS[self.option](self.path, report, self.encoding):
                coverage.see(line, row)
                if watch:
                    watch.see(line, row)
        for name, lines, count in coverage.lacking():
            report.add(_lack(name, "lines", lines, count), lines[0])
        return _checked(report, coverage)

    def rows(self) -> Iterator[Row]:
        """Stream the rows.

        :raises UsageError: when the file has changed since its check and can no longer be read.
        """
        try:
            report = RaisingReport(self.path)
            for _, row in _READERS[self.option](self.path, report, self.encoding):
                yield row
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(Problem(f"cannot be read: {error}", file=self.path)) from error


@define
class GivenRows:
    """Rows from a run script: a list, or a generator. ``key`` is the option that takes them."""

    given: Any
    key: str

    def check(self, needed: Collection[str], watch: RowWatch | None = None) -> DataCheck:
        """Check all rows of a list; a generator is not read."""
        fault = shape_fault(self.given)
        if fault:
            return DataCheck([Problem(fault, key=self.key)])
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

    def rows(self, needed: Collection[str], watch: RowWatch | None = None) -> Iterator[Row]:
        """Stream the rows, each checked.

        ``watch`` gets only the rows of a generator: the rows of a list were seen in :meth:`check`.

        :raises UsageError: at the first row that cannot be used, with its number.
        """
        is_new = not isinstance(self.given, Sequence)
        return checked_rows(self.given, needed, self.key, watch.see if watch and is_new else None)


def _checked(report: CollectingReport, coverage: Coverage) -> DataCheck:
    columns = None if coverage.first is None else coverage.columns
    return DataCheck(report.problems, columns, coverage.first)


def _lack(name: str, noun: str, places: Sequence[int], count: int) -> str:
    shown = ", ".join(map(str, places[1:]))
    more = f" and {count - len(places)} more" if count > len(places) else ""
    also = f" (nor have {noun} {shown}{more})" if shown else ""
    return f"has no {name}, which the page uses{also}"


def data_files(args: BlueprintArgs) -> list[DataFile]:
    """Return the files that the options ``data_csv``, ``data_json`` and ``data_jsonl`` name.

    A blueprint declares the options of the files that it reads, as paths. If it declares
    ``data_encoding``, a string, the files may be in other encodings than UTF-8.
    """
    encoding = getattr(args, "data_encoding", None)
    named = ((option, getattr(args, option, None)) for option in _READERS)
    return [
        DataFile(option, path.expanduser(), encoding) for option, path in named if path is not None
    ]
