"""The columns of an export about reviews and payments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.data import export
from famulus.data.export import export_records
from famulus.data.scope import find_scope
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide, undo
from famulus.model.database import Database
from famulus.model.many_values import AMONG
from famulus.model.states import Decision, UnitStatus
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus
from famulus.review.review_session import ReviewSession
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

TASK = "words"
DECIDED = ("review_decision", "review_note", "review_amount", "review_category")
MONEY = ("reward", "reward_status", "bonus", "bonus_status", "currency")


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


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


def apply_all(database: Database, plugins: Plugins) -> None:
    ReviewSession(
        database=database, plugins=plugins, scope=find_scope(database, TASK)
    ).apply_leftovers()


@pytest.mark.usefixtures("gateway")
def test_columns_of_unreviewed_answers_are_empty(database: Database) -> None:
    (record, *_) = exported(database)

    empty = (*DECIDED, "reviewed_at", *MONEY)
    assert {name: record[name] for name in empty} == dict.fromkeys(empty)


@pytest.mark.usefixtures("gateway")
def test_decision_is_exported_with_its_note_and_time(database: Database) -> None:
    unit = unit_of(database)
    database.write(lambda tx: decide(tx, unit, Decision.REJECTED, note="Empty."))

    first, second, *_ = exported(database)

    assert (first["review_decision"], first["review_note"]) == ("rejected", "Empty.")
    assert first["reviewed_at"] == "2030-01-01T12:02:00.000Z"
    assert first["unit_status"] == "rejected"
    assert second["review_decision"] is None


@pytest.mark.usefixtures("gateway")
def test_amounts_categories_and_requested_returns_are_exported(
    database: Database,
) -> None:
    capabilities = Capabilities(
        partial_approvals=PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90")),
        rejection_categories={"NO_DATA": "Nothing is answered."},
        requests_return=True,
    )
    rules = PlatformRules(provider_type="paying", capabilities=capabilities)
    for number, decision, amount, category in (
        (0, Decision.ACCEPTED, Decimal("0.04"), ""),
        (1, Decision.REJECTED, None, "NO_DATA"),
        (2, Decision.RETURN_REQUESTED, None, ""),
    ):
        unit = unit_of(database, number)
        terms = Terms(amount=amount, category=category, rules=rules)
        database.write(lambda tx: decide(tx, unit, decision, note="Why.", terms=terms))  # noqa: B023

    records = exported(database)

    assert [[record[name] for name in DECIDED] for record in records] == [
        ["accepted", "Why.", "0.04", None],
        ["rejected", "Why.", None, "NO_DATA"],
        ["return_requested", "Why.", None, None],
        [None] * 4,
    ]


@pytest.mark.usefixtures("gateway")
def test_undone_decision_is_ignored_and_the_newest_is_exported(database: Database) -> None:
    undone, mended = unit_of(database, 0), unit_of(database, 1)
    database.write(lambda tx: decide(tx, undone, Decision.ACCEPTED))
    database.write(lambda tx: undo(tx, undone))
    database.write(lambda tx: decide(tx, mended, Decision.REJECTED, note="Empty."))
    database.write(lambda tx: apply_decisions(tx, [mended]))
    database.write(lambda tx: decide(tx, mended, Decision.ACCEPTED, seen=UnitStatus.REJECTED))

    first, second, *_ = exported(database)

    assert (first["review_decision"], second["review_decision"]) == (None, "accepted")


@pytest.mark.usefixtures("gateway")
def test_reward_is_exported_once_the_decision_is_applied(
    database: Database, plugins: Plugins
) -> None:
    unit = unit_of(database)
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))
    before = exported(database)[0]
    apply_all(database, plugins)

    after, other, *_ = exported(database)

    assert [before[name] for name in MONEY] == [None] * 5
    assert [after[name] for name in MONEY] == ["0.10", "confirmed", None, None, "USD"]
    assert [other[name] for name in MONEY] == [None] * 5


@pytest.mark.usefixtures("gateway")
def test_bonuses_of_a_unit_are_summed_with_the_least_advanced_status(
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
def test_failed_bonus_has_the_status_failed(
    database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    for amount in ("0.50", "0.25"):
        platform.faults = [Fault.REFUSED]
        pay_bonus(database, unit_of(database), amount, reason="Thank you.", plugins=plugins)

    (record, *_) = exported(database)

    assert (record["bonus"], record["bonus_status"]) == ("0.00", "failed")


def test_pages_larger_than_one_statement_are_read_completely(
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
    apply_all(database, plugins)
    monkeypatch.setattr(export, "_PAGE", number)

    *_, record = exported(database)

    assert (record["review_decision"], record["reward"], record["bonus"]) == (
        "accepted",
        "0.10",
        "0.50",
    )
