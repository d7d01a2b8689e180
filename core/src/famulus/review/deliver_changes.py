"""Delivery of the changes of a review: events to listeners, outbox rows to platforms."""

from __future__ import annotations

from collections.abc import Iterable

from famulus.data.scope import Scope
from famulus.engine.events import dispatch_events_of_ended_run
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.stored_verdicts import rows_in_ledger
from famulus.engine.platform.bound_provider import deliver_run
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, TaskRunTable, literal
from famulus.plugins import Plugins


def deliver_changes(
    database: Database, plugins: Plugins, runs: Iterable[int], *, after: int
) -> list[str]:
    """Dispatch events of ended runs and deliver outbox rows that are due; return what failed.

    Failed rows stay in the outbox: the operator, or the next review, delivers them.

    :param after: failures are only reported for rows newer than this outbox row, a result of
        :func:`newest_outbox_row`.
    """
    problems = []
    for run in sorted(runs):
        try:
            dispatch_events_of_ended_run(database, plugins, run)
            deliver_run(database, plugins, run)
        except FamulusError as error:
            problems.append(f"run {run}: {error}")
        else:
            problems += _failures(database, run, after)
    return problems


def newest_outbox_row(database: Database) -> int:
    """Return the number of the newest outbox row, or 0."""
    with database.read() as tx:
        row = tx.row(OutboxTable.select(OutboxTable.id).order_by(OutboxTable.id.desc()).limit(1))
    return row.id if row else 0


def runs_to_deliver(database: Database, scope: Scope) -> set[int]:
    """Return the runs that have pending outbox rows.

    A pending row may also concern the account that pays for a run; the newest run of each such
    account is returned for it.
    """
    with database.read() as tx:
        pending = tx.rows(
            OutboxTable.select(
                OutboxTable.run.alias("run"), OutboxTable.requester.alias("requester")
            )
            .where(OutboxTable.status == literal(OutboxStatus.PENDING))
            .distinct()
        )
        mine = tx.rows(
            TaskRunTable.select(TaskRunTable.id, TaskRunTable.requester.alias("requester"))
            .where(TaskRunTable.id << list(scope.runs))
            .order_by(TaskRunTable.id)
        )
    runs = {row.run for row in pending}
    accounts = {row.requester for row in pending if row.run is None}
    newest = {row.requester: row.id for row in mine if row.requester in accounts}
    return {row.id for row in mine if row.id in runs} | set(newest.values())


def _failures(database: Database, run: int, after: int) -> list[str]:
    # Cleaning up may have to wait for a worker who still has something open on the platform. It is
    # retried automatically, so it is not a failure.
    waits = (OutboxTable.kind == OutboxKind.DISPOSE.value) & (
        OutboxTable.status == literal(OutboxStatus.PENDING)
    )
    query = (
        OutboxTable.select(OutboxTable.id, OutboxTable.kind, OutboxTable.payload, OutboxTable.error)
        .where(OutboxTable.id > after, OutboxTable.run == run, OutboxTable.error != "", ~waits)
        .order_by(OutboxTable.id)
    )
    with database.read() as tx:
        rows = tx.rows(query)
        are_paying = len(rows_in_ledger(tx, rows)) == len(rows)
    more = f" (and {len(rows) - 1:,} more)" if len(rows) > 1 else ""
    # The ledger has nothing of a rejection.
    command = f"`famulus payments --run {run}`" if are_paying else f"`famulus status {run}`"
    return [f"run {run}: {rows[0].error}{more}; {command} shows what is open"] if rows else []
