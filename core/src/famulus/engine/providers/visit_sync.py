"""Updating visits from what their platform reports."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from attrs import frozen

from famulus.contracts.provider import Provider, RunView, VisitReport
from famulus.engine.attempts import OpenAttempt
from famulus.engine.ledger.apply_decisions import newest_verdict
from famulus.engine.ledger.rewards import plan_reward, read_reward
from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.platform.outbox import make_due
from famulus.engine.platform.visit_views import select_visits, visit_view
from famulus.engine.status import Change, change_payment, change_visit
from famulus.engine.units import give_back_units
from famulus.engine.visits import NewVisit, make_visit, normalize_report
from famulus.engine.workers import find_worker, make_worker
from famulus.model.database import Database
from famulus.model.statements import for_update
from famulus.model.states import (
    OPEN_AGENTS,
    SUBMITTED_VISITS,
    UNSETTLED_VISITS,
    AgentStatus,
    PaymentStatus,
    VisitStatus,
    may_follow,
)
from famulus.model.tables import Agent, Visit, literals
from famulus.model.transaction import Row, Transaction

_log = logging.getLogger(__name__)

#: Visits that a provider is asked about in one go.
_TOGETHER = 500
_CAUSE = "platform"


@frozen(kw_only=True)
class Synced:
    """What one round has come to."""

    #: visits that were asked about
    asked: int
    #: how many have each status now, and had another before
    changed: Mapping[VisitStatus, int]
    #: what the platform said that cannot be, in words
    strange: Sequence[str]


def sync_run(database: Database, provider: Provider, run: RunView) -> Synced:
    """Ask about every visit that may have changed, and follow what is said of it.

    What the provider raises ends the round; what was said before it holds.
    """
    asked, changed, strange = 0, Counter[VisitStatus](), list[str]()
    for page in _pages(database, run.id):
        asked += len(page)
        known = {(row.worker_name, row.reference): row.id for row in page}
        for given in provider.sync(run, [visit_view(row) for row in page]):
            report = normalize_report(given)
            if report is None:
                nameless = (
                    f"the platform reports a visit {given.reference!r} of {given.worker_name!r}, "
                    "which are no names"
                )
                strange.append(nameless)
                _log.warning("run %d: %s", run.id, nameless)
                continue
            visit = known.get((report.worker_name, report.reference))
            if visit is None:
                find = partial(_find, provider_type=provider.type, run=run.id, report=report)
                visit = database.write(find)
            if visit is None:
                continue
            if database.write(lambda tx: _apply(tx, visit, report)):  # noqa: B023
                changed[report.status] += 1
                continue
            with database.read() as tx:
                fault = _contradiction(tx, visit, report)
            if fault is not None:
                strange.append(fault)
                _log.warning("run %d: %s", run.id, fault)
    return Synced(asked=asked, changed=dict(changed), strange=strange)


def _pages(database: Database, run: int) -> Iterator[list[Row]]:
    after = 0
    while True:
        query = (
            select_visits()
            .where(Visit.run == run, Visit.status << literals(*UNSETTLED_VISITS), Visit.id > after)
            .order_by(Visit.id)
            .limit(_TOGETHER)
        )
        with database.read() as tx:
            page = tx.rows(query)
        if page or not after:
            # Also without any: the platform may know of some that are not known here.
            yield page
        if not page:
            return
        after = page[-1].id


def _find(tx: Transaction, *, provider_type: str, run: int, report: VisitReport) -> int | None:
    """Return the newest visit that a report means, made where somebody has submitted on the
    platform who never came here.
    """
    worker = find_worker(tx, provider_type, report.worker_name)
    newest = (
        Visit.select(Visit.id)
        .where(Visit.run == run, Visit.worker == worker, Visit.reference == report.reference)
        .order_by(Visit.id.desc())
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


def _apply(tx: Transaction, visit: int, report: VisitReport) -> bool:
    """Follow one report where the visit's status allows it; say whether that changed it."""
    row = tx.row(
        for_update(
            Visit.select(Visit.run.alias("run"), Visit.status).where(Visit.id == visit), tx.kind
        )
    )
    if row is None or not may_follow(row.status, report.status):
        return False
    if report.status in (VisitStatus.RETURNED, VisitStatus.EXPIRED):
        _end_attempts(tx, row.run, visit, report.status)
    changed = change_visit(
        tx, Change(run=row.run, id=visit, old=row.status, new=report.status, cause=_CAUSE)
    )
    if report.status is VisitStatus.SUBMITTED:
        verdict = newest_verdict(tx, visit)
        if verdict is not None:
            make_due(tx, verdict.key)
    elif report.status is VisitStatus.APPROVED:
        plan_reward(tx, visit, max(len(read_visit_work(tx, visit).units), 1))
        _end_reward(tx, row.run, visit, PaymentStatus.CONFIRMED)
    elif report.status is VisitStatus.REJECTED:
        _end_reward(tx, row.run, visit, PaymentStatus.FAILED, "the platform has rejected the visit")
    return changed


def _end_attempts(tx: Transaction, run: int, visit: int, status: VisitStatus) -> None:
    """Offer the units of whoever has left to others; answers that are stored stay."""
    rows = tx.rows(
        Agent.select(
            Agent.id, Agent.worker.alias("worker"), Agent.unit.alias("unit"), Agent.status
        ).where(Agent.visit == visit, Agent.status << literals(*OPEN_AGENTS))
    )
    attempts = [
        OpenAttempt(agent=row.id, worker=row.worker, visit=visit, unit=row.unit, status=row.status)
        for row in rows
    ]
    new = AgentStatus.RETURNED if status is VisitStatus.RETURNED else AgentStatus.TIMEOUT
    give_back_units(tx, attempts, run=run, new=new, cause=_CAUSE, visit_becomes=None)


def _end_reward(tx: Transaction, run: int, visit: int, new: PaymentStatus, error: str = "") -> None:
    reward = read_reward(tx, visit)
    if reward is not None and may_follow(reward.status, new):
        change_payment(
            tx, Change(run=run, id=reward.id, old=reward.status, new=new, cause=_CAUSE), error=error
        )


def _contradiction(tx: Transaction, visit: int, report: VisitReport) -> str | None:
    row = tx.row(Visit.select(Visit.status).where(Visit.id == visit))
    under_way = (VisitStatus.ARRIVED, VisitStatus.ACCEPTED)
    if row is None or row.status is report.status or report.status in under_way:
        return None
    return (
        f"the platform says that visit {report.reference} is {report.status}, and here it is "
        f"{row.status}: that cannot follow"
    )
