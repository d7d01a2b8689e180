"""Visits: names checked, rows found, made and ended, places locked, views for providers.

A visit is one arrival of a worker, as the platform knows it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import peewee
from attrs import evolve, frozen

from famulus.catalogue import _
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    VisitReport,
    VisitView,
)
from famulus.contracts.views import Refusal, RefusalReason
from famulus.engine.status import Change, NewEvent, change_visit, record
from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import dump_json, from_micros
from famulus.model.statements import Param, Statement
from famulus.model.states import OPEN_VISITS, VisitStatus
from famulus.model.tables import TaskRunTable, VisitTable, WorkerTable, literals
from famulus.model.transaction import Row, Transaction
from famulus.names import is_placeholder, is_pseudonym, name_fault, stripped

_log = logging.getLogger(__name__)

_NOT_FILLED_IN = _(
    "The page that sent you here did not name you, so your work could not be told apart from"
    " that of others. If it does not work the next time either, please write to the requester."
)


@frozen(kw_only=True)
class NewVisit:
    """A visit that is to be stored; ``reference`` is the platform's id for it."""

    run: int
    worker: int
    reference: str
    #: distinguishes accepts of one reference; empty if the platform does not
    accept: str = ""
    #: of the URL that the worker came with
    query: Mapping[str, str] = MappingProxyType({})
    place: str = ""
    #: how many visits had the place before
    handovers: int = 0


class _RefusedRow(NamedTuple):
    """A run, and the newest visit of a worker's reference, if there is one."""

    run_url: str
    visit: int | None
    accept: str | None
    arrived_at: int | None
    last_arrived_at: int | None
    done_at: int | None


class VisitAtPlace(NamedTuple):
    """The open visit that has a place."""

    visit: int
    worker: int
    reference: str
    done_at: int | None
    handovers: int


class StoredVisit(Protocol):
    """A row with a visit, as the database stores it."""

    @property
    def visit(self) -> int: ...
    @property
    def run_url(self) -> str: ...
    @property
    def reference(self) -> str: ...
    @property
    def query(self) -> str: ...
    @property
    def worker_name(self) -> str: ...
    @property
    def arrived_at(self) -> int: ...
    @property
    def last_arrived_at(self) -> int: ...


def with_newest_visit(*columns: Any) -> Any:
    """Return a query for columns of a run, of a worker and of the worker's newest visit.

    The columns of a missing worker or visit are null. The query's parameters are ``run``,
    ``provider``, ``name`` and ``reference``.
    """
    is_worker = (WorkerTable.provider_type == Param("provider")) & (
        WorkerTable.name == Param("name")
    )
    is_visit = (
        (VisitTable.run == TaskRunTable.id)
        & (VisitTable.reference == Param("reference"))
        & (VisitTable.worker == WorkerTable.id)
    )
    return (
        TaskRunTable.select(*columns)
        .join(WorkerTable, peewee.JOIN.LEFT_OUTER, on=is_worker)
        .join(VisitTable, peewee.JOIN.LEFT_OUTER, on=is_visit)
        .where(TaskRunTable.id == Param("run"))
        .order_by(VisitTable.id.desc())
        .limit(1)
    )


_MAKE = Statement(
    VisitTable.insert(
        {
            VisitTable.run: Param("run"),
            VisitTable.worker: Param("worker"),
            VisitTable.reference: Param("reference"),
            VisitTable.accept: Param("accept"),
            VisitTable.status: VisitStatus.ACCEPTED,
            VisitTable.query: Param("query"),
            VisitTable.place: Param("place"),
            VisitTable.handovers: Param("handovers"),
            VisitTable.arrived_at: Param("at"),
            VisitTable.last_arrived_at: Param("at"),
        }
    ).returning(VisitTable.id)
)
_REFUSED = Statement(
    with_newest_visit(
        TaskRunTable.url.alias("run_url"),
        VisitTable.id.alias("visit"),
        VisitTable.accept,
        VisitTable.arrived_at,
        VisitTable.last_arrived_at,
        VisitTable.done_at,
    ),
    _RefusedRow,
)
_STATUS = Statement(VisitTable.select(VisitTable.status).where(VisitTable.id == Param("visit")))
_AT_PLACE = Statement(
    VisitTable.select(
        VisitTable.id.alias("visit"),
        VisitTable.worker,
        VisitTable.reference,
        VisitTable.done_at,
        VisitTable.handovers,
    ).where(
        VisitTable.run == Param("run"),
        VisitTable.place == Param("place"),
        # Stated in the text, so that the index of taken places is used.
        VisitTable.place != peewee.SQL("''"),
        VisitTable.status << literals(*OPEN_VISITS),
    ),
    VisitAtPlace,
)
_ARRIVED_AGAIN = Statement(
    VisitTable.update({VisitTable.last_arrived_at: Param("at")}).where(
        VisitTable.id == Param("visit"), VisitTable.place != peewee.SQL("''")
    )
)


def normalize_arrival(arrival: Arrival) -> Arrival | Refusal:
    """Return an arrival with its names as they are stored.

    Return a refusal if the names cannot be stored.
    """
    names = {"worker_name": stripped(arrival.worker_name), "reference": stripped(arrival.reference)}
    for field in ("accept", "place"):
        if getattr(arrival, field):
            names[field] = stripped(getattr(arrival, field))
    for field, name in names.items():
        if name_fault(name) is not None:
            return Refusal(reason=RefusalReason.UNKNOWN_LINK)
        if is_placeholder(name):
            return Refusal(
                reason=RefusalReason.UNKNOWN_LINK,
                detail=_NOT_FILLED_IN,
                note=f"a page or script did not fill in the {field.replace('_', ' ')}",
            )
    # Exports show the names of forgotten workers, and a visitor must not come as one of them.
    if is_pseudonym(names["worker_name"]):
        return Refusal(reason=RefusalReason.UNKNOWN_LINK)
    if all(getattr(arrival, field) == name for field, name in names.items()):
        return arrival
    return evolve(arrival, **names)


