"""The ledger row of a visit's reward."""

from __future__ import annotations

from attrs import frozen

from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.status import Change, change_payment
from famulus.model.states import PaymentKind, PaymentStatus, may_follow
from famulus.model.tables import PaymentTable, TaskRunTable, VisitTable, literal
from famulus.model.transaction import Row, Transaction

#: The error of a planned reward that will not be paid.
REJECTED_INSTEAD = "the visit was rejected before its reward was paid"
RETURNED_INSTEAD = "the worker has returned the visit"
#: The error of a bonus for work that does not count any more.
NOT_EARNED = "the visit has not earned it"
#: The errors of payments that failed because they are not owed.
NOT_OWED = (REJECTED_INSTEAD, RETURNED_INSTEAD, NOT_EARNED)
#: The start of the keys of remainders.
REMAINDER_PREFIX = "remainder-"
_TOPUP_PREFIX = "topup-"


@frozen(kw_only=True)
class RewardAmount:
    """What a visit earns, and what the platform charges on top of it, in minor units."""

    amount: int
    fee: int


def reward_key(visit: int) -> str:
    """Return the key of a visit's reward in the ledger."""
    return f"reward-visit-{visit}"


def remainder_key(visit: int, number: int) -> str:
    """Return the key of a part of a visit's remainder; they are numbered from 1."""
    return f"{REMAINDER_PREFIX}visit-{visit}-{number}"


def is_remainder(key: str) -> bool:
    """Return whether a key of the ledger belongs to a remainder."""
    return key.startswith(REMAINDER_PREFIX)


def topup_key(visit: int, hourly: int) -> str:
    """Return the key of the payment that raises a visit's pay to a wage in minor units."""
    return f"{_TOPUP_PREFIX}visit-{visit}-{hourly}"


def is_topup(key: str) -> bool:
    """Return whether a key of the ledger belongs to a top-up."""
    return key.startswith(_TOPUP_PREFIX)


def first_status(*, paid_outside: bool) -> PaymentStatus:
    """Return the status of a new payment."""
    return PaymentStatus.OWED if paid_outside else PaymentStatus.PLANNED


def read_reward(tx: Transaction, visit: int) -> Row | None:
    """Return the ledger row of a visit's reward, or None."""
    return tx.row(PaymentTable.select().where(PaymentTable.key == reward_key(visit)))


def plan_reward(tx: Transaction, visit: int, amount: int) -> None:
    """Write the ledger row of what a visit earns, in minor units.

    Nothing is written for unpaid work. The amount of a sent, unknown or confirmed reward stays as
    it is. A reward that is paid outside of the platform is owed from the start. The fee is
    proportional to the amount, rounded up.
    """
    run = read_priced_run(tx, visit)
    if run.reward:
        _plan(tx, run, _with_fee(run, amount))


def ask_for(tx: Transaction, visit: int, part: int | None) -> None:
    """Give a visit's planned reward the amount of the verdict that is about to be sent.

    :param part: the amount in minor units; None for the whole reward.
    """
    run = read_priced_run(tx, visit)
    if run.reward:
        reward = _with_fee(run, run.reward if part is None else part)
        _set_amount(tx, visit, reward, PaymentStatus.PLANNED)


def confirm_whole_reward(tx: Transaction, visit: int) -> None:
    """Record that the platform has approved a visit with its whole reward.

    If the platform does not pay, the reward is owed for each unit of the visit that is not
    rejected, and nothing is owed for a visit without work. An amount that is owed already stays.
    """
    run = read_priced_run(tx, visit)
    if not run.reward:
        return
    if not run.paid_outside:
        confirm_reward(tx, visit, _with_fee(run, run.reward))
        return
    owed = read_reward(tx, visit)
    if owed is None or owed.status is PaymentStatus.FAILED:
        units = read_visit_work(tx, visit).payable
        if units:
            _plan(tx, run, _with_fee(run, run.reward * len(units)))


def confirm_reward(tx: Transaction, visit: int, paid: RewardAmount) -> None:
    """Record what the platform has paid for a visit, even if another amount was planned.

    A reward that is confirmed already stays as it is.
    """
    run = read_priced_run(tx, visit)
    _plan(tx, run, paid)
    tx.execute(
        PaymentTable.update(amount=paid.amount, fee=paid.fee).where(
            PaymentTable.key == reward_key(visit),
            PaymentTable.status != literal(PaymentStatus.CONFIRMED),
        )
    )
    end_reward(tx, run.id, visit, PaymentStatus.CONFIRMED)


def end_reward(tx: Transaction, run: int, visit: int, new: PaymentStatus, error: str = "") -> None:
    """Change a visit's reward, if there is one, to what the platform reports of it.

    An owed reward is not confirmed by a report: it is paid outside of the platform.
    """
    reward = read_reward(tx, visit)
    if reward is None or (reward.status, new) == (PaymentStatus.OWED, PaymentStatus.CONFIRMED):
        return
    if may_follow(reward.status, new):
        change = Change(run=run, id=reward.id, old=reward.status, new=new, cause="platform")
        change_payment(tx, change, error=error)


