"""Asking a platform for the status of a run's visits, and following what it reports."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from attrs import define, field, frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView, SyncCursor, VisitReport, VisitView
from famulus.engine.ledger.reopened_work import fresh_rejection
from famulus.engine.places.place_changes import HAS_UNIT
from famulus.engine.platform.sync_requests import answer_requests
from famulus.engine.platform.visit_reports import (
    CheckedReport,
    apply_report,
    find_reported_visit,
    is_reopened,
    is_resubmitted,
    reported_pay,
)
from famulus.engine.visits import normalize_report, select_visits, visit_view
from famulus.errors import ConflictError, UsageError, as_plugin_error
from famulus.model.database import Database
from famulus.model.statements import Param, Statement
from famulus.model.states import VisitStatus
from famulus.model.tables import ARE_PENDING_VISITS, TaskRunTable, VisitTable
from famulus.model.transaction import Row, Transaction

_log = logging.getLogger(__name__)

#: Visits that are read at a time.
_BATCH = 500
#: Visits with units that the platform is asked about while a worker waits.
_MOST_LOOKED_AT = 300
_PENDING = [
    Statement(
        select_visits()
        .where(VisitTable.run == Param("run"), condition, VisitTable.id > Param("after"))
        .order_by(VisitTable.id)
        .limit(_BATCH)
    )
    for condition in ARE_PENDING_VISITS
]
_WITH_UNITS = [
    Statement(
        select_visits()
        .where(VisitTable.run == Param("run"), condition, HAS_UNIT)
        .order_by(VisitTable.id.desc())
        .limit(_MOST_LOOKED_AT)
    )
    for condition in ARE_PENDING_VISITS
]
_SYNC_STATE = Statement(
    TaskRunTable.select(
        TaskRunTable.sync_cursor, TaskRunTable.sync_requests, TaskRunTable.sync_requests_answered
    ).where(TaskRunTable.id == Param("run"))
)


@frozen(kw_only=True)
class SyncResult:
    """The result of one sync."""

    #: how many visits the provider was asked about; 0 if its platform lists them by itself
    asked: int
    #: how many visits have changed to each status
    changed: Mapping[VisitStatus, int]
    #: messages about reports that contradict the local state
    contradictions: Sequence[str]


def sync_run(
    database: Database, provider: Provider, run: RunView, *, from_start: bool = False
) -> SyncResult:
    """Have the provider report on a run's visits, and apply each report as it comes.

    An exception of the provider ends the sync; reports before it are applied.

    :param from_start: request all reports again, including those before the stored cursor.
    :raises famulus.PluginError: when the provider's code fails.
    """
    visits = PendingVisits(database, run.id)
    changed, contradictions = Counter[VisitStatus](), list[str]()
    stored, requests = _read_state(database, run.id)
    for given in _reports(provider, run, visits, None if from_start else stored):
        if isinstance(given, SyncCursor):
            if given.value != stored:
                stored = given.value
                database.write(partial(_store_cursor, run=run.id, cursor=stored))
            continue
        is_changed, fault = _apply_given(visits, provider, run, given)
        changed[given.status] += is_changed
        if fault is not None:
            contradictions.append(fault)
    if requests:
        database.write(lambda tx: answer_requests(tx, run.id, requests))
    return SyncResult(asked=visits.asked, changed=dict(+changed), contradictions=contradictions)


def look_at_units(database: Database, provider: Provider, run: RunView) -> None:
    """Ask the provider about the visits that hold units of a run, and apply its reports.

    It asks about the newest of these visits only; a sync asks about all visits. Raises like
    :func:`sync_run`.
    """
    visits = PendingVisits(database, run.id)
    with database.read() as tx:
        found = [row for each in _WITH_UNITS for row in tx.rows_of(each, run=run.id)]
    rows = sorted(found, key=lambda visit: visit.id, reverse=True)[:_MOST_LOOKED_AT]
    if not rows:
        return
    visits.arrived = {row.id: row.last_arrived_at for row in rows}
    for given in _looked_at(provider, run, [*map(visit_view, rows)]):
        _apply_given(visits, provider, run, given)


def _looked_at(
    provider: Provider, run: RunView, visits: Sequence[VisitView]
) -> Iterator[VisitReport]:
    """Yield the provider's reports on visits; its exceptions become PluginErrors."""
    with as_plugin_error(f"the provider {provider.type!r} failed in look()"):
        for given in provider.look(run, visits):
            if not isinstance(given, VisitReport):
                raise TypeError(f"it reported {given!r}, not a VisitReport")
            yield given


def _apply_given(
    visits: PendingVisits, provider: Provider, run: RunView, given: VisitReport
) -> tuple[bool, str | None]:
    """Normalize and apply a provider's report; return the result of :func:`apply_report`."""
    report = normalize_report(given)
    is_changed, fault = False, None
    if report is None:
        fault = (
            f"the platform reports a visit {given.reference!r} of a worker "
            f"{given.worker_name!r}, and one of these names is not allowed"
        )
    else:
        is_changed, fault = _follow(visits, provider, run, report)
    if fault is not None:
        _log.warning("run %d: %s", run.id, fault)
    return is_changed, fault


