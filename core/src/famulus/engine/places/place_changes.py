"""Places on a platform that sells them: as many are kept open as the run has free units."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import NamedTuple

import peewee

from famulus.engine.outbox.outbox_rows import (
    OutboxKind,
    enqueue,
    find_outbox_row,
    is_closed_later,
    read_closing,
    redeliver,
    supersede_places,
)
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_VISITS,
    OutboxStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    AgentTable,
    EventTable,
    OutboxTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    literal,
    literals,
)
from famulus.model.transaction import Row, Transaction

#: Places of one outbox row. While it is pending no more are enqueued, so that a closing is quick.
PLACES_PER_ROW = 200
#: Visits that have used up their place.
_USED = (
    VisitStatus.SUBMITTED,
    VisitStatus.APPROVED,
    VisitStatus.REJECTED,
    VisitStatus.UNKNOWN,
)


class _PlacesRow(NamedTuple):
    places: int
    next_place: int
    opened_at: int | None
    status: str
    closes_at: int


#: Locks the run's row on each use, so that places are counted by one transaction at a time.
_PLACES = Statement(
    lambda kind: for_update(
        TaskRunTable.select(
            TaskRunTable.places,
            TaskRunTable.next_place,
            TaskRunTable.opened_at,
            TaskRunTable.status,
            TaskRunTable.closes_at,
        ).where(TaskRunTable.id == Param("run")),
        kind,
    ),
    _PlacesRow,
)
_FREE_UNITS = Statement(
    UnitTable.select(peewee.fn.COUNT(UnitTable.id)).where(
        UnitTable.run == Param("run"), UnitTable.status == literal(UnitStatus.LAUNCHED)
    )
)
_OPENING = Statement(
    OutboxTable.select(OutboxTable.status)
    .where(
        OutboxTable.run == Param("run"),
        OutboxTable.kind == OutboxKind.OPEN_PLACES.value,
        OutboxTable.status << literals(OutboxStatus.PENDING, OutboxStatus.FAILED),
    )
    .order_by(OutboxTable.status.desc())
    .limit(1)
)
_NEWEST_EVENT = Statement(
    EventTable.select(EventTable.id)
    .where(EventTable.run == Param("run"))
    .order_by(EventTable.xact.desc(), EventTable.id.desc())
    .limit(1)
)
_ADVANCE = Statement(
    TaskRunTable.update(
        {
            TaskRunTable.places: TaskRunTable.places + Param("count"),
            TaskRunTable.next_place: TaskRunTable.next_place + Param("count"),
        }
    ).where(TaskRunTable.id == Param("run"))
)
_SET = Statement(
    TaskRunTable.update({TaskRunTable.places: Param("places")}).where(
        TaskRunTable.id == Param("run")
    )
)
_OPEN_ATTEMPT = AgentTable.select(peewee.SQL("1")).where(
    AgentTable.visit == VisitTable.id, AgentTable.status << literals(*OPEN_AGENTS)
)
_IS_UNDER_WAY = (VisitTable.status << literals(*OPEN_VISITS)) & (
    VisitTable.done_at.is_null(False) | peewee.fn.EXISTS(_OPEN_ATTEMPT)
)
_TAKEN = Statement(
    VisitTable.select(peewee.fn.COUNT(VisitTable.id)).where(
        VisitTable.run == Param("run"),
        VisitTable.arrived_at >= Param("since"),
        (VisitTable.status << literals(*_USED)) | _IS_UNDER_WAY,
    )
)


def open_missing(tx: Transaction, run: int) -> int | None:
    """Enqueue the opening of places for free units that have none, if the run is open.

    Return how many, or None while an earlier opening is pending. After a refusal none are opened
    before :func:`retry_refused`.

    ``TaskRun.places`` counts the places opened since the run was opened last. A place that was
    taken is free again when its visit ends without a submission, like the unit.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or not _is_open(tx, row):
        return 0
    opening = tx.one(_OPENING, run=run)
    if opening is not None:
        return None if opening[0] == OutboxStatus.PENDING.value else 0
    first, count = row.next_place, min(_count_missing(tx, run, row), PLACES_PER_ROW)
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
    return count


