"""A run has as many open places as free units, and none after its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from famulus.contracts.provider_views import RunView
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.limits import set_limits
from famulus.engine.places.offered_places import count_places
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.states import Decision, OutboxStatus, RunStatus, UnitStatus, VisitStatus
from famulus.model.tables import OutboxTable, TaskRunTable, UnitTable
from famulus.model.transaction import Transaction
from famulus.operate.ending import clean_up
from famulus.operate.managed_run import ManagedRun
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import (
    GatewayWorker,
    ManualOperator,
    kit_plugins,
    rows_configuration,
)
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = platform.provider("selling", sells_places=True, reports_submissions=True)
    return kit_plugins(platform=PlatformPlugin(provider))


def launch(operator: ManualOperator, units: int, **options: Any) -> Gateway:
    return operator.launch_rows([{"n": n} for n in range(units)], provider="selling", **options)


def turn(operator: ManualOperator, clock: MovableClock) -> None:
    clock.advance(1)
    operator.turn()


def test_launch_opens_a_place_for_each_free_unit(
    operator: ManualOperator, platform: FakePlatform
) -> None:
    launch(operator, 3)

    assert platform.opened == [0, 1, 2]


def test_first_places_are_open_when_the_launch_returns_and_links_name_them(
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def entrances(self: object, run: RunView) -> list[str]:
        return [f"{len(platform.open)} places"]

    monkeypatch.setattr(plugins.provider("selling"), "entrances", entrances)
    launched = operator.launch(
        rows_configuration(provider="selling"), shared_state=RowsState(rows=[{"n": 1}])
    )

    assert launched.entrances == ["1 places"]


def test_a_database_that_is_away_when_the_run_is_open_does_not_fail_the_launch(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load_rest = ManagedRun.load_rest

    def away(*_: object) -> Any:
        raise DatabaseUnavailableError("on purpose")

    def then_away(managed: ManagedRun) -> None:
        load_rest(managed)
        assert managed.loading is not None
        managed.loading.join()
        patch.setattr(Database, "read", away)

    state = RowsState(rows=[{"n": 1}, {"n": 2}])
    with monkeypatch.context() as patch:
        patch.setattr(ManagedRun, "load_rest", then_away)
        launched = operator.launch(rows_configuration(provider="selling"), shared_state=state)

    assert launched.entrances == (launched.url,)
    assert platform.opened == []
    turn(operator, clock)
    assert platform.opened == [0, 1]


def test_unavailable_platform_does_not_fail_the_launch(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(self: object, run: RunView) -> list[str]:
        raise UnavailableError("on purpose")

    monkeypatch.setattr(plugins.provider("selling"), "entrances", away)
    platform.faults = [Fault.THROTTLED]
    launch(operator, 2)
    assert platform.opened == []
    assert "cannot be asked for its links: on purpose" in caplog.text

    turn(operator, clock)
    assert platform.opened == [0, 1]


def test_only_units_of_the_window_get_places_and_each_submission_the_next(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    gateway = launch(operator, 5, max_num_concurrent_units=2)
    assert platform.opened == [0, 1]

    GatewayWorker(gateway, "a").work()
    turn(operator, clock)
    assert platform.opened == [0, 1, 2]


def test_returned_visit_frees_its_place(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    gateway = launch(operator, 2)
    GatewayWorker(gateway, "a").arrive("visit")
    turn(operator, clock)
    platform.visits["visit"] = VisitStatus.RETURNED
    for _ in range(3):
        turn(operator, clock)

    assert platform.opened == [0, 1]
    assert GatewayWorker(gateway, "b").arrive().row == {"n": 1}


def test_unit_that_is_free_before_its_place_waits_for_it(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    gateway = launch(operator, 1, assignment_duration_in_seconds=60)
    GatewayWorker(gateway, "a").arrive("visit")
    clock.advance(60)
    for _ in range(2):
        turn(operator, clock)

    assert platform.opened == [0]


def test_nothing_is_counted_while_nothing_changes(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launch(operator, 1)
    for _ in range(2):
        turn(operator, clock)
    counted: list[int] = []
    monkeypatch.setattr(
        "famulus.operate.leased_run.open_missing", lambda tx, run, _: counted.append(run)
    )
    for _ in range(5):
        turn(operator, clock)

    assert counted == []


def test_many_places_are_opened_in_several_rows(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("famulus.engine.places.place_changes.PLACES_PER_ROW", 2)
    launch(operator, 5)
    for _ in range(3):
        turn(operator, clock)

    assert platform.opened == [0, 1, 2, 3, 4]


def test_missing_places_are_opened_once_the_platform_is_available(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("famulus.engine.places.place_changes.PLACES_PER_ROW", 2)
    platform.faults = [Fault.THROTTLED] * 3
    launch(operator, 3)
    for _ in range(10):
        turn(operator, clock)

    assert platform.opened == [0, 1, 2]


def test_stop_closes_places_and_a_resume_opens_new_ones(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    gateway = launch(operator, 3)
    GatewayWorker(gateway, "a").arrive("visit")
    operator.stop(gateway.run_id, now=True)
    assert platform.open == set()

    clock.advance(1)
    operator.resume(gateway.run_id)
    assert platform.open == {3, 4}

    platform.visits["visit"] = VisitStatus.RETURNED
    for _ in range(2):
        turn(operator, clock)
    assert platform.open == {3, 4, 5}


@pytest.fixture
def keeping(platform: FakePlatform, plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform keeps the places that are paused."""
    provider = plugins.provider("selling")
    capabilities = evolve(provider.capabilities, keeps_paused_places=True)
    monkeypatch.setattr(provider, "capabilities", capabilities)


