"""Updating visits from what their platform reports."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType

import peewee
from attrs import define, field, frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    RunView,
    SyncCursor,
    VisitReport,
    VisitView,
)
from famulus.engine.attempts import open_attempt, select_open_attempts
from famulus.engine.ledger.charges import charges
from famulus.engine.ledger.payment_views import read_identity
from famulus.engine.ledger.reopened_work import fresh_rejection, reopen_work
from famulus.engine.ledger.replacement_units import match_replacements
from famulus.engine.ledger.rewards import (
    RewardAmount,
    confirm_reward,
    confirm_whole_reward,
    end_reward,
)
from famulus.engine.ledger.withdrawn_work import restore_work, withdraw_work
from famulus.engine.outbox.outbox_rows import make_due
from famulus.engine.outbox.stored_verdicts import newest_verdict
from famulus.engine.places.place_changes import HAS_UNIT, close_refilled
from famulus.engine.platform.sync_requests import answer_requests
from famulus.engine.status import Change, change_visit
from famulus.engine.units import give_back_units
from famulus.engine.visits import (
    NewVisit,
    make_visit,
    normalize_report,
    select_visits,
    visit_view,
)
from famulus.engine.workers import find_worker, make_worker
from famulus.errors import ConflictError, UsageError, as_plugin_error
from famulus.model.database import Database
from famulus.model.money import to_minor
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    OPEN_VISITS,
    PAID_VISITS,
    PENDING_VISITS,
    SUBMITTED_VISITS,
    UNSUBMITTED_VISITS,
    AgentStatus,
    PaymentKind,
    PaymentStatus,
    VisitStatus,
    may_follow,
)
from famulus.model.tables import (
    ARE_PENDING_VISITS,
    AgentTable,
    TaskRunTable,
    VisitTable,
    literals,
)
from famulus.model.transaction import Row, Transaction
from famulus.names import forgotten_reference

_log = logging.getLogger(__name__)

#: Visits that are read at a time.
_BATCH = 500
#: Visits with units that the platform is asked about while a worker waits.
_MOST_LOOKED_AT = 300
_CAUSE = "platform"
#: Visits that are over on the platform without work to review there.
_OVER = (*UNSUBMITTED_VISITS, VisitStatus.SCREENED_OUT)
#: The errors of rewards that the platform does not pay.
_UNPAID: Mapping[VisitStatus, str] = MappingProxyType(
    {
        VisitStatus.REJECTED: "the platform has rejected the visit",
        VisitStatus.SCREENED_OUT: "the platform has screened the visit out",
    }
)

_IS_PENDING = VisitTable.status << literals(*PENDING_VISITS)
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
_REPORTED = Statement(
    VisitTable.select(VisitTable.id, VisitTable.status)
    .where(
        VisitTable.run == Param("run"),
        VisitTable.worker == Param("worker"),
        VisitTable.reference == Param("reference"),
    )
    .order_by(peewee.Case(None, [(_IS_PENDING, 0)], 1), VisitTable.id.desc())
    .limit(1)
)
_SYNC_STATE = Statement(
    TaskRunTable.select(
        TaskRunTable.sync_cursor, TaskRunTable.sync_requests, TaskRunTable.sync_requests_answered
    ).where(TaskRunTable.id == Param("run"))
)
_LOCKED = Statement(
    lambda kind: for_update(
        VisitTable.select(VisitTable.status, VisitTable.last_arrived_at).where(
            VisitTable.id == Param("visit")
        ),
        kind,
    )
)

#: What a rejection that is undone may have become.
_REOPENED = (VisitStatus.SUBMITTED, VisitStatus.APPROVED, VisitStatus.PARTIALLY_APPROVED)


@frozen(kw_only=True)
class SyncResult:
    """The result of one sync."""

    #: how many visits the provider was asked about; 0 where its platform lists them by itself
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

    :param from_start: have everything reported again, also what was before the stored cursor.
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

    These are the newest ones; a sync asks about all. Raises as :func:`sync_run` does.
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
    """Yield what the provider reports on visits; its errors are a plugin's, and not ours."""
    with as_plugin_error(f"the provider {provider.type!r} failed in look()"):
        for given in provider.look(run, visits):
            if not isinstance(given, VisitReport):
                raise TypeError(f"it reported {given!r}, not a VisitReport")
            yield given


def _apply_given(
    visits: PendingVisits, provider: Provider, run: RunView, given: VisitReport
) -> tuple[bool, str | None]:
    """Apply a report as the provider has given it; returns what :func:`_apply` does."""
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
    """Return the next visits whose end is still to come, after the one of a number."""
    found = (row for each in _PENDING for row in tx.rows_of(each, run=run, after=after))
    return sorted(found, key=lambda visit: visit.id)[:_BATCH]


