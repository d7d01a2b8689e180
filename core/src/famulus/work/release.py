"""Letting units out: the window of ``max_num_concurrent_units``, and units that come back."""

from __future__ import annotations

from typing import Any

import peewee

from famulus.model.statements import Kind, Param, Statement
from famulus.model.states import OPEN_VISITS, AgentStatus, UnitStatus, VisitStatus
from famulus.model.tables import Participation, TaskRun, Unit, Visit, literal
from famulus.model.transaction import Transaction
from famulus.work.allocation import move_to_end, next_positions
from famulus.work.changes import change_unit, change_units_together, change_visit, end_agent


def _window(kind: Kind) -> Any:
    query = TaskRun.select(TaskRun.max_num_concurrent_units, TaskRun.open_units).where(
        TaskRun.id == Param("run")
    )
    return query.for_update(True) if kind is Kind.POSTGRESQL else query


_IS_WINDOWED = Statement(
    lambda _: TaskRun.select(TaskRun.max_num_concurrent_units).where(TaskRun.id == Param("run"))
)
_WINDOW = Statement(_window)
_SET_OPEN = Statement(
    lambda _: TaskRun.update({TaskRun.open_units: Param("open")}).where(TaskRun.id == Param("run"))
)
_WAITING = Statement(
    lambda _: Unit.select(Unit.id)
    .where(Unit.run == Param("run"), Unit.status == literal(UnitStatus.CREATED))
    .order_by(Unit.lane, Unit.position)
    .limit(Param("most"))
)
_PLACE = Statement(
    lambda _: Unit.update({Unit.position: Param("position")}).where(Unit.id == Param("unit"))
)
_SHARE_BACK = Statement(
    lambda _: Participation.update({
        Participation.open_units: Participation.open_units - 1,
        Participation.assignments: Participation.assignments - Param("forgotten"),
    }).where(Participation.run == Param("run"), Participation.worker == Param("worker"))
)
_VISIT_STATUS = Statement(
    lambda _: Visit.select(Visit.status).where(Visit.id == Param("visit"))
)


def release_waiting(tx: Transaction, run: int, closed: int = 0, cause: str = "window") -> int:
    """Let waiting units out as far as the window allows; return how many.

    :param closed: units of the window that have just been completed or have expired.
    """
    row = tx.one(_IS_WINDOWED, run=run)
    if row is None or not row[0]:
        return 0
    window, open_units = tx.one(_WINDOW, run=run) or (0, 0)
    open_units = max(open_units - closed, 0)
    units = []
    if open_units < window:
        units = [row[0] for row in tx.all(_WAITING, run=run, most=window - open_units)]
    if units:
        first = next_positions(tx, run, len(units))
        tx.many(_PLACE, [(first + n, unit) for n, unit in enumerate(units)])
        change_units_together(
            tx, run=run, units=units, old=UnitStatus.CREATED, new=UnitStatus.LAUNCHED, cause=cause
        )
    tx.run(_SET_OPEN, run=run, open=open_units + len(units))
    return len(units)


def take_back(
    tx: Transaction,
    *,
    run: int,
    agent: int,
    unit: int | None,
    worker: int,
    visit: int,
    old: AgentStatus,
    new: AgentStatus,
    cause: str,
    visit_becomes: VisitStatus | None,
) -> bool:
    """End an attempt without answers and offer its unit to others; say whether it was still open.

    :param visit_becomes: what the visit is from now on; None leaves that to the platform.
    """
    if not end_agent(tx, run=run, agent=agent, old=old, new=new, cause=cause):
        return False
    if unit is not None:
        change_unit(
            tx, run=run, unit=unit, old=UnitStatus.ASSIGNED, new=UnitStatus.LAUNCHED, cause=cause,
            agent=None,
        )
        move_to_end(tx, run, unit)
        forgotten = 1 if new is AgentStatus.RETURNED else 0
        tx.run(_SHARE_BACK, run=run, worker=worker, forgotten=forgotten)
    if visit_becomes is not None:
        _end_visit(tx, run, visit, visit_becomes, cause)
    return True


def _end_visit(tx: Transaction, run: int, visit: int, new: VisitStatus, cause: str) -> None:
    row = tx.one(_VISIT_STATUS, visit=visit)
    if row is not None and row[0] in OPEN_VISITS:
        change_visit(tx, run=run, visit=visit, old=VisitStatus(row[0]), new=new, cause=cause)


def open_unit_exists(tx: Transaction, run: int) -> bool:
    """Say whether any unit of a run is still to be done: three looks into an index."""
    return any(
        tx.one(_ANY, run=run, status=status.value) is not None
        for status in (UnitStatus.LAUNCHED, UnitStatus.ASSIGNED, UnitStatus.CREATED)
    )


_ANY = Statement(
    lambda _: Unit.select(peewee.SQL("1"))
    .where(Unit.run == Param("run"), Unit.status == Param("status"))
    .limit(1)
)
