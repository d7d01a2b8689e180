"""Partial acceptance, categories and requested returns: each once, and by the platform's rules."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_rules import PlatformRules, Terms, Worth
from famulus.engine.ledger.decisions import Decided, decide, undo
from famulus.engine.ledger.recorded_decisions import read_return_request
from famulus.engine.outbox.stored_verdicts import load_verdict
from famulus.engine.platform.bound_provider import deliver_run
from famulus.errors import ConflictError, UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import (
    AgentTable,
    OutboxTable,
    PaymentTable,
    ReviewTable,
    UnitTable,
    VisitTable,
)
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from stored_rows import rows_of

BOUNDS = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
FEATURES: Mapping[str, Any] = MappingProxyType(
    {
        "partial_approvals": BOUNDS,
        "requests_return": True,
        "days_before_rejection": 7,
        "rejection_categories": {"NO_DATA": "Nothing is answered.", "OTHER": "Anything else."},
    }
)
ACCEPTED, REJECTED, REQUESTED = Decision.ACCEPTED, Decision.REJECTED, Decision.RETURN_REQUESTED


@pytest.fixture
def provider(platform: FakePlatform) -> type[Provider]:
    return platform.provider(**FEATURES)


@pytest.fixture
def plugins(provider: type[Provider]) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def run(database: Database, plugins: Plugins) -> Iterator[int]:
    """A run of three units for 1.00 each, done by three workers; a fifth is the platform's fee."""
    with ManualOperator(database, plugins=plugins) as operator:
        rows = [{"n": n} for n in range(3)]
        gateway = operator.launch_rows(rows, provider="paying", task_reward="1.00")
        for name in ("a", "b", "c"):
            GatewayWorker(gateway, name).work()
        yield gateway.run_id


@pytest.fixture
def units(run: int, database: Database) -> list[int]:
    return [row.id for row in rows_of(database, UnitTable)]


@pytest.fixture
def together(units: list[int], database: Database) -> list[int]:
    """The first two units, which one visit has completed, as a late answer may bring about."""
    agents = [row.id for row in rows_of(database, AgentTable)][:2]
    visit = rows_of(database, VisitTable)[0].id
    database.write(
        lambda tx: tx.execute(AgentTable.update(visit=visit).where(AgentTable.id << agents))
    )
    return units[:2]


@pytest.fixture
def decides(database: Database, provider: type[Provider]) -> Callable[..., Decided]:
    """A function that decides on a unit by the rules of the platform."""
    rules = PlatformRules(provider_type="paying", capabilities=provider.capabilities)

    def run(
        unit: int,
        decision: Decision,
        amount: str | None = None,
        category: str = "",
        seen: UnitStatus = UnitStatus.COMPLETED,
    ) -> Decided:
        terms = Terms(
            amount=None if amount is None else Decimal(amount), category=category, rules=rules
        )
        note = "" if decision is ACCEPTED else "Nothing is answered."
        return database.write(
            lambda tx: decide(tx, unit, decision, note=note, seen=seen, terms=terms)
        )

    return run


def apply(database: Database, *units: int) -> int:
    return database.write(lambda tx: apply_decisions(tx, units, bounds={"paying": BOUNDS}))


def rewards(database: Database) -> list[tuple[int, int, PaymentStatus]]:
    return [(row.amount, row.fee, row.status) for row in rows_of(database, PaymentTable)]


def verdicts(database: Database) -> list[Verdict]:
    return [
        load_verdict(row.payload) for row in rows_of(database, OutboxTable) if row.kind == "decide"
    ]


def test_accepted_for_less_is_paid_with_its_part_of_the_fee(
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    run: int,
    units: list[int],
    decides: Callable[..., Decided],
) -> None:
    decides(units[0], ACCEPTED, "0.33")
    assert apply(database, *units) == 1
    assert rewards(database) == [(33, 7, PaymentStatus.PLANNED)]

    for _ in range(2):
        deliver_run(database, plugins, run)
        apply(database, *units)

    assert list(platform.verdicts.values()) == [ApprovePartially(Decimal("0.33"))]
    assert rewards(database) == [(33, 7, PaymentStatus.CONFIRMED)]
    assert rows_of(database, UnitTable)[0].status is UnitStatus.ACCEPTED
    assert rows_of(database, VisitTable)[0].status is VisitStatus.PARTIALLY_APPROVED