@define(eq=False)
class PendingVisits:
    """The visits of a run whose end is still to come, read while they are iterated over."""

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
    """Yield what the provider reports; its errors are a plugin's, and not ours."""
    with as_plugin_error(f"the provider {provider.type!r} failed in sync()"):
        for given in provider.sync(run, visits, cursor):
            if not isinstance(given, VisitReport | SyncCursor):
                raise TypeError(f"it reported {given!r}, not a VisitReport or a SyncCursor")
            yield given


def _read_state(database: Database, run: int) -> tuple[str | None, int]:
    """Return the stored cursor, and the number of requests that this sync answers, if any."""
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
    """Apply a report; returns what :func:`_apply` does."""
    database, run, rejected_at = visits.database, visits.run, None
    with database.read() as tx:
        visit = find_reported_visit(tx, provider.type, run, report)
        currency = "" if report.amount is None else _read_currency(tx, run)
        if visit is not None and _is_resubmitted(visit.status, report):
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
        report_of_run = _Report(
            run=run,
            provider_type=provider.type,
            capabilities=provider.capabilities,
            given=report,
            paid=_paid(provider, report, currency),
            rejected_at=rejected_at,
        )
    except (UsageError, ConflictError) as error:
        return False, f"the platform reports visit {report.reference} as {report.status}: {error}"
    is_changed, fault = database.write(
        partial(_apply, report=report_of_run, arrived=visits.arrived)
    )
    if is_changed and visit is not None and _is_reopened(visit.status, report):
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


@frozen(kw_only=True)
class _Report:
    """A report as it is applied."""

    run: int
    provider_type: str
    capabilities: Capabilities
    given: VisitReport
    #: what the platform has paid; None where it does not say, or has paid nothing
    paid: RewardAmount | None
    #: when the rejection was sent that the report is known to be younger than; None for any
    rejected_at: datetime | None = None


def _read_again(
    database: Database, provider: Provider, run: RunView, visit: int, report: VisitReport
) -> VisitReport | None:
    """Return what the platform says at present of a visit whose rejection seems to be undone.

    None where it does not say that, or reports nothing on single visits.
    """
    with database.read() as tx:
        (row,) = tx.rows(select_visits().where(VisitTable.id == visit))
    found = _looked_at(provider, run, [visit_view(row)])
    for given in filter(None, map(normalize_report, found)):
        is_same = (given.worker_name, given.reference) == (report.worker_name, report.reference)
        if is_same and _is_reopened(VisitStatus.REJECTED, given):
            return given
    return None


def _read_currency(tx: Transaction, run: int) -> str:
    row = tx.row(TaskRunTable.select(TaskRunTable.currency).where(TaskRunTable.id == run))
    assert row is not None
    currency: str = row.currency
    return currency


def _paid(provider: Provider, report: VisitReport, currency: str) -> RewardAmount | None:
    """Return what the platform has paid for a visit, or None.

    :raises famulus.UsageError: when it reports an amount that cannot have been paid.
    """
    amount: object = report.amount
    if report.status not in PAID_VISITS or not provider.capabilities.pays:
        return None
    if amount is None:
        if report.status is VisitStatus.PARTIALLY_APPROVED:
            raise UsageError("its amount is missing, so what was paid is not known")
        return None
    if not isinstance(amount, Decimal) or not amount.is_finite() or amount < 0:
        raise UsageError(f"its amount is {amount!r}, and has to be a Decimal of at least 0")
    units = to_minor(amount, currency)
    if not units and report.status is not VisitStatus.SCREENED_OUT:
        raise UsageError("its amount is 0, and an approved visit is paid")
    fee = charges(provider, PaymentKind.REWARD, amount, currency) if units else 0
    return RewardAmount(amount=units, fee=fee) if units else None


def find_reported_visit(
    tx: Transaction, provider_type: str, run: int, report: VisitReport
) -> Row | None:
    """Return the visit that a report is about: the newest that is not decided, or the newest."""
    worker = find_worker(tx, provider_type, report.worker_name)
    if worker is None:
        return None
    return tx.row_of(_REPORTED, run=run, worker=worker, reference=report.reference)


def is_forgotten(tx: Transaction, run: int, report: VisitReport) -> bool:
    """Return whether a report is about a visit whose worker was forgotten."""
    reference = forgotten_reference(read_identity(tx), report.worker_name, report.reference)
    query = VisitTable.select(VisitTable.id).where(
        VisitTable.run == run, VisitTable.reference == reference
    )
    return tx.row(query.limit(1)) is not None


