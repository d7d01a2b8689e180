"""Reports of a platform on single visits: found, checked, and applied in a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

import peewee
from attrs import frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities, VisitReport
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
from famulus.engine.places.place_changes import close_refilled
from famulus.engine.status import Change, change_visit
from famulus.engine.units import give_back_units_of_visit
from famulus.engine.visits import NewVisit, make_visit
from famulus.engine.workers import find_worker, make_worker
from famulus.errors import UsageError
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
from famulus.model.tables import VisitTable, literals
from famulus.model.transaction import Row, Transaction
from famulus.names import forgotten_reference

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
class CheckedReport:
    """A report on a visit, with the facts needed to apply it."""

    run: int
    provider_type: str
    capabilities: Capabilities
    given: VisitReport
    #: what the platform has paid; None if it does not say, or has paid nothing
    paid: RewardAmount | None
    #: when the rejection was sent that the report is known to be younger than; None for any
    rejected_at: datetime | None = None


def reported_pay(provider: Provider, report: VisitReport, currency: str) -> RewardAmount | None:
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
        raise UsageError("its amount is 0, but an approved visit is paid")
    fee = charges(provider, PaymentKind.REWARD, amount, currency) if units else 0
    return RewardAmount(amount=units, fee=fee) if units else None


def find_reported_visit(
    tx: Transaction, provider_type: str, run: int, report: VisitReport
) -> Row | None:
    """Return the visit that a report is about: the newest undecided one, or else the newest one."""
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


def apply_report(
    tx: Transaction, *, report: CheckedReport, arrived: Mapping[int, datetime | None]
) -> tuple[bool, str | None]:
    """Apply a report if the status of its visit allows that.

    Return whether the visit was changed, and how the report contradicts what is stored, if it does.

    :param arrived: by visit number, the last arrival of the worker when the provider read the
        visit.
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
    if is_resubmitted(row.status, given):
        rejected_at = fresh_rejection(tx, visit)
        if rejected_at is not None and rejected_at != report.rejected_at:
            return False, None
    if given.status in _OVER:
        if visit in arrived and row.last_arrived_at != arrived[visit]:
            # The worker has come back since the provider read it; the next sync asks again.
            return False, None
        _end_attempts(tx, run, visit, given.status)
    elif given.status is VisitStatus.REJECTED and report.capabilities.replaces_by_itself:
        # The next worker comes for the unit of one who has submitted nothing here.
        _end_attempts(tx, run, visit, given.status)
    changed = change_visit(
        tx, Change(run=run, id=visit, old=row.status, new=given.status, cause=_CAUSE)
    )
    _count_work(tx, report, visit, old=row.status)
    _count_pay(tx, report, visit)
    return changed, None


def _make(tx: Transaction, report: CheckedReport) -> int:
    """Store the visit of a worker who has submitted on the platform without an arrival here."""
    worker = make_worker(tx, report.provider_type, report.given.worker_name)
    visit = NewVisit(run=report.run, worker=worker, reference=report.given.reference)
    return make_visit(tx, visit, cause=_CAUSE)


def _count_work(tx: Transaction, report: CheckedReport, visit: int, *, old: VisitStatus) -> None:
    """Withdraw the work of a visit that was returned after its submission, or restore it.

    The work of a visit whose rejection was undone is reviewed again. If the platform has sold the
    place of a rejected visit again, the visit's work is offered again too.
    """
    new, capabilities = report.given.status, report.capabilities
    if is_reopened(old, report.given):
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


def is_reopened(old: VisitStatus, report: VisitReport) -> bool:
    """Return whether a report says that a rejection was undone."""
    return old is VisitStatus.REJECTED and report.status in _REOPENED


def is_resubmitted(old: VisitStatus, report: VisitReport) -> bool:
    """Return whether a report says that a rejected visit awaits a verdict again."""
    return old is VisitStatus.REJECTED and report.status is VisitStatus.SUBMITTED


def _count_pay(tx: Transaction, report: CheckedReport, visit: int) -> None:
    """Make due a verdict that waits for the submission, or record the outcome of the reward."""
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
    is_time_over = status in (VisitStatus.EXPIRED, VisitStatus.TIMED_OUT)
    new = AgentStatus.TIMEOUT if is_time_over else AgentStatus.RETURNED
    give_back_units_of_visit(tx, run, visit, new=new, cause=_CAUSE)


def _contradiction(stored: VisitStatus, report: VisitReport) -> str | None:
    if stored is report.status or report.status in OPEN_VISITS:
        return None
    return (
        f"the platform reports visit {report.reference} as {report.status}, but here it is "
        f"{stored}, which cannot change to that"
    )
