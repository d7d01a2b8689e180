"""Places on a platform that sells them: as many are kept open as the run has free units."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any, NamedTuple

import peewee

from famulus.contracts.provider_views import Capabilities
from famulus.engine.event_numbers import NewestEvent
from famulus.engine.outbox.outbox_rows import (
    OutboxKind,
    enqueue,
    find_outbox_row,
    is_closed_later,
    redeliver,
    supersede_places,
)
from famulus.engine.places.closing import read_closing
from famulus.engine.places.offered_places import OFFERING, read_newest
from famulus.engine.units import is_replaced
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    DONE_UNITS,
    OPEN_AGENTS,
    SUBMITTED_VISITS,
    OutboxStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    ARE_PENDING_VISITS,
    IS_OPEN_VISIT,
    AgentTable,
    OutboxTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    is_ended_visit,
    literal,
    literals,
)
from famulus.model.transaction import Row, Transaction

#: Places of one outbox row. While it is pending no more are enqueued, so that a closing is quick.
PLACES_PER_ROW = 200
#: Visits that have used up their place.
_USED = (*SUBMITTED_VISITS, VisitStatus.UNKNOWN)
_PAID = (VisitStatus.APPROVED, VisitStatus.PARTIALLY_APPROVED)


class _PlacesRow(NamedTuple):
    places: int
    next_place: int
    opened_at: int | None
    status: str
    closes_at: int


class _Offer(NamedTuple):
    """The places that are open or taken: ``total`` without the first ``gone`` ones."""

    total: int
    gone: int
    #: the newest visit when the others were closed: only later ones have taken one of these
    visit: int
    #: the platform keeps them, and offers none before the next call
    is_paused: bool = False

    @property
    def places(self) -> int:
        return self.total - self.gone


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
        OutboxTable.kind == OutboxKind.SET_PLACES.value,
        OutboxTable.status << literals(OutboxStatus.PENDING, OutboxStatus.FAILED),
    )
    .order_by(OutboxTable.status.desc())
    .limit(1)
)
_NEWEST_OFFER = Statement(
    OutboxTable.select(peewee.fn.MAX(OutboxTable.id), TaskRunTable.places)
    .join(TaskRunTable, on=(OutboxTable.run == TaskRunTable.id))
    .where(
        OutboxTable.run == Param("run"),
        OutboxTable.kind << OFFERING,
    )
    .group_by(TaskRunTable.places)
)
_NEWEST_VISIT = Statement(VisitTable.select(peewee.fn.MAX(VisitTable.id)))
_SET = Statement(
    TaskRunTable.update(
        {TaskRunTable.places: Param("places"), TaskRunTable.next_place: Param("next_place")}
    ).where(TaskRunTable.id == Param("run"))
)
#: Who is in the onboarding has the place of a unit that is still free.
_OPEN_ATTEMPT = AgentTable.select(peewee.SQL("1")).where(
    AgentTable.visit == VisitTable.id,
    AgentTable.unit.is_null(False),
    AgentTable.status << literals(*OPEN_AGENTS),
)
_IS_UNDER_WAY = IS_OPEN_VISIT & (
    VisitTable.done_at.is_null(False) | peewee.fn.EXISTS(_OPEN_ATTEMPT)
)
_UNIT = (
    AgentTable.select(peewee.SQL("1"))
    .join(UnitTable, on=(AgentTable.unit == UnitTable.id) & (UnitTable.agent_id == AgentTable.id))
    .where(
        AgentTable.visit == VisitTable.id,
        UnitTable.status << literals(UnitStatus.ASSIGNED, *DONE_UNITS),
        # Its place is that of the replacement, once the rejection has reached the platform.
        ~is_replaced,
    )
)
HAS_UNIT = peewee.fn.EXISTS(_UNIT)


def _taken(*conditions: Any) -> Sequence[Statement[tuple[Any, ...]]]:
    """Return a statement per condition that counts its visits; no visit may meet two conditions."""
    return [
        Statement(
            VisitTable.select(peewee.fn.COUNT(VisitTable.id)).where(
                VisitTable.run == Param("run"), VisitTable.id > Param("after"), condition
            )
        )
        for condition in conditions
    ]


_TAKEN = _taken(is_ended_visit(*_USED), _IS_UNDER_WAY)
#: Where the platform refills the places of visits by itself: any that is not paid may be returned
#: or rejected, and the place of one without a unit would then be a second one for another's.
_TAKEN_UNREFILLED = _taken(
    is_ended_visit(*_PAID), *(condition & HAS_UNIT for condition in ARE_PENDING_VISITS)
)
#: Visits whose place such a platform offers again, even where it was full before. Their numbers
#: are added up as well, since a rejection may be undone while another visit is rejected.
_REFILLED = Statement(
    VisitTable.select(
        peewee.fn.COUNT(VisitTable.id), peewee.fn.COALESCE(peewee.fn.SUM(VisitTable.id), 0)
    ).where(
        VisitTable.run == Param("run"),
        is_ended_visit(VisitStatus.REJECTED, VisitStatus.RETURNED),
    )
)


def open_missing(tx: Transaction, run: int, capabilities: Capabilities) -> int | None:
    """Enqueue a larger total of places for free units that have none, if the run is open.

    Paused places that the platform has kept come back by the same call. Return how many places may
    have been missing, or None while an earlier row is pending. After a refusal none are opened
    before :func:`retry_refused`.

    If no unit is free and more places are open than needed, they are paused, provided that the
    platform keeps them: a platform that refills places by itself has opened them without a call.

    ``TaskRun.places`` is the total. A place that was taken is free again when its visit ends
    without a submission, like the unit.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or not _is_open(tx, row):
        return 0
    opening = tx.one(_OPENING, run=run)
    if opening is not None:
        return None if opening[0] == OutboxStatus.PENDING.value else 0
    offer = _read_offer(tx, run, row, capabilities)
    count = max(min(_count_missing(tx, run, offer, capabilities), PLACES_PER_ROW), 0)
    if not count and not (offer.is_paused and _count_free(tx, run)):
        _pause_surplus(tx, run, offer, capabilities)
        return 0
    total = offer.total + count
    enqueue(
        tx,
        run=run,
        kind=OutboxKind.SET_PLACES,
        key=f"run-{run}-places-{token_hex(8)}",
        payload={"reached": offer.total, "total": total, "gone": offer.gone, "visit": offer.visit},
    )
    tx.run(_SET, run=run, places=total, next_place=max(total, row.next_place))
    return max(count, 1)


