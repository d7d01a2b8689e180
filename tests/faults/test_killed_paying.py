"""kill -9 in the middle of a payment: it is made once or not at all, and we find out which."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus import Database, discover
from famulus.data.payments import list_payments
from famulus.engine.ledger.bonuses import ExtraPayment, plan_extra, unit_payee
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.review.payment_actions import retry_payment, settle_payments
from famulus.testing.command import famulus_command
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus_mock.tables import MockPayment

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task/conf/example.yaml"


def work(address: Path, fault: str) -> None:
    """Have one unit of the example done, on a platform whose first call kills the caller."""
    with Database(address) as database, ManualOperator(database, plugins=discover()) as operator:
        launched = operator.launch(
            EXAMPLE, overrides=["architect.port=0", f"provider.faults=[{fault}]"]
        )
        operator.load_all(launched)
        GatewayWorker(operator.gateway(launched), "x").work()


def paid(database: Database) -> list[str]:
    with database.read() as tx:
        return [row.worker for row in tx.rows(MockPayment.select(MockPayment.worker))]


@pytest.mark.parametrize(
    ("fault", "ends"),
    [("killed", PaymentStatus.FAILED), ("killed_after", PaymentStatus.CONFIRMED)],
)
def test_a_killed_payer_pays_no_worker_twice(
    tmp_path: Path, fault: str, ends: PaymentStatus
) -> None:
    address = tmp_path / "famulus.db"
    work(address, fault)

    with famulus_command("bonus", "1", "0.50", "--reason", "R", database=address) as command:
        assert command.wait() == -9

    with Database(address) as database:
        assert [payment.status for payment in list_payments(database)] == [PaymentStatus.SENT]
        (settled,) = settle_payments(database)
        assert settled.status is ends
        if ends is PaymentStatus.FAILED:
            assert paid(database) == []
            assert retry_payment(database, settled.id).status is PaymentStatus.CONFIRMED
        assert paid(database) == ["x"]


@pytest.mark.parametrize(
    ("fault", "ends", "payments"),
    [("killed", PaymentStatus.FAILED, 1), ("killed_after", PaymentStatus.CONFIRMED, 2)],
)
def test_a_payer_killed_between_two_payments_of_a_call_has_recorded_the_first(
    tmp_path: Path, fault: str, ends: PaymentStatus, payments: int
) -> None:
    address = tmp_path / "famulus.db"
    work(address, f"none,{fault}")
    with Database(address) as database:
        extra = ExtraPayment(kind=PaymentKind.BONUS, amount=70, fee=0, reason="First")
        database.write(lambda tx: plan_extra(tx, unit_payee(tx, 1), extra, again=False))

    with famulus_command("bonus", "1", "0.50", "--reason", "R", database=address) as command:
        assert command.wait() == -9

    with Database(address) as database:
        before = [payment.status for payment in list_payments(database)]
        assert before == [PaymentStatus.CONFIRMED, PaymentStatus.SENT]
        (settled,) = settle_payments(database)
        assert settled.status is ends
        assert len(paid(database)) == payments
