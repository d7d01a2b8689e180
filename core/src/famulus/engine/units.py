"""Units: claimed, completed and given back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import peewee

from famulus.engine.attempts import Attempt, OpenAttempt, open_attempt, select_open_attempts
from famulus.engine.free_units import FreeUnit, stand_at
from famulus.engine.status import Change, change_unit, end_agent
from famulus.engine.visits import end_visit
from famulus.engine.worker_progress import WorkerProgress, count_done, count_ended, save_progress
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, AssignmentTable, TaskRunTable, UnitTable, literal
from famulus.model.transaction import Transaction


class UnitData(NamedTuple):
    """The part of a unit that a page shows."""

    #: its index within the assignment
    lane: int
    #: the row of the assignment, as JSON text
    data: str


_DATA = Statement(
    UnitTable.select(UnitTable.lane, AssignmentTable.data)
    .join(AssignmentTable, on=(UnitTable.assignment == AssignmentTable.id))
    .where(UnitTable.id == Param("unit")),
    UnitData,
)
_STATUS = Statement(UnitTable.select(UnitTable.status).where(UnitTable.id == Param("unit")))
_NEXT_POSITION = Statement(
    TaskRunTable.update({TaskRunTable.next_position: TaskRunTable.next_position + Param("count")})
    .where(TaskRunTable.id == Param("run"))
    .returning(TaskRunTable.next_position)
)
_REPOSITION = Statement(
    UnitTable.update({UnitTable.position: Param("position")}).where(UnitTable.id == Param("unit"))
)
#: The unit that replaces one, and the condition that it does.
NextOfSlot: Any = UnitTable.alias()
is_next_of_slot = (
    (NextOfSlot.assignment == UnitTable.assignment)
    & (NextOfSlot.lane == UnitTable.lane)
    & (NextOfSlot.replacement == UnitTable.replacement + 1)
)
#: Condition on a unit: its work is offered to others by another one, or was done by them.
is_replaced = peewee.fn.EXISTS(
    NextOfSlot.select(peewee.SQL("1")).where(
        is_next_of_slot, NextOfSlot.status != literal(UnitStatus.EXPIRED)
    )
)
_given = UnitTable.alias()
_FREE_OF_ASSIGNMENT = Statement(
    UnitTable.select(UnitTable.id)
    .where(
        UnitTable.assignment == _given.select(_given.assignment).where(_given.id == Param("unit")),
        UnitTable.status == literal(UnitStatus.LAUNCHED),
    )
    .order_by(UnitTable.lane)
)


def claim_unit(
    tx: Transaction, run: int, found: FreeUnit, agent: int, progress: WorkerProgress
) -> None:
    """Give a free unit to an attempt, and count it as open for its worker."""
    change = Change(
        run=run, id=found.unit, old=UnitStatus.LAUNCHED, new=UnitStatus.ASSIGNED, cause="arrival"
    )
    change_unit(tx, change, agent=agent)
    progress.open_units += 1
    progress.assignments += 1
    if progress.cursor is not None:
        stand_at(progress, found)
    save_progress(tx, progress)


def read_unit_data(tx: Transaction, unit: int) -> UnitData:
    """Return the part of a unit that a page shows."""
    row = tx.one(_DATA, unit=unit)
    assert row is not None
    return row


def complete_unit(tx: Transaction, attempt: Attempt) -> bool:
    """Count an attempt's unit as done by its worker; return whether fewer units are open now.

    The unit is completed unless another worker works on it or has completed it.
    """
    assert attempt.unit is not None
    is_open = attempt.status is AgentStatus.IN_TASK
    is_tried = attempt.status is not AgentStatus.RETURNED
    count_done(tx, attempt.run, attempt.worker, was_open=is_open, is_tried=is_tried)
    if is_open and _complete(tx, attempt, UnitStatus.ASSIGNED, "submission"):
        return True
    row = tx.one(_STATUS, unit=attempt.unit)
    status = UnitStatus(row[0]) if row else None
    if status not in (UnitStatus.CREATED, UnitStatus.LAUNCHED, UnitStatus.EXPIRED):
        return False
    return _complete(tx, attempt, status, "late submission") and status is UnitStatus.LAUNCHED


def _complete(tx: Transaction, attempt: Attempt, old: UnitStatus, cause: str) -> bool:
    assert attempt.unit is not None
    change = Change(
        run=attempt.run, id=attempt.unit, old=old, new=UnitStatus.COMPLETED, cause=cause
    )
    return change_unit(tx, change, agent=attempt.agent)


def give_back_units(
    tx: Transaction,
    attempts: Sequence[OpenAttempt],
    *,
    run: int,
    new: AgentStatus,
    cause: str,
    visit_becomes: VisitStatus | None,
) -> int:
    """End attempts without answers and offer their units to others; return how many were open.

    :param new: the new status of the attempts.
    :param visit_becomes: the new status of their visits; None leaves it to the platform.
    """
    ended = []
    for attempt in attempts:
        change = Change(run=run, id=attempt.agent, old=attempt.status, new=new, cause=cause)
        if not end_agent(tx, change):
            continue
        ended.append(attempt)
        if attempt.unit is not None:
            _free_unit(tx, run, attempt, cause, is_forgotten=new is AgentStatus.RETURNED)
        if visit_becomes is not None:
            end_visit(tx, run, attempt.visit, visit_becomes, cause)
    units = [each.unit for each in ended if each.unit is not None]
    if new is AgentStatus.RETURNED:
        # The worker has not tried the assignment after all, and their marks may have passed its
        # other free units.
        units = [free for unit in units for free in _free_units_beside(tx, unit)]
    if units:
        # Last of all: it locks the run, and a submission in a window locks the run last too.
        move_to_end(tx, run, units)
    return len(ended)


def give_back_units_of_visit(
    tx: Transaction, run: int, visit: int, *, new: AgentStatus, cause: str
) -> None:
    """End the open attempts of a visit that is over on its platform; stored answers stay."""
    rows = tx.rows(select_open_attempts(AgentTable.visit == visit).order_by(AgentTable.id))
    attempts = [*map(open_attempt, rows)]
    give_back_units(tx, attempts, run=run, new=new, cause=cause, visit_becomes=None)


def _free_unit(
    tx: Transaction, run: int, attempt: OpenAttempt, cause: str, *, is_forgotten: bool
) -> None:
    assert attempt.unit is not None
    count_ended(tx, run, attempt.worker, is_forgotten=is_forgotten)
    old, new = UnitStatus.ASSIGNED, UnitStatus.LAUNCHED
    change_unit(tx, Change(run=run, id=attempt.unit, old=old, new=new, cause=cause), agent=None)


def next_positions(tx: Transaction, run: int, count: int) -> int:
    """Reserve ``count`` positions after all others and return the first.

    The run's row is locked until the commit, so that positions become visible in their order.
    """
    row = tx.one(_NEXT_POSITION, run=run, count=count)
    assert row is not None
    return int(row[0]) - count


def move_to_end(tx: Transaction, run: int, units: Sequence[int]) -> None:
    """Move units to the last positions, which no worker's mark has passed; lock the run's row."""
    first = next_positions(tx, run, len(units))
    tx.many(_REPOSITION, [(first + n, unit) for n, unit in enumerate(units)])


def _free_units_beside(tx: Transaction, unit: int) -> list[int]:
    """Return the free units of a unit's assignment, including the unit itself if it is free."""
    return [row[0] for row in tx.all(_FREE_OF_ASSIGNMENT, unit=unit)]
