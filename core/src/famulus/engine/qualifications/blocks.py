"""Keeping a worker from every task, whatever its qualifications say."""

from __future__ import annotations

from collections.abc import Sequence

from famulus.engine.platform.outbox import OutboxKind, enqueue
from famulus.engine.status import NewEvent, record
from famulus.model.fields import to_micros
from famulus.model.tables import Worker
from famulus.model.transaction import Transaction


def set_blocked(
    tx: Transaction,
    *,
    worker: int,
    blocked: bool,
    reason: str = "",
    requesters: Sequence[int] = (),
) -> bool:
    """Block a worker here, or let them work again; say whether that changed anything.

    Units they hold stay theirs: what they submit is kept.

    :param requesters: whose platform is to be told too. There a block may harm the worker's account
        with everybody, so it is never told unless asked for.
    """
    query = Worker.update(blocked=blocked).where(Worker.id == worker, Worker.blocked != blocked)
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
