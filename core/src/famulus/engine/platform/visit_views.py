"""A visit as its provider sees it."""

from __future__ import annotations

from typing import Any

from famulus.contracts.provider import VisitView
from famulus.model.tables import VisitTable, WorkerTable
from famulus.model.transaction import Row, Transaction


def select_visits() -> Any:
    """Return the query of visits with their workers' names."""
    return VisitTable.select(
        VisitTable.id,
        VisitTable.run.alias("run"),
        VisitTable.worker.alias("worker"),
        VisitTable.reference,
        VisitTable.status,
        VisitTable.query,
        VisitTable.done_at,
        VisitTable.arrived_at,
        VisitTable.last_arrived_at,
        WorkerTable.name.alias("worker_name"),
    ).join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))


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
        worker_name=row.worker_name,
        reference=row.reference,
        query=row.query,
        arrived_at=row.arrived_at,
        last_arrived_at=row.last_arrived_at,
        done_at=row.done_at,
    )