@pytest.mark.parametrize(
    ("amount", "fault"),
    [
        ("0", "the amount 0 is not between 0 and the reward of 1.00 USD"),
        ("1", "the amount 1 is not between 0 and the reward of 1.00 USD"),
        ("-0.50", "the amount -0.50 is not between 0 and the reward of 1.00 USD"),
        ("NaN", "the amount NaN is not between 0 and the reward of 1.00 USD"),
        ("0.333", "0.333 USD is finer than the smallest unit of USD"),
        ("0.09", "not within what paying can approve of 1.00 USD, 0.10 to 0.90"),
        ("0.91", "not within what paying can approve of 1.00 USD, 0.10 to 0.90"),
    ],
)
def test_amount_that_cannot_be_approved_is_refused(
    database: Database, units: list[int], decides: Callable[..., Decided], amount: str, fault: str
) -> None:
    with pytest.raises(UsageError, match=fault):
        decides(units[0], ACCEPTED, amount)

    assert rows_of(database, ReviewTable) == []


@pytest.mark.parametrize("status", [VisitStatus.SUBMITTED, VisitStatus.APPROVED])
def test_amount_is_part_of_the_decision_that_is_repeated(
    database: Database,
    units: list[int],
    decides: Callable[..., Decided],
    status: VisitStatus,
) -> None:
    """Also where the platform has approved the visit in the meantime."""
    decides(units[0], ACCEPTED, "0.50")
    database.write(lambda tx: tx.execute(VisitTable.update(status=status)))

    again = decides(units[0], ACCEPTED, "0.5")

    assert not again.changed
    for other in ("0.40", None):
        with pytest.raises(ConflictError, match="is accepted since"):
            decides(units[0], ACCEPTED, other)


@pytest.mark.parametrize(
    ("amounts", "verdict", "paid"),
    [
        (("0.40", "0.30"), ApprovePartially(Decimal("0.70")), [70]),
        (("0.40", None), ApprovePartially(Decimal("0.40")), [40]),
        (("0.05", None), ApprovePartially(Decimal("0.10")), [10]),
        (("0.95", None), Approve(), [100]),
        (("0.60", "0.70"), Approve(), [100, 30]),
        ((None, None), Reject("Nothing is answered.", "OTHER"), []),
    ],
)
def test_visit_of_several_units_gets_the_least_amount_that_covers_them(
    database: Database,
    together: list[int],
    decides: Callable[..., Decided],
    amounts: tuple[str | None, ...],
    verdict: Verdict,
    paid: list[int],
) -> None:
    for unit, amount, category in zip(together, amounts, ("OTHER", "NO_DATA"), strict=True):
        if amount is None:
            decides(unit, REJECTED, category=category)
        else:
            decides(unit, ACCEPTED, amount)

    assert apply(database, *together) == 2

    assert verdicts(database) == [verdict]
    assert [amount for amount, _, _ in rewards(database)] == paid


def test_part_of_a_reward_waits_for_its_provider_and_the_rest_does_not(
    database: Database, units: list[int], decides: Callable[..., Decided]
) -> None:
    decides(units[0], ACCEPTED, "0.50")
    decides(units[1], ACCEPTED)

    without = database.write(lambda tx: apply_decisions(tx, units))

    assert (without, verdicts(database)) == (1, [Approve()])
    assert apply(database, *units) == 1


def test_rejection_is_corrected_to_an_acceptance_for_less(
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    run: int,
    units: list[int],
    decides: Callable[..., Decided],
) -> None:
    decides(units[0], REJECTED, category="OTHER")
    apply(database, *units)
    deliver_run(database, plugins, run)
    decides(units[0], ACCEPTED, "0.50", seen=UnitStatus.REJECTED)
    apply(database, *units)
    deliver_run(database, plugins, run)

    assert list(platform.verdicts.values()) == [ApprovePartially(Decimal("0.50"))]
    assert rewards(database) == [(50, 10, PaymentStatus.CONFIRMED)]


