"""Updating visits from what their platform reports."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from attrs import frozen

from famulus.contracts.provider import Provider, RunView, VisitReport
from famulus.engine.attempts import open_attempt, select_open_attempts
from famulus.engine.ledger.apply_decisions import newest_verdict
from famulus.engine.ledger.rewards import plan_reward, read_reward
from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.outbox.outbox_rows import make_due
from famulus.engine.status import Change, change_payment, change_visit
from famulus.engine.units import give_back_units
from famulus.engine.visits import (
    NewVisit,
    make_visit,
    normalize_report,
    select_visits,
    visit_view,
)
from famulus.engine.workers import find_worker, make_worker
from famulus.model.database import Database
from famulus.model.statements import for_update
from famulus.model.states import (
    OPEN_VISITS,
    PENDING_VISITS,
    SUBMITTED_VISITS,
    AgentStatus,
    PaymentStatus,
    VisitStatus,
    may_follow,
)
from famulus.model.tables import AgentTable, VisitTable, literals
from famulus.model.transaction import Row, Transaction

_log = logging.getLogger(__name__)

#: Visits of one call of the provider's ``sync``.
_BATCH = 500
_CAUSE = "platform"


@frozen(kw_only=True)
class SyncResult:
    """The result of one sync."""

    #: how many visits the provider was asked about
    asked: int
    #: how many visits have changed to each status
    changed: Mapping[VisitStatus, int]
    #: messages about reports that contradict the local state
    contradictions: Sequence[str]


def sync_run(database: Database, provider: Provider, run: RunView) -> SyncResult:
    """Ask the provider about every visit that may have changed, and apply its reports.

    An exception of the provider ends the sync; reports before it are applied.
    """
    asked, changed, contradictions = 0, Counter[VisitStatus](), list[str]()
    for page in _pages(database, run.id):
        asked += len(page)
        known = {(row.worker_name, row.reference): row for row in page}
        for given in provider.sync(run, [visit_view(row) for row in page]):
            report = normalize_report(given)
            if report is None:
                nameless = (
                    f"the platform reports a visit {given.reference!r} of a worker "
                    f"{given.worker_name!r}, and one of these names is not allowed"
                )
                contradictions.append(nameless)
                _log.warning("run %d: %s", run.id, nameless)
                continue
            row = known.get((report.worker_name, report.reference))
            if row is not None and row.status is report.status:
                # Most reports, and no reason for a transaction that is synced to the disk.
                continue
            is_changed, fault = database.write(
                partial(
                    _apply,
                    provider_type=provider.type,
                    run=run.id,
                    visit=None if row is None else row.id,
                    report=report,
                )
            )
            if is_changed:
                changed[report.status] += 1
            if fault is not None:
                contradictions.append(fault)
                _log.warning("run %d: %s", run.id, fault)
    return SyncResult(asked=asked, changed=dict(changed), contradictions=contradictions)


def _pages(database: Database, run: int) -> Iterator[list[Row]]:
    after = 0
    while True:
        query = (
            select_visits()
            .where(
                VisitTable.run == run,
                VisitTable.status << literals(*PENDING_VISITS),
                VisitTable.id > after,
            )
            .order_by(VisitTable.id)
            .limit(_BATCH)
        )
        with database.read() as tx:
            page = tx.rows(query)
        if page or not after:
            # An empty page too: the platform may report visits that are not stored here.
            yield page
        if not page:
            return
        after = page[-1].id


def _find(tx: Transaction, *, provider_type: str, run: int, report: VisitReport) -> int | None:
    """Return the newest visit that a report is about.

    It is created for a worker who has submitted on the platform without an arrival here.
    """
    worker = find_worker(tx, provider_type, report.worker_name)
    newest = (
        VisitTable.select(VisitTable.id)
        .where(
            VisitTable.run == run,
            VisitTable.worker == worker,
            VisitTable.reference == report.reference,
        )
        .order_by(VisitTable.id.desc())
        .limit(1)
    )
    row = None if worker is None else tx.row(newest)
    if row is not None:
        return int(row.id)
    if report.status not in SUBMITTED_VISITS:
        return None
    worker = make_worker(tx, provider_type, report.worker_name)
    visit = NewVisit(run=run, worker=worker, reference=report.reference)
    return make_visit(tx, visit, cause=_CAUSE)


def _apply(
    tx: Transaction, *, provider_type: str, run: int, visit: int | None, report: VisitReport
) -> tuple[bool, str | None]:
    """Apply a report if the status of its visit allows that.

    Return whether the visit was changed, and how the report contradicts what is stored, if it does.

    :param visit: None for a visit that is still to be found.
    """
    if visit is None:
        visit = _find(tx, provider_type=provider_type, run=run, report=report)
    if visit is None:
        return False, None
    status = VisitTable.select(VisitTable.status).where(VisitTable.id == visit)
    row = tx.row(for_update(status, tx.kind))
    if row is None or not may_follow(row.status, report.status):
        return False, None if row is None else _contradiction(row.status, report)
    if report.status in (VisitStatus.RETURNED, VisitStatus.EXPIRED):
        _end_attempts(tx, run, visit, report.status)
    changed = change_visit(
        tx, Change(run=run, id=visit, old=row.status, new=report.status, cause=_CAUSE)
    )
    if report.status is VisitStatus.SUBMITTED:
        verdict = newest_verdict(tx, visit)
        if verdict is not None:
            make_due(tx, verdict.key)
    elif report.status is VisitStatus.APPROVED:
        plan_reward(tx, visit, max(len(read_visit_work(tx, visit).units), 1))
        _end_reward(tx, run, visit, PaymentStatus.CONFIRMED)
    elif report.status is VisitStatus.REJECTED:
        _end_reward(tx, run, visit, PaymentStatus.FAILED, "the platform has rejected the visit")
    return changed, None


def _end_attempts(tx: Transaction, run: int, visit: int, status: VisitStatus) -> None:
    """End the open attempts of a visit that has ended; stored answers stay."""
    rows = tx.rows(select_open_attempts(AgentTable.visit == visit))
    new = AgentStatus.RETURNED if status is VisitStatus.RETURNED else AgentStatus.TIMEOUT
    give_back_units(
        tx, [*map(open_attempt, rows)], run=run, new=new, cause=_CAUSE, visit_becomes=None
    )


def _end_reward(tx: Transaction, run: int, visit: int, new: PaymentStatus, error: str = "") -> None:
    reward = read_reward(tx, visit)
    if reward is not None and may_follow(reward.status, new):
        change_payment(
            tx, Change(run=run, id=reward.id, old=reward.status, new=new, cause=_CAUSE), error=error
        )


def _contradiction(stored: VisitStatus, report: VisitReport) -> str | None:
    if stored is report.status or report.status in OPEN_VISITS:
        return None
    return (
        f"the platform reports visit {report.reference} as {report.status}, and here it is "
        f"{stored}, which cannot change to that"
    )
