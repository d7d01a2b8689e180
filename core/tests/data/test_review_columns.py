"""What an export says was decided and paid, and which submissions it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from famulus.data import export
from famulus.data.export import export_records
from famulus.data.scope import find_scope
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide, undo
from famulus.errors import NotFoundError, UsageError
from famulus.model.among import AMONG
from famulus.model.database import Database
from famulus.model.states import Decision, UnitStatus
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus
from famulus.review.review_session import ReviewSession
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

TASK = "words"
MONEY = ("reward", "reward_status", "bonus", "bonus_status", "currency")


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


@pytest.fixture
def operator(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=plugins) as operator:
        yield operator


@pytest.fixture
def gateway(operator: ManualOperator, clock: MovableClock) -> Gateway:
    """Two rows with two units each, done by ``x`` and a minute later by ``y``."""
    gateway = operator.launch_rows(
        [{"n": 1}, {"n": 2}],
        task_name=TASK,
        provider="paying",
        blueprint={"units_per_assignment": 2},
    )
    for name in ("x", "y"):
        for _ in range(2):
            GatewayWorker(gateway, name).work()
        clock.advance(60)
    return gateway


def exported(database: Database, **options: Any) -> list[dict[str, Any]]:
    return list(export_records(database, task=TASK, **options))


def unit_of(database: Database, number: int = 0) -> int:
    return int(exported(database)[number]["unit"])


def settle(database: Database, plugins: Plugins) -> None:
    ReviewSession(
        database=database, plugins=plugins, scope=find_scope(database, TASK)
    ).apply_leftovers()


@pytest.mark.usefixtures("gateway")
def test_nothing_is_said_of_what_nobody_has_decided(database: Database) -> None:
    (record, *_) = exported(database)

    empty = ("review_decision", "review_note", "reviewed_at", *MONEY)
    assert {name: record[name] for name in empty} == dict.fromkeys(empty)


@pytest.mark.usefixtures("gateway")
def test_decision_stands_in_the_record_with_its_note_and_time(database: Database) -> None:
    unit = unit_of(database)
    database.write(lambda tx: decide(tx, unit, Decision.REJECTED, note="Empty."))

    first, second, *_ = exported(database)

    assert (first["review_decision"], first["review_note"]) == ("rejected", "Empty.")
    assert first["reviewed_at"] == "2030-01-01T12:02:00.000Z"
    assert first["unit_status"] == "rejected"
    assert second["review_decision"] is None


@pytest.mark.usefixtures("gateway")
def test_decision_that_was_undone_is_none_and_the_newest_holds(database: Database) -> None:
    undone, mended = unit_of(database, 0), unit_of(database, 1)
    database.write(lambda tx: decide(tx, undone, Decision.ACCEPTED))
    database.write(lambda tx: undo(tx, undone))
    database.write(lambda tx: decide(tx, mended, Decision.REJECTED, note="Empty."))
    database.write(lambda tx: apply_decisions(tx, [mended]))
    database.write(lambda tx: decide(tx, mended, Decision.ACCEPTED, seen=UnitStatus.REJECTED))

    first, second, *_ = exported(database)

    assert (first["review_decision"], second["review_decision"]) == (None, "accepted")


@pytest.mark.usefixtures("gateway")
def test_reward_is_there_once_the_decision_is_settled(database: Database, plugins: Plugins) -> None:
    unit = unit_of(database)
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))
    before = exported(database)[0]
    settle(database, plugins)

    after, other, *_ = exported(database)

    assert [before[name] for name in MONEY] == [None] * 5
    assert [after[name] for name in MONEY] == ["0.10", "confirmed", None, None, "USD"]
    assert [other[name] for name in MONEY] == [None] * 5


@pytest.mark.usefixtures("gateway")
def test_bonuses_of_a_unit_are_added_up_and_as_far_as_the_least_far(
    database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    unit = unit_of(database)
    for amount, fault in (("0.50", None), ("0.25", Fault.LOST), ("9.00", Fault.REFUSED)):
        platform.faults = [fault]
        pay_bonus(database, unit, amount, reason=f"Thanks, {amount}.", plugins=plugins)

    record, other, *_ = exported(database)

    assert [record[name] for name in MONEY] == [None, None, "0.75", "unknown", "USD"]
    assert [other[name] for name in MONEY] == [None] * 5


@pytest.mark.usefixtures("gateway")
def test_bonus_that_has_failed_is_said_to_have_failed(
    database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    for amount in ("0.50", "0.25"):
        platform.faults = [Fault.REFUSED]
        pay_bonus(database, unit_of(database), amount, reason="Thank you.", plugins=plugins)

    (record, *_) = exported(database)

    assert (record["bonus"], record["bonus_status"]) == ("0.00", "failed")


def test_pages_larger_than_one_statement_are_looked_up_whole(
    operator: ManualOperator, database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = len(AMONG) + 1
    gateway = operator.launch_rows(
        [{"n": n} for n in range(number)], task_name=TASK, provider="paying"
    )
    for _ in range(number):
        GatewayWorker(gateway, "x").work()
    last = unit_of(database, -1)
    pay_bonus(database, last, "0.50", reason="Thank you.", plugins=plugins)
    database.write(lambda tx: decide(tx, last, Decision.ACCEPTED))
    settle(database, plugins)
    monkeypatch.setattr(export, "_PAGE", number)

    *_, record = exported(database)

    assert (record["review_decision"], record["reward"], record["bonus"]) == (
        "accepted",
        "0.10",
        "0.50",
    )


@pytest.mark.usefixtures("gateway")
def test_status_leaves_out_what_is_another_now(database: Database) -> None:
    accepted, rejected = unit_of(database, 0), unit_of(database, 1)
    database.write(lambda tx: decide(tx, accepted, Decision.ACCEPTED))
    database.write(lambda tx: decide(tx, rejected, Decision.REJECTED, note="Empty."))

    def units(*statuses: str) -> list[int]:
        return [record["unit"] for record in exported(database, statuses=statuses)]

    assert units("accepted") == [accepted]
    assert units("accepted", "rejected") == [accepted, rejected]
    assert len(units("completed")) == 2
    with pytest.raises(UsageError, match=r"'launched' is not a status .*possible are: accepted,"):
        units("launched")


def test_late_answers_to_a_unit_that_another_has_completed_have_no_status(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": 1}], task_name=TASK)
    slow = GatewayWorker(gateway, "slow")
    page = slow.arrive()
    clock.advance(1801)
    operator.turn()
    GatewayWorker(gateway, "quick").work()
    slow.submit(page)
    unit = unit_of(database)
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))

    told = [(record["worker"], record["review_decision"]) for record in exported(database)]
    accepted = [record["worker"] for record in exported(database, statuses=["accepted"])]

    assert sorted(told) == [("quick", "accepted"), ("slow", None)]
    assert accepted == ["quick"]


@pytest.mark.usefixtures("gateway")
def test_since_counts_from_that_very_moment(database: Database, clock: MovableClock) -> None:
    minute_ago = clock() - timedelta(seconds=60)

    assert {each["worker"] for each in exported(database, since=minute_ago)} == {"y"}
    assert exported(database, since=minute_ago + timedelta(microseconds=1)) == []
    with pytest.raises(UsageError, match="no time zone"):
        exported(database, since=minute_ago.replace(tzinfo=None))


@pytest.mark.usefixtures("gateway")
def test_workers_are_chosen_by_name(database: Database) -> None:
    def workers(*names: str) -> list[str]:
        return [record["worker"] for record in exported(database, workers=names)]

    assert workers("x") == ["x", "x"]
    assert workers("y", "x") == ["x", "x", "y", "y"]
    with pytest.raises(NotFoundError, match="no worker 'z' has worked on 'words'; there are: x, y"):
        workers("x", "z")


@pytest.mark.usefixtures("gateway")
def test_conditions_hold_over_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = exported(database, workers=["y"], statuses=["completed"])
    monkeypatch.setattr(export, "_PAGE", 1)

    assert exported(database, workers=["y"], statuses=["completed"]) == everything
    assert len(everything) == 2
