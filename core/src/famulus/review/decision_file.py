"""Decisions from a CSV file, which is checked whole before the first one is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import Factory, define, evolve, frozen

from famulus.csv_table import CsvColumns, CsvRow, read_csv_table, refuse_table
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import STATUSES, decide
from famulus.errors import ConflictError, Problem
from famulus.model.states import DONE_UNITS, Decision, UnitStatus
from famulus.model.tables import TaskRunTable, TaskTable, UnitTable
from famulus.model.transaction import Row, Transaction
from famulus.options.suggest import did_you_mean
from famulus.review.deliver_changes import deliver_changes, newest_outbox_row
from famulus.review.review_session import ReviewSession, pages

_COLUMNS = CsvColumns(
    required={"unit": "", "decision": ""}, optional=("note",), ignores_others=True
)
#: The largest value of a 64-bit column.
_LARGEST = 2**63 - 1
#: The most characters of a reason that a message repeats.
_SHOWN = 60


@frozen(kw_only=True)
class DecisionRow:
    """One row of the file. ``line`` is the line that it begins on, from 1."""

    line: int
    unit: int
    decision: Decision
    note: str
    #: the unit's status when the file was checked
    seen: UnitStatus = UnitStatus.COMPLETED


@define(kw_only=True)
class FileResult:
    """The effects of a file."""

    #: numbers of units by decision
    decided: Counter[Decision] = Factory(Counter)
    #: number of units that had the same decision already
    unchanged: int = 0
    #: runs in which something has changed
    runs: set[int] = Factory(set)
    #: one message per row whose unit has changed since the file was checked
    refused: list[str] = Factory(list)
    #: one message per run whose platform or listeners could not be reached
    problems: list[str] = Factory(list)


def read_decisions(session: ReviewSession, path: Path) -> list[DecisionRow]:
    """Return the decisions of a file with the columns ``unit``, ``decision`` and ``note``.

    Other columns are ignored. A decision that a unit has already is returned too, and so is one
    that accepts a rejected unit.

    :raises famulus.UsageError: with all problems of the file, by line.
    """
    problems: list[Problem] = []
    rows: list[DecisionRow] = []
    for page in pages(_parsed(path, problems)):
        with session.database.read() as tx:
            rows += _fitting(tx, session, path, page, problems)
    refuse_table(path, problems)
    return rows


def apply_decision_file(session: ReviewSession, rows: Sequence[DecisionRow]) -> FileResult:
    """Record decisions and apply them; repeating the same ones changes nothing."""
    applied, newest = FileResult(), newest_outbox_row(session.database)
    for page in pages(rows):
        part = session.database.write(lambda tx: _apply(tx, page))  # noqa: B023
        applied.decided += part.decided
        applied.unchanged += part.unchanged
        applied.runs |= part.runs
        applied.refused += part.refused
    applied.problems += deliver_changes(
        session.database, session.plugins, applied.runs, after=newest
    )
    return applied


def _parsed(path: Path, problems: list[Problem]) -> Iterator[DecisionRow]:
    lines: dict[int, int] = {}
    for found in read_csv_table(path, _COLUMNS, problems):
        row, messages = _read(found)
        if row is not None and row.unit in lines:
            messages.append(f"unit {row.unit} is in line {lines[row.unit]} already")
        problems += [Problem(each, file=path, line=found.line) for each in messages]
        if row is not None and not messages:
            lines[row.unit] = row.line
            yield row


def _read(found: CsvRow) -> tuple[DecisionRow | None, list[str]]:
    text, word = found.values["unit"], found.values["decision"]
    messages = []
    unit = _unit_number(text)
    if unit is None:
        messages.append(f"{text!r} is not the number of a unit")
    words = [decision.value for decision in Decision]
    if word not in words:
        messages.append(f"{word!r} is not a decision{did_you_mean(word, words)}")
    if unit is None or messages:
        return None, messages
    note = found.values.get("note", "")
    return DecisionRow(line=found.line, unit=unit, decision=Decision(word), note=note), []


def _unit_number(text: str) -> int | None:
    try:
        number = int(text)
    except ValueError:
        return None
    return number if 0 < number <= _LARGEST else None


def _fitting(
    tx: Transaction,
    session: ReviewSession,
    path: Path,
    rows: Sequence[DecisionRow],
    problems: list[Problem],
) -> Iterator[DecisionRow]:
    query = (
        UnitTable.select(
            UnitTable.id,
            UnitTable.status,
            UnitTable.run.alias("run"),
            TaskRunTable.provider_type,
            TaskTable.name.alias("task"),
        )
        .join(TaskRunTable, on=(UnitTable.run == TaskRunTable.id))
        .join(TaskTable, on=(TaskRunTable.task == TaskTable.id))
        .where(UnitTable.id << [row.unit for row in rows])
    )
    found = {row.id: row for row in tx.rows(query)}
    for row in rows:
        unit = found.get(row.unit)
        message = _fault(session, row, unit)
        if unit is None or message is not None:
            problems.append(Problem(message or "", file=path, line=row.line))
        else:
            yield evolve(row, seen=unit.status)


def _fault(session: ReviewSession, row: DecisionRow, unit: Row | None) -> str | None:
    scope = session.scope
    if unit is None:
        return f"there is no unit {row.unit}"
    if unit.run not in scope.runs:
        return f"unit {row.unit} belongs to run {unit.run} of the task {unit.task!r}"
    if unit.status not in DONE_UNITS:
        return f"unit {row.unit} is {unit.status}: it has no answers to decide on"
    if unit.status is not UnitStatus.COMPLETED and unit.status is not STATUSES[row.decision]:
        if unit.status is not UnitStatus.REJECTED:
            return f"unit {row.unit} is already {unit.status}, which can no longer change"
        return None
    if row.decision is not Decision.REJECTED:
        return None
    if not row.note:
        return f"unit {row.unit} is rejected without a reason; write it into the column 'note'"
    fault = session.reason_limits(unit.provider_type).fault(row.note)
    if fault is None:
        return None
    start = row.note if len(row.note) <= _SHOWN else f"{row.note[:_SHOWN]}…"
    return f"the reason {start!r} {fault}"


def _apply(tx: Transaction, rows: Sequence[DecisionRow]) -> FileResult:
    applied, changed = FileResult(), []
    for row in rows:
        try:
            decided = decide(tx, row.unit, row.decision, note=row.note, seen=row.seen)
        except ConflictError as error:
            applied.refused.append(f"line {row.line}: {error}")
            continue
        applied.runs.add(decided.run)
        if decided.changed:
            applied.decided[row.decision] += 1
            changed.append(row.unit)
        else:
            applied.unchanged += 1
    apply_decisions(tx, changed)
    return applied
