"""Decisions from a CSV file, which is checked whole before the first one is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import peewee
from attrs import Factory, define, evolve, frozen

from famulus.contracts.provider_views import PartialBounds
from famulus.csv_table import CsvColumns, CsvRow, read_csv_table, refuse_table
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_checks import (
    check_rejectable,
    check_rewordable,
    is_reworded,
)
from famulus.engine.ledger.decision_rules import PlatformRules
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.recorded_decisions import (
    ActiveDecision,
    read_decisions_in_force,
    read_return_request,
)
from famulus.engine.ledger.visit_work import read_worth
from famulus.errors import ConflictError, Problem, UsageError
from famulus.model.money import to_minor
from famulus.model.states import DONE_UNITS, Decision, UnitStatus
from famulus.model.tables import AgentTable, TaskRunTable, TaskTable, UnitTable
from famulus.model.transaction import Row, Transaction
from famulus.options.suggest import did_you_mean
from famulus.review.choices import Choice, read_amount
from famulus.review.deliver_changes import deliver_changes, newest_outbox_row
from famulus.review.review_session import ReviewSession, pages

_COLUMNS = CsvColumns(
    required={"unit": "", "decision": ""},
    optional=("note", "amount", "category"),
    ignores_others=True,
)
#: The largest value of a 64-bit column.
_LARGEST = 2**63 - 1


@frozen(kw_only=True)
class DecisionRow:
    """One row of the file. ``line`` is the line that it begins on, from 1."""

    line: int
    unit: int
    choice: Choice
    #: the unit's status when the file was checked
    seen: UnitStatus = UnitStatus.COMPLETED
    #: those of the unit's platform
    rules: PlatformRules = Factory(PlatformRules)
    #: whether the unit has the same decision with another reason
    is_rewording: bool = False

    @property
    def rejects(self) -> bool:
        """Whether the row rejects a unit, or changes the reason of its rejection."""
        is_rejection = self.choice.decision is Decision.REJECTED
        return is_rejection and (self.is_rewording or self.seen is not UnitStatus.REJECTED)


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

    def add(self, other: FileResult) -> None:
        """Add the effects of further rows."""
        self.decided += other.decided
        self.unchanged += other.unchanged
        self.runs |= other.runs
        self.refused += other.refused
        self.problems += other.problems


def read_decisions(session: ReviewSession, path: Path) -> list[DecisionRow]:
    """Return the decisions of a file with the columns ``unit``, ``decision`` and ``note``.

    ``amount`` makes an acceptance partial, and ``category`` belongs to a rejection; other columns
    are ignored. Decisions that a unit has already are returned too, as are decisions that accept a
    rejected unit.

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
    if not rows:
        return FileResult()
    applied, newest = FileResult(), newest_outbox_row(session.database)
    bounds = session.bounds
    for page in pages(rows):
        applied.add(session.database.write(partial(_apply, rows=page, bounds=bounds)))
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
    written = found.values.get("amount", "")
    amount = read_amount(written) if written else None
    if written and amount is None:
        messages.append(f"{written!r} is not an amount")
    if unit is None or messages:
        return None, messages
    choice = Choice(
        decision=Decision(word),
        note=found.values.get("note", ""),
        amount=amount,
        category=found.values.get("category", ""),
    )
    return DecisionRow(line=found.line, unit=unit, choice=choice), []


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
            AgentTable.visit.alias("visit"),
            TaskRunTable.provider_type,
            TaskTable.name.alias("task"),
        )
        .join(TaskRunTable, on=(UnitTable.run == TaskRunTable.id))
        .join(TaskTable, on=(TaskRunTable.task == TaskTable.id))
        .switch(UnitTable)
        .join(AgentTable, peewee.JOIN.LEFT_OUTER, on=(UnitTable.agent_id == AgentTable.id))
        .where(UnitTable.id << [row.unit for row in rows])
    )
    found = {row.id: row for row in tx.rows(query)}
    in_force = read_decisions_in_force(tx, list(found))
    for row in rows:
        unit = found.get(row.unit)
        fault = _misplaced(session, row, unit)
        if fault is None and unit is not None:
            rules = session.rules_for(row.choice, unit.provider_type)
            checked = evolve(row, seen=unit.status, rules=rules)
            before = in_force.get(row.unit)
            if before is None and row.choice.decision is Decision.RETURN_REQUESTED:
                # Another unit of the visit may have been named before.
                before = read_return_request(tx, unit.visit)
            fault, is_rewording = _fault(tx, checked, unit.visit, before)
            if fault is None:
                yield evolve(checked, is_rewording=is_rewording)
        if fault is not None:
            problems.append(Problem(fault, file=path, line=row.line))


