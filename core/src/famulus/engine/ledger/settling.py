"""From a reviewer's decisions to what the platform is told and the ledger owes."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from famulus.contracts.provider import Verdict
from famulus.engine.platform.outbox import Telling, enqueue, find_telling, tell_again, verdict_key
from famulus.engine.platform.places import retry_refused
from famulus.engine.status import Change, change_payment
from famulus.model.statements import for_update
from famulus.model.states import (
    OPEN_AGENTS,
    AgentStatus,
    Decision,
    OutboxStatus,
    PaymentKind,
    PaymentStatus,
    UnitStatus,
)
from famulus.model.tables import Agent, Outbox, Payment, Review, TaskRun, Unit, Visit
from famulus.model.transaction import Row, Transaction

#: Units whose visits are looked up in one go.
_TOGETHER = 500
_EARNS = (UnitStatus.ACCEPTED, UnitStatus.SOFT_REJECTED)
#: Why a planned reward will not be paid.
REJECTED_INSTEAD = "the visit was rejected before its reward was paid"


@frozen(kw_only=True)
class _Work:
    """What a visit has brought: its units as they were reviewed, and whether some are not yet."""

    statuses: Sequence[UnitStatus]
    units: Sequence[int]
    open: bool

    @property
    def earned(self) -> int:
        return sum(status in _EARNS for status in self.statuses)


def settle_decisions(tx: Transaction, units: Sequence[int]) -> int:
    """Have decisions told and paid that can be undone until now; return how many.

    A visit is told of once all its units are reviewed; its decisions stay as they are until then.
    Doing it again has no second effect.
    """
    chunks = (units[first : first + _TOGETHER] for first in range(0, len(units), _TOGETHER))
    visits = sorted({visit for chunk in chunks for visit in _visits_of(tx, chunk)})
    return sum(_settle_visit(tx, visit) for visit in visits)


def reward_key(visit: int) -> str:
    """Return the key of a visit's reward in the ledger."""
    return f"reward-visit-{visit}"


def read_reward(tx: Transaction, visit: int) -> Row | None:
    """Return the ledger's row for a visit's reward, or None."""
    return tx.row(Payment.select().where(Payment.key == reward_key(visit)))


def newest_verdict(tx: Transaction, visit: int) -> Row | None:
    """Return the row of what the platform is told of a visit last, or None."""
    number, last = 1, None
    while (row := find_telling(tx, verdict_key(visit, number))) is not None:
        number, last = number + 1, row
    return last


def plan_reward(tx: Transaction, visit: int, units: int) -> None:
    """Write down that a visit has earned its reward for so many units, unless the work is unpaid
    or the reward is out already.
    """
    run = tx.row(
        Visit.select(
            Visit.run.alias("id"),
            Visit.worker.alias("worker"),
            TaskRun.reward,
            TaskRun.currency,
            TaskRun.unit_cost,
        )
        .join(TaskRun, on=(Visit.run == TaskRun.id))
        .where(Visit.id == visit)
    )
    assert run is not None
    if not run.reward:
        return
    amount = {"amount": run.reward * units, "fee": max(run.unit_cost - run.reward, 0) * units}
    tx.execute(
        Payment.insert(
            key=reward_key(visit),
            kind=PaymentKind.REWARD,
            run=run.id,
            worker=run.worker,
            visit=visit,
            unit=_only_unit(tx, visit),
            currency=run.currency,
            status=PaymentStatus.PLANNED,
            created_at=tx.now,
            changed_at=tx.now,
            **amount,
        ).on_conflict_ignore()
    )
    reward = read_reward(tx, visit)
    assert reward is not None
    if reward.status is PaymentStatus.FAILED:
        change_payment(
            tx,
            Change(
                run=run.id,
                id=reward.id,
                old=reward.status,
                new=PaymentStatus.PLANNED,
                cause="review",
            ),
        )
    if reward.status in (PaymentStatus.FAILED, PaymentStatus.PLANNED):
        tx.execute(Payment.update(**amount).where(Payment.id == reward.id))


def tell_refused_again(tx: Transaction, run: int) -> None:
    """Have the platform told now what it has refused, except for what somebody would be paid by:
    that is made again by its number in the ledger. Of places as many are opened as are missing.
    """
    rows = tx.rows(
        Outbox.select(Outbox.key, Outbox.kind, Outbox.payload).where(
            Outbox.run == run,
            Outbox.status == OutboxStatus.FAILED,
            Outbox.kind.not_in([Telling.PAY.value, Telling.OPEN_PLACES.value]),
        )
    )
    retry_refused(tx, run)
    for row in rows:
        approves = row.kind == Telling.DECIDE and row.payload["verdict"] == Verdict.APPROVED
        if not approves or read_reward(tx, row.payload["visit"]) is None:
            tell_again(tx, row.key)