def pause_surplus(tx: Transaction, run: int, capabilities: Capabilities) -> None:
    """Enqueue pausing a run's places if no unit is free and the platform may have refilled some.

    :func:`open_missing` does the same, and opens the places again for the next free unit.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or not _is_open(tx, row) or tx.one(_OPENING, run=run) is not None:
        return
    _pause_surplus(tx, run, _read_offer(tx, run, row, capabilities), capabilities)


def retry_refused(tx: Transaction, run: int, capabilities: Capabilities) -> None:
    """Enqueue refused places again, but no more than are still missing."""
    row = tx.one(_PLACES, run=run)
    refused = tx.row(
        OutboxTable.select(OutboxTable.id, OutboxTable.key, OutboxTable.payload).where(
            OutboxTable.run == run,
            OutboxTable.kind == OutboxKind.SET_PLACES.value,
            OutboxTable.status == literal(OutboxStatus.FAILED),
        )
    )
    if row is None or refused is None or not _is_open(tx, row):
        return
    reached, total = refused.payload["reached"], refused.payload["total"]
    offer = _read_offer(tx, run, row, capabilities)
    missing = max(_count_missing(tx, run, offer, capabilities), 0)
    payload = {**refused.payload, "total": min(total, reached + missing)}
    tx.execute(OutboxTable.update(payload=payload).where(OutboxTable.id == refused.id))
    redeliver(tx, refused.key)
    tx.run(_SET, run=run, places=payload["total"], next_place=row.next_place)


def uncount_refused(tx: Transaction, row: Row) -> None:
    """Count the places of a refused row as missing again."""
    refused = find_outbox_row(tx, row.key)
    if refused is not None and not is_closed_later(tx, row):
        reached = refused.payload["reached"]
        tx.execute(TaskRunTable.update(places=reached).where(TaskRunTable.id == row.run_id))


def _read_offer(tx: Transaction, run: int, row: _PlacesRow, capabilities: Capabilities) -> _Offer:
    """Return the places that the run has offered since pausing last closed its places for good."""
    newest = read_newest(tx, run)
    if newest is None:
        return _Offer(row.places, 0, 0)
    is_closed = newest.kind != OutboxKind.SET_PLACES
    if capabilities.keeps_paused_places:
        return _Offer(row.places, 0, 0, is_paused=is_closed)
    gone, visit = newest.payload["gone"], newest.payload["visit"]
    # Numbers that were used before a closing are not used again, whether they were opened or not.
    return _Offer(gone if is_closed else row.places, gone, visit)


def _count_free(tx: Transaction, run: int) -> int:
    return int((tx.one(_FREE_UNITS, run=run) or (0,))[0])


def _count_missing(tx: Transaction, run: int, offer: _Offer, capabilities: Capabilities) -> int:
    """Return how many free units have no place; negative if there are too many places."""
    statements = _TAKEN_UNREFILLED if capabilities.replaces_by_itself else _TAKEN
    counts = (tx.one(each, run=run, after=offer.visit) for each in statements)
    taken = sum(int(row[0]) for row in counts if row is not None)
    return _count_free(tx, run) - (offer.places - taken)


def _pause_surplus(tx: Transaction, run: int, offer: _Offer, capabilities: Capabilities) -> None:
    can_pause = capabilities.replaces_by_itself and capabilities.keeps_paused_places
    if not can_pause or offer.is_paused or _count_free(tx, run):
        return
    if _count_missing(tx, run, offer, capabilities) < 0:
        close_all(tx, run)


def _read_refilled(tx: Transaction, run: int) -> list[int]:
    """Return a value that changes with the visits whose place is offered again."""
    return [int(value) for value in tx.one(_REFILLED, run=run) or (0, 0)]


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


def close_all(tx: Transaction, run: int, *, is_final: bool = False) -> None:
    """Enqueue pausing or ending a run's places, if it ever had any. Taken places stay taken.

    Rows about its places that are not claimed yet are finished without a call.

    :param is_final: end the places of a run that is not finished yet, too.
    """
    row = tx.one(_PLACES, run=run)
    if row is None or not row.next_place:
        return
    supersede_places(tx, run)
    newest = tx.one(_NEWEST_VISIT)
    is_final = is_final or row.status == RunStatus.FINISHED.value
    enqueue(
        tx,
        run=run,
        kind=OutboxKind.END_PLACES if is_final else OutboxKind.PAUSE_PLACES,
        key=f"run-{run}-close-{token_hex(8)}",
        payload={
            "gone": row.next_place,
            "visit": (newest and newest[0]) or 0,
            "refilled": _read_refilled(tx, run),
        },
    )


def close_refused(tx: Transaction, run: int) -> None:
    """Enqueue the closing of a run's places again if the platform has refused it.

    Places that were opened since are closed too, and count as missing: an open run opens new ones
    after the closing.
    """
    closing = read_closing(tx, run)
    if closing is not None and closing.is_refused:
        close_all(tx, run)


def close_refilled(tx: Transaction, run: int) -> None:
    """Enqueue another closing if visits were rejected or returned since the last one.

    A platform that refills places by itself may offer the places of such visits again, and there is
    no server for the workers who would take them.
    """
    newest = read_newest(tx, run)
    if newest is None or newest.kind == OutboxKind.SET_PLACES:
        return
    # One that is still to be delivered comes after them. Those of earlier versions have no list.
    known = newest.payload.get("refilled", [0, 0])
    if newest.status is OutboxStatus.DONE and _read_refilled(tx, run) != known:
        close_all(tx, run)


def may_be_open(tx: Transaction, run: int) -> bool:
    """Return whether a place of a run may be open or offered again, as the local rows show."""
    newest = read_newest(tx, run)
    return newest is not None and newest.kind == OutboxKind.SET_PLACES


def newest_change(tx: Transaction, events: NewestEvent) -> tuple[int, int, int]:
    """Return a value that changes with each event of a run, and with each change of its places."""
    number, places = tx.one(_NEWEST_OFFER, run=events.run) or (0, 0)
    return events.read(tx), int(number), int(places)