@pytest.mark.parametrize(
    ("category", "fault"),
    [
        ("", "paying requires a category for a rejection, one of NO_DATA, OTHER"),
        ("NODATA", "'NODATA' is not a category of paying; did you mean 'NO_DATA'?"),
    ],
)
def test_rejection_has_a_category_of_the_platform(
    units: list[int], decides: Callable[..., Decided], category: str, fault: str
) -> None:
    with pytest.raises(UsageError, match=fault.replace("?", r"\?")):
        decides(units[0], REJECTED, category=category)


@pytest.mark.parametrize(
    ("decision", "terms", "fault"),
    [
        (
            ACCEPTED,
            Terms(amount=Decimal("0.50")),
            "the provider does not support partial acceptance",
        ),
        (REJECTED, Terms(category="OTHER"), "the provider has no categories of rejections"),
        (REQUESTED, Terms(), "the provider does not support requested returns"),
        (REJECTED, Terms(amount=Decimal("0.50")), "an amount can only be given for accepted work"),
        (ACCEPTED, Terms(category="OTHER"), "a category can only be given for rejected work"),
    ],
)
def test_what_a_platform_does_not_know_is_refused(
    database: Database, units: list[int], decision: Decision, terms: Terms, fault: str
) -> None:
    with pytest.raises(UsageError, match=f"unit {units[0]}: {fault}"):
        database.write(lambda tx: decide(tx, units[0], decision, note="why", terms=terms))

    assert rows_of(database, ReviewTable) == []


@pytest.mark.parametrize(
    ("pays", "requests_return", "remedy"),
    [
        (True, True, "ask for its return, and compensate the worker once it is returned"),
        (False, True, "or reject it"),
        (True, False, "or reject it"),
    ],
)
def test_a_refused_partial_acceptance_names_what_the_platform_has_instead(
    pays: bool, requests_return: bool, remedy: str
) -> None:
    capabilities = Capabilities(pays=pays, requests_return=requests_return)
    rules = PlatformRules(provider_type="study", capabilities=capabilities)
    worth = Worth(reward=100, currency="GBP", is_whole_visit=True)

    fault = rules.amount_fault(Decimal("0.50"), worth)

    assert fault is not None
    assert fault.endswith(remedy)


def test_requested_return_is_sent_and_the_unit_stays_up_for_review(
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    run: int,
    units: list[int],
    decides: Callable[..., Decided],
) -> None:
    made = decides(units[0], REQUESTED)
    assert (made.changed, made.status) == (True, UnitStatus.COMPLETED)
    assert apply(database, *units) == 1
    deliver_run(database, plugins, run)

    assert list(platform.verdicts.values()) == [RequestReturn("Nothing is answered.")]
    assert rows_of(database, VisitTable)[0].status is VisitStatus.SUBMITTED
    assert rewards(database) == []
    decides(units[0], ACCEPTED)
    apply(database, *units)
    deliver_run(database, plugins, run)
    assert list(platform.verdicts.values()) == [Approve()]
    assert rewards(database) == [(100, 20, PaymentStatus.CONFIRMED)]


def test_visit_is_asked_for_once_at_a_time_whichever_unit_is_named(
    database: Database, together: list[int], decides: Callable[..., Decided]
) -> None:
    decides(together[0], REQUESTED)
    database.write(lambda tx: undo(tx, together[0]))
    first = decides(together[1], REQUESTED)
    unapplied = [decides(unit, REQUESTED).changed for unit in together]
    applied = apply(database, *together)

    assert first.changed
    assert (unapplied, applied) == ([False, False], 1)
    assert not any(decides(unit, REQUESTED).changed for unit in together)
    assert (apply(database, *together), len(verdicts(database))) == (0, 1)


