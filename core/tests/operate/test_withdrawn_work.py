"""Work whose visit is returned after it was submitted: done again by others, unpaid, and kept."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from famulus.contracts.provider_views import Outcome, VisitReport, VisitVerdict
from famulus.contracts.visit_verdict import Approve, Reject
from famulus.data.export import export_records
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.retries import plan_again
from famulus.engine.ledger.rewards import RETURNED_INSTEAD
from famulus.engine.platform.bound_provider import deliver_run
from famulus.engine.platform.cleanup import enqueue_cleanup
from famulus.errors import ConflictError, RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.states import (
    AgentStatus,
    Decision,
    OutboxStatus,
    PaymentStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    AgentTable,
    OutboxTable,
    PaymentTable,
    ReviewTable,
    UnitTable,
    VisitTable,
)
from famulus.model.transaction import Row, Transaction
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once

SUBMITTED, RETURNED = VisitStatus.SUBMITTED, VisitStatus.RETURNED
DECISIONS = (Decision.ACCEPTED, Decision.SOFT_REJECTED, Decision.REJECTED)


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    plain = platform.provider("reporting", reports_submissions=True)
    asking = platform.provider("asking", reports_submissions=True, requests_return=True)
    return kit_plugins(plain=PlatformPlugin(plain), asking=PlatformPlugin(asking))


def launch(operator: ManualOperator, *, rows: int = 2, **options: Any) -> Gateway:
    numbers = [{"n": n} for n in range(rows)]
    return operator.launch_rows(numbers, **{"provider": "reporting", **options})


@pytest.fixture
def gateway(operator: ManualOperator, platform: FakePlatform) -> Gateway:
    """A run of two units; a has submitted the first one, here and on the platform."""
    opened = launch(operator)
    work(opened, platform, "a", "visit")
    operator.turn()
    return opened


def work(gateway: Gateway, platform: FakePlatform, name: str, reference: str) -> Any:
    """Submit the next unit here and on the platform; return its row."""
    worker = GatewayWorker(gateway, name)
    page = worker.arrive(reference)
    if page.has_form:
        worker.submit(page, f"of {name}")
        platform.visits[reference] = SUBMITTED
    return page.row


def table(database: Database, of: Any) -> list[Row]:
    with database.read() as tx:
        return tx.rows(of.select().order_by(of.id))


def review(
    database: Database, decision: Decision, *, unit: int = 0, is_applied: bool = True
) -> None:
    number = table(database, UnitTable)[unit].id

    def job(tx: Transaction) -> None:
        decide(tx, number, decision, note="Nothing is answered.")
        if is_applied:
            apply_decisions(tx, [number])

    database.write(job)


def differences(database: Database, plugins: Plugins) -> list[str]:
    return [each.what for each in read_differences(database, plugins)]


@pytest.mark.parametrize("decision", [None, *DECISIONS])
@pytest.mark.parametrize("is_applied", [False, True])
def test_unit_is_done_by_another_worker_and_the_answers_are_kept(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    decision: Decision | None,
    is_applied: bool,
) -> None:
    if decision is not None:
        review(database, decision, is_applied=is_applied)
    platform.visits["visit"] = RETURNED
    for _ in range(3):
        operator.turn()

    assert table(database, VisitTable)[0].status is RETURNED
    assert platform.rewarded == []
    assert not any(row.status is PaymentStatus.CONFIRMED for row in table(database, PaymentTable))
    assert differences(database, plugins) == []
    assert [work(gateway, platform, "a", name) for name in ("a2", "a3")] == [{"n": 1}, None]
    assert work(gateway, platform, "b", "b1") == {"n": 0}
    operator.turn()
    records = list(export_records(database, run=gateway.run_id))
    assert [(each["worker"], each["agent_status"], each["counts"]) for each in records] == [
        ("a", AgentStatus.WITHDRAWN, False),
        ("a", AgentStatus.COMPLETED, True),
        ("b", AgentStatus.COMPLETED, True),
    ]
    assert "of a" in str(records[0]["outputs"])
    assert [each["review_decision"] for each in records] == [None, None, None]

    review(database, Decision.ACCEPTED)
    assert [str(row.amount) for row in table(database, PaymentTable) if row.error == ""] == ["10"]


def test_a_report_that_comes_again_has_no_second_effect(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    platform.visits["visit"] = RETURNED
    operator.turn()
    work(gateway, platform, "b", "b1")
    work(gateway, platform, "b", "b2")
    platform.others = [VisitReport(worker_name="a", reference="visit", status=RETURNED)]
    for _ in range(2):
        operator.turn()

    assert [row.status for row in table(database, UnitTable)] == [UnitStatus.COMPLETED] * 2


def test_a_unit_of_a_run_that_is_over_is_offered_to_no_worker(
    operator: ManualOperator, platform: FakePlatform, plugins: Plugins, database: Database
) -> None:
    gateway = launch(operator, rows=1)
    work(gateway, platform, "a", "visit")
    operator.turn()
    platform.visits["visit"] = RETURNED
    for _ in range(2):
        sync_now(database, plugins, gateway.run_id)

    [unit] = table(database, UnitTable)
    assert (unit.status, unit.agent_id) == (UnitStatus.EXPIRED, None)
    assert differences(database, plugins) == []
    assert database.write(lambda tx: enqueue_cleanup(tx, gateway.run_id))


def test_a_return_and_decisions_at_the_same_time_leave_a_free_unit_and_no_decision(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
) -> None:
    platform.visits["visit"] = RETURNED

    def act(number: int) -> None:
        if number % 2:
            operator.managed(gateway.run_id).sync()
        else:
            with suppress(ConflictError):
                review(database, DECISIONS[number // 2])

    at_once(6, act)
    for _ in range(2):
        operator.turn()

    unit = table(database, UnitTable)[0]
    assert (unit.status, unit.agent_id) == (UnitStatus.LAUNCHED, None)
    assert all(row.undone_at is not None for row in table(database, ReviewTable))
    assert all(row.error == RETURNED_INSTEAD for row in table(database, PaymentTable))
    assert platform.verdicts == {}
    assert differences(database, plugins) == []


@pytest.mark.parametrize("status", [SUBMITTED, VisitStatus.APPROVED])
@pytest.mark.parametrize("is_done_again", [False, True])
def test_work_counts_again_when_the_return_is_taken_back_unless_another_worker_has_done_it(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    status: VisitStatus,
    is_done_again: bool,
) -> None:
    platform.visits["visit"] = RETURNED
    operator.turn()
    if is_done_again:
        assert work(gateway, platform, "b", "b1") == {"n": 1}
        assert work(gateway, platform, "b", "b2") == {"n": 0}
    del platform.visits["visit"]
    platform.others = [VisitReport(worker_name="a", reference="visit", status=status)]
    for _ in range(2):
        operator.turn()

    first, *_ = table(database, AgentTable)
    unit = table(database, UnitTable)[0]
    assert first.status is AgentStatus.COMPLETED
    assert unit.status is UnitStatus.COMPLETED
    assert (unit.agent_id == first.id) is not is_done_again
    is_listed = any("late answers" in each for each in differences(database, plugins))
    assert is_listed is is_done_again
    paid = [(row.status, row.amount) for row in table(database, PaymentTable)]
    assert paid == ([(PaymentStatus.CONFIRMED, 10)] if status is VisitStatus.APPROVED else [])


@pytest.mark.parametrize(
    ("provider", "becomes"),
    [("reporting", UnitStatus.COMPLETED), ("asking", UnitStatus.LAUNCHED)],
)
def test_submission_and_return_between_two_syncs_withdraw_the_work_where_that_is_possible(
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    provider: str,
    becomes: UnitStatus,
) -> None:
    gateway = launch(operator, provider=provider)
    work(gateway, platform, "a", "visit")
    platform.visits["visit"] = RETURNED
    operator.turn()

    assert table(database, UnitTable)[0].status is becomes


@pytest.mark.parametrize(
    "fault", [None, Fault.KILLED, Fault.KILLED_AFTER, Fault.LOST, Fault.REFUSED]
)
def test_approval_that_waits_or_was_lost_or_refused_is_not_sent_about_a_returned_visit(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
    fault: Fault | None,
) -> None:
    """A call that a killed process has made may have paid before: the platform knows."""
    review(database, Decision.ACCEPTED)
    if fault is not None:
        platform.faults = [None, fault]  # a sync comes first
        try:
            operator.turn()
        except Killed:
            assert fault in (Fault.KILLED, Fault.KILLED_AFTER)
    platform.visits["visit"] = RETURNED
    for _ in range(3):
        clock.advance(150)
        operator.turn()

    [reward], [row] = table(database, PaymentTable), table(database, OutboxTable)
    assert (reward.status, reward.error) == (PaymentStatus.FAILED, RETURNED_INSTEAD)
    assert row.status is OutboxStatus.DONE
    assert differences(database, plugins) == []
    with pytest.raises(ConflictError, match="is not owed: the worker has returned the visit"):
        database.write(lambda tx: plan_again(tx, reward.id))


@pytest.mark.parametrize("decision", [Decision.ACCEPTED, Decision.REJECTED])
@pytest.mark.parametrize("error", [UnavailableError("throttled"), RefusedError("it is returned")])
def test_verdict_that_fails_while_its_visit_is_returned_is_given_up(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    decision: Decision,
    error: Exception,
) -> None:
    """Another process syncs during the call."""

    def decide_late(platform: FakePlatform, given: VisitVerdict) -> Outcome:
        platform.visits["visit"] = RETURNED
        operator.managed(gateway.run_id).sync()
        raise error

    monkeypatch.setattr(FakePlatform, "decide", decide_late)
    review(database, decision)
    deliver_run(database, plugins, gateway.run_id)

    assert [row.status for row in table(database, OutboxTable)] == [OutboxStatus.DONE]
    rewards = [(row.status, row.error) for row in table(database, PaymentTable)]
    is_accepted = decision is Decision.ACCEPTED
    assert rewards == [(PaymentStatus.FAILED, RETURNED_INSTEAD)] * is_accepted
    clock.advance(150)
    operator.turn()
    assert platform.calls.count("decide") == 1
    assert differences(database, plugins) == []


def test_work_counts_again_that_is_paid_while_its_visit_is_returned(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process syncs during the call, and the platform approves all the same."""
    approve = FakePlatform.decide

    def decide_late(platform: FakePlatform, given: VisitVerdict) -> Outcome:
        platform.visits["visit"] = RETURNED
        operator.managed(gateway.run_id).sync()
        return approve(platform, given)

    monkeypatch.setattr(FakePlatform, "decide", decide_late)
    review(database, Decision.ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    [agent], [unit] = table(database, AgentTable), table(database, UnitTable)[:1]
    assert (unit.status, unit.agent_id) == (UnitStatus.COMPLETED, agent.id)
    review(database, Decision.ACCEPTED)
    operator.turn()
    assert platform.rewarded == ["visit"]
    assert [row.status for row in table(database, PaymentTable)] == [PaymentStatus.CONFIRMED]
    assert table(database, VisitTable)[0].status is VisitStatus.APPROVED


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.REFUSED])
def test_decision_that_a_return_has_undone_is_not_sent_when_the_work_counts_again(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    clock: MovableClock,
    decision: Decision,
    fault: Fault,
) -> None:
    review(database, decision)
    platform.faults = [None, fault]  # a sync comes first
    operator.turn()
    for status in (RETURNED, SUBMITTED):
        platform.visits.clear()
        platform.others = [VisitReport(worker_name="a", reference="visit", status=status)]
        operator.managed(gateway.run_id).sync()
    clock.advance(150)
    operator.turn()
    assert platform.verdicts == {}

    review(database, decision)
    operator.turn()
    assert list(platform.verdicts) == ["visit"]


