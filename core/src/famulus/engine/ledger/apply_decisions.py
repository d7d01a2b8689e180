"""Turn recorded decisions into a verdict per visit, its ledger row and its outbox row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from famulus.contracts.provider_views import PartialBounds
from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.ledger.decision_rules import partial_range
from famulus.engine.ledger.earnings import read_earned
from famulus.engine.ledger.recorded_decisions import UNAPPLIED, read_decisions_in_force
from famulus.engine.ledger.remainder_payments import plan_remainder
from famulus.engine.ledger.rewards import drop_reward, may_be_paid, plan_reward
from famulus.engine.ledger.visit_work import VisitWork, read_visit_work
from famulus.engine.outbox.outbox_rows import (
    OutboxKind,
    cancel,
    enqueue,
    redeliver,
    verdict_key,
)
from famulus.engine.outbox.stored_verdicts import dump_verdict, newest_verdict
from famulus.model.money import from_minor
from famulus.model.statements import for_update
from famulus.model.states import PENDING_VISITS, Decision, OutboxStatus
from famulus.model.tables import AgentTable, ReviewTable, TaskRunTable, VisitTable, literal
from famulus.model.transaction import Row, Transaction

#: Units whose visits are looked up by one query.
_BATCH = 500
#: The parts of a stored verdict that matter to a visit on which it was delivered.
_EFFECT = ("verdict", "amount")
_NO_BOUNDS: Mapping[str, PartialBounds | None] = MappingProxyType({})


def apply_decisions(
    tx: Transaction,
    units: Sequence[int],
    *,
    bounds: Mapping[str, PartialBounds | None] = _NO_BOUNDS,
) -> int:
    """Write the verdicts and rewards that decisions lead to; return how many decisions are final.

    A visit has a verdict once all its units are reviewed. Until then its decisions are not applied,
    and can be undone; only a request to return the visit is sent at once. Applying decisions again
    has no second effect.

    :param bounds: which parts of a reward each provider can approve, by its type name. Decisions by
        which a visit earns a part of its reward are left for later if its provider is missing.
    """
    chunks = (units[first : first + _BATCH] for first in range(0, len(units), _BATCH))
    visits = sorted({visit for chunk in chunks for visit in _visits_of(tx, chunk)})
    return sum(_apply_visit(tx, visit, bounds) for visit in visits)


def _visits_of(tx: Transaction, units: Sequence[int]) -> set[int]:
    query = (
        AgentTable.select(AgentTable.visit.alias("visit"))
        .join(ReviewTable, on=(ReviewTable.agent == AgentTable.id))
        .where(ReviewTable.unit << list(units), UNAPPLIED)
    )
    return {row.visit for row in tx.rows(query)}


def _apply_visit(tx: Transaction, visit: int, bounds: Mapping[str, PartialBounds | None]) -> int:
    # The lock makes two reviewers of one visit apply their decisions one after the other.
    row = tx.row(
        for_update(
            VisitTable.select(
                VisitTable.status,
                VisitTable.run.alias("run"),
                TaskRunTable.reward,
                TaskRunTable.currency,
                TaskRunTable.provider_type,
                TaskRunTable.paid_outside,
            )
            .join(TaskRunTable, on=(VisitTable.run == TaskRunTable.id))
            .where(VisitTable.id == visit),
            tx.kind,
            of=VisitTable,
        )
    )
    if row is None:
        return 0
    applied = _apply_requests(tx, row, visit)
    work = read_visit_work(tx, visit)
    if work.is_open:
        return applied
    earned = read_earned(tx, work, row.reward)
    if 0 < earned < row.reward and row.provider_type not in bounds:
        return applied
    decided = _stamp(
        tx, ReviewTable.unit << list(work.units), ReviewTable.agent << list(work.agents)
    )
    if not decided:
        return applied
    if work.earning:
        paid = _approvable(earned, row.reward, bounds.get(row.provider_type))
        _plan_pay(tx, row, visit, earned=earned, approved=paid)
        is_partial = paid < row.reward
        _enqueue_verdict(
            tx,
            row,
            visit,
            ApprovePartially(from_minor(paid, row.currency)) if is_partial else Approve(),
        )
    elif not may_be_paid(tx, visit):
        drop_reward(tx, row.run, visit)
        _enqueue_verdict(tx, row, visit, _rejection(tx, work))
    return applied + decided


def _apply_requests(tx: Transaction, row: Row, visit: int) -> int:
    """Ask for the return of a visit whose units are not all reviewed.

    No request is sent if the visit was returned or decided on in the meantime.
    """
    requests = tx.rows(
        ReviewTable.select(ReviewTable.id, ReviewTable.note)
        .join(
            AgentTable,
            on=(ReviewTable.unit == AgentTable.unit) & (ReviewTable.agent == AgentTable.id),
        )
        .where(
            AgentTable.visit == visit,
            ReviewTable.decision == literal(Decision.RETURN_REQUESTED),
            UNAPPLIED,
        )
        .order_by(ReviewTable.id)
    )
    if not requests:
        return 0
    if row.status in PENDING_VISITS:
        _enqueue_verdict(tx, row, visit, RequestReturn(requests[-1].note))
    return _stamp(tx, ReviewTable.id << [each.id for each in requests])


def _stamp(tx: Transaction, *conditions: Any) -> int:
    query = ReviewTable.update(applied_at=tx.now).where(*conditions, UNAPPLIED)
    return int(tx.execute(query).rowcount)


def _plan_pay(tx: Transaction, row: Row, visit: int, *, earned: int, approved: int) -> None:
    """Plan the reward that an approval pays, and as a bonus what was earned beyond it.

    If a person pays outside of the platform, the reward includes all that was earned, until it is
    paid.
    """
    plan_reward(tx, visit, max(earned, approved) if row.paid_outside else approved)
    plan_remainder(tx, visit)


def _approvable(earned: int, reward: int, bounds: PartialBounds | None) -> int:
    """Return the smallest amount that a platform can approve and that covers what was earned.

    Return the reward if more than it was earned. A platform approves one amount per visit within
    its bounds, and the sum of several units may lie outside of them. The requester pays the
    difference: no worker gets less than was decided.
    """
    if earned >= reward or bounds is None:
        return reward
    smallest, largest = partial_range(bounds, reward)
    amount = max(earned, smallest)
    return reward if amount > largest else amount


def _enqueue_verdict(tx: Transaction, row: Row, visit: int, verdict: Verdict) -> None:
    """Enqueue a verdict unless the visit's newest verdict is the same and still in effect.

    :param row: the visit's status and run.
    """
    newest = newest_verdict(tx, visit)
    number = 1 if newest is None else newest.payload["n"] + 1
    stored = dump_verdict(verdict)
    if newest is not None:
        # A visit that is still to be decided on has been returned since, and submitted again.
        is_decided = newest.status is OutboxStatus.DONE and row.status not in PENDING_VISITS
        if is_decided and _is_same(newest.payload, stored, _EFFECT):
            return
        if newest.status is not OutboxStatus.DONE and _is_same(newest.payload, stored, stored):
            if newest.status is OutboxStatus.FAILED:
                redeliver(tx, newest.key)
            return
    if newest is not None and newest.status is OutboxStatus.FAILED:
        # What the platform has refused is not to be sent any more.
        cancel(tx, newest.key)
    payload = {"visit": visit, "n": number, **stored}
    key = verdict_key(visit, number)
    enqueue(tx, run=row.run, kind=OutboxKind.DECIDE, key=key, payload=payload)


def _is_same(payload: Mapping[str, Any], stored: Mapping[str, str], names: Collection[str]) -> bool:
    return all(payload.get(name, "") == stored.get(name, "") for name in names)


def _rejection(tx: Transaction, work: VisitWork) -> Reject:
    """Return the rejection of a visit: the notes of its units, one per line, and a category."""
    found = read_decisions_in_force(tx, work.units)
    rejections = [found[unit] for unit in work.units if unit in found]
    reasons = dict.fromkeys(each.note for each in rejections if each.note)
    return Reject("\n".join(reasons), rejections[0].category if rejections else "")
