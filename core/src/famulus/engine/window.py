"""Letting units out: the window of ``max_num_concurrent_units``, and the budget."""

from __future__ import annotations

import peewee

from famulus.engine.ledger.budget import read_budget
from famulus.engine.status import (
    change_units_together,
)
from famulus.engine.units import next_positions
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import UnitStatus
from famulus.model.tables import TaskRun, Unit, literal, literals
from famulus.model.transaction import Transaction

#: Units let out in one go; a window that was made larger is filled over several.
_MOST_RELEASED = 500
#: Units taken back in one go, where a window was made narrower.
_MOST_TAKEN_BACK = 2_000


_LIMITS = Statement(
    TaskRun.select(TaskRun.max_num_concurrent_units, TaskRun.max_spend).where(
        TaskRun.id == Param("run")
    )
)
_WINDOW = Statement(
    lambda kind: for_update(
        TaskRun.select(TaskRun.max_num_concurrent_units, TaskRun.open_units).where(
            TaskRun.id == Param("run")
        ),
        kind,
    )
)
_OVERFULL = Statement(
    TaskRun.select(peewee.SQL("1")).where(
        TaskRun.id == Param("run"),
        TaskRun.max_num_concurrent_units > 0,
        TaskRun.open_units > TaskRun.max_num_concurrent_units,
    )
)
_SET_OPEN = Statement(
    TaskRun.update({TaskRun.open_units: Param("open")}).where(TaskRun.id == Param("run"))
)
_WAITING = Statement(
    Unit.select(Unit.id)
    .where(Unit.run == Param("run"), Unit.status == literal(UnitStatus.CREATED))
    .order_by(Unit.lane, Unit.position)
    .limit(Param("most"))
)
_OUT = Statement(
    Unit.select(Unit.id)
    .where(
        Unit.run == Param("run"),
        Unit.status << literals(UnitStatus.LAUNCHED, UnitStatus.ASSIGNED),
    )
    .limit(Param("most"))
)
_LAST_FREE = Statement(
    lambda kind: for_update(
        Unit.select(Unit.id)
        .where(Unit.run == Param("run"), Unit.status == literal(UnitStatus.LAUNCHED))
        .order_by(Unit.lane.desc(), Unit.position.desc())
        .limit(Param("most")),
        kind,
        skip_locked=True,
    )
)
_PLACE = Statement(Unit.update({Unit.position: Param("position")}).where(Unit.id == Param("unit")))
_ANY = Statement(
    Unit.select(peewee.SQL("1"))
    .where(Unit.run == Param("run"), Unit.status == Param("status"))
    .limit(1)
)


def release_waiting(tx: Transaction, run: int, closed: int = 0, cause: str = "window") -> int:
    """Let waiting units out as far as the window and the budget allow; return how many.

    :param closed: units of the window that have just been completed or have expired.
    """
    window, most_spent = tx.one(_LIMITS, run=run) or (0, 0)
    if not window and (closed or not most_spent):
        # A unit costs what it does whether it is out or done.
        return 0
    window, open_units = tx.one(_WINDOW, run=run) or (0, 0)
    open_units = max(open_units - closed, 0)
    room = _affordable(tx, run, window - open_units if window else _MOST_RELEASED)
    return _release(tx, run, room, open_units, cause)


def is_window_off(tx: Transaction, run: int) -> bool:
    """Say whether there is something for :func:`adjust_window` to do."""
    return (_is_any(tx, run, UnitStatus.CREATED) and _room(tx, run)[0] > 0) or _is_overfull(tx, run)


def adjust_window(tx: Transaction, run: int) -> int:
    """Make what is out fit the window and the budget, which may have been edited: a step at a time,
    by counting anew. Return how many units were let out or have to wait again.
    """
    window, open_units = tx.one(_WINDOW, run=run) or (0, 0)
    if tx.one(_OVERFULL, run=run) is not None and _is_any(tx, run, UnitStatus.LAUNCHED):
        return _take_back_free(tx, run, window, open_units)
    budget = read_budget(tx, run)
    if budget is not None and budget.excess and _is_any(tx, run, UnitStatus.LAUNCHED):
        return _take_back_costly(tx, run, budget.excess, open_units)
    room, out = _room(tx, run)
    return _release(tx, run, room, out, "window")


