"""The search for a free unit: an index look-up, however many units a worker has done.

Free units are kept in lanes (the first units of all assignments, the second ones, …), each ordered
by position. A unit that comes back gets a position after all others. So one mark per lane is all
that is stored for a worker: every free unit below it belongs to an assignment that they have tried.
Replacements of rejected units come last, in a search of their own, because they can be withdrawn:
if the rejection is undone, a replacement that is still free is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import peewee

from famulus.engine.worker_progress import WorkerProgress
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import UnitStatus
from famulus.model.tables import AgentTable, UnitTable, literal
from famulus.model.transaction import Transaction

#: Units read at once, after a first look at one.
_BATCH = 64
#: Units that one transaction may pass over, so that no other waits long for it.
MOST_PASSED = 2_000


class FreeUnit(NamedTuple):
    """A free unit of an assignment that the worker has not tried."""

    unit: int
    assignment: int
    lane: int
    position: int
    is_replacement: bool = False


class _FreeRow(NamedTuple):
    id: int
    assignment: int
    position: int
    is_tried: bool


class _ReplacementRow(NamedTuple):
    id: int
    assignment: int
    lane: int
    position: int


#: Names of the parameters of a statement that locks one of some units.
_LOCK_PLACES = tuple(f"unit{number}" for number in range(32))
#: Condition on a unit: the worker has tried its assignment. Its parameter is ``worker``.
is_tried = peewee.fn.EXISTS(
    AgentTable.select(peewee.SQL("1")).where(
        AgentTable.worker == Param("worker"),
        AgentTable.run == Param("run"),
        AgentTable.assignment == UnitTable.assignment,
    )
)
_FREE = Statement(
    UnitTable.select(
        UnitTable.id, UnitTable.assignment, UnitTable.position, is_tried.alias("is_tried")
    )
    .where(
        UnitTable.run == Param("run"),
        UnitTable.lane == Param("lane"),
        UnitTable.status == literal(UnitStatus.LAUNCHED),
        UnitTable.position > Param("after"),
        UnitTable.replacement == peewee.SQL("0"),
    )
    .order_by(UnitTable.position)
    .limit(Param("most")),
    _FreeRow,
)
_FREE_REPLACEMENTS = Statement(
    UnitTable.select(UnitTable.id, UnitTable.assignment, UnitTable.lane, UnitTable.position)
    .where(
        UnitTable.run == Param("run"),
        UnitTable.replacement > peewee.SQL("0"),
        UnitTable.status == literal(UnitStatus.LAUNCHED),
        UnitTable.position > Param("after"),
        ~is_tried,
    )
    .order_by(UnitTable.position)
    .limit(Param("most")),
    _ReplacementRow,
)
_LOCK_FREE = Statement(
    lambda kind: for_update(
        UnitTable.select(UnitTable.id)
        .where(
            UnitTable.id << tuple(map(Param, _LOCK_PLACES)),
            # An expression keeps PostgreSQL from searching among all free units instead, which it
            # does when there were few at its last ANALYZE.
            UnitTable.status.concat(peewee.SQL("''")) == literal(UnitStatus.LAUNCHED),
        )
        .order_by(UnitTable.replacement > peewee.SQL("0"), UnitTable.lane, UnitTable.position)
        .limit(1),
        kind,
        skip_locked=True,
    )
)
_TRIED = Statement(
    AgentTable.select(AgentTable.id).where(
        AgentTable.worker == Param("worker"),
        AgentTable.run == Param("run"),
        AgentTable.assignment == Param("assignment"),
    )
)


def stand_at(progress: WorkerProgress, found: FreeUnit) -> None:
    """Begin the next search of ``worker_can_do_unit`` after a unit."""
    lane = len(progress.marks) if found.is_replacement else found.lane
    progress.cursor = [lane, found.position]


def find_units(
    tx: Transaction,
    run: int,
    worker: int,
    progress: WorkerProgress,
    *,
    start: tuple[int, int] = (0, -1),
    most_passed: int = MOST_PASSED,
) -> Iterator[FreeUnit]:
    """Yield the free units that a worker may get, in order, moving the marks past others.

    :param start: a lane, and the position in it after which to begin; the replacements follow the
        last lane, and are numbered as another one.
    :param most_passed: how many units that are not for this worker to pass over before stopping. A
        stop sets ``progress.is_cut_short``; the marks keep how far the search has come.
    """
    passed = 0
    progress.is_cut_short = False
    for lane in range(start[0], len(progress.marks)):
        most, after, is_marking = 1, progress.marks[lane], True
        if lane == start[0] and start[1] > after:
            after, is_marking = start[1], False
        while True:
            if passed >= most_passed:
                progress.is_cut_short = True
                return
            rows = tx.all(_FREE, run=run, worker=worker, lane=lane, after=after, most=most)
            for row in rows:
                after = row.position
                if not row.is_tried:
                    is_marking = False
                    yield FreeUnit(row.id, row.assignment, lane, row.position)
                    continue
                passed += 1
                if is_marking:
                    progress.marks[lane] = row.position
            if len(rows) < most:
                break
            most = _BATCH
    yield from _find_replacements(
        tx, run, worker, after=start[1] if start[0] == len(progress.marks) else -1
    )


def _find_replacements(tx: Transaction, run: int, worker: int, after: int) -> Iterator[FreeUnit]:
    """Yield the free replacements that a worker may get, in order, after a position."""
    while found := tx.all(_FREE_REPLACEMENTS, run=run, worker=worker, after=after, most=_BATCH):
        for each in found:
            yield FreeUnit(*each, is_replacement=True)
        after = found[-1].position


def lock_free_unit(
    tx: Transaction, run: int, found: Iterable[FreeUnit], worker: int
) -> FreeUnit | None:
    """Lock the first of some units that is still free for a worker until the commit; return it.

    A unit that another transaction has locked counts as taken, so that neither waits for the other.
    Workers who arrive at the same time find the same units: a worker who does not get the first
    unit tries many others in one round trip.
    """
    remaining, most = iter(found), 1
    while batch := list(islice(remaining, most)):
        most = len(_LOCK_PLACES)
        while batch:
            # A unit that is repeated changes nothing.
            units = [*(each.unit for each in batch), *[batch[-1].unit] * (most - len(batch))]
            locked = tx.one(_LOCK_FREE, **dict(zip(_LOCK_PLACES, units, strict=True)))
            if locked is None:
                break
            unit = next(each for each in batch if each.unit == locked[0])
            if tx.one(_TRIED, run=run, assignment=unit.assignment, worker=worker) is None:
                return unit
            batch.remove(unit)
    return None
