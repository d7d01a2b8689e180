"""Releasing units to workers: the window of ``max_num_concurrent_units``, and the budget."""

from __future__ import annotations

from typing import NamedTuple

import peewee

from famulus.engine.ledger.budget import read_budget
from famulus.engine.runs import count_assigned, is_any_unit
from famulus.engine.status import change_units_together
from famulus.engine.units import move_to_end
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import UnitStatus
from famulus.model.tables import TaskRunTable, UnitTable, literal
from famulus.model.transaction import Transaction

#: Units released in one step; a window that was made larger is filled over several.
_MOST_RELEASED = 500
#: Units taken back in one step, where a window was made narrower.
_MOST_TAKEN_BACK = 2_000


class _LimitsRow(NamedTuple):
    window: int
    most_spent: int


class _WindowRow(NamedTuple):
    window: int
    open_units: int


_LIMITS = Statement(
    TaskRunTable.select(
        TaskRunTable.max_num_concurrent_units.alias("window"),
        TaskRunTable.max_spend.alias("most_spent"),
    ).where(TaskRunTable.id == Param("run")),
    _LimitsRow,
)
_WINDOW = Statement(
    lambda kind: for_update(
        TaskRunTable.select(
            TaskRunTable.max_num_concurrent_units.alias("window"), TaskRunTable.open_units
        ).where(TaskRunTable.id == Param("run")),
        kind,
    ),
    _WindowRow,
)
_OVERFULL = Statement(
    TaskRunTable.select(peewee.SQL("1")).where(
        TaskRunTable.id == Param("run"),
        TaskRunTable.max_num_concurrent_units > 0,
        TaskRunTable.open_units > TaskRunTable.max_num_concurrent_units,
    )
)
_SET_OPEN = Statement(
    TaskRunTable.update({TaskRunTable.open_units: Param("open")}).where(
        TaskRunTable.id == Param("run")
    )
)
_WAITING = Statement(
    UnitTable.select(UnitTable.id)
    .where(UnitTable.run == Param("run"), UnitTable.status == literal(UnitStatus.CREATED))
    .order_by(UnitTable.lane, UnitTable.position)
    .limit(Param("most"))
)
_FREE = Statement(
    UnitTable.select(UnitTable.id)
    .where(UnitTable.run == Param("run"), UnitTable.status == literal(UnitStatus.LAUNCHED))
    .limit(Param("most"))
)
_LAST_FREE = Statement(
    lambda kind: for_update(
        UnitTable.select(UnitTable.id)
        .where(UnitTable.run == Param("run"), UnitTable.status == literal(UnitStatus.LAUNCHED))
        .order_by(UnitTable.lane.desc(), UnitTable.position.desc())
        .limit(Param("most")),
        kind,
        skip_locked=True,
    )
)


def release_waiting(tx: Transaction, run: int, closed: int = 0, cause: str = "window") -> int:
    """Release waiting units as far as the window and the budget allow; return how many.

    :param closed: units of the window that have just been completed or have expired.
    """
    limits = tx.one(_LIMITS, run=run)
    if limits is None or (not limits.window and (closed or not limits.most_spent)):
        # A unit costs the same whether it is open or done.
        return 0
    row = _lock_window(tx, run)
    open_units = max(row.open_units - closed, 0)
    room = _affordable(tx, run, row.window - open_units if row.window else _MOST_RELEASED)
    return _release(tx, run, room, open_units, cause)


def is_window_off(tx: Transaction, run: int, *, is_strict: bool = True) -> bool:
    """Return whether :func:`adjust_window` has anything to do."""
    is_waiting = is_any_unit(tx, run, UnitStatus.CREATED) and _room(tx, run)[0] > 0
    return is_waiting or _is_overfull(tx, run, is_strict=is_strict)


def adjust_window(tx: Transaction, run: int, *, is_strict: bool = True) -> int:
    """Make the open units fit the window and the budget, which may have been changed.

    This is one step, which counts the units again. Return how many units were released or have to
    wait again.

    :param is_strict: False to keep free units that do not fit the window: a platform has sold their
        places already.
    """
    window, open_units = _lock_window(tx, run)
    if (
        is_strict
        and tx.one(_OVERFULL, run=run) is not None
        and is_any_unit(tx, run, UnitStatus.LAUNCHED)
    ):
        return _take_back_free(tx, run, window, open_units)
    budget = read_budget(tx, run)
    if budget is not None and budget.excess and is_any_unit(tx, run, UnitStatus.LAUNCHED):
        return _take_back_costly(tx, run, budget.excess, open_units)
    room, out = _room(tx, run)
    return _release(tx, run, room, out, "window")


