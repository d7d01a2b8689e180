"""Units: found, claimed, completed and given back.

All of it is an index look-up, however many units a worker has done.

Free units are kept in lanes (the first units of all assignments, the second ones, …), each ordered
by position. A unit that comes back gets a position after all others. So one mark per lane, below
which every free unit belongs to an assignment that the worker has tried, is all there is to
remember of a worker. Replacements of rejected units come last, in a search of their own: a
rejection may be undone, and a replacement that is still free be withdrawn then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import peewee
from attrs import define

from famulus.engine.attempts import Attempt, OpenAttempt
from famulus.engine.status import Change, change_unit, end_agent
from famulus.engine.visits import end_visit
from famulus.model.fields import dump_json
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import AgentStatus, UnitStatus, VisitStatus
from famulus.model.tables import (
    AgentTable,
    AssignmentTable,
    ParticipationTable,
    TaskRunTable,
    UnitTable,
    literal,
)
from famulus.model.transaction import Transaction

#: Units read at once, after a first look at one.
_BATCH = 64
#: Units that one transaction may pass over, so that no other waits long for it.
MOST_PASSED = 2_000


@define
class WorkerProgress:
    """How far a worker is in a run, see :func:`save_progress` (the table ``participation``)."""

    id: int
    #: per lane, the position up to which no free unit is for this worker
    marks: list[int]
    open_units: int = 0
    done_units: int = 0
    #: assignments that the worker has tried
    assignments: int = 0
    #: the lane and the position where ``worker_can_do_unit`` was asked last
    cursor: list[int] | None = None
    #: whether the last search stopped before it had seen every free unit
    is_cut_short: bool = False
    #: units done or open over all runs of the task; None where no maximum needs them
    in_task: int | None = None

    def stand_at(self, found: FreeUnit) -> None:
        """Begin the next search of ``worker_can_do_unit`` after a unit."""
        lane = len(self.marks) if found.is_replacement else found.lane
        self.cursor = [lane, found.position]


class FreeUnit(NamedTuple):
    """A free unit of an assignment that the worker has not tried."""

    unit: int
    assignment: int
    lane: int
    position: int
    is_replacement: bool = False


class UnitData(NamedTuple):
    """The part of a unit that a page shows."""

    #: its index within the assignment
    lane: int
    #: the row of the assignment, as JSON text
    data: str


@define(kw_only=True)
class UnitNumber:
    """The number of a unit among those of its worker."""

    #: 1 for the first
    number: int
    #: the most that the worker can get, since others may take what is left; None where that is
    #: unknown, while rows are being loaded and no maximum is set
    most: int | None


class _ProgressRow(NamedTuple):
    id: int
    open_units: int
    done_units: int
    assignments: int
    marks: str
    cursor: str | None


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

_SELECT_PROGRESS = ParticipationTable.select(
    ParticipationTable.id,
    ParticipationTable.open_units,
    ParticipationTable.done_units,
    ParticipationTable.assignments,
    ParticipationTable.marks,
    ParticipationTable.cursor,
).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
_PROGRESS = Statement(_SELECT_PROGRESS, _ProgressRow)
# It is saved whole: a concurrent submission that counts itself has to wait.
_LOCK_PROGRESS = Statement(lambda kind: for_update(_SELECT_PROGRESS, kind), _ProgressRow)
_MAKE_PROGRESS = Statement(
    ParticipationTable.insert(
        {
            ParticipationTable.run: Param("run"),
            ParticipationTable.worker: Param("worker"),
            ParticipationTable.task: Param("task"),
            ParticipationTable.open_units: 0,
            ParticipationTable.done_units: 0,
            ParticipationTable.assignments: 0,
            ParticipationTable.marks: Param("marks"),
        }
    ).returning(ParticipationTable.id)
)
_SAVE_PROGRESS = Statement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: Param("open_units"),
            ParticipationTable.done_units: Param("done_units"),
            ParticipationTable.assignments: Param("assignments"),
            ParticipationTable.marks: Param("marks"),
            ParticipationTable.cursor: Param("cursor"),
        }
    ).where(ParticipationTable.id == Param("id"))
)
_COUNT_DONE = Statement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: ParticipationTable.open_units - Param("closed"),
            ParticipationTable.done_units: ParticipationTable.done_units + 1,
            ParticipationTable.assignments: ParticipationTable.assignments + Param("again"),
        }
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
)
_COUNT_ENDED = Statement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: ParticipationTable.open_units - 1,
            ParticipationTable.assignments: ParticipationTable.assignments - Param("forgotten"),
        }
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
)
_COUNT_WITHDRAWN = Statement(
    ParticipationTable.update(
        {ParticipationTable.done_units: ParticipationTable.done_units - 1}
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
)
_COUNT_IN_TASK = Statement(
    ParticipationTable.select(
        peewee.fn.SUM(ParticipationTable.done_units + ParticipationTable.open_units)
    ).where(ParticipationTable.worker == Param("worker"), ParticipationTable.task == Param("task"))
)
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
            UnitTable.status == literal(UnitStatus.LAUNCHED),
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


def read_progress(
    tx: Transaction, run: int, worker: int, *, lock: bool = True
) -> WorkerProgress | None:
    """Return a worker's progress in a run, or None before their first unit.

    :param lock: False to look only; it cannot be saved then.
    """
    row = tx.one(_LOCK_PROGRESS if lock else _PROGRESS, run=run, worker=worker)
    if row is None:
        return None
    return WorkerProgress(
        id=row.id,
        open_units=row.open_units,
        done_units=row.done_units,
        assignments=row.assignments,
        marks=json.loads(row.marks),
        cursor=None if row.cursor is None else json.loads(row.cursor),
    )


def make_progress(
    tx: Transaction, *, run: int, worker: int, task: int, lanes: int
) -> WorkerProgress:
    """Return a worker's progress in a run, locked; create it if there is none."""
    progress = read_progress(tx, run, worker)
    if progress is not None:
        return progress
    marks = [-1] * lanes
    row = tx.one(_MAKE_PROGRESS, run=run, worker=worker, task=task, marks=dump_json(marks))
    assert row is not None
    return WorkerProgress(id=row[0], marks=marks)