def resume(operator: ManualOperator, clock: MovableClock, run: int) -> None:
    clock.advance(1)
    operator.resume(run)
    turn(operator, clock)


def test_paused_places_that_a_platform_keeps_come_back_and_no_others_are_opened(
    keeping: None, operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    gateway = launch(operator, 3)
    GatewayWorker(gateway, "a").arrive("visit")
    turn(operator, clock)
    for _ in range(2):
        operator.stop(gateway.run_id, now=True)
        assert platform.open == set()
        resume(operator, clock, gateway.run_id)

    assert platform.open == {0, 1, 2}
    platform.visits["visit"] = VisitStatus.RETURNED
    for _ in range(3):
        turn(operator, clock)
    assert platform.opened == [0, 1, 2]


def test_paused_places_are_not_asked_for_before_a_unit_is_free(
    keeping: None, operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    gateway = launch(operator, 1)
    GatewayWorker(gateway, "a").arrive("visit")
    operator.stop(gateway.run_id, now=True)
    resume(operator, clock, gateway.run_id)
    assert platform.calls.count("set_places") == 1

    platform.visits["visit"] = VisitStatus.RETURNED
    for _ in range(3):
        turn(operator, clock)

    assert platform.open == {0}


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.LOST, Fault.REFUSED])
def test_total_that_a_platform_may_not_have_reached_before_a_pause_is_asked_for_after_it(
    fault: Fault,
    keeping: None,
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    platform.faults = [fault]
    gateway = launch(operator, 3)
    operator.stop(gateway.run_id, now=True)
    resume(operator, clock, gateway.run_id)

    assert platform.open == {0, 1, 2}


def test_places_of_a_run_whose_operator_died_are_not_opened_twice(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock, database: Database
) -> None:
    gateway = launch(operator, 3)
    GatewayWorker(gateway, "a").work()
    operator._runs.clear()
    drop = TaskRunTable.update(lease_until=None, lease_holder="")
    database.write(lambda tx: tx.execute(drop))
    clock.advance(1)

    operator.resume(gateway.run_id)
    turn(operator, clock)
    assert platform.opened == [0, 1, 2]


def test_places_that_a_dead_operator_was_opening_are_opened_by_the_next_at_once(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = FakePlatform.call

    def killed(self: FakePlatform, name: str, act: Callable[[], Any]) -> Any:
        if name == "set_places":
            raise KeyboardInterrupt
        return call(self, name, act)

    gateway = launch(operator, 2, max_num_concurrent_units=1)
    GatewayWorker(gateway, "a").work()
    with monkeypatch.context() as patch:
        patch.setattr(FakePlatform, "call", killed)
        with pytest.raises(KeyboardInterrupt):
            turn(operator, clock)
    operator._runs.clear()
    drop = TaskRunTable.update(lease_until=None, lease_holder="")
    database.write(lambda tx: tx.execute(drop))

    operator.resume(gateway.run_id)
    turn(operator, clock)

    assert platform.opened == [0, 1]


def test_places_that_were_wanted_before_a_stop_and_never_opened_are_not_opened_later(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    platform.faults = [Fault.THROTTLED]
    gateway = launch(operator, 3)
    operator.stop(gateway.run_id, now=True)
    assert platform.opened == []

    clock.advance(1)
    operator.resume(gateway.run_id)

    assert len(platform.open) == len(platform.opened) == 3


def test_place_that_was_closed_while_it_was_taken_is_replaced_when_its_visit_is_returned(
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    clock: MovableClock,
    database: Database,
) -> None:
    gateway = launch(operator, 1)
    GatewayWorker(gateway, "a").arrive("visit")
    clock.advance(60)
    clean_up(database, gateway.run_id)
    bind_provider(database, plugins, gateway.run_id).close_places()
    for _ in range(2):
        turn(operator, clock)
    assert platform.open == set()

    platform.visits["visit"] = VisitStatus.RETURNED
    for _ in range(3):
        turn(operator, clock)

    assert len(platform.open) == 1


def test_closing_does_not_wait_for_a_failed_opening_and_it_is_not_repeated(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    platform.faults = [Fault.LOST, Fault.THROTTLED]
    gateway = launch(operator, 2)
    assert platform.open == {0, 1}
    operator.stop(gateway.run_id)
    turn(operator, clock)

    assert platform.open == set()
    assert platform.calls == ["set_places", "pause_places", "pause_places"]


def test_closing_is_retried_while_the_platform_is_unavailable(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    plugins: Plugins,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = launch(operator, 1)
    platform.faults = [Fault.THROTTLED] * 9
    operator.stop(gateway.run_id, now=True)
    assert platform.open == {0}
    assert f"not complete (throttled); `famulus sync {gateway.run_id}` completes it" in caplog.text

    platform.faults.clear()
    clock.advance(600)
    deliver_run(database, plugins, gateway.run_id)
    assert platform.open == set()


@pytest.mark.parametrize("has_stopped_twice", [False, True])
def test_a_resumed_run_is_offered_while_a_closing_waits_for_places_that_are_not_listed(
    has_stopped_twice: bool,
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    gateway = launch(operator, 3)
    platform.unlisted = {1}
    operator.stop(gateway.run_id, now=True)
    assert platform.open == {1}
    resume(operator, clock, gateway.run_id)
    assert platform.open == {1, 3, 4, 5}
    assert operator.progress(gateway.run_id).undelivered != []

    if has_stopped_twice:
        operator.stop(gateway.run_id, now=True)
        assert platform.open == {1}
        resume(operator, clock, gateway.run_id)
    platform.unlisted.clear()
    clock.advance(600)
    operator.turn()

    assert platform.open == ({6, 7, 8} if has_stopped_twice else {3, 4, 5})
    assert operator.progress(gateway.run_id).undelivered == []
    operator.stop(gateway.run_id, now=True)
    assert platform.open == set()


def test_a_stop_reports_places_that_are_not_listed(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    plugins: Plugins,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = launch(operator, 2)
    platform.unlisted = {0}

    operator.stop(gateway.run_id, now=True)

    assert f"`famulus sync {gateway.run_id}` completes it" in caplog.text
    platform.unlisted.clear()
    clock.advance(600)
    deliver_run(database, plugins, gateway.run_id)
    assert platform.open == set()


def test_a_resumed_run_waits_for_a_closing_that_the_platform_has_not_answered(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    gateway = launch(operator, 2)
    platform.faults = [Fault.THROTTLED] * 99
    operator.stop(gateway.run_id, now=True)
    resume(operator, clock, gateway.run_id)
    assert set(platform.calls) == {"set_places", "pause_places"}
    assert platform.calls.count("set_places") == 1

    platform.faults.clear()
    platform.unlisted = {0}
    clock.advance(600)
    for _ in range(2):
        turn(operator, clock)

    assert platform.open == {0, 2, 3}
    platform.unlisted.clear()


@pytest.mark.parametrize("is_refused_again", [False, True])
def test_a_refused_closing_leaves_a_resumed_run_its_places(
    is_refused_again: bool,
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    database: Database,
    plugins: Plugins,
) -> None:
    gateway = launch(operator, 3)
    platform.faults = [Fault.REFUSED]
    operator.stop(gateway.run_id, now=True)
    assert platform.open == {0, 1, 2}

    platform.faults = [Fault.REFUSED] * is_refused_again
    clock.advance(1)
    operator.resume(gateway.run_id)
    turn(operator, clock)
    assert platform.open == ({0, 1, 2, 3, 4, 5} if is_refused_again else {3, 4, 5})
    sync_now(database, plugins, gateway.run_id)
    for _ in range(2):
        turn(operator, clock)

    assert len(platform.open) == 3
    assert platform.open.isdisjoint({0, 1, 2})
    assert operator.progress(gateway.run_id).undelivered == []
    operator.stop(gateway.run_id, now=True)
    assert platform.open == set()


def test_lost_reply_opens_no_place_twice(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock
) -> None:
    platform.faults = [Fault.LOST]
    launch(operator, 2)
    for _ in range(3):
        turn(operator, clock)

    assert platform.opened == [0, 1]
    assert platform.calls.count("set_places") == 2


def test_budget_limits_the_number_of_places(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock, database: Database
) -> None:
    gateway = launch(operator, 5, max_spend="0.30")
    turn(operator, clock)
    assert platform.opened == [0, 1]

    set_limits(database, gateway.run_id, max_spend="0.36")
    for _ in range(2):
        turn(operator, clock)
    assert platform.opened == [0, 1, 2]


def test_finished_run_is_cleaned_up_once_it_is_reviewed_and_paid(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    plugins: Plugins,
    database: Database,
) -> None:
    gateway = launch(operator, 1)
    GatewayWorker(gateway, "a").submit(GatewayWorker(gateway, "a").arrive("visit"))
    platform.visits["visit"] = VisitStatus.SUBMITTED
    turn(operator, clock)
    assert operator.progress(gateway.run_id).status is RunStatus.FINISHED
    deliver_run(database, plugins, gateway.run_id)
    assert platform.disposed == 0

    with database.read() as tx:
        units = [row.id for row in tx.rows(UnitTable.select(UnitTable.id))]

    def accept(tx: Transaction) -> None:
        decide(tx, units[0], Decision.ACCEPTED)
        apply_decisions(tx, units)

    database.write(accept)
    for _ in range(2):
        deliver_run(database, plugins, gateway.run_id)
    assert platform.disposed == 1


def test_finished_run_is_not_cleaned_up_while_a_decision_is_open_again(
    operator: ManualOperator, platform: FakePlatform, plugins: Plugins, database: Database
) -> None:
    gateway = launch(operator, 1)
    operator.finish(gateway.run_id)
    platform.faults = [Fault.THROTTLED]
    deliver_run(database, plugins, gateway.run_id)
    disposed = platform.disposed
    again = OutboxTable.update(status=OutboxStatus.PENDING, next_attempt_at=database.clock())
    reopened = UnitTable.update(status=UnitStatus.COMPLETED)
    database.write(lambda tx: (tx.execute(again), tx.execute(reopened)))

    deliver_run(database, plugins, gateway.run_id)
    assert platform.disposed == disposed


def test_refused_opening_is_logged_once_shown_and_counted_as_missing(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    platform.faults = [Fault.REFUSED]
    gateway = launch(operator, 3)
    for _ in range(5):
        turn(operator, clock)

    assert platform.open == set()
    assert [str(rows) for rows in operator.progress(gateway.run_id).undelivered] == [
        "the platform has refused to open places: the balance is too low"
    ]
    lines = [line for line in caplog.messages if "too low" in line]
    assert lines == [
        f"run {gateway.run_id}: the platform has refused to open places: the balance is too low; "
        f"if the configuration is the cause, `famulus finish {gateway.run_id}` and launch a "
        f"corrected one; else remove the cause, then `famulus sync {gateway.run_id}` retries it"
    ]
    with database.read() as tx:
        assert count_places(tx, gateway.run_id) == 0


@pytest.mark.parametrize("way", ["sync", "resume after a kill", "resume after a stop"])
def test_refused_places_that_are_still_missing_are_opened_on_request(
    way: str,
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    database: Database,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("famulus.engine.places.place_calls.PLACES_PER_CALL", 2)
    platform.faults = [None, Fault.REFUSED]
    gateway = launch(operator, 5)
    assert platform.open == {0, 1}
    GatewayWorker(gateway, "a").work()
    turn(operator, clock)
    if way == "sync":
        sync_now(database, plugins, gateway.run_id)
    else:
        if way == "resume after a stop":
            operator.stop(gateway.run_id, now=True)
        operator._runs.clear()
        drop = TaskRunTable.update(lease_until=None, lease_holder="")
        database.write(lambda tx: tx.execute(drop))
        clock.advance(1)
        operator.resume(gateway.run_id)
    for _ in range(3):
        turn(operator, clock)

    # The place that was taken is open on this platform until it is closed.
    taken = platform.open & {0}
    assert len(platform.open - taken) == 4
    assert operator.progress(gateway.run_id).undelivered == []


def test_unavailable_platform_is_logged_once_and_once_when_it_recovers(
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    platform.faults = [Fault.THROTTLED] * 3
    gateway = launch(operator, 1)
    for _ in range(2):
        turn(operator, clock)
    assert "has yet to open places: throttled" in str(
        operator.progress(gateway.run_id).undelivered[0]
    )
    for _ in range(10):
        turn(operator, clock)

    assert [line for line in caplog.messages if "open places" in line] == [
        f"run {gateway.run_id}: the platform could not open places: throttled; this is "
        f"retried automatically, and `famulus sync {gateway.run_id}` retries it now",
        f"run {gateway.run_id}: the platform can open places again",
    ]
