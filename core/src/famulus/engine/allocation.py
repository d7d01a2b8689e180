"""Which unit a worker gets: an index look-up, however much they have done.

Free units are kept in lanes (the first slots of all assignments, the second ones, …), each ordered
by position. A unit that comes back gets a position after all others, so that a mark a lane, below
which everything free belongs to assignments the worker has tried, is all there is to remember.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import peewee
from attrs import define

from famulus.model.fields import dump_json
from famulus.model.statements import Kind, Param, Statement, for_update
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import Agent, Participation, TaskRun, Unit, literal
from famulus.model.transaction import Transaction

#: Units looked at in one go, after a first look at one.
_BATCH = 64
#: Units a search passes over in one transaction, so that nobody waits long behind it.
MOST_PASSED = 2_000


@define
class Share:
    """A worker's row of counters in a run; :func:`save_share` stores what changed."""

    id: int
    open_units: int
    done_units: int
    assignments: int
    marks: list[int]
    cursor: list[int] | None
    #: whether the last search has stopped before it had seen all there is
    is_cut_short: bool = False
    #: units done or open over all runs of the task; None where no maximum needs them
    in_task: int | None = None


@define
class Candidate:
    """A free unit that is not of an assignment the worker has tried."""

    unit: int
    assignment: int
    lane: int
    position: int


_SELECT_SHARE = Participation.select(
    Participation.id,
    Participation.open_units,
    Participation.done_units,
    Participation.assignments,
    Participation.marks,
    Participation.cursor,
).where(Participation.run == Param("run"), Participation.worker == Param("worker"))
_SHARE = Statement(_SELECT_SHARE)
# It is saved whole: a submission that counts itself meanwhile has to wait.
_LOCKED_SHARE = Statement(lambda kind: for_update(_SELECT_SHARE, kind))
_NEW_SHARE = Statement(
    Participation.insert(
        {
            Participation.run: Param("run"),
            Participation.worker: Param("worker"),
            Participation.task: Param("task"),
            Participation.open_units: 0,
            Participation.done_units: 0,
            Participation.assignments: 0,
            Participation.marks: Param("marks"),
        }
    ).returning(Participation.id)
)
_SAVE_SHARE = Statement(
    Participation.update(
        {
            Participation.open_units: Param("open_units"),
            Participation.done_units: Param("done_units"),
            Participation.assignments: Param("assignments"),
            Participation.marks: Param("marks"),
            Participation.cursor: Param("cursor"),
        }
    ).where(Participation.id == Param("id"))
)
_COUNT_IN_TASK = Statement(
    Participation.select(peewee.fn.SUM(Participation.done_units + Participation.open_units)).where(
        Participation.worker == Param("worker"), Participation.task == Param("task")
    )
)


_has_tried = peewee.fn.EXISTS(
    Agent.select(peewee.SQL("1")).where(
        Agent.assignment == Unit.assignment,
        Agent.worker == Param("worker"),
        Agent.status != literal(AgentStatus.RETURNED),
        Agent.assignment.is_null(False),
    )
)
_FREE = Statement(
    Unit.select(Unit.id, Unit.assignment, Unit.position, _has_tried)
    .where(
        Unit.run == Param("run"),
        Unit.lane == Param("lane"),
        Unit.status == literal(UnitStatus.LAUNCHED),
        Unit.position > Param("after"),
    )
    .order_by(Unit.position)
    .limit(Param("most"))
)
_NEXT_POSITION = Statement(
    TaskRun.update({TaskRun.next_position: TaskRun.next_position + Param("count")})
    .where(TaskRun.id == Param("run"))
    .returning(TaskRun.next_position)
)
_REPOSITION = Statement(
    Unit.update({Unit.position: Param("position")}).where(Unit.id == Param("unit"))
)


_given = Unit.alias()
_FREE_BESIDE = Statement(
    Unit.select(Unit.id)
    .where(
        Unit.assignment == _given.select(_given.assignment).where(_given.id == Param("unit")),
        Unit.status == literal(UnitStatus.LAUNCHED),
    )
    .order_by(Unit.lane)
)


def _is_free(kind: Kind) -> Any:
    query = Unit.select(Unit.id).where(
        Unit.id == Param("unit"), Unit.status == literal(UnitStatus.LAUNCHED)
    )
    return for_update(query, kind, skip_locked=True)


