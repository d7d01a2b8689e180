"""Tidying up on a platform once a run is finished, decided and paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from famulus.contracts.provider import Capabilities, Outcome
from famulus.engine.ledger.settling import REJECTED_INSTEAD
from famulus.engine.platform.calls import Platform, PlatformCall
from famulus.engine.platform.outbox import Telling, enqueue
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.states import (
    UNSETTLED_VISITS,
    OutboxStatus,
    PaymentStatus,
    RunStatus,
    UnitStatus,
)
from famulus.model.tables import Outbox, Payment, Review, TaskRun, Unit, Visit, literals
from famulus.model.transaction import Row, Transaction

_PAYMENTS = "payments are not settled"
_OWED = (PaymentStatus.PLANNED, PaymentStatus.SENT, PaymentStatus.UNKNOWN, PaymentStatus.FAILED)


def dispose_if_over(tx: Transaction, run: int) -> bool:
    """Have what a run has left on the platform removed, if nothing there is needed any more; return
    whether that is so.
    """
    if not _is_over(tx, run):
        return False
    enqueue(tx, run=run, kind=Telling.DISPOSE, key=_key(run), payload={})
    return True


class Disposing(PlatformCall):
    """No payload. What was over when the row was written is looked at again."""

    def begin(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        if not _is_over(tx, row.run_id):
            raise UnavailableError("something of the run is decided or paid again meanwhile")
        return row.payload

    def tell(self, platform: Platform, begun: Any) -> Outcome:
        platform.provider.dispose(platform.run_view())
        return Outcome.CONFIRMED


def read_leftover(tx: Transaction, run: int) -> str | None:
    """Return why what a finished run has left on the platform is not tidied up; None where it is,
    or nothing was left, or its work is still being reviewed.
    """
    sold = TaskRun.select(TaskRun.id).where(TaskRun.id == run, TaskRun.next_place > 0)
    if not (_is_finished(tx, run) and _exists(tx, sold)):
        return None
    needs = _needs(run)
    told = tx.row(Outbox.select(Outbox.status, Outbox.error).where(Outbox.key == _key(run)))
    if told is not None:
        return None if told.status is OutboxStatus.DONE else _kept(f"it waits: {told.error}")
    in_the_way = [why for why, query in needs.items() if _exists(tx, query)]
    if not in_the_way:
        return _kept("the platform was not told to tidy up yet")
    return _kept(_PAYMENTS) if in_the_way == [_PAYMENTS] else None


def find_leftovers(database: Database, runs: Sequence[int]) -> dict[int, str]:
    """Return what :func:`read_leftover` says of runs, without those of which it says nothing."""
    if not runs:
        return {}
    with database.read() as tx:
        found = {run: read_leftover(tx, run) for run in runs}
    return {run: reason for run, reason in found.items() if reason is not None}


def _is_over(tx: Transaction, run: int) -> bool:
    return _is_finished(tx, run) and not any(_exists(tx, query) for query in _needs(run).values())


def _needs(run: int) -> dict[str, Any]:
    """Return the reasons to keep what a run has left on the platform, each with its query."""
    owed = Payment.status << literals(*_OWED)
    return {
        "work is to be reviewed": Unit.select(Unit.id).where(
            Unit.run == run, Unit.status == UnitStatus.COMPLETED
        ),
        "visits are not settled": Visit.select(Visit.id).where(
            Visit.run == run, Visit.status << literals(*UNSETTLED_VISITS)
        ),
        "more is to be told": Outbox.select(Outbox.id).where(
            Outbox.run == run,
            Outbox.status != OutboxStatus.DONE,
            Outbox.key != _key(run),
            Outbox.kind != Telling.PAY.value,
        ),
        _PAYMENTS: Payment.select(Payment.id).where(
            Payment.run == run, owed, Payment.error != REJECTED_INSTEAD
        ),
        "decisions are to be settled": Review.select(Review.id)
        .join(Unit, on=(Review.unit == Unit.id))
        .where(Unit.run == run, Review.settled_at.is_null(), Review.undone_at.is_null()),
    }


def _is_finished(tx: Transaction, run: int) -> bool:
    finished = TaskRun.status == RunStatus.FINISHED
    return _exists(tx, TaskRun.select(TaskRun.id).where(TaskRun.id == run, finished))


def _kept(why: str) -> str:
    return f"what it has left on the platform is not tidied up: {why}"


def _key(run: int) -> str:
    return f"run-{run}-dispose"


def _exists(tx: Transaction, query: Any) -> bool:
    return tx.row(query.limit(1)) is not None
