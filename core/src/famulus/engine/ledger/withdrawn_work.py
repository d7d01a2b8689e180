"""Work that its worker has withdrawn: the visit was returned after it was submitted."""

from __future__ import annotations

import peewee

from famulus.engine.attempts import read_attempt
from famulus.engine.ledger.remainder_payments import withdraw_bonuses
from famulus.engine.ledger.replacement_units import offer_again
from famulus.engine.ledger.rewards import withdraw_reward
from famulus.engine.outbox.outbox_rows import cancel
from famulus.engine.outbox.stored_verdicts import newest_verdict
from famulus.engine.runs import lock_run
from famulus.engine.status import Change, change_agent, change_unit
from famulus.engine.units import complete_unit, is_replaced
from famulus.engine.worker_progress import count_withdrawn
from famulus.model.states import (
    DONE_UNITS,
    ENDED_RUNS,
    AgentStatus,
    UnitStatus,
)
from famulus.model.tables import AgentTable, ReviewTable, UnitTable, literal, literals
from famulus.model.transaction import Row, Transaction

_COUNTING = (
    AgentStatus.COMPLETED,
    AgentStatus.APPROVED,
    AgentStatus.SOFT_REJECTED,
    AgentStatus.REJECTED,
)
_CAUSE = "platform"


def withdraw_work(tx: Transaction, run: int, visit: int, *, is_refilled: bool) -> None:
    """Offer the units that a visit has completed to other workers, and owe nothing for them.

    Units that were offered again already, after a rejection, are not offered twice.

    The answers stay stored. Decisions on them are undone, so that they do not apply to the answers
    of the next worker, and their verdict is not sent any more, even if the answers count again
    later. The visit must be locked.

    :param is_refilled: whether the platform has offered the visit's place to others by itself.
    """
    attempts = tx.rows(
        AgentTable.select(AgentTable.id, AgentTable.worker.alias("worker"), AgentTable.status)
        .where(
            AgentTable.visit == visit,
            AgentTable.unit.is_null(False),
            AgentTable.status << literals(*_COUNTING),
        )
        .order_by(AgentTable.id)
    )
    if not attempts:
        return
    for row in attempts:
        new = AgentStatus.WITHDRAWN
        change = Change(run=run, id=row.id, old=row.status, new=new, cause=_CAUSE)
        if change_agent(tx, change):
            count_withdrawn(tx, run, row.worker)
    agents = [row.id for row in attempts]
    in_force = ReviewTable.undone_at.is_null() & (ReviewTable.agent << agents)
    tx.execute(ReviewTable.update(undone_at=tx.now).where(in_force))
    withdraw_reward(tx, run, visit)
    withdraw_bonuses(tx, visit)
    verdict = newest_verdict(tx, visit)
    if verdict is not None:
        cancel(tx, verdict.key)
    freed = _free_units(tx, run, agents)
    if is_refilled:
        offer_again(tx, run, freed, _CAUSE)


def restore_work(tx: Transaction, run: int, visit: int) -> None:
    """Count withdrawn answers again because their visit is submitted after all.

    Like late answers, they complete their unit unless another worker works on it or has completed
    it. The visit must be locked.
    """
    rows = tx.rows(
        AgentTable.select(AgentTable.id)
        .where(AgentTable.visit == visit, AgentTable.status == literal(AgentStatus.WITHDRAWN))
        .order_by(AgentTable.id)
    )
    for row in rows:
        attempt = read_attempt(tx, row.id)
        assert attempt is not None
        old, new = attempt.status, AgentStatus.COMPLETED
        if change_agent(tx, Change(run=run, id=row.id, old=old, new=new, cause=_CAUSE)):
            complete_unit(tx, attempt)


def _free_units(tx: Transaction, run: int, agents: list[int]) -> list[int]:
    """Free the units that attempts have completed; return the units that wait to be offered again.

    Locks the run, like a finish.
    """
    is_over = lock_run(tx, run).status in ENDED_RUNS
    replaced = peewee.Case(None, [(is_replaced, 1)], 0).alias("is_replaced")
    units: list[Row] = tx.rows(
        UnitTable.select(UnitTable.id, UnitTable.status, replaced)
        .join(
            AgentTable, on=(AgentTable.unit == UnitTable.id) & (UnitTable.agent_id == AgentTable.id)
        )
        .where(AgentTable.id << agents, UnitTable.status << literals(*DONE_UNITS))
        .order_by(UnitTable.id)
    )
    freed = []
    for unit in units:
        is_needed = not is_over and not unit.is_replaced
        new = UnitStatus.CREATED if is_needed else UnitStatus.EXPIRED
        change = Change(run=run, id=unit.id, old=unit.status, new=new, cause=_CAUSE)
        if change_unit(tx, change, agent=None) and is_needed:
            freed.append(unit.id)
    return freed
