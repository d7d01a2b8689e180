"""What the units of a visit have earned, by the decisions on them."""

from __future__ import annotations

from famulus.engine.ledger.recorded_decisions import read_decisions_in_force
from famulus.engine.ledger.visit_work import VisitWork
from famulus.model.transaction import Transaction


def read_earned(tx: Transaction, work: VisitWork, reward: int, *, is_final: bool = False) -> int:
    """Return what the units of a visit have earned together, in minor units.

    :param reward: the reward for one unit.
    :param is_final: whether only decisions count that cannot be undone any more.
    """
    found = read_decisions_in_force(tx, work.units)
    earned = 0
    for unit in work.earning:
        decision = found.get(unit)
        if is_final and (decision is None or not decision.is_applied):
            continue
        amount = None if decision is None else decision.amount
        earned += reward if amount is None else amount
    return earned