def save_progress(tx: Transaction, progress: WorkerProgress) -> None:
    """Store a worker's progress."""
    tx.run(
        _SAVE_PROGRESS,
        id=progress.id,
        open_units=progress.open_units,
        done_units=progress.done_units,
        assignments=progress.assignments,
        marks=dump_json(progress.marks),
        cursor=None if progress.cursor is None else dump_json(progress.cursor),
    )


def count_in_task(tx: Transaction, *, worker: int, task: int) -> int:
    """Return how many units a worker has done or has open, over all runs of a task."""
    row = tx.one(_COUNT_IN_TASK, worker=worker, task=task)
    return int(row[0] or 0) if row else 0


def number_unit(taken: int, tried: int, *, maximum: int, rows: int | None) -> UnitNumber:
    """Return the number of the unit that a worker has taken last.

    :param taken: units that the worker has done or has open, this one among them: of the task where
        a maximum is set, otherwise of the run.
    :param tried: assignments of the run that the worker cannot get again, this one among them.
    :param maximum: units that one worker may do of the task; 0 for no limit.
    :param rows: assignments of the run; None while some of them may be still to come.
    """
    bounds = [maximum] if maximum else []
    if rows is not None:
        bounds.append(taken + rows - tried)
    return UnitNumber(number=taken, most=max(min(bounds), taken) if bounds else None)


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
    :param most_passed: how many units that are not for this worker to pass over before stopping,
        which sets ``progress.is_cut_short``; the marks keep how far the search has come.
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

    One that another transaction has locked counts as taken, so that neither waits for the other.
    Workers who arrive at the same time find the same units: who does not get the first one tries
    many at once, instead of one round trip for each of the others.
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
        progress.stand_at(found)
    save_progress(tx, progress)


def read_unit_data(tx: Transaction, unit: int) -> UnitData:
    """Return the part of a unit that a page shows."""
    row = tx.one(_DATA, unit=unit)
    assert row is not None
    return row


def complete_unit(tx: Transaction, attempt: Attempt) -> bool:
    """Count an attempt's unit as done by its worker; return whether a unit less is open.

    The unit is completed unless another worker works on it or has completed it.
    """
    assert attempt.unit is not None
    is_open = attempt.status is AgentStatus.IN_TASK
    tx.run(
        _COUNT_DONE,
        run=attempt.run,
        worker=attempt.worker,
        closed=int(is_open),
        again=int(attempt.status is AgentStatus.RETURNED),
    )
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

    :param new: the status of the attempts from now on.
    :param visit_becomes: the status of their visits from now on; None leaves it to the platform.
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


def _free_unit(
    tx: Transaction, run: int, attempt: OpenAttempt, cause: str, *, is_forgotten: bool
) -> None:
    assert attempt.unit is not None
    count_ended(tx, run, attempt.worker, is_forgotten=is_forgotten)
    old, new = UnitStatus.ASSIGNED, UnitStatus.LAUNCHED
    change_unit(tx, Change(run=run, id=attempt.unit, old=old, new=new, cause=cause), agent=None)


def count_ended(tx: Transaction, run: int, worker: int, *, is_forgotten: bool = False) -> None:
    """Count a worker's unit as no longer open.

    :param is_forgotten: whether the worker may get another unit of its assignment.
    """
    tx.run(_COUNT_ENDED, run=run, worker=worker, forgotten=int(is_forgotten))


def count_withdrawn(tx: Transaction, run: int, worker: int) -> None:
    """Count a worker's unit as no longer done; they cannot get its assignment again."""
    tx.run(_COUNT_WITHDRAWN, run=run, worker=worker)


def next_positions(tx: Transaction, run: int, count: int) -> int:
    """Reserve ``count`` positions after all others and return the first.

    The run's row is locked until the commit, so that positions become visible in their order.
    """
    row = tx.one(_NEXT_POSITION, run=run, count=count)
    assert row is not None
    return int(row[0]) - count


def move_to_end(tx: Transaction, run: int, units: Sequence[int]) -> None:
    """Give units positions after all others, which no mark has passed. Locks the run's row."""
    first = next_positions(tx, run, len(units))
    tx.many(_REPOSITION, [(first + n, unit) for n, unit in enumerate(units)])


def _free_units_beside(tx: Transaction, unit: int) -> list[int]:
    """Return the free units of a unit's assignment, itself among them if it is free."""
    return [row[0] for row in tx.all(_FREE_OF_ASSIGNMENT, unit=unit)]