def test_rejection_waits_for_the_days_that_the_worker_has(
    database: Database,
    plugins: Plugins,
    run: int,
    units: list[int],
    decides: Callable[..., Decided],
    clock: MovableClock,
) -> None:
    """They begin when the platform is asked, which may be long after the request."""
    decides(units[0], REQUESTED)
    apply(database, *units)
    clock.advance(8 * 86400)
    with pytest.raises(ConflictError) as unasked:
        decides(units[0], REJECTED, category="OTHER")
    deliver_run(database, plugins, run)
    clock.advance(7 * 86400 - 1)

    with pytest.raises(ConflictError) as refused:
        decides(units[0], REJECTED, category="OTHER")
    clock.advance(1)
    decides(units[0], REJECTED, category="OTHER")
    apply(database, *units)

    assert str(unasked.value) == (
        f"unit {units[0]} cannot be rejected yet: the return of its visit has not been "
        "requested yet, and the worker has 7 days after the request"
    )
    assert str(refused.value) == (
        f"unit {units[0]} cannot be rejected before 2030-01-16 12:00:00 UTC: the return of its "
        "visit was requested on 2030-01-09"
    )
    assert verdicts(database) == [
        RequestReturn("Nothing is answered."),
        Reject("Nothing is answered.", "OTHER"),
    ]


def test_request_that_can_be_undone_is_in_the_way_of_other_decisions(
    units: list[int], decides: Callable[..., Decided]
) -> None:
    decides(units[0], REQUESTED)

    with pytest.raises(ConflictError, match="by a review that can still undo it"):
        decides(units[0], ACCEPTED)


@pytest.mark.parametrize("decision", [ACCEPTED, REJECTED])
def test_unit_that_is_decided_on_is_not_asked_for(
    database: Database, units: list[int], decides: Callable[..., Decided], decision: Decision
) -> None:
    decides(units[0], decision, category="OTHER" if decision is REJECTED else "")
    apply(database, *units)

    for seen in (UnitStatus.COMPLETED, UnitStatus.REJECTED):
        with pytest.raises(ConflictError, match="and that is final"):
            decides(units[0], REQUESTED, seen=seen)


def test_visit_that_the_platform_has_approved_is_not_asked_for_and_not_paid_less(
    database: Database, units: list[int], decides: Callable[..., Decided]
) -> None:
    decides(units[0], REQUESTED)
    database.write(lambda tx: tx.execute(VisitTable.update(status=VisitStatus.APPROVED)))

    assert apply(database, *units) == 1
    with pytest.raises(ConflictError, match="the platform reports its visit as approved"):
        decides(units[1], REQUESTED)
    with pytest.raises(ConflictError, match="the platform reports its visit as approved"):
        decides(units[1], ACCEPTED, "0.50")
    assert verdicts(database) == []


def test_request_concerns_the_attempt_of_the_worker_who_was_asked(
    database: Database, units: list[int], decides: Callable[..., Decided]
) -> None:
    decides(units[0], REQUESTED)
    apply(database, *units)
    first, second = rows_of(database, AgentTable)[:2]
    database.write(
        lambda tx: tx.execute(UnitTable.update(agent_id=second.id).where(UnitTable.id == units[0]))
    )

    rejected = decides(units[0], REJECTED, category="OTHER")

    assert rejected.changed
    with database.read() as tx:
        assert read_return_request(tx, first.visit_id) is not None
        assert read_return_request(tx, second.visit_id) is None


def test_racing_reviewers_request_a_return_or_accept_once(
    database: Database, units: list[int], decides: Callable[..., Decided]
) -> None:
    at_once = threading.Barrier(4, timeout=60)

    def race(decision: Decision) -> bool:
        at_once.wait()
        try:
            return decides(units[0], decision, "0.50" if decision is ACCEPTED else None).changed
        except ConflictError:
            return False

    with ThreadPoolExecutor(4) as pool:
        changed = list(pool.map(race, (REQUESTED, ACCEPTED, REQUESTED, ACCEPTED)))
    apply(database, *units)

    assert changed.count(True) == 1
    assert len(rows_of(database, ReviewTable)) == len(verdicts(database)) == 1