def normalize_report(report: VisitReport) -> VisitReport | None:
    """Return a report with its names as they are stored; None if they cannot be stored."""
    worker, reference = stripped(report.worker_name), stripped(report.reference)
    if name_fault(worker) is not None or name_fault(reference) is not None:
        return None
    return evolve(report, worker_name=worker, reference=reference)


def make_visit(tx: Transaction, visit: NewVisit, *, cause: str) -> int:
    """Store a new visit that has been accepted; return its number."""
    row = tx.one(
        _MAKE,
        run=visit.run,
        worker=visit.worker,
        reference=visit.reference,
        accept=visit.accept,
        query=dump_json(dict(visit.query)),
        place=visit.place,
        handovers=visit.handovers,
        at=tx.micros,
    )
    assert row is not None
    event = NewEvent(
        run=visit.run,
        subject="visit",
        subject_id=row[0],
        new=VisitStatus.ACCEPTED.value,
        cause=cause,
    )
    record(tx, event)
    return int(row[0])


def end_visit(tx: Transaction, run: int, visit: int, new: VisitStatus, cause: str) -> None:
    """End a visit, unless its status shows that it has ended."""
    row = tx.one(_STATUS, visit=visit)
    if row is not None and row[0] in OPEN_VISITS:
        old = VisitStatus(row[0])
        change_visit(tx, Change(run=run, id=visit, old=old, new=new, cause=cause))


def read_refused_visit(
    tx: Transaction, run: int, provider_type: str, arrival: Arrival, query: Mapping[str, str]
) -> VisitView:
    """Make a provider's view of a refused worker's visit, which may not be stored.

    :param query: the query parameters of the URL that the worker came with.
    """
    row = tx.one(
        _REFUSED,
        run=run,
        provider=provider_type,
        name=arrival.worker_name,
        reference=arrival.reference,
    )
    refused = VisitView(
        id=0,
        run_id=run,
        run_url="" if row is None else row.run_url,
        reference=arrival.reference,
        query=query,
        worker_name=arrival.worker_name,
    )
    if row is None or row.visit is None or arrival.accept not in ("", row.accept):
        return refused
    return evolve(
        refused,
        id=row.visit,
        arrived_at=_moment(row.arrived_at),
        last_arrived_at=_moment(row.last_arrived_at),
        done_at=_moment(row.done_at),
    )


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def select_visits() -> Any:
    """Return the query of visits with their workers' names."""
    columns = (
        VisitTable.id,
        VisitTable.run.alias("run"),
        TaskRunTable.url.alias("run_url"),
        VisitTable.worker.alias("worker"),
        VisitTable.reference,
        VisitTable.status,
        VisitTable.query,
        VisitTable.done_at,
        VisitTable.arrived_at,
        VisitTable.last_arrived_at,
        WorkerTable.name.alias("worker_name"),
    )
    return (
        VisitTable.select(*columns)
        .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
        .switch(VisitTable)
        .join(TaskRunTable, on=(VisitTable.run == TaskRunTable.id))
        .switch(VisitTable)
    )


def read_visit(tx: Transaction, visit: int) -> Row:
    """Return a row of :func:`select_visits`."""
    row = tx.row(select_visits().where(VisitTable.id == visit))
    assert row is not None
    return row


def visit_view(row: Row) -> VisitView:
    """Make a provider's view of a row of :func:`select_visits`."""
    return VisitView(
        id=row.id,
        run_id=row.run,
        run_url=row.run_url,
        worker_name=row.worker_name,
        reference=row.reference,
        query=row.query,
        arrived_at=row.arrived_at,
        last_arrived_at=row.last_arrived_at,
        done_at=row.done_at,
    )


def stored_visit_view(row: StoredVisit, run: int, done_at: int | None) -> VisitView:
    """Make a provider's view of a visit as it is stored.

    :param done_at: the time in microseconds since 1970.
    """
    return VisitView(
        id=row.visit,
        run_id=run,
        run_url=row.run_url,
        reference=row.reference,
        query=json.loads(row.query),
        worker_name=row.worker_name,
        arrived_at=from_micros(row.arrived_at),
        last_arrived_at=from_micros(row.last_arrived_at),
        done_at=None if done_at is None else from_micros(done_at),
    )


def most_left(provider: Provider, visit: VisitView) -> int | None:
    """Return how many more units a provider lets a worker do; None if it sets no limit."""
    try:
        return provider.most_left(visit)
    except BaseException:  # noqa: BLE001 - third-party code: sys.exit() ends no one but itself
        _log.exception("run %d: %s.most_left failed", visit.run_id, provider.type)
        return None


def note_arrival(tx: Transaction, visit: int) -> None:
    """Store that the worker of a visit with a place has come back.

    The platform has given the place to the visit that arrived last.
    """
    tx.run(_ARRIVED_AGAIN, visit=visit, at=tx.micros)


def lock_place(tx: Transaction, run: int, place: str) -> None:
    """Lock a place until the commit, even if no visit has it. The worker must be locked before.

    On SQLite only one transaction writes at a time.
    """
    if place and tx.kind is DatabaseKind.POSTGRESQL:
        digest = hashlib.blake2b(f"place {run} {place}".encode(), digest_size=8).digest()
        tx.sql("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(digest, "big", signed=True),))


def find_visit_at_place(tx: Transaction, run: int, place: str) -> VisitAtPlace | None:
    """Return the visit that has a place, or None if the place is free."""
    return tx.one(_AT_PLACE, run=run, place=place)
