"""Places that a platform sells: as many open there as there are free units here."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import Any

import peewee

from famulus.engine.platform.outbox import (
    OutboxKind,
    enqueue,
    find_outbox_row,
    is_closed_later,
    redeliver,
    supersede_places,
)
from famulus.model.fields import to_micros
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_VISITS,
    OutboxStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import Agent, Event, Outbox, TaskRun, Unit, Visit, literal, literals
from famulus.model.transaction import Row, Transaction

#: Places of one telling. While it is under way no more are opened: a run can be closed soon.
PLACES_PER_ROW = 200
#: Visits whose place comes back should they end without a submission, or is used up.
_USED = (
    VisitStatus.SUBMITTED,
    VisitStatus.APPROVED,
    VisitStatus.REJECTED,
    VisitStatus.UNKNOWN,
)

_PLACES = Statement(
    lambda kind: for_update(
        TaskRun.select(
            TaskRun.places,
            TaskRun.next_place,
            TaskRun.opened_at,
            TaskRun.status,
            TaskRun.closes_at,
        ).where(TaskRun.id == Param("run")),
        kind,
    )
)
_FREE_UNITS = Statement(
    Unit.select(peewee.fn.COUNT(Unit.id)).where(
        Unit.run == Param("run"), Unit.status == literal(UnitStatus.LAUNCHED)
    )
)
_OPENING = Statement(
    Outbox.select(Outbox.status)
    .where(
        Outbox.run == Param("run"),
        Outbox.kind == OutboxKind.OPEN_PLACES.value,
        Outbox.status << literals(OutboxStatus.PENDING, OutboxStatus.FAILED),
    )
    .order_by(Outbox.status.desc())
    .limit(1)
)
_NEWEST_EVENT = Statement(
    Event.select(Event.id)
    .where(Event.run == Param("run"))
    .order_by(Event.xact.desc(), Event.id.desc())
    .limit(1)
)
_ADVANCE = Statement(
    TaskRun.update(
        {
            TaskRun.places: TaskRun.places + Param("count"),
            TaskRun.next_place: TaskRun.next_place + Param("count"),
        }
    ).where(TaskRun.id == Param("run"))
)
_SET = Statement(
    TaskRun.update({TaskRun.places: Param("places")}).where(TaskRun.id == Param("run"))
)


_at_work = Agent.select(peewee.SQL("1")).where(
    Agent.visit == Visit.id, Agent.status << literals(*OPEN_AGENTS)
)
_is_under_way = (Visit.status << literals(*OPEN_VISITS)) & (
    Visit.done_at.is_null(False) | peewee.fn.EXISTS(_at_work)
)
_TAKEN = Statement(
    Visit.select(peewee.fn.COUNT(Visit.id)).where(
        Visit.run == Param("run"),
        Visit.arrived_at >= Param("since"),
        (Visit.status << literals(*_USED)) | _is_under_way,
    )
)


def open_missing(tx: Transaction, run: int) -> int | None:
    """Have places opened for free units that have none, if the run is open; return how many, or
    None while the platform is still to be told of those before. After a refusal none are opened
    until somebody asks for it: see :func:`retry_refused`.

    ``TaskRun.places`` counts those opened since the run was opened last. One that was taken comes
    back by itself when its visit ends without a submission, as the unit does.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or not _is_open(tx, *row[2:]):
        return 0
    opening = tx.one(_OPENING, run=run)
    if opening is not None:
        return None if opening[0] == OutboxStatus.PENDING.value else 0
    first, count = row[1], min(_count_missing(tx, run, row), PLACES_PER_ROW)
    if count <= 0:
        return 0
    enqueue(
        tx,
        run=run,
        kind=OutboxKind.OPEN_PLACES,
        key=f"run-{run}-open-{first}",
        payload={"first": first, "count": count},
    )
    tx.run(_ADVANCE, run=run, count=count)
    return int(count)