def _misplaced(session: ReviewSession, row: DecisionRow, unit: Row | None) -> str | None:
    """Return why a unit is not up for any decision of this review."""
    if unit is None:
        return f"there is no unit {row.unit}"
    if unit.run not in session.scope.runs:
        return f"unit {row.unit} belongs to run {unit.run} of the task {unit.task!r}"
    if unit.status not in DONE_UNITS:
        return f"unit {row.unit} is {unit.status}: it has no answers to decide on"
    return None


def _fault(
    tx: Transaction, row: DecisionRow, visit: int, before: ActiveDecision | None
) -> tuple[str | None, bool]:
    """Return what is wrong with a row's decision, or None; and whether only its reason is new.

    :param before: the decision in force.
    """
    choice, terms, amount = row.choice, row.choice.terms(row.rules), None
    if choice.decision is Decision.REJECTED and not choice.note:
        message = f"unit {row.unit} is rejected without a reason; write it into the column 'note'"
        return message, False
    fault = terms.fault(choice.decision, choice.note)
    if fault is None and choice.amount is not None:
        worth = read_worth(tx, row.unit, visit)
        fault = row.rules.amount_fault(choice.amount, worth)
        amount = None if fault else to_minor(choice.amount, worth.currency)
    if fault is not None:
        return fault, False
    if before is not None and (before.decision, before.amount) == (choice.decision, amount):
        return _wording_fault(tx, choice, visit, before)
    is_request = choice.decision is Decision.RETURN_REQUESTED
    if row.seen not in (UnitStatus.COMPLETED, *(() if is_request else (UnitStatus.REJECTED,))):
        return f"unit {row.unit} is already {row.seen}, which can no longer change", False
    if choice.decision is Decision.REJECTED and before is not None:
        try:
            check_rejectable(tx, visit, before, terms)
        except ConflictError as error:
            return str(error), False
    return None, False


def _wording_fault(
    tx: Transaction, choice: Choice, visit: int, before: ActiveDecision
) -> tuple[str | None, bool]:
    """Return why a decision's reason cannot be replaced, or None; and whether it would be."""
    if not is_reworded(before, choice.note, choice.category):
        return None, False
    if choice.decision in (Decision.REJECTED, Decision.RETURN_REQUESTED):
        try:
            check_rewordable(tx, visit, before)
        except ConflictError as error:
            return str(error), True
    return None, True


def _apply(
    tx: Transaction,
    *,
    rows: Sequence[DecisionRow],
    bounds: Mapping[str, PartialBounds | None],
) -> FileResult:
    applied, changed = FileResult(), []
    for row in rows:
        choice = row.choice
        try:
            decided = decide(
                tx,
                row.unit,
                choice.decision,
                note=choice.note,
                seen=row.seen,
                terms=choice.terms(row.rules),
            )
        except (ConflictError, UsageError) as error:
            applied.refused.append(f"line {row.line}: {error}")
            continue
        applied.runs.add(decided.run)
        if decided.changed:
            applied.decided[choice.decision] += 1
            changed.append(row.unit)
        else:
            applied.unchanged += 1
    apply_decisions(tx, changed, bounds=bounds)
    return applied
