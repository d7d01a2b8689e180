"""Tidying up on a platform once a run is finished, decided and paid."""

from __future__ import annotations

from typing import Any

from famulus.model.states import (
    UNSETTLED_VISITS,
    OutboxStatus,
    PaymentStatus,
    RunStatus,
    UnitStatus,
)
from famulus.model.tables import Outbox, Payment, Review, TaskRun, Unit, Visit, literals
from famulus.model.transaction import Transaction
from famulus.work.platform.outbox import Telling, enqueue

_OWED = (PaymentStatus.PLANNED, PaymentStatus.SENT, PaymentStatus.UNKNOWN, PaymentStatus.FAILED)


def dispose_if_over(tx: Transaction, run: int) -> bool:
    """Have a run's leavings on the platform tidied up, if nothing there is needed any more; say
    whether it is so."""
    key = f"run-{run}-dispose"
    left = (
        TaskRun.select(TaskRun.id).where(
            TaskRun.id == run, TaskRun.status != RunStatus.FINISHED
        ),
        Unit.select(Unit.id).where(Unit.run == run, Unit.status == UnitStatus.COMPLETED),
        Visit.select(Visit.id).where(Visit.run == run, Visit.status << literals(*UNSETTLED_VISITS)),
        Outbox.select(Outbox.id).where(
            Outbox.run == run, Outbox.status != OutboxStatus.DONE, Outbox.key != key
        ),
        Payment.select(Payment.id).where(Payment.run == run, Payment.status << literals(*_OWED)),
        Review.select(Review.id)
        .join(Unit, on=(Review.unit == Unit.id))
        .where(Unit.run == run, Review.settled_at.is_null(), Review.undone_at.is_null()),
    )
    if any(_exists(tx, query) for query in left):
        return False
    enqueue(tx, run=run, kind=Telling.DISPOSE, key=key, payload={})
    return True


def _exists(tx: Transaction, query: Any) -> bool:
    return tx.row(query.limit(1)) is not None
