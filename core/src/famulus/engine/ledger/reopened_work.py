"""Work whose rejection was undone on the platform's own page: it awaits a decision again."""

from __future__ import annotations

from datetime import datetime, timedelta

from famulus.engine.outbox.outbox_rows import redeliver
from famulus.engine.outbox.stored_verdicts import is_approval, is_rejection, newest_verdict
from famulus.engine.status import Change, change_agent, change_unit
from famulus.model.states import AgentStatus, Decision, OutboxStatus, UnitStatus
from famulus.model.tables import AgentTable, ReviewTable, UnitTable, literal
from famulus.model.transaction import Transaction

_CAUSE = "platform"
#: A list of a platform may be older than a rejection that was sent while it was read.
_LAG = timedelta(minutes=10)


def fresh_rejection(tx: Transaction, visit: int) -> datetime | None:
    """Return when a visit was rejected here if a platform's list may predate that; else None."""
    verdict = newest_verdict(tx, visit)
    if verdict is None or not is_rejection(verdict) or verdict.status is not OutboxStatus.DONE:
        return None
    rejected_at: datetime = verdict.done_at
    return rejected_at if tx.now < rejected_at + _LAG else None


def reopen_work(tx: Transaction, run: int, visit: int, *, is_approved: bool) -> None:
    """Put the rejected units of a visit up for review again. The visit must be locked.

    A pending verdict is left to be sent. A delivered approval is sent again: the rejection was not
    made here.

    :param is_approved: whether the platform has approved the visit, which needs no verdict then.
    """
    verdict = newest_verdict(tx, visit)
    if verdict is None or verdict.status is OutboxStatus.PENDING:
        return
    if is_rejection(verdict):
        _undo_rejections(tx, run, visit)
    elif is_approval(verdict) and not is_approved:
        redeliver(tx, verdict.key)


def _undo_rejections(tx: Transaction, run: int, visit: int) -> None:
    rows = tx.rows(
        AgentTable.select(AgentTable.id, AgentTable.status, UnitTable.id.alias("unit"))
        .join(
            UnitTable, on=(AgentTable.unit == UnitTable.id) & (UnitTable.agent_id == AgentTable.id)
        )
        .where(AgentTable.visit == visit, UnitTable.status == literal(UnitStatus.REJECTED))
        .order_by(UnitTable.id)
    )
    for row in rows:
        change = Change(
            run=run,
            id=row.unit,
            old=UnitStatus.REJECTED,
            new=UnitStatus.COMPLETED,
            cause=_CAUSE,
        )
        change_unit(tx, change, agent=row.id)
        change_agent(
            tx,
            Change(run=run, id=row.id, old=row.status, new=AgentStatus.COMPLETED, cause=_CAUSE),
        )
    in_force = (
        ReviewTable.undone_at.is_null()
        & (ReviewTable.decision == literal(Decision.REJECTED))
        & (ReviewTable.agent << [row.id for row in rows])
    )
    tx.execute(ReviewTable.update(undone_at=tx.now).where(in_force))
