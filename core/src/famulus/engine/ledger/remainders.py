"""What a visit has earned beyond the reward that its platform pays for it.

A platform pays one reward for a visit, and just once. A visit with several units can earn more, and
what its reward does not cover is paid as a bonus.
"""

from __future__ import annotations

from famulus.contracts.visit_verdict import ApprovePartially
from famulus.engine.ledger.bonuses import ExtraPayment, insert_extra, visit_payee
from famulus.engine.ledger.earnings import read_earned
from famulus.engine.ledger.rewards import (
    NOT_OWED,
    RETURNED_INSTEAD,
    is_remainder,
    read_priced_run,
    read_reward,
    remainder_key,
    reward_fee,
)
from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.outbox.stored_verdicts import is_approval, load_verdict, read_verdicts
from famulus.engine.status import Change, change_payment
from famulus.model.money import to_minor
from famulus.model.states import OutboxStatus, PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable
from famulus.model.transaction import Row, Transaction
from famulus.names import is_pseudonym

#: The reason of the bonus, for the worker.
_REASON = "Pay for further work in the same visit."


def plan_remainder(tx: Transaction, visit: int, due: int) -> None:
    """Plan the part of a remainder that was not planned before. The visit is locked.

    Nothing is planned for a worker who was forgotten: they cannot be paid any more.

    :param due: what the visit has earned and its reward does not cover, in minor units.
    """
    rows = _read_remainders(tx, visit)
    amount = due - sum(row.amount for row in rows if not _is_withdrawn(row))
    if amount <= 0:
        return
    payee = visit_payee(tx, visit)
    if is_pseudonym(payee.worker_name):
        return
    run = read_priced_run(tx, visit)
    extra = ExtraPayment(
        kind=PaymentKind.BONUS,
        amount=amount,
        fee=reward_fee(amount, reward=run.reward, unit_cost=run.unit_cost),
        reason=_REASON,
    )
    insert_extra(tx, payee, extra, remainder_key(visit, len(rows) + 1))


def is_paid_in_part(tx: Transaction, visit: int, reward: Row) -> bool:
    """Return whether a verdict sent from here has paid just a part of a reward, and for good.

    Where the part was approved on the platform's own page, a person decides whether to pay more.
    """
    return reward.status is PaymentStatus.CONFIRMED and any(
        row.status is OutboxStatus.DONE and _amount(row, reward.currency) == reward.amount
        for row in read_verdicts(tx, visit)
    )


def is_beyond_reward(tx: Transaction, visit: int, amount: int) -> bool:
    """Return whether a remainder can pay an amount for one more unit of a visit, in minor units.

    The platform has paid the visit's reward, and the other units have earned it.
    """
    reward = read_reward(tx, visit)
    if reward is None or reward.status is not PaymentStatus.CONFIRMED:
        return False
    if is_paid_in_part(tx, visit, reward):
        return True
    whole = read_priced_run(tx, visit).reward
    earned = read_earned(tx, read_visit_work(tx, visit), whole, is_final=True)
    return earned > 0 and earned + amount >= max(whole, reward.amount)


def withdraw_remainders(tx: Transaction, run: int, visit: int) -> None:
    """Record that the remainder of a visit is not owed, as :func:`withdraw_reward` does."""
    for row in _read_remainders(tx, visit):
        if row.status in (PaymentStatus.PLANNED, PaymentStatus.OWED):
            change = Change(
                run=run, id=row.id, old=row.status, new=PaymentStatus.FAILED, cause="platform"
            )
            change_payment(tx, change, error=RETURNED_INSTEAD)
        elif row.status is PaymentStatus.FAILED:
            query = PaymentTable.update(error=RETURNED_INSTEAD)
            tx.execute(query.where(PaymentTable.id == row.id))


def _read_remainders(tx: Transaction, visit: int) -> list[Row]:
    rows = tx.rows(
        PaymentTable.select()
        .where(PaymentTable.visit == visit, PaymentTable.kind == PaymentKind.BONUS)
        .order_by(PaymentTable.id)
    )
    return [row for row in rows if is_remainder(row.key)]


def _amount(row: Row, currency: str) -> int | None:
    """Return the amount of a partial approval in minor units; None for any other verdict."""
    verdict = load_verdict(row.payload) if is_approval(row) else None
    if not isinstance(verdict, ApprovePartially):
        return None
    return to_minor(verdict.amount, currency)


def _is_withdrawn(row: Row) -> bool:
    return row.status is PaymentStatus.FAILED and row.error in NOT_OWED