def is_spent(tx: Transaction, run: int) -> bool:
    """Say whether units of a run wait for nothing but a larger budget: no others are left."""
    if _is_any(tx, run, UnitStatus.LAUNCHED) or _is_any(tx, run, UnitStatus.ASSIGNED):
        return False
    budget = read_budget(tx, run, lock=False)
    return budget is not None and budget.room == 0 and _is_any(tx, run, UnitStatus.CREATED)


def _is_overfull(tx: Transaction, run: int) -> bool:
    if not _is_any(tx, run, UnitStatus.LAUNCHED):
        return False
    if tx.one(_OVERFULL, run=run) is not None:
        return True
    budget = read_budget(tx, run, lock=False)
    return budget is not None and budget.excess > 0


def _take_back_free(tx: Transaction, run: int, window: int, open_units: int) -> int:
    """Have units wait again that nobody holds, those that would come last.

    ``open_units`` may be more than there are: it is put right once few enough are out.
    """
    most = window + _MOST_TAKEN_BACK
    out = len(tx.all(_OUT, run=run, most=most))
    units = [row[0] for row in tx.all(_LAST_FREE, run=run, most=max(out - window, 0))]
    taken = change_units_together(
        tx, run=run, units=units, old=UnitStatus.LAUNCHED, new=UnitStatus.CREATED, cause="window"
    )
    tx.run(_SET_OPEN, run=run, open=(out if out < most else max(open_units, out)) - taken)
    return taken


def _take_back_costly(tx: Transaction, run: int, excess: int, open_units: int) -> int:
    """Have units wait again that nobody holds and that cost more than the run may."""
    units = [row[0] for row in tx.all(_LAST_FREE, run=run, most=min(excess, _MOST_TAKEN_BACK))]
    taken = change_units_together(
        tx, run=run, units=units, old=UnitStatus.LAUNCHED, new=UnitStatus.CREATED, cause="budget"
    )
    tx.run(_SET_OPEN, run=run, open=max(open_units - taken, 0))
    return taken


def _room(tx: Transaction, run: int) -> tuple[int, int]:
    window = (tx.one(_LIMITS, run=run) or (0,))[0]
    if not window:
        return _affordable(tx, run, _MOST_RELEASED), 0
    out = len(tx.all(_OUT, run=run, most=window))
    return _affordable(tx, run, window - out), out


def _affordable(tx: Transaction, run: int, room: int) -> int:
    """Return how many of so many units the budget allows."""
    if room <= 0 or not _is_any(tx, run, UnitStatus.CREATED):
        return room
    budget = read_budget(tx, run, lock=False)
    return room if budget is None or budget.room is None else min(room, budget.room)


def _release(tx: Transaction, run: int, room: int, open_units: int, cause: str) -> int:
    units = []
    if room > 0:
        most = min(room, _MOST_RELEASED)
        units = [row[0] for row in tx.all(_WAITING, run=run, most=most)]
    if units:
        first = next_positions(tx, run, len(units))
        tx.many(_PLACE, [(first + n, unit) for n, unit in enumerate(units)])
        change_units_together(
            tx, run=run, units=units, old=UnitStatus.CREATED, new=UnitStatus.LAUNCHED, cause=cause
        )
    tx.run(_SET_OPEN, run=run, open=open_units + len(units))
    return len(units)


def open_unit_exists(tx: Transaction, run: int) -> bool:
    """Say whether any unit of a run is still to be done: three looks into an index."""
    return any(
        _is_any(tx, run, status)
        for status in (UnitStatus.LAUNCHED, UnitStatus.ASSIGNED, UnitStatus.CREATED)
    )


def _is_any(tx: Transaction, run: int, status: UnitStatus) -> bool:
    return tx.one(_ANY, run=run, status=status.value) is not None