@pytest.mark.parametrize("decision", DECISIONS)
def test_decision_on_work_that_counts_again_is_sent_although_the_same_was_decided_before(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    decision: Decision,
) -> None:
    review(database, decision)
    for status in (RETURNED, SUBMITTED):
        platform.visits.clear()
        platform.others = [VisitReport(worker_name="a", reference="visit", status=status)]
        operator.turn()
    assert platform.verdicts == {}
    review(database, decision)
    operator.turn()

    is_rejected = decision is Decision.REJECTED
    expected = Reject("Nothing is answered.") if is_rejected else Approve()
    assert platform.verdicts == {"visit": expected}
    paid = [row.status for row in table(database, PaymentTable)]
    assert paid == ([] if is_rejected else [PaymentStatus.CONFIRMED])


def test_withdrawn_work_leaves_room_in_the_window_and_in_the_limit_of_its_worker(
    operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    gateway = launch(
        operator, rows=3, max_num_concurrent_units=1, maximum_units_per_worker=1, max_spend="0.24"
    )
    assert work(gateway, platform, "a", "visit") == {"n": 0}
    operator.turn()
    assert GatewayWorker(gateway, "a").arrive("a2").refusal == "maximum_reached"
    platform.visits["visit"] = RETURNED
    for _ in range(2):
        operator.turn()
    assert [row.status for row in table(database, UnitTable)].count(UnitStatus.LAUNCHED) == 1

    assert work(gateway, platform, "a", "a2") == {"n": 1}
    operator.turn()
    assert work(gateway, platform, "b", "b1") == {"n": 2}
    operator.turn()
    assert [row.status for row in table(database, UnitTable)] == [
        UnitStatus.CREATED,
        UnitStatus.COMPLETED,
        UnitStatus.COMPLETED,
    ]
