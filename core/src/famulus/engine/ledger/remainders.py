"""What a visit has earned beyond the reward that its platform pays for it.

A platform pays one reward for a visit, and just once. A visit with several units can earn more, and
what its reward does not cover is paid as a bonus.
"""

from __future__ import annotations

from famulus.contracts.visit_verdict import ApprovePartially
from famulus.engine.ledger.earnings import read_earned
from famulus.engine.ledger.rewards import NOT_OWED, is_remainder, read_priced_run, read_reward
from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.outbox.stored_verdicts import is_approval, load_verdict, read_verdicts
from famulus.model.money import to_minor
from famulus.model.states import OutboxStatus, PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable
from famulus.model.transaction import Row, Transaction


def read_due(tx: Transaction, visit: int) -> int:
    """Return what final decisions have earned a visit beyond its reward, in minor units.

    It is negative if less was earned.
    """
    earned, covered = read_earned_and_covered(tx, visit)
    return earned - covered


def read_earned_and_covered(tx: Transaction, visit: int) -> tuple[int, int]:
    """Return what final decisions have earned a visit, and the part of it that its reward covers.

    Until it is known that the platform has paid just a part of the reward, all of it counts as
    paid. Both amounts are in minor units.
    """
    reward = read_reward(tx, visit)
    if reward is None:
        return 0, 0
    run = read_priced_run(tx, visit)
    earned = read_earned(tx, read_visit_work(tx, visit), run.reward, is_final=True)
    is_known = run.paid_outside or is_paid_in_part(tx, visit, reward)
    covered: int = reward.amount if is_known else max(reward.amount, run.reward)
    return earned, covered


def is_remainder_owed(tx: Transaction, payment: Row) -> bool:
    """Return whether a visit has earned this part of its remainder in addition to the others."""
    others: int = sum(
        row.amount
        for row in read_remainders(tx, payment.visit_id)
        if row.id != payment.id and not is_withdrawn(row)
    )
    return bool(others + payment.amount <= read_due(tx, payment.visit_id))


def read_remainders(tx: Transaction, visit: int) -> list[Row]:
    """Return the ledger rows of the parts of a visit's remainder, oldest first."""
    rows = tx.rows(
        PaymentTable.select()
        .where(PaymentTable.visit == visit, PaymentTable.kind == PaymentKind.BONUS)
        .order_by(PaymentTable.id)
    )
    return [row for row in rows if is_remainder(row.key)]


def is_withdrawn(payment: Row) -> bool:
    """Return whether a payment has failed and is not owed."""
    return payment.status is PaymentStatus.FAILED and payment.error in NOT_OWED


def is_paid_in_part(tx: Transaction, visit: int, reward: Row) -> bool:
    """Return whether a verdict sent from here has paid just a part of a reward, and for good.

    If the part was approved on the platform's own page, a person decides whether to pay more.
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


def _amount(row: Row, currency: str) -> int | None:
    """Return the amount of a partial approval in minor units; None for any other verdict."""
    verdict = load_verdict(row.payload) if is_approval(row) else None
    if not isinstance(verdict, ApprovePartially):
        return None
    return to_minor(verdict.amount, currency)