def withdraw_reward(tx: Transaction, run: int, visit: int) -> None:
    """Record that a visit's reward is not owed, because the worker has returned the visit."""
    end_reward(tx, run, visit, PaymentStatus.FAILED, RETURNED_INSTEAD)
    mine = PaymentTable.key == reward_key(visit)
    is_failed = PaymentTable.status == literal(PaymentStatus.FAILED)
    # One that had failed before must not be retried.
    tx.execute(PaymentTable.update(error=RETURNED_INSTEAD).where(mine, is_failed))
    # Whatever is paid for the visit after all is not the price of a unit that others do.
    tx.execute(PaymentTable.update(unit=None).where(mine))


def read_priced_run(tx: Transaction, visit: int) -> Row:
    """Return the run of a visit, with what a unit of it costs."""
    run = tx.row(
        VisitTable.select(
            VisitTable.id.alias("visit"),
            VisitTable.run.alias("id"),
            VisitTable.worker.alias("worker"),
            TaskRunTable.reward,
            TaskRunTable.currency,
            TaskRunTable.unit_cost,
            TaskRunTable.paid_outside,
        )
        .join(TaskRunTable, on=(VisitTable.run == TaskRunTable.id))
        .where(VisitTable.id == visit)
    )
    assert run is not None
    return run


def reward_fee(amount: int, *, reward: int, unit_cost: int) -> int:
    """Return the fee for an amount: its share of the reward times a unit's fee, rounded up."""
    return -(-max(unit_cost - reward, 0) * amount // reward) if reward else 0


def remainder_fee(earned: int, *, covered: int, planned: int, reward: int, unit_cost: int) -> int:
    """Return the fee for a part of a remainder; the fees of all parts add up to that of the whole.

    All amounts are in minor units.

    :param earned: what the visit has earned with this part, without what its platform does not pay.
    :param covered: what its reward covers.
    :param planned: the fees of the other parts.
    """
    whole, paid = (
        reward_fee(amount, reward=reward, unit_cost=unit_cost) for amount in (earned, covered)
    )
    return max(whole - paid - planned, 0)


def is_owed_outside(*, status: PaymentStatus, fee: int, note: str) -> bool:
    """Return whether a payment is made, or was, outside of the platform, which charges no fee."""
    is_marked = status is PaymentStatus.CONFIRMED and bool(note)
    return not fee and (status is PaymentStatus.OWED or is_marked)


def _with_fee(run: Row, amount: int) -> RewardAmount:
    fee = reward_fee(amount, reward=run.reward, unit_cost=run.unit_cost)
    return RewardAmount(amount=amount, fee=fee)


def _plan(tx: Transaction, run: Row, reward: RewardAmount) -> None:
    visit: int = run.visit
    due = first_status(paid_outside=run.paid_outside)
    amount = {"amount": reward.amount, "fee": reward.fee}
    tx.execute(
        PaymentTable.insert(
            key=reward_key(visit),
            kind=PaymentKind.REWARD,
            run=run.id,
            worker=run.worker,
            visit=visit,
            unit=read_visit_work(tx, visit).only_unit,
            currency=run.currency,
            status=due,
            created_at=tx.now,
            changed_at=tx.now,
            **amount,
        ).on_conflict_ignore()
    )
    row = read_reward(tx, visit)
    assert row is not None
    unit = read_visit_work(tx, visit).only_unit
    if row.unit_id != unit:
        tx.execute(PaymentTable.update(unit=unit).where(PaymentTable.id == row.id))
    if row.status is PaymentStatus.FAILED:
        change_payment(
            tx,
            Change(
                run=run.id,
                id=row.id,
                old=row.status,
                new=due,
                cause="review",
            ),
        )
    # What is owed may be marked as paid at the same time: its amount stays then.
    _set_amount(tx, visit, reward, due)


def _set_amount(tx: Transaction, visit: int, reward: RewardAmount, status: PaymentStatus) -> None:
    tx.execute(
        PaymentTable.update(amount=reward.amount, fee=reward.fee).where(
            PaymentTable.key == reward_key(visit), PaymentTable.status == literal(status)
        )
    )


def drop_reward(tx: Transaction, run: int, visit: int) -> None:
    """Mark a visit's planned or owed reward as failed because the visit is rejected."""
    reward = read_reward(tx, visit)
    if reward is not None and reward.status in (PaymentStatus.PLANNED, PaymentStatus.OWED):
        change_payment(
            tx,
            Change(
                run=run, id=reward.id, old=reward.status, new=PaymentStatus.FAILED, cause="review"
            ),
            error=REJECTED_INSTEAD,
        )


def may_be_paid(tx: Transaction, visit: int) -> bool:
    """Return whether a visit's reward is paid or may be: the visit cannot be rejected any more."""
    reward = read_reward(tx, visit)
    return reward is not None and reward.status in (
        PaymentStatus.SENT,
        PaymentStatus.CONFIRMED,
        PaymentStatus.UNKNOWN,
    )