def _make(tx: Transaction, report: _Report) -> int:
    """Store the visit of a worker who has submitted on the platform without an arrival here."""
    worker = make_worker(tx, report.provider_type, report.given.worker_name)
    visit = NewVisit(run=report.run, worker=worker, reference=report.given.reference)
    return make_visit(tx, visit, cause=_CAUSE)


def _apply(
    tx: Transaction, *, report: _Report, arrived: Mapping[int, datetime | None]
) -> tuple[bool, str | None]:
    """Apply a report if the status of its visit allows that.

    Return whether the visit was changed, and how the report contradicts what is stored, if it does.

    :param arrived: by number, when the workers of the visits had arrived last that the provider
        has read.
    """
    run, given = report.run, report.given
    found = find_reported_visit(tx, report.provider_type, run, given)
    is_of_interest = given.status in SUBMITTED_VISITS or report.paid is not None
    if found is None and (not is_of_interest or is_forgotten(tx, run, given)):
        return False, None
    visit = _make(tx, report) if found is None else int(found.id)
    row = tx.row_of(_LOCKED, visit=visit)
    if row is None or not may_follow(row.status, given.status):
        return False, None if row is None else _contradiction(row.status, given)
    if _is_resubmitted(row.status, given):
        rejected_at = fresh_rejection(tx, visit)
        if rejected_at is not None and rejected_at != report.rejected_at:
            return False, None
    if given.status in _OVER:
        if visit in arrived and row.last_arrived_at != arrived[visit]:
            # The worker has come back since the provider read it; the next sync asks again.
            return False, None
        _end_attempts(tx, run, visit, given.status)
    changed = change_visit(
        tx, Change(run=run, id=visit, old=row.status, new=given.status, cause=_CAUSE)
    )
    _count_work(tx, report, visit, old=row.status)
    _count_pay(tx, report, visit)
    return changed, None


def _count_work(tx: Transaction, report: _Report, visit: int, *, old: VisitStatus) -> None:
    """Withdraw the work of a visit that is returned after it was submitted, or restore it.

    The work of one whose rejection was undone is reviewed again. Where the platform has sold the
    place of a rejected visit again, so is its work offered.
    """
    new, capabilities = report.given.status, report.capabilities
    if _is_reopened(old, report.given):
        reopen_work(tx, report.run, visit, is_approved=new is not VisitStatus.SUBMITTED)
    if old is VisitStatus.RETURNED and new in SUBMITTED_VISITS:
        restore_work(tx, report.run, visit)
    # Where submitted work can be returned, both may have happened since the last sync.
    may_be_submitted = old is VisitStatus.SUBMITTED or capabilities.requests_return
    if new is VisitStatus.RETURNED and may_be_submitted:
        withdraw_work(tx, report.run, visit, is_refilled=capabilities.replaces_by_itself)
    if capabilities.replaces_by_itself:
        close_refilled(tx, report.run)
        match_replacements(tx, report.run, visit)


def _is_reopened(old: VisitStatus, report: VisitReport) -> bool:
    """Return whether a report says that a rejection was undone."""
    return old is VisitStatus.REJECTED and report.status in _REOPENED


def _is_resubmitted(old: VisitStatus, report: VisitReport) -> bool:
    """Return whether a report says that a rejected visit awaits a verdict again."""
    return old is VisitStatus.REJECTED and report.status is VisitStatus.SUBMITTED


def _count_pay(tx: Transaction, report: _Report, visit: int) -> None:
    """Have a verdict delivered that waits for the submission, or record what was paid."""
    run, given = report.run, report.given
    if given.status is VisitStatus.SUBMITTED:
        verdict = newest_verdict(tx, visit)
        if verdict is not None:
            make_due(tx, verdict.key)
    elif report.paid is not None:
        confirm_reward(tx, visit, report.paid)
    elif given.status is VisitStatus.APPROVED:
        confirm_whole_reward(tx, visit)
    elif given.status in _UNPAID:
        end_reward(tx, run, visit, PaymentStatus.FAILED, _UNPAID[given.status])


def _end_attempts(tx: Transaction, run: int, visit: int, status: VisitStatus) -> None:
    """End the open attempts of a visit that has ended; stored answers stay."""
    rows = tx.rows(select_open_attempts(AgentTable.visit == visit))
    is_time_over = status in (VisitStatus.EXPIRED, VisitStatus.TIMED_OUT)
    new = AgentStatus.TIMEOUT if is_time_over else AgentStatus.RETURNED
    give_back_units(
        tx, [*map(open_attempt, rows)], run=run, new=new, cause=_CAUSE, visit_becomes=None
    )


def _contradiction(stored: VisitStatus, report: VisitReport) -> str | None:
    if stored is report.status or report.status in OPEN_VISITS:
        return None
    return (
        f"the platform reports visit {report.reference} as {report.status}, and here it is "
        f"{stored}, which cannot change to that"
    )
