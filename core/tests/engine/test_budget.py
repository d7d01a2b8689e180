"""``max_spend``: no unit is offered that the run cannot pay."""

from __future__ import annotations

from decimal import Decimal

import pytest

from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import STATUSES, decide, undo
from famulus.engine.limits import set_limits
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, RunStatus, UnitStatus
from famulus.model.tables import EventTable, UnitTable
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

#: A unit is paid with 0.10, on top of which the platform takes 0.02.
COST = "0.12"


@pytest.fixture
def plugins() -> Plugins:
    bounds = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
    provider = FakePlatform().provider(partial_approvals=bounds)
    return kit_plugins(platform=PlatformPlugin(provider))


def launch(operator: ManualOperator, units: int, most: str, **task: object) -> Gateway:
    rows = [{"n": n} for n in range(units)]
    return operator.launch_rows(rows, provider="paying", max_spend=most, **task)  # type: ignore[arg-type]


def counts(database: Database) -> dict[UnitStatus, int]:
    with database.read() as tx:
        statuses = [row.status for row in tx.rows(UnitTable.select(UnitTable.status))]
    return {status: statuses.count(status) for status in dict.fromkeys(sorted(statuses))}


def review(
    database: Database, unit: int, decision: Decision, amount: str | None = None, *, applied: bool
) -> None:
    bounds = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
    rules = PlatformRules(capabilities=Capabilities(partial_approvals=bounds))
    terms = Terms(amount=None if amount is None else Decimal(amount), rules=rules)

    def job(tx: Transaction) -> None:
        row = tx.row(UnitTable.select().where(UnitTable.id == unit))
        assert row is not None
        decide(tx, unit, decision, note="why", seen=row.status, terms=terms)
        if applied:
            apply_decisions(tx, [unit], bounds={"paying": bounds})

    database.write(job)


def first_unit(database: Database) -> int:
    with database.read() as tx:
        row = tx.row(UnitTable.select(UnitTable.id).where(UnitTable.status == UnitStatus.COMPLETED))
    assert row is not None
    return int(row.id)


def test_only_units_that_can_be_paid_with_fees_are_offered(
    operator: ManualOperator, database: Database
) -> None:
    launch(operator, 5, "0.35")

    assert counts(database) == {UnitStatus.CREATED: 3, UnitStatus.LAUNCHED: 2}


def test_batches_of_data_are_counted_together(operator: ManualOperator, database: Database) -> None:
    launch(operator, 1200, "72.50")

    assert counts(database)[UnitStatus.LAUNCHED] == 604


def test_submission_does_not_offer_a_unit_beyond_the_budget(
    operator: ManualOperator, database: Database
) -> None:
    gateway = launch(operator, 5, "0.36", max_num_concurrent_units=2)
    for name in "abcd":
        GatewayWorker(gateway, name).work()

    assert counts(database) == {UnitStatus.COMPLETED: 3, UnitStatus.CREATED: 2}


def test_run_stops_when_its_budget_is_spent_and_resumes_with_a_larger_one(
    operator: ManualOperator, database: Database
) -> None:
    gateway = launch(operator, 3, "0.30")
    for name in "ab":
        GatewayWorker(gateway, name).work()
    operator.turn()
    assert operator.progress(gateway.run_id).status is RunStatus.STOPPED
    with database.read() as tx:
        causes = {row.cause for row in tx.rows(EventTable.select(EventTable.cause))}
    assert "budget" in causes

    set_limits(database, gateway.run_id, max_spend="0.36")
    operator.resume(gateway.run_id)
    operator.turn()
    assert GatewayWorker(operator.gateway(gateway.run_id), "c").work().status == 200
    operator.turn()
    assert operator.progress(gateway.run_id).status is RunStatus.FINISHED


def test_bonus_withdraws_units_that_can_no_longer_be_paid(
    operator: ManualOperator, database: Database, plugins: Plugins
) -> None:
    gateway = launch(operator, 3, "0.50")
    GatewayWorker(gateway, "a").work()
    pay_bonus(database, first_unit(database), "0.10", reason="R", plugins=plugins)
    operator.turn()

    assert counts(database) == {UnitStatus.COMPLETED: 1, UnitStatus.LAUNCHED: 2}
    set_limits(database, gateway.run_id, max_spend="0.40")
    operator.turn()
    assert counts(database) == {
        UnitStatus.COMPLETED: 1,
        UnitStatus.CREATED: 1,
        UnitStatus.LAUNCHED: 1,
    }


def test_rejected_unit_costs_nothing(operator: ManualOperator, database: Database) -> None:
    gateway = launch(operator, 2, COST)
    GatewayWorker(gateway, "a").work()
    unit = first_unit(database)
    database.write(lambda tx: decide(tx, unit, Decision.REJECTED, note="empty"))
    operator.turn()

    assert counts(database) == {UnitStatus.REJECTED: 1, UnitStatus.LAUNCHED: 1}


def test_unit_that_was_accepted_for_less_leaves_room_for_another(
    operator: ManualOperator, database: Database, plugins: Plugins
) -> None:
    """Of 0.31, two units promise 0.24; with one accepted for 0.04 and a fee of 0.01 it is 0.17."""
    gateway = launch(operator, 3, "0.31")
    GatewayWorker(gateway, "a").work()
    unit = first_unit(database)
    capabilities = plugins.provider("paying").capabilities
    terms = Terms(
        amount=Decimal("0.04"),
        rules=PlatformRules(provider_type="paying", capabilities=capabilities),
    )
    bounds = {"paying": capabilities.partial_approvals}
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED, terms=terms))
    before = counts(database)
    database.write(lambda tx: apply_decisions(tx, [unit], bounds=bounds))
    operator.turn()

    assert before[UnitStatus.LAUNCHED] == 1
    assert counts(database) == {UnitStatus.ACCEPTED: 1, UnitStatus.LAUNCHED: 2}


def test_no_unit_waits_without_a_limit(operator: ManualOperator, database: Database) -> None:
    launch(operator, 3, "0")

    assert counts(database) == {UnitStatus.LAUNCHED: 3}


@pytest.mark.parametrize("is_applied", [False, True])
@pytest.mark.parametrize("decision", [Decision.ACCEPTED, Decision.SOFT_REJECTED])
def test_rejected_work_is_accepted_after_all_within_the_budget(
    operator: ManualOperator, database: Database, decision: Decision, is_applied: bool
) -> None:
    """What its rejection had freed was offered to others."""
    gateway = launch(operator, 2, "0.20")
    GatewayWorker(gateway, "a").work()
    unit = first_unit(database)
    review(database, unit, Decision.REJECTED, applied=is_applied)
    operator.turn()
    if not is_applied:
        database.write(lambda tx: undo(tx, unit))
    wanted = r"costs 0.12 USD with fees, but only 0.08 of the budget of 0.20 USD .* max_spend=…"
    with pytest.raises(UsageError, match=wanted):
        review(database, unit, decision, applied=True)
    assert counts(database)[UnitStatus.LAUNCHED] == 1
    if decision is Decision.ACCEPTED:
        review(database, unit, decision, "0.06", applied=True)
    else:
        set_limits(database, gateway.run_id, max_spend="0.24")
        review(database, unit, decision, applied=True)

    assert counts(database) == {UnitStatus.LAUNCHED: 1, STATUSES[decision]: 1}
