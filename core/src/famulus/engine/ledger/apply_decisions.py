"""Turn recorded decisions into a verdict per visit, its ledger row and its outbox row."""

from __future__ import annotations

from collections.abc import Sequence

from famulus.contracts.visit_verdict import Approve, Reject, Verdict
from famulus.engine.ledger.decisions import UNAPPLIED
from famulus.engine.ledger.rewards import drop_reward, may_be_paid, plan_reward
from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.outbox.outbox_rows import (
    OutboxKind,
    enqueue,
    find_outbox_row,
    redeliver,
    verdict_key,
)
from famulus.engine.outbox.stored_verdicts import dump_verdict
from famulus.model.statements import for_update
from famulus.model.states import Decision, OutboxStatus
from famulus.model.tables import AgentTable, ReviewTable, VisitTable
from famulus.model.transaction import Row, Transaction

#: Units whose visits are looked up by one query.
_BATCH = 500


def apply_decisions(tx: Transaction, units: Sequence[int]) -> int:
    """Write the verdicts and rewards that decisions lead to; return how many decisions are final.

    A visit has a verdict once all its units are reviewed. Until then its decisions are not applied,
    and can be undone. Applying decisions again has no second effect.
    """
    chunks = (units[first : first + _BATCH] for first in range(0, len(units), _BATCH))
    visits = sorted({visit for chunk in chunks for visit in _visits_of(tx, chunk)})
    return sum(_apply_visit(tx, visit) for visit in visits)


def newest_verdict(tx: Transaction, visit: int) -> Row | None:
    """Return the outbox row of a visit's newest verdict, or None."""
    number, newest = 1, None
    while (row := find_outbox_row(tx, verdict_key(visit, number))) is not None:
        number, newest = number + 1, row
    return newest


def _visits_of(tx: Transaction, units: Sequence[int]) -> set[int]:
    query = (
        AgentTable.select(AgentTable.visit.alias("visit"))
        .join(ReviewTable, on=(ReviewTable.agent == AgentTable.id))
        .where(ReviewTable.unit << list(units), UNAPPLIED)
    )
    return {row.visit for row in tx.rows(query)}


def _apply_visit(tx: Transaction, visit: int) -> int:
    # The lock makes two reviewers of one visit apply their decisions one after the other.
    row = tx.row(
        for_update(
            VisitTable.select(VisitTable.run.alias("run")).where(VisitTable.id == visit), tx.kind
        )
    )
    work = read_visit_work(tx, visit)
    if row is None or work.is_open:
        return 0
    stamp = ReviewTable.update(applied_at=tx.now).where(
        ReviewTable.unit << list(work.units), UNAPPLIED
    )
    applied = int(tx.execute(stamp).rowcount)
    if not applied:
        return 0
    if work.earned:
        plan_reward(tx, visit, work.earned)
        _enqueue_verdict(tx, row.run, visit, Approve())
    elif not may_be_paid(tx, visit):
        drop_reward(tx, row.run, visit)
        _enqueue_verdict(tx, row.run, visit, Reject(_reasons(tx, work.units)))
    return applied


def _enqueue_verdict(tx: Transaction, run: int, visit: int, verdict: Verdict) -> None:
    """Enqueue a verdict unless it is the visit's newest one already."""
    newest = newest_verdict(tx, visit)
    number = 1 if newest is None else newest.payload["n"] + 1
    stored = dump_verdict(verdict)
    if newest is not None and newest.payload["verdict"] == stored["verdict"]:
        if newest.status is OutboxStatus.FAILED:
            redeliver(tx, newest.key)
        return
    payload = {"visit": visit, "n": number, **stored}
    enqueue(tx, run=run, kind=OutboxKind.DECIDE, key=verdict_key(visit, number), payload=payload)


def _reasons(tx: Transaction, units: Sequence[int]) -> str:
    """Return the notes of the rejections of units, one per line."""
    rows = tx.rows(
        ReviewTable.select(ReviewTable.note)
        .where(
            ReviewTable.unit << list(units),
            ReviewTable.undone_at.is_null(),
            ReviewTable.decision == Decision.REJECTED,
        )
        .order_by(ReviewTable.id.desc())
        .limit(len(units))
    )
    return "\n".join(dict.fromkeys(row.note for row in reversed(rows) if row.note))
