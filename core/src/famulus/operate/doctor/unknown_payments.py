"""Visits that a platform has paid for without a payment in the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import VisitReport
from famulus.engine.platform.visit_reports import find_reported_visit, is_forgotten
from famulus.engine.runs import RunRecord
from famulus.engine.visits import normalize_report
from famulus.model.states import PAID_VISITS, VisitStatus
from famulus.model.tables import (
    VisitTable,
    WorkerTable,
    is_ended_visit,
)
from famulus.model.transaction import Transaction
from famulus.operate.doctor.difference import Difference, named

#: A worker's name, and the reference of their visit.
Names = tuple[str, str]


def of_paid_visits(
    tx: Transaction,
    run: RunRecord,
    provider: Provider,
    reports: Iterable[VisitReport],
    *,
    asked: Collection[Names],
) -> Iterator[Difference]:
    """Find visits that the platform has paid for without a sync having recorded the payment.

    :param asked: visits that the platform was asked about in other ways.
    """
    if not provider.capabilities.pays:
        return
    known = {*asked, *_paid_here(tx, run.id)}
    missing = [
        (report.reference, report.worker_name)
        for report in filter(None, map(normalize_report, reports))
        if (report.worker_name, report.reference) not in known
        and _is_missing(tx, run.id, provider.type, report)
    ]
    if missing:
        yield Difference(
            run=run.id,
            what=f"paid on the platform, but not in the ledger: visits {named(missing)}",
            command=("sync", run.id),
        )


def _paid_here(tx: Transaction, run: int) -> Iterator[Names]:
    query = (
        VisitTable.select(WorkerTable.name, VisitTable.reference)
        .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
        .where(VisitTable.run == run, is_ended_visit(*PAID_VISITS))
    )
    yield from tx.execute(query)


def _is_missing(tx: Transaction, run: int, provider_type: str, report: VisitReport) -> bool:
    """Return whether a visit that is reported as paid is missing or unpaid in the database."""
    is_free = report.status is VisitStatus.SCREENED_OUT and not report.amount
    if is_free or report.status not in PAID_VISITS:
        return False
    # A worker's name may have been merged with another one.
    visit = find_reported_visit(tx, provider_type, run, report)
    if visit is None:
        return not is_forgotten(tx, run, report)
    return visit.status not in PAID_VISITS