def is_spent(tx: Transaction, run: int) -> bool:
    """Return whether all units of a run that are still to be done wait for a larger budget."""
    if is_any_unit(tx, run, UnitStatus.LAUNCHED) or is_any_unit(tx, run, UnitStatus.ASSIGNED):
        return False
    budget = read_budget(tx, run, lock=False)
    return budget is not None and budget.room == 0 and is_any_unit(tx, run, UnitStatus.CREATED)


def _is_overfull(tx: Transaction, run: int, *, is_strict: bool) -> bool:
    if not is_any_unit(tx, run, UnitStatus.LAUNCHED):
        return False
    if is_strict and tx.one(_OVERFULL, run=run) is not None:
        return True
    budget = read_budget(tx, run, lock=False)
    return budget is not None and budget.excess > 0


def _take_back_free(tx: Transaction, run: int, window: int, open_units: int) -> int:
    """Make free units wait again, the last ones first.

    :param open_units: the stored number of open units; it may be too high, and is corrected once
        few enough are open.
    """
    most = window + _MOST_TAKEN_BACK
    out = _count_out(tx, run, most)
    units = [row[0] for row in tx.all(_LAST_FREE, run=run, most=max(out - window, 0))]
    taken = change_units_together(
        tx, run=run, units=units, old=UnitStatus.LAUNCHED, new=UnitStatus.CREATED, cause="window"
    )
    tx.run(_SET_OPEN, run=run, open=(out if out < most else max(open_units, out)) - taken)
    return taken


def _take_back_costly(tx: Transaction, run: int, excess: int, open_units: int) -> int:
    """Make free units that the budget does not cover wait again."""
    units = [row[0] for row in tx.all(_LAST_FREE, run=run, most=min(excess, _MOST_TAKEN_BACK))]
    taken = change_units_together(
        tx, run=run, units=units, old=UnitStatus.LAUNCHED, new=UnitStatus.CREATED, cause="budget"
    )
    tx.run(_SET_OPEN, run=run, open=max(open_units - taken, 0))
    return taken


def _lock_window(tx: Transaction, run: int) -> _WindowRow:
    return tx.one(_WINDOW, run=run) or _WindowRow(0, 0)


def _room(tx: Transaction, run: int) -> tuple[int, int]:
    """Return how many units can be released, and how many are open (0 without a window)."""
    limits = tx.one(_LIMITS, run=run)
    window = 0 if limits is None else limits.window
    if not window:
        return _affordable(tx, run, _MOST_RELEASED), 0
    out = _count_out(tx, run, window)
    return _affordable(tx, run, window - out), out


def _affordable(tx: Transaction, run: int, room: int) -> int:
    """Return how many of ``room`` units the budget covers."""
    if room <= 0 or not is_any_unit(tx, run, UnitStatus.CREATED):
        return room
    budget = read_budget(tx, run, lock=False)
    return room if budget is None or budget.room is None else min(room, budget.room)


def _release(tx: Transaction, run: int, room: int, open_units: int, cause: str) -> int:
    units = []
    if room > 0:
        most = min(room, _MOST_RELEASED)
        units = [row[0] for row in tx.all(_WAITING, run=run, most=most)]
    if units:
        move_to_end(tx, run, units)
        change_units_together(
            tx, run=run, units=units, old=UnitStatus.CREATED, new=UnitStatus.LAUNCHED, cause=cause
        )
    tx.run(_SET_OPEN, run=run, open=open_units + len(units))
    return len(units)


def open_unit_exists(tx: Transaction, run: int) -> bool:
    """Return whether any unit of a run is still to be done."""
    return any(
        is_any_unit(tx, run, status)
        for status in (UnitStatus.LAUNCHED, UnitStatus.ASSIGNED, UnitStatus.CREATED)
    )


def _count_out(tx: Transaction, run: int, most: int) -> int:
    """Return how many units are free or assigned, or ``most`` if there are more."""
    assigned = count_assigned(tx, run)
    return min(assigned + len(tx.all(_FREE, run=run, most=max(most - assigned, 0))), most)