def retry_refused(tx: Transaction, run: int) -> None:
    """Have those places opened that the platform has refused, as far as they are still missing."""
    row = tx.one(_PLACES, run=run)
    if row is None or not _is_open(tx, *row[2:]):
        return
    refused = tx.rows(
        Outbox.select(Outbox.id, Outbox.key, Outbox.payload)
        .where(
            Outbox.run == run,
            Outbox.kind == OutboxKind.OPEN_PLACES.value,
            Outbox.status == literal(OutboxStatus.FAILED),
        )
        .order_by(Outbox.id)
    )
    for each in refused:
        missing = _count_missing(tx, run, tx.one(_PLACES, run=run) or row)
        count = max(min(each.payload["count"], missing), 0)
        payload = {"first": each.payload["first"], "count": count}
        tx.execute(Outbox.update(payload=payload).where(Outbox.id == each.id))
        redeliver(tx, each.key)
        _add_places(tx, run, count)


def uncount_refused(tx: Transaction, row: Row) -> None:
    """Count those places as missing again that the platform has refused to open."""
    left = find_outbox_row(tx, row.key)
    if left is not None and not is_closed_later(tx, row):
        _add_places(tx, row.run_id, -left.payload["count"])


def _add_places(tx: Transaction, run: int, count: int) -> None:
    tx.execute(TaskRun.update(places=TaskRun.places + count).where(TaskRun.id == run))


def _count_missing(tx: Transaction, run: int, row: tuple[Any, ...]) -> int:
    """Return how many free units have no place; negative where there are too many places.

    :param row: of ``_PLACES``.
    """
    free = int((tx.one(_FREE_UNITS, run=run) or (0,))[0])
    return free - (int(row[0]) - _count_taken(tx, run, row[2]))


def _is_open(tx: Transaction, opened_at: int | None, status: str, closes_at: int) -> bool:
    return (
        opened_at is not None
        and status == RunStatus.RUNNING.value
        and to_micros(tx.now) < closes_at
    )


def move_end(tx: Transaction, run: int, closes_at: datetime) -> None:
    """Have a run's open places close at another time."""
    key = f"run-{run}-end-{closes_at.isoformat()}-{tx.now.isoformat()}"
    enqueue(tx, run=run, kind=OutboxKind.MOVE_END, key=key, payload={})


def close_all(tx: Transaction, run: int) -> None:
    """Have a run's places closed, if it ever had any; those who have one keep it. Whatever was to
    be told of its places and has not begun is put away.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or not row[1]:
        return
    supersede_places(tx, run)
    enqueue(
        tx, run=run, kind=OutboxKind.CLOSE_PLACES, key=f"run-{run}-close-{token_hex(8)}", payload={}
    )
    tx.run(_SET, run=run, places=_count_taken(tx, run, row[2]))


def may_be_open(tx: Transaction, run: int) -> bool:
    """Return whether somebody could take a place of a run, as far as that is known here."""
    row = tx.one(_PLACES, run=run)
    if row is None or not row[1]:
        return False
    return row[0] > _count_taken(tx, run, row[2]) or tx.one(_OPENING, run=run) is not None


def keep_untaken(tx: Transaction, run: int) -> None:
    """Count only the places that are still to be had, before a run is opened again: those of its
    earlier visits are no longer told apart.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or row[2] is None or not row[0]:
        return
    tx.run(_SET, run=run, places=max(row[0] - _count_taken(tx, run, row[2]), 0))


def _count_taken(tx: Transaction, run: int, since: int | None) -> int:
    """Return how many places were taken since the run was opened last, and did not come back."""
    return 0 if since is None else int((tx.one(_TAKEN, run=run, since=since) or (0,))[0])


def count_places(tx: Transaction, run: int) -> int:
    """Return how many places a run has open or taken."""
    row = tx.row(TaskRun.select(TaskRun.places).where(TaskRun.id == run))
    return int(row.places) if row is not None else 0


def newest_change(tx: Transaction, run: int) -> tuple[int, int]:
    """Return what changes whenever something happens in a run, or to its places."""
    row = tx.one(_NEWEST_EVENT, run=run)
    return 0 if row is None else int(row[0]), count_places(tx, run)
