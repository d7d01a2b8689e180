"""Every difference that core can find is listed with its remedy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from famulus.data.payments import list_payments
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.platform.bound_provider import deliver_run
from famulus.errors import NotFoundError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentStatus, VisitStatus
from famulus.model.tables import (
    AgentTable,
    OutboxTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
)
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.process import ProcessIdentity
from famulus.review.payment_actions import pay_bonus, retry_payment, settle_payments
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

#: A process id that this machine does not give.
ENDED_PID = 2**30


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = platform.provider("selling", sells_places=True, reports_submissions=True)
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def gateway(operator: ManualOperator, platform: FakePlatform) -> Gateway:
    """A run of two units; x has submitted the first, here and on the platform."""
    opened = operator.launch_rows([{"n": 1}, {"n": 2}], provider="selling", submission_timeout=60)
    GatewayWorker(opened, "x").submit(GatewayWorker(opened, "x").arrive("visit"))
    platform.visits["visit"] = VisitStatus.SUBMITTED
    operator.turn()
    return opened


@pytest.fixture
def unit(gateway: Gateway, database: Database) -> int:
    with database.read() as tx:
        row = tx.row(UnitTable.select(UnitTable.id).order_by(UnitTable.id))
    assert row is not None
    return int(row.id)


def found(database: Database, plugins: Plugins, run: int | None = None) -> list[str]:
    return [difference.what for difference in read_differences(database, plugins, run)]


def test_a_sound_run_has_none(gateway: Gateway, database: Database, plugins: Plugins) -> None:
    assert found(database, plugins) == found(database, plugins, gateway.run_id) == []
    with pytest.raises(NotFoundError, match="there is no run 999"):
        found(database, plugins, 999)


def test_an_unknown_and_a_failed_payment_are_listed(
    unit: int, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.LOST, Fault.REFUSED]
    for reason in ("first", "second"):
        pay_bonus(database, unit, "0.50", reason=reason, plugins=plugins)

    assert found(database, plugins) == [
        "the outcome of 1 payment is unknown: TimeoutError: no reply",
        "1 payment failed: the balance is too low",
    ]


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_payment_whose_process_was_killed_is_listed(
    has_ended: bool, unit: int, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.KILLED_AFTER]
    with pytest.raises(Killed):
        pay_bonus(database, unit, "0.50", reason="R", plugins=plugins)
    if has_ended:
        ended = str(evolve(ProcessIdentity.current(), pid=ENDED_PID))
        database.write(lambda tx: tx.execute(OutboxTable.update(claimed_by=ended)))

    expected = "the outcome of 1 payment is unknown: the process that made it has ended"
    assert found(database, plugins) == ([expected] if has_ended else [])
    settle_payments(database, plugins=plugins)
    assert found(database, plugins) == []


def test_a_throttled_verdict_and_a_review_that_was_cut_off_are_listed(
    unit: int, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))
    assert found(database, plugins) == ["review decisions that were not applied yet: 1"]

    platform.faults = [None, Fault.THROTTLED]
    run = database.write(lambda tx: _applied(tx, unit))
    deliver_run(database, plugins, run)
    assert found(database, plugins) == ["the platform has yet to record a verdict: throttled"]


def test_a_refused_rejection_is_listed(
    unit: int, database: Database, plugins: Plugins, platform: FakePlatform, gateway: Gateway
) -> None:
    database.write(lambda tx: decide(tx, unit, Decision.REJECTED, note="Every answer is the same."))
    database.write(lambda tx: apply_decisions(tx, [unit]))
    platform.faults = [None, Fault.REFUSED]
    deliver_run(database, plugins, gateway.run_id)

    (listed,) = found(database, plugins)
    with database.read() as tx:
        (visit,) = tx.rows(VisitTable.select(VisitTable.reference))
    assert listed.startswith("the platform has refused rejections: ")
    assert f"; visits {visit.reference} of " in listed


def test_an_approval_that_names_its_reward_unpayable_can_be_sent_again(
    unit: int, database: Database, plugins: Plugins, platform: FakePlatform, gateway: Gateway
) -> None:
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))
    database.write(lambda tx: apply_decisions(tx, [unit]))
    platform.faults = [None, Fault.UNPAYABLE]
    deliver_run(database, plugins, gateway.run_id)

    (reward,) = list_payments(database)
    assert reward.status is PaymentStatus.FAILED
    retry_payment(database, reward.id, plugins=plugins)
    assert platform.rewarded == ["visit"]


def test_work_that_is_only_here_or_only_there_is_listed(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    GatewayWorker(gateway, "y").arrive("lost")
    platform.visits["lost"] = VisitStatus.SUBMITTED
    operator.turn()
    assert found(database, plugins) == [
        "submitted on the platform, but without answers here: visits lost of y"
    ]


def test_work_that_the_platform_does_not_report_is_listed(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    GatewayWorker(gateway, "y").submit(GatewayWorker(gateway, "y").arrive("silent"))
    clock.advance(60)
    operator.turn()
    assert found(database, plugins) == [
        "submitted here, but not on the platform: visits silent of y"
    ]


def test_a_run_without_an_operator_is_listed(
    gateway: Gateway, operator: ManualOperator, database: Database, plugins: Plugins
) -> None:
    operator._runs.clear()
    drop = TaskRunTable.update(lease_until=None, lease_holder="")
    database.write(lambda tx: tx.execute(drop))

    assert found(database, plugins) == [
        "the run is running, and no process operates it",
        "2 places can still be taken on the platform, and no process operates the run",
    ]


def test_a_run_that_is_operated_is_not_listed_however_slow_the_platform_of_another_is(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    clock: MovableClock,
) -> None:
    operator.launch_rows([{"n": 1}], provider="selling")

    def differences(*_: object) -> list[str]:
        clock.advance(lease.LEASE_SECONDS + 1)
        for managed in operator._threads.going_on():
            managed.renew_lease()
        return []

    monkeypatch.setattr(plugins.provider("selling"), "differences", differences)

    assert found(database, plugins) == []


def test_a_provider_adds_its_own_differences(
    gateway: Gateway, database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differences(self: object, run: object, visits: list[object]) -> list[str]:
        return [f"one of {len(visits)} is odd"]

    monkeypatch.setattr(plugins.provider("selling"), "differences", differences)

    assert found(database, plugins) == ["one of 1 is odd"]


def _applied(tx: Transaction, unit: int) -> int:
    apply_decisions(tx, [unit])
    row = tx.row(UnitTable.select(UnitTable.run.alias("run")).where(UnitTable.id == unit))
    assert row is not None
    return int(row.run)


def test_open_places_of_a_run_that_is_not_served_are_listed_and_closed_by_a_sync(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
) -> None:
    operator.stop(gateway.run_id, now=True)
    assert found(database, plugins) == []
    platform.open.add(0)

    assert found(database, plugins) == [
        "1 place can still be taken on the platform, and the run is stopped"
    ]
    sync_now(database, plugins, gateway.run_id)
    assert platform.open == set()
    assert found(database, plugins) == []


def test_visits_beyond_those_that_are_asked_about_are_counted_and_asked_about_in_their_run(
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("famulus.operate.doctor.platform_differences._MOST_ASKED", 1)
    opened = operator.launch_rows([{"n": number} for number in range(5)], provider="selling")
    for number in range(5):
        worker = GatewayWorker(opened, f"w{number}")
        token = worker.arrive(f"visit{number}")
        if number < 2:
            worker.submit(token)
            platform.visits[f"visit{number}"] = VisitStatus.SUBMITTED
        else:
            platform.visits[f"visit{number}"] = VisitStatus.RETURNED
    asked: list[int] = []

    def differences(self: object, run: object, visits: list[object]) -> list[str]:
        asked.append(len(visits))
        return []

    monkeypatch.setattr(plugins.provider("selling"), "differences", differences)

    (ended, left) = read_differences(database, plugins)
    assert ended.what == "at work here, and returned on the platform: visits visit2 of w2"
    assert left.what == "its platform was not asked about 3 more of its visits"
    assert left.command == ("doctor", opened.run_id)
    assert found(database, plugins, opened.run_id) == [
        "at work here, and returned on the platform: visits visit2 of w2, visit3 of w3, "
        "visit4 of w4"
    ]
    assert asked == [1, 2]


def test_workers_over_time_or_unknown_to_the_platform_are_listed(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    GatewayWorker(gateway, "y").arrive("second")
    assert found(database, plugins) == []

    platform.visits["second"] = VisitStatus.RETURNED
    assert found(database, plugins) == [
        "at work here, and returned on the platform: visits second of y"
    ]
    late = AgentTable.update(deadline=clock() - timedelta(minutes=2))
    database.write(lambda tx: tx.execute(late))
    assert "at work for longer than allowed: visits second of y" in found(database, plugins)

    ended = VisitTable.update(status=VisitStatus.EXPIRED).where(VisitTable.reference == "second")
    database.write(lambda tx: tx.execute(ended))
    assert "at work here, and expired on the platform: visits second of y" in found(
        database, plugins
    )


def test_refused_and_undelivered_rows_are_listed(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    platform.faults = [Fault.REFUSED]
    operator.stop(gateway.run_id, now=True)
    platform.open.clear()

    assert found(database, plugins) == [
        "the platform has refused to close its places: the balance is too low"
    ]
    sync_now(database, plugins, gateway.run_id)
    assert found(database, plugins) == []
