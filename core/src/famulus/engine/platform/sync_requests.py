"""Requests to sync a run, stored with the run for its operator: another process, or a later one."""

from __future__ import annotations

from collections.abc import Iterable

from famulus.model.tables import TaskRunTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.names import name_fault, stripped


def request_sync(
    tx: Transaction, provider_type: str, *, runs: Iterable[int], references: Iterable[str]
) -> None:
    """Request a sync of the given runs, and of the runs with visits that have these references.

    Runs of other providers, and runs and references that are not stored here, are left out.
    """
    found = {*runs, *_visited(tx, provider_type, references)}
    # In this order, so that two transactions do not wait for each other.
    for run in sorted(found):
        tx.execute(
            TaskRunTable.update(sync_requests=TaskRunTable.sync_requests + 1).where(
                TaskRunTable.id == run, TaskRunTable.provider_type == provider_type
            )
        )


def is_sync_requested(tx: Transaction, run: int) -> bool:
    """Return whether a sync has been requested since the last one began."""
    query = TaskRunTable.select(TaskRunTable.id).where(
        TaskRunTable.id == run, TaskRunTable.sync_requests > TaskRunTable.sync_requests_answered
    )
    return tx.row(query) is not None


def answer_requests(tx: Transaction, run: int, requests: int) -> None:
    """Record the first ``requests`` sync requests of a run as answered."""
    tx.execute(
        TaskRunTable.update(sync_requests_answered=requests).where(
            TaskRunTable.id == run, TaskRunTable.sync_requests_answered < requests
        )
    )


def _visited(tx: Transaction, provider_type: str, references: Iterable[str]) -> set[int]:
    names = [stripped(each) for each in references if name_fault(each) is None]
    if not names:
        return set()
    ours = TaskRunTable.select(TaskRunTable.id).where(TaskRunTable.provider_type == provider_type)
    visits = VisitTable.select(VisitTable.run.alias("run")).where(
        VisitTable.run << ours, VisitTable.reference << names
    )
    return {row.run for row in tx.rows(visits.distinct())}
