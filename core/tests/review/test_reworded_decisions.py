"""The same decision with another reason: it is sent instead of the first one, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from famulus.contracts.visit_verdict import Reject, RequestReturn, Verdict
from famulus.data.scope import find_scope
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.ledger.recorded_decisions import read_decisions_in_force
from famulus.engine.platform.bound_provider import deliver_run
from famulus.errors import ConflictError, UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentStatus, UnitStatus
from famulus.model.tables import OutboxTable, PaymentTable, TaskRunTable, UnitTable
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.review.decision_file import FileResult, apply_decision_file, read_decisions
from famulus.review.review_session import ReviewSession
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

OLD, NEW = "It is about another text.", "Half of the questions have no answer."
CATEGORIES = {"NO_DATA": "Nothing is answered.", "LOW_EFFORT": "The text was not read."}
REASONED = [Decision.REJECTED, Decision.RETURN_REQUESTED]

Apply = Callable[[str], FileResult]


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = platform.provider(requests_return=True, rejection_categories=CATEGORIES)
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def unit(operator: ManualOperator) -> int:
    """A unit that is done, and the only one of its visit."""
    gateway = operator.launch_rows([{"n": 1}], task_name="words", provider="paying")
    GatewayWorker(gateway, "x").work()
    with operator.database.read() as tx:
        (row,) = tx.rows(UnitTable.select(UnitTable.id))
    return int(row.id)


@pytest.fixture
def session(database: Database, plugins: Plugins, unit: int) -> ReviewSession:
    return ReviewSession(database=database, plugins=plugins, scope=find_scope(database, "words"))


@pytest.fixture
def apply(session: ReviewSession, tmp_path: Path) -> Apply:
    """A function that checks and applies the text of a decision file."""

    def run(text: str) -> FileResult:
        file = tmp_path / "decisions.csv"
        file.write_text(text, encoding="utf-8")
        return apply_decision_file(session, read_decisions(session, file))

    return run


def line(unit: int, decision: Decision, note: str, category: str = "NO_DATA") -> str:
    category = category if decision is Decision.REJECTED else ""
    return f"unit,decision,note,category\n{unit},{decision.value},{note},{category}\n"


def verdict_of(decision: Decision, note: str, category: str = "NO_DATA") -> Verdict:
    return Reject(note, category) if decision is Decision.REJECTED else RequestReturn(note)


def deliver(database: Database, plugins: Plugins, clock: MovableClock) -> None:
    """Deliver what waits, an hour later, as often as something is delivered."""
    with database.read() as tx:
        (run,) = tx.rows(TaskRunTable.select(TaskRunTable.id))
    for _ in range(3):
        clock.advance(3600)
        deliver_run(database, plugins, run.id)


def leave_waiting(database: Database, plugins: Plugins, unit: int, decision: Decision) -> None:
    """Apply a decision as a process that is killed before it calls the platform."""
    capabilities = plugins.provider("paying").capabilities
    rules = PlatformRules(provider_type="paying", capabilities=capabilities)
    category = "NO_DATA" if decision is Decision.REJECTED else ""
    terms = Terms(rules=rules, category=category)

    def record(tx: Transaction) -> None:
        decide(tx, unit, decision, note=OLD, terms=terms)
        apply_decisions(tx, [unit])

    database.write(record)


@pytest.mark.parametrize("decision", REASONED)
def test_another_reason_replaces_one_that_waits_for_the_platform(
    apply: Apply,
    unit: int,
    decision: Decision,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
    clock: MovableClock,
) -> None:
    leave_waiting(database, plugins, unit, decision)

    again = apply(line(unit, decision, NEW, "LOW_EFFORT"))
    deliver(database, plugins, clock)

    assert (again.decided[decision], again.unchanged) == (1, 0)
    assert [*platform.verdicts.values()] == [verdict_of(decision, NEW, "LOW_EFFORT")]
    assert platform.calls.count("decide") == 1
    assert apply(line(unit, decision, NEW, "LOW_EFFORT")).unchanged == 1


def test_another_category_alone_replaces_the_one_before(
    apply: Apply,
    unit: int,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
    clock: MovableClock,
) -> None:
    leave_waiting(database, plugins, unit, Decision.REJECTED)

    apply(line(unit, Decision.REJECTED, OLD, "LOW_EFFORT"))
    deliver(database, plugins, clock)

    assert [*platform.verdicts.values()] == [Reject(OLD, "LOW_EFFORT")]


@pytest.mark.parametrize("decision", REASONED)
@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (None, "was sent"),
        (Fault.THROTTLED, "is being sent"),
        (Fault.LOST, "is being sent"),
        (Fault.KILLED_AFTER, "is being sent"),
    ],
)
def test_a_reason_that_the_platform_may_have_is_named_and_stays(
    apply: Apply,
    unit: int,
    decision: Decision,
    fault: Fault | None,
    state: str,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
    clock: MovableClock,
) -> None:
    platform.faults = [fault]
    try:
        apply(line(unit, decision, OLD))
    except Killed:
        # Another process finds out that the one before has ended.
        query = OutboxTable.update(claimed_until=None, claimed_by="", next_attempt_at=clock())
        database.write(lambda tx: tx.execute(query))

    with pytest.raises(UsageError) as refused:
        apply(line(unit, decision, NEW))
    deliver(database, plugins, clock)

    (problem,) = refused.value.problems
    assert problem.line == 2
    assert f"of unit {unit} {state} to the platform with the reason {OLD!r}" in problem.message
    assert problem.message.endswith("which can no longer change")
    assert [*platform.verdicts.values()] == [verdict_of(decision, OLD)]


@pytest.mark.parametrize("decision", REASONED)
def test_a_call_that_begins_after_the_check_is_seen_in_the_transaction(
    apply: Apply,
    session: ReviewSession,
    unit: int,
    decision: Decision,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
    clock: MovableClock,
    tmp_path: Path,
) -> None:
    leave_waiting(database, plugins, unit, decision)
    file = tmp_path / "decisions.csv"
    file.write_text(line(unit, decision, NEW), encoding="utf-8")
    rows = read_decisions(session, file)
    deliver(database, plugins, clock)

    applied = apply_decision_file(session, rows)

    (refused,) = applied.refused
    assert f"was sent to the platform with the reason {OLD!r}" in refused
    assert [*platform.verdicts.values()] == [verdict_of(decision, OLD)]


@pytest.mark.parametrize("decision", REASONED)
def test_a_reason_that_the_platform_has_refused_is_replaced(
    apply: Apply, unit: int, decision: Decision, platform: FakePlatform
) -> None:
    platform.faults = [Fault.REFUSED]
    apply(line(unit, decision, OLD))

    apply(line(unit, decision, NEW))

    assert [*platform.verdicts.values()] == [verdict_of(decision, NEW)]


@pytest.mark.parametrize("decision", REASONED)
def test_a_decision_that_is_not_applied_gets_the_new_reason_and_undoing_restores_the_old(
    database: Database, unit: int, decision: Decision, plugins: Plugins
) -> None:
    capabilities = plugins.provider("paying").capabilities
    rules = PlatformRules(provider_type="paying", capabilities=capabilities)
    seen = UnitStatus.COMPLETED

    def record(note: str, category: str, seen: UnitStatus) -> bool:
        terms = Terms(rules=rules, category=category if decision is Decision.REJECTED else "")
        return database.write(
            lambda tx: decide(tx, unit, decision, note=note, seen=seen, terms=terms)
        ).changed

    def in_force() -> tuple[str, str]:
        with database.read() as tx:
            found = read_decisions_in_force(tx, [unit])[unit]
        return found.note, found.category

    assert record(OLD, "NO_DATA", seen)
    seen = UnitStatus.REJECTED if decision is Decision.REJECTED else seen
    assert record(NEW, "LOW_EFFORT", seen)
    assert in_force()[0] == NEW
    assert not record(NEW, "LOW_EFFORT", seen)

    database.write(lambda tx: undo(tx, unit))

    assert in_force()[0] == OLD


def test_a_second_reviewer_learns_of_the_reason_of_the_first(database: Database, unit: int) -> None:
    database.write(lambda tx: decide(tx, unit, Decision.REJECTED, note=OLD))

    with pytest.raises(ConflictError, match=f"unit {unit} is rejected since"):
        database.write(lambda tx: decide(tx, unit, Decision.REJECTED, note=NEW))


@pytest.mark.parametrize("decision", [Decision.ACCEPTED, Decision.SOFT_REJECTED])
def test_the_note_of_accepted_work_is_replaced_and_nothing_is_sent(
    apply: Apply, unit: int, decision: Decision, database: Database, platform: FakePlatform
) -> None:
    apply(line(unit, decision, OLD))
    before = rows_of(database)

    changed = apply(line(unit, decision, NEW))
    unchanged = apply(line(unit, decision, ""))

    assert (changed.decided[decision], unchanged.unchanged) == (1, 1)
    with database.read() as tx:
        assert read_decisions_in_force(tx, [unit])[unit].note == NEW
    assert rows_of(database) == before
    assert len(platform.rewarded) == 1


def rows_of(database: Database) -> tuple[int, list[Any]]:
    """Return the number of outbox rows, and the payments."""
    with database.read() as tx:
        payments = tx.rows(PaymentTable.select())
        number = len(tx.rows(OutboxTable.select()))
    assert [each.status for each in payments] == [PaymentStatus.CONFIRMED]
    return number, [each.amount for each in payments]
