"""Keeping a worker from every task, whatever its qualifications say."""

from __future__ import annotations

from famulus.errors import NotFoundError
from famulus.model.tables import Worker
from famulus.model.transaction import Transaction
from famulus.work.arrival import find_worker
from famulus.work.changes import record


def set_blocked(
    tx: Transaction, *, provider_type: str, name: str, blocked: bool, reason: str = ""
) -> bool:
    """Block a worker here, or let them work again; say whether that changed anything.

    Units they hold stay theirs: what they submit is kept.

    :raises famulus.NotFoundError: for somebody who has never arrived.
    """
    worker = find_worker(tx, provider_type, name)
    if worker is None:
        raise NotFoundError(f"{provider_type} knows no worker {name!r}")
    query = Worker.update(blocked=blocked).where(Worker.id == worker, Worker.blocked != blocked)
    changed = bool(tx.execute(query).rowcount)
    if changed:
        record(
            tx, run=None, subject="worker", subject_id=worker, old=_word(not blocked),
            new=_word(blocked), cause="block", detail={"reason": reason},
        )
    return changed


def _word(blocked: bool) -> str:
    return "blocked" if blocked else "free"