def count_units(tx: Transaction, visit: int) -> int:
    """Return how many units a visit's answers have completed."""
    return len(_work_of(tx, visit).units)


def _is_reward_out(tx: Transaction, visit: int) -> bool:
    """Say whether a visit's reward is paid, or may be: it cannot be rejected any more."""
    reward = read_reward(tx, visit)
    return reward is not None and reward.status in (
        PaymentStatus.SENT,
        PaymentStatus.CONFIRMED,
        PaymentStatus.UNKNOWN,
    )


def _visits_of(tx: Transaction, units: Sequence[int]) -> set[int]:
    query = (
        Agent.select(Agent.visit.alias("visit"))
        .join(Review, on=(Review.agent == Agent.id))
        .where(Review.unit << list(units), _unsettled())
    )
    return {row.visit for row in tx.rows(query)}


def _settle_visit(tx: Transaction, visit: int) -> int:
    # Two reviewers of one visit settle it one after the other.
    row = tx.row(for_update(Visit.select(Visit.run.alias("run")).where(Visit.id == visit), tx.kind))
    work = _work_of(tx, visit)
    if row is None or work.open:
        return 0
    stamp = Review.update(settled_at=tx.now).where(Review.unit << list(work.units), _unsettled())
    settled = int(tx.execute(stamp).rowcount)
    if not settled:
        return 0
    if work.earned:
        plan_reward(tx, visit, work.earned)
        _tell_verdict(tx, row.run, visit, Verdict.APPROVED, "")
    elif not _is_reward_out(tx, visit):
        _drop_reward(tx, row.run, visit)
        _tell_verdict(tx, row.run, visit, Verdict.REJECTED, _reasons(tx, work.units))
    return settled


def _work_of(tx: Transaction, visit: int) -> _Work:
    rows = tx.rows(
        Agent.select(
            Agent.status.alias("agent_status"),
            Agent.id,
            Unit.id.alias("unit"),
            Unit.status.alias("status"),
            Unit.agent_id.alias("holder"),
        )
        .join(Unit, on=(Agent.unit == Unit.id))
        .where(Agent.visit == visit, Agent.status != AgentStatus.RETURNED)
        .order_by(Agent.id)
    )
    mine = [row for row in rows if row.holder == row.id]
    unreviewed = any(row.status not in (*_EARNS, UnitStatus.REJECTED) for row in mine)
    return _Work(
        statuses=[row.status for row in mine],
        units=[row.unit for row in mine],
        open=unreviewed or any(row.agent_status in OPEN_AGENTS for row in rows),
    )


def _tell_verdict(tx: Transaction, run: int, visit: int, verdict: Verdict, note: str) -> None:
    """Have the platform told, unless the last thing it is told of the visit is just that."""
    last = newest_verdict(tx, visit)
    number = 1 if last is None else last.payload["n"] + 1
    if last is not None and last.payload["verdict"] == verdict:
        if last.status is OutboxStatus.FAILED:
            tell_again(tx, last.key)
        return
    payload = {"visit": visit, "n": number, "verdict": verdict.value, "note": note}
    enqueue(tx, run=run, kind=Telling.DECIDE, key=verdict_key(visit, number), payload=payload)


def _drop_reward(tx: Transaction, run: int, visit: int) -> None:
    reward = read_reward(tx, visit)
    if reward is not None and reward.status is PaymentStatus.PLANNED:
        change_payment(
            tx,
            Change(
                run=run, id=reward.id, old=reward.status, new=PaymentStatus.FAILED, cause="review"
            ),
            error=REJECTED_INSTEAD,
        )


def _reasons(tx: Transaction, units: Sequence[int]) -> str:
    """Return what reviewers have written about the units they rejected."""
    rows = tx.rows(
        Review.select(Review.note)
        .where(
            Review.unit << list(units),
            Review.undone_at.is_null(),
            Review.decision == Decision.REJECTED,
        )
        .order_by(Review.id.desc())
        .limit(len(units))
    )
    return "\n".join(dict.fromkeys(row.note for row in reversed(rows) if row.note))


def _only_unit(tx: Transaction, visit: int) -> int | None:
    units = _work_of(tx, visit).units
    return units[0] if len(units) == 1 else None


def _unsettled() -> object:
    return Review.settled_at.is_null() & Review.undone_at.is_null()