def retry_refused(tx: Transaction, run: int) -> None:
    """Enqueue refused places again, as far as they are still missing."""
    row = tx.one(_PLACES, run=run)
    if row is None or not _is_open(tx, row):
        return
    refused = tx.rows(
        OutboxTable.select(OutboxTable.id, OutboxTable.key, OutboxTable.payload)
        .where(
            OutboxTable.run == run,
            OutboxTable.kind == OutboxKind.OPEN_PLACES.value,
            OutboxTable.status == literal(OutboxStatus.FAILED),
        )
        .order_by(OutboxTable.id)
    )
    for each in refused:
        missing = _count_missing(tx, run, tx.one(_PLACES, run=run) or row)
        count = max(min(each.payload["count"], missing), 0)
        payload = {"first": each.payload["first"], "count": count}
        tx.execute(OutboxTable.update(payload=payload).where(OutboxTable.id == each.id))
        redeliver(tx, each.key)
        _add_places(tx, run, count)


def uncount_refused(tx: Transaction, row: Row) -> None:
    """Count the places of a refused row as missing again."""
    refused = find_outbox_row(tx, row.key)
    if refused is not None and not is_closed_later(tx, row):
        _add_places(tx, row.run_id, -refused.payload["count"])


def _add_places(tx: Transaction, run: int, count: int) -> None:
    tx.execute(
        TaskRunTable.update(places=TaskRunTable.places + count).where(TaskRunTable.id == run)
    )


def _count_missing(tx: Transaction, run: int, row: _PlacesRow) -> int:
    """Return how many free units have no place; negative where there are too many places."""
    free = int((tx.one(_FREE_UNITS, run=run) or (0,))[0])
    return free - (row.places - _count_taken(tx, run, row.opened_at))


def _is_open(tx: Transaction, row: _PlacesRow) -> bool:
    return (
        row.opened_at is not None
        and row.status == RunStatus.RUNNING.value
        and tx.micros < row.closes_at
    )


def move_end(tx: Transaction, run: int, closes_at: datetime) -> None:
    """Enqueue another closing time for a run's open places."""
    key = f"run-{run}-end-{closes_at.isoformat()}-{tx.now.isoformat()}"
    enqueue(tx, run=run, kind=OutboxKind.MOVE_END, key=key, payload={})


def close_all(tx: Transaction, run: int) -> None:
    """Enqueue the closing of a run's places, if it ever had any. Taken places stay taken.

    Rows about its places that are not claimed yet are finished without a call.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or not row.next_place:
        return
    supersede_places(tx, run)
    enqueue(
        tx, run=run, kind=OutboxKind.CLOSE_PLACES, key=f"run-{run}-close-{token_hex(8)}", payload={}
    )
    tx.run(_SET, run=run, places=_count_taken(tx, run, row.opened_at))


def close_refused(tx: Transaction, run: int) -> None:
    """Enqueue the closing of a run's places again if the platform has refused it.

    Places that were opened since are closed too, and count as missing: in a run that is open, new
    ones are opened after the closing.
    """
    closing = read_closing(tx, run)
    if closing is not None and closing.is_refused:
        close_all(tx, run)


def may_be_open(tx: Transaction, run: int) -> bool:
    """Return whether a place of a run may be open, as far as the local rows show."""
    row = tx.one(_PLACES, run=run)
    if row is None or not row.next_place:
        return False
    has_untaken = row.places > _count_taken(tx, run, row.opened_at)
    return has_untaken or tx.one(_OPENING, run=run) is not None


def keep_untaken(tx: Transaction, run: int) -> None:
    """Reduce the number of places to those not taken, before a run is opened again.

    Visits from before the new opening are not counted as taken any more.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or row.opened_at is None or not row.places:
        return
    untaken = max(row.places - _count_taken(tx, run, row.opened_at), 0)
    tx.run(_SET, run=run, places=untaken)


def _count_taken(tx: Transaction, run: int, since: int | None) -> int:
    """Return how many places were taken since the run was opened last, and are still taken."""
    return 0 if since is None else int((tx.one(_TAKEN, run=run, since=since) or (0,))[0])


def count_places(tx: Transaction, run: int) -> int:
    """Return how many places a run has open or taken."""
    row = tx.row(TaskRunTable.select(TaskRunTable.places).where(TaskRunTable.id == run))
    return int(row.places) if row is not None else 0


def newest_change(tx: Transaction, run: int) -> tuple[int, int]:
    """Return a value that changes with each event of a run, and with the number of its places."""
    row = tx.one(_NEWEST_EVENT, run=run)
    return 0 if row is None else int(row[0]), count_places(tx, run)