def read_pending(tx: Transaction, run: int, after: int) -> list[Row]:
    """Return the next visits without a final status, with numbers above ``after``."""
    found = (row for each in _PENDING for row in tx.rows_of(each, run=run, after=after))
    return sorted(found, key=lambda visit: visit.id)[:_BATCH]


@define(eq=False)
class PendingVisits:
    """The visits of a run without a final status, read from the database during the iteration."""

    database: Database
    run: int
    #: how many were read
    asked: int = 0
    #: by number, when the worker of each had arrived last as it was read
    arrived: dict[int, datetime | None] = field(factory=dict)

    def __iter__(self) -> Iterator[VisitView]:
        after = self.asked = 0
        while True:
            with self.database.read() as tx:
                page = read_pending(tx, self.run, after)
            for row in page:
                self.asked += 1
                self.arrived[row.id] = row.last_arrived_at
                yield visit_view(row)
            if len(page) < _BATCH:
                return
            after = page[-1].id


def _reports(
    provider: Provider, run: RunView, visits: Iterable[VisitView], cursor: str | None
) -> Iterator[VisitReport | SyncCursor]:
    """Yield the provider's reports; its exceptions become PluginErrors."""
    with as_plugin_error(f"the provider {provider.type!r} failed in sync()"):
        for given in provider.sync(run, visits, cursor):
            if not isinstance(given, VisitReport | SyncCursor):
                raise TypeError(f"it reported {given!r}, not a VisitReport or a SyncCursor")
            yield given


def _read_state(database: Database, run: int) -> tuple[str | None, int]:
    """Return the stored cursor, and the number of sync requests so far; 0 if all are answered."""
    with database.read() as tx:
        row = tx.row_of(_SYNC_STATE, run=run)
    if row is None:
        return None, 0
    is_answered = row.sync_requests == row.sync_requests_answered
    return row.sync_cursor, 0 if is_answered else row.sync_requests


def _store_cursor(tx: Transaction, run: int, cursor: str) -> None:
    # Whichever process stores its cursor last: all reports before any of them are applied.
    tx.execute(TaskRunTable.update(sync_cursor=cursor).where(TaskRunTable.id == run))


def _follow(
    visits: PendingVisits, provider: Provider, view: RunView, report: VisitReport
) -> tuple[bool, str | None]:
    """Apply a report; return the result of :func:`apply_report`."""
    database, run, rejected_at = visits.database, visits.run, None
    with database.read() as tx:
        visit = find_reported_visit(tx, provider.type, run, report)
        currency = "" if report.amount is None else _read_currency(tx, run)
        if visit is not None and is_resubmitted(visit.status, report):
            rejected_at = fresh_rejection(tx, visit.id)
    if visit is not None and visit.status is report.status:
        # Most reports, and no reason for a transaction that is synced to the disk.
        return False, None
    if visit is not None and rejected_at is not None:
        # A list that was read before the rejection looks the same as one that it is undone in.
        reread = _read_again(database, provider, view, visit.id, report)
        if reread is None:
            return False, None
        report = reread
    try:
        checked = CheckedReport(
            run=run,
            provider_type=provider.type,
            capabilities=provider.capabilities,
            given=report,
            paid=reported_pay(provider, report, currency),
            rejected_at=rejected_at,
        )
    except (UsageError, ConflictError) as error:
        return False, f"the platform reports visit {report.reference} as {report.status}: {error}"
    is_changed, fault = database.write(
        partial(apply_report, report=checked, arrived=visits.arrived)
    )
    if is_changed and visit is not None and is_reopened(visit.status, report):
        what = "it awaits a verdict again"
        if report.status is not VisitStatus.SUBMITTED:
            what = "it is approved there, and its work awaits a decision here again"
        _log.warning(
            "run %d: the platform has undone the rejection of visit %s; %s",
            run,
            report.reference,
            what,
        )
    return is_changed, fault


def _read_again(
    database: Database, provider: Provider, run: RunView, visit: int, report: VisitReport
) -> VisitReport | None:
    """Ask the platform again about a visit whose rejection seems to be undone; return its report.

    Return None if no such report confirms that, or if the provider reports no single visits.
    """
    with database.read() as tx:
        (row,) = tx.rows(select_visits().where(VisitTable.id == visit))
    found = _looked_at(provider, run, [visit_view(row)])
    for given in filter(None, map(normalize_report, found)):
        is_same = (given.worker_name, given.reference) == (report.worker_name, report.reference)
        if is_same and is_reopened(VisitStatus.REJECTED, given):
            return given
    return None


def _read_currency(tx: Transaction, run: int) -> str:
    row = tx.row(TaskRunTable.select(TaskRunTable.currency).where(TaskRunTable.id == run))
    assert row is not None
    currency: str = row.currency
    return currency
