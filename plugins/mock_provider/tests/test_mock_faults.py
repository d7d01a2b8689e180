"""The faults of ``mock`` on demand, and the state they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from famulus import (
    Approve,
    ApprovePartially,
    Context,
    Database,
    Outcome,
    PaymentKind,
    PaymentView,
    RefusedError,
    Reject,
    RequestReturn,
    Result,
    SharedTaskState,
    UnavailableError,
    Verdict,
    VisitVerdict,
    VisitView,
    system_clock,
)
from famulus_mock.faults import Fault
from famulus_mock.provider import MockProvider
from famulus_mock.tables import SCHEMA, MockPayment, MockVerdict

PAYMENT = PaymentView(
    id=1,
    key="k",
    kind=PaymentKind.BONUS,
    run_id=7,
    worker_name="x",
    reference="r",
    amount=Decimal("0.50"),
    currency="USD",
    reason="R",
)
PART = ApprovePartially(Decimal("0.10"))
VISIT = VisitView(id=1, run_id=7, worker_name="x", reference="r")

Made = Callable[..., MockProvider]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "a.db") as opened:
        opened.prepare([SCHEMA])
        yield opened


@pytest.fixture
def made(database: Database) -> Made:
    """Make the provider with faults, as any process of the run would."""

    def make(*faults: Fault) -> MockProvider:
        context = Context(database=database, clock=system_clock, shared_state=SharedTaskState())
        return MockProvider(MockProvider.Args(faults=list(faults)), context)

    return make


def paid(database: Database) -> list[str]:
    with database.read() as tx:
        return [row.amount for row in tx.rows(MockPayment.select(MockPayment.amount))]


def decide(provider: MockProvider, verdict: Verdict) -> Result:
    """Return the result of one verdict."""
    given = VisitVerdict(key="v", visit=VISIT, verdict=verdict)
    ((_, result),) = provider.decide([given])
    return result


def pay(provider: MockProvider) -> Result:
    """Return the result of one payment."""
    ((_, result),) = provider.pay([PAYMENT], lambda key, data: None)
    return result


def settle(provider: MockProvider) -> Result:
    """Return the outcome of one payment."""
    ((_, result),) = provider.settle(VISIT, [PAYMENT], [])
    return result


def test_payments_can_be_looked_up(made: Made, database: Database) -> None:
    assert settle(made()) is Outcome.FAILED
    assert pay(made()) is Outcome.CONFIRMED
    assert settle(made()) is Outcome.CONFIRMED
    assert paid(database) == ["0.50"]


def test_paying_twice_is_seen(made: Made, database: Database) -> None:
    for _ in range(2):
        pay(made())

    assert paid(database) == ["0.50", "0.50"]


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.THROTTLED, UnavailableError), (Fault.REFUSED, RefusedError)]
)
def test_a_fault_that_pays_nothing_is_the_result_of_its_payment(
    made: Made, database: Database, fault: Fault, error: type[Exception]
) -> None:
    assert isinstance(pay(made(fault)), error)
    assert paid(database) == []


def test_a_call_that_breaks_pays_nothing(made: Made, database: Database) -> None:
    with pytest.raises(ConnectionError):
        pay(made(Fault.BROKEN))
    assert paid(database) == []


def test_a_lost_reply_comes_after_the_effect(made: Made, database: Database) -> None:
    with pytest.raises(TimeoutError):
        pay(made(Fault.LOST))
    assert paid(database) == ["0.50"]


def test_an_accepted_payment_is_shown_later(made: Made, database: Database) -> None:
    assert pay(made(Fault.ACCEPTED)) is Outcome.ACCEPTED
    assert paid(database) == ["0.50"]
    assert decide(made(Fault.NONE, Fault.ACCEPTED), Approve()) is Outcome.CONFIRMED


def test_faults_come_one_after_the_other_in_any_process(made: Made, database: Database) -> None:
    faults = (Fault.NONE, Fault.THROTTLED)
    assert pay(made(*faults)) is Outcome.CONFIRMED
    assert isinstance(decide(made(*faults), Approve()), UnavailableError)
    assert decide(made(*faults), Approve()) is Outcome.CONFIRMED


@pytest.mark.parametrize("approval", [Approve(), PART])
def test_a_visit_that_is_approved_stays_so(made: Made, approval: Verdict) -> None:
    provider = made()
    for verdict in (RequestReturn("a reason"), Reject("a reason"), approval, approval):
        assert decide(provider, verdict) is Outcome.CONFIRMED

    for other in (Reject("a reason"), RequestReturn("a reason"), ApprovePartially(Decimal("0.2"))):
        assert decide(provider, other) is Outcome.FAILED


@pytest.mark.parametrize(
    ("verdict", "stored"),
    [
        (Approve(), ("approved", "", "", "")),
        (PART, ("partly_approved", "0.10", "", "")),
        (RequestReturn("a reason"), ("return_requested", "", "a reason", "")),
        (Reject("a reason", "LOW_EFFORT"), ("rejected", "", "a reason", "LOW_EFFORT")),
    ],
)
def test_verdicts_are_stored_with_all_that_they_have(
    made: Made, database: Database, verdict: Verdict, stored: tuple[str, ...]
) -> None:
    decide(made(), verdict)

    with database.read() as tx:
        [row] = tx.rows(MockVerdict.select())
    assert (row.worker, row.verdict, row.amount, row.reason, row.category) == ("x", *stored)


def test_the_fee_is_a_part_of_each_payment(database: Database) -> None:
    context = Context(database=database, clock=system_clock, shared_state=SharedTaskState())
    provider = MockProvider(MockProvider.Args(fee=Decimal("0.2")), context)

    assert provider.fee(PaymentKind.BONUS, Decimal("0.50")) == Decimal("0.10")
    with pytest.raises(ValueError, match="not from 0 to 1"):
        MockProvider.Args(fee=Decimal(2))
