"""Blocking a worker from every task, regardless of qualifications."""

from __future__ import annotations

from collections.abc import Sequence

from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue
from famulus.engine.status import NewEvent, record
from famulus.model.fields import to_micros
from famulus.model.tables import WorkerTable
from famulus.model.transaction import Transaction
from famulus.names import check_text


def set_blocked(
    tx: Transaction,
    *,
    worker: int,
    blocked: bool,
    reason: str = "",
    requesters: Sequence[int] = (),
) -> bool:
    """Block or unblock a worker in this database; return whether that changed anything.

    A unit that the worker has begun stays with them, and its submission is stored.

    :param requesters: the accounts whose platform blocks the worker too. A block on the platform
        may harm the worker's account as a whole, so nothing is sent by default.
    """
    check_text(reason, "reason")
    query = WorkerTable.update(blocked=blocked).where(
        WorkerTable.id == worker, WorkerTable.blocked != blocked
    )
    changed = bool(tx.execute(query).rowcount)
    if changed:
        record(
            tx,
            NewEvent(
                run=None,
                subject="worker",
                subject_id=worker,
                old=_word(not blocked),
                new=_word(blocked),
                cause="block",
                detail={"reason": reason},
            ),
        )
    for requester in requesters:
        enqueue(
            tx,
            kind=OutboxKind.BLOCK,
            key=f"block-{requester}-{worker}-{to_micros(tx.now)}-{_word(blocked)}",
            payload={"worker": worker, "reason": reason},
            requester=requester,
        )
    return changed


def _word(blocked: bool) -> str:
    return "blocked" if blocked else "free"
