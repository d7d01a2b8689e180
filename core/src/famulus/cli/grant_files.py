"""Lists of grants in CSV files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

from famulus.csv_table import CsvColumns, CsvRow, read_csv_table, refuse_table
from famulus.errors import Problem, UsageError
from famulus.names import name_fault, stripped
from famulus.options.requirements import check_value, qualification_name

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


def read_grants(file: Path, name: str | None) -> list[GrantRow]:
    """Return the rows of a list.

    :param name: the qualification of all rows, if the file has no column for it.
    :raises famulus.UsageError: with all problems of the file, by line.
    """
    problems: list[Problem] = []
    rows: list[GrantRow] = []
    first: dict[tuple[str, str], GrantRow] = {}
    for found in read_csv_table(file, _columns(name), problems):
        faults = [*_faults(found.values, name)]
        if not faults:
            row = _row(found, name)
            rows.append(row)
            earlier = first.setdefault((row.qualification, row.worker), row)
            if earlier.value != row.value:
                faults.append(
                    f"{row.worker} has {row.value} here and {earlier.value} on line "
                    f"{earlier.line}; leave one out"
                )
        problems += [Problem(fault, file=file, line=found.line) for fault in faults]
    refuse_table(file, problems)
    return rows


def _columns(name: str | None) -> CsvColumns:
    if name is None:
        required = {"worker": "", "qualification": "or name the qualification after the file"}
        return CsvColumns(required=required, optional=("value",), aliases=_OTHER_NAMES)
    both = f"has a column qualification, but {name!r} is given as well: use one of them"
    refused = {"qualification": both}
    return CsvColumns(
        required={"worker": ""}, optional=("value",), aliases=_OTHER_NAMES, refused=refused
    )


def _row(found: CsvRow, name: str | None) -> GrantRow:
    values = found.values
    qualification = name or qualification_name(values["qualification"])
    return GrantRow(
        found.line, stripped(values["worker"]), qualification, int(values.get("value") or "1")
    )


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