_IS_FREE = Statement(_is_free)
_TRIED = Statement(
    Agent.select(Agent.id).where(
        Agent.assignment == Param("assignment"),
        Agent.worker == Param("worker"),
        Agent.status != literal(AgentStatus.RETURNED),
        Agent.assignment.is_null(False),
    )
)


def read_share(tx: Transaction, run: int, worker: int, *, lock: bool = True) -> Share | None:
    """Return a worker's counters in a run, or None before their first unit.

    :param lock: False to look only; they cannot be saved then.
    """
    row = tx.one(_LOCKED_SHARE if lock else _SHARE, run=run, worker=worker)
    if row is None:
        return None
    cursor = None if row[5] is None else json.loads(row[5])
    return Share(row[0], row[1], row[2], row[3], json.loads(row[4]), cursor)


def make_share(tx: Transaction, *, run: int, worker: int, task: int, lanes: int) -> Share:
    """Return a worker's counters in a run, made if they are not there."""
    share = read_share(tx, run, worker)
    if share is not None:
        return share
    marks = [-1] * lanes
    row = tx.one(_NEW_SHARE, run=run, worker=worker, task=task, marks=dump_json(marks))
    assert row is not None
    return Share(row[0], 0, 0, 0, marks, None)


def save_share(tx: Transaction, share: Share) -> None:
    """Store a worker's counters."""
    tx.run(
        _SAVE_SHARE,
        id=share.id,
        open_units=share.open_units,
        done_units=share.done_units,
        assignments=share.assignments,
        marks=dump_json(share.marks),
        cursor=None if share.cursor is None else dump_json(share.cursor),
    )


def count_in_task(tx: Transaction, *, worker: int, task: int) -> int:
    """Return how many units a worker has done or has open, over all runs of a task."""
    row = tx.one(_COUNT_IN_TASK, worker=worker, task=task)
    return int(row[0] or 0) if row else 0


def candidates(
    tx: Transaction,
    *,
    run: int,
    worker: int,
    share: Share,
    start: tuple[int, ...] = (0, -1),
    most_passed: int = MOST_PASSED,
) -> Iterator[Candidate]:
    """Yield the free units a worker may get, in order, moving the marks over what is not theirs.

    Stops after so many units that are not for them, and says so in ``share.is_cut_short``; the
    marks keep the progress.

    :param start: a lane, and the position in it after which to begin.
    """
    passed = 0
    share.is_cut_short = False
    for lane in range(start[0], len(share.marks)):
        most, after, nothing_yet = 1, share.marks[lane], True
        if lane == start[0] and start[1] > after:
            after, nothing_yet = start[1], False
        while True:
            if passed >= most_passed:
                share.is_cut_short = True
                return
            rows = tx.all(_FREE, run=run, worker=worker, lane=lane, after=after, most=most)
            for unit, assignment, position, tried in rows:
                after = position
                if not tried:
                    nothing_yet = False
                    yield Candidate(unit, assignment, lane, position)
                    continue
                passed += 1
                if nothing_yet:
                    share.marks[lane] = position
            if len(rows) < most:
                break
            most = _BATCH


def is_free_for(tx: Transaction, candidate: Candidate, worker: int) -> bool:
    """Say whether a candidate is still free for a worker, and keep others off it until the commit.

    Where two are after it at the same time, the second goes on to the next instead of waiting.
    """
    if tx.one(_IS_FREE, unit=candidate.unit) is None:
        return False
    return tx.one(_TRIED, assignment=candidate.assignment, worker=worker) is None


def next_positions(tx: Transaction, run: int, count: int) -> int:
    """Reserve ``count`` positions after all others and return the first.

    The run's row is locked until the commit, so that positions become visible in their order.
    """
    row = tx.one(_NEXT_POSITION, run=run, count=count)
    assert row is not None
    return int(row[0]) - count


def free_beside(tx: Transaction, unit: int) -> list[int]:
    """Return the free units of a unit's assignment, itself among them if it is free."""
    return [row[0] for row in tx.all(_FREE_BESIDE, unit=unit)]


def move_to_end(tx: Transaction, run: int, units: Sequence[int]) -> None:
    """Give units that come back positions after all others: no mark has passed them."""
    first = next_positions(tx, run, len(units))
    for n, unit in enumerate(units):
        tx.run(_REPOSITION, unit=unit, position=first + n)
