"""Cleaning up on a platform once a run is finished, reviewed and paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from famulus.contracts.provider_views import (
    Capabilities,
    Outcome,
)
from famulus.engine.ledger.recorded_decisions import UNAPPLIED
from famulus.engine.ledger.rewards import NOT_OWED
from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue
from famulus.engine.outbox.platform_call import CallContext, PlatformCall
from famulus.engine.outbox.stored_verdicts import is_approval
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Statement
from famulus.model.states import (
    OPEN_PAYMENTS,
    PENDING_VISITS,
    OutboxStatus,
    PaymentStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    IS_OPEN_VISIT,
    OutboxTable,
    PaymentTable,
    ReviewTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    is_ended_visit,
    literal,
    literals,
)
from famulus.model.transaction import Row, Transaction

_UNDELIVERED, _PAYMENTS = "outbox rows are undelivered", "payments are not completed"
_OWED = (*OPEN_PAYMENTS, PaymentStatus.FAILED)
_STATUSES = Statement(
    VisitTable.select(VisitTable.id, VisitTable.status).where(VisitTable.id << AMONG)
)


def enqueue_cleanup(tx: Transaction, run: int) -> bool:
    """Enqueue the clean-up of a run if nothing on its platform is needed any more.

    Return False if something is still needed.
    """
    if not _is_over(tx, run):
        return False
    enqueue(tx, run=run, kind=OutboxKind.DISPOSE, key=_key(run), payload={})
    return True


class CleanUpCall(PlatformCall):
    """No payload. The condition for the clean-up is checked again before the call."""

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        if not _is_over(tx, row.run_id):
            raise UnavailableError("a review or a payment of the run is open again")
        return row.payload

    def send(self, context: CallContext, prepared: Any) -> Outcome:
        context.provider.dispose(context.run_view())
        return Outcome.CONFIRMED


def read_pending_cleanup(tx: Transaction, run: int) -> str | None:
    """Return why a finished run's platform is not cleaned up.

    Return None if it is cleaned up, if the run never had places, or while its work is being
    reviewed.
    """
    had_places = TaskRunTable.select(TaskRunTable.id).where(
        TaskRunTable.id == run, TaskRunTable.next_place > 0
    )
    if not (_is_finished(tx, run) and _exists(tx, had_places)):
        return None
    row = tx.row(
        OutboxTable.select(OutboxTable.status, OutboxTable.error).where(
            OutboxTable.key == _key(run)
        )
    )
    if row is not None:
        return None if row.status is OutboxStatus.DONE else _message(row.error or "it is waiting")
    blocking = _blocking(tx, run)
    if not blocking:
        return _message("the clean-up has not started")
    return _message(_PAYMENTS) if blocking == [_PAYMENTS] else None


def find_pending_cleanups(database: Database, runs: Sequence[int]) -> dict[int, str]:
    """Return the result of :func:`read_pending_cleanup` for the runs for which it is not None."""
    if not runs:
        return {}
    with database.read() as tx:
        found = {run: read_pending_cleanup(tx, run) for run in runs}
    return {run: reason for run, reason in found.items() if reason is not None}


def _is_over(tx: Transaction, run: int) -> bool:
    return _is_finished(tx, run) and not _blocking(tx, run)


def _blocking(tx: Transaction, run: int) -> list[str]:
    """Return the reasons why a run cannot be cleaned up yet."""
    return [
        reason
        for reason, query in _queries(run).items()
        if (_is_undelivered(tx, query) if reason is _UNDELIVERED else _exists(tx, query))
    ]


def _is_undelivered(tx: Transaction, query: Any) -> bool:
    """Return whether a row of the query may still have an effect.

    A refused verdict has no effect if its visit has ended or the platform has decided on the visit,
    unless the verdict corrects a rejection.
    """
    visits = set()
    for row in tx.rows(query):
        if row.kind != OutboxKind.DECIDE or row.status is not OutboxStatus.FAILED:
            return True
        visits.add((row.payload["visit"], is_approval(row)))
    statuses = dict(run_among(tx, _STATUSES, (visit for visit, _ in visits)))
    return any(
        statuses[visit] in PENDING_VISITS
        or (is_correction and statuses[visit] == VisitStatus.REJECTED)
        for visit, is_correction in visits
    )


def _queries(run: int) -> dict[str, Any]:
    """Return, by reason, the queries for rows that still block the clean-up."""
    owed = PaymentTable.status << literals(*_OWED)
    return {
        "work is to be reviewed": UnitTable.select(UnitTable.id).where(
            UnitTable.run == run, UnitTable.status == literal(UnitStatus.COMPLETED)
        ),
        "visits are open": VisitTable.select(VisitTable.id).where(
            VisitTable.run == run, IS_OPEN_VISIT
        )
        | VisitTable.select(VisitTable.id).where(
            VisitTable.run == run, is_ended_visit(VisitStatus.SUBMITTED, VisitStatus.UNKNOWN)
        ),
        _UNDELIVERED: OutboxTable.select(
            OutboxTable.kind, OutboxTable.status, OutboxTable.payload
        ).where(
            OutboxTable.run == run,
            OutboxTable.status != OutboxStatus.DONE,
            OutboxTable.key != _key(run),
            OutboxTable.kind != OutboxKind.PAY.value,
        ),
        _PAYMENTS: PaymentTable.select(PaymentTable.id).where(
            PaymentTable.run == run, owed, PaymentTable.error.not_in(NOT_OWED)
        ),
        "decisions are not applied": ReviewTable.select(ReviewTable.id)
        .join(UnitTable, on=(ReviewTable.unit == UnitTable.id))
        .where(UnitTable.run == run, UNAPPLIED),
    }


def _is_finished(tx: Transaction, run: int) -> bool:
    finished = TaskRunTable.status == RunStatus.FINISHED
    return _exists(tx, TaskRunTable.select(TaskRunTable.id).where(TaskRunTable.id == run, finished))


def _message(reason: str) -> str:
    return f"what remains of the run on the platform is not cleaned up: {reason}"


def _key(run: int) -> str:
    return f"run-{run}-dispose"


def _exists(tx: Transaction, query: Any) -> bool:
    return tx.row(query.limit(1)) is not None
