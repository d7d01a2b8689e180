"""Two payments under any interleaving of kills and settling: made once at most, known at last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famulus.data.payments import list_payments
from famulus.engine.ledger.bonuses import ExtraPayment, plan_extra, unit_payee
from famulus.errors import FamulusError
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import UnitTable
from famulus.review.payment_actions import pay_bonus, settle_payments
from famulus.testing.fake_platform import Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from interleaving import ScheduledDatabase, ScheduledPlatform, Scheduler, examples

#: Seconds; longer than the claim of a process that may still be alive.
CLAIM = 660
FAULTS = st.lists(st.sampled_from((None, Fault.LOST, Fault.THROTTLED, Fault.BROKEN)), max_size=3)


@pytest.fixture
def database(database_address: str, clock: MovableClock) -> Iterator[ScheduledDatabase]:
    opened = ScheduledDatabase(database_address, clock=clock)
    with opened:
        yield opened


def play(
    database: ScheduledDatabase,
    clock: MovableClock,
    choices: Sequence[int],
    faults: Sequence[Fault | None],
    turns: int,
    recognises_dead: bool,
) -> None:
    scheduler = Scheduler(choices, clock)
    scheduler.recognises_dead = recognises_dead
    platform = ScheduledPlatform()
    plugins = kit_plugins(platform=PlatformPlugin(platform.provider()))
    with ManualOperator(database, plugins=plugins) as operator:
        assert isinstance(operator, ManualOperator)
        gateway = operator.launch_rows([{"n": 1}, {"n": 2}], provider="paying")
        GatewayWorker(gateway, "x").work()
    with database.read() as tx:
        unit = tx.row(
            UnitTable.select(UnitTable.id)
            .where(UnitTable.run == gateway.run_id)
            .order_by(UnitTable.id)
        )
    assert unit is not None
    another = ExtraPayment(kind=PaymentKind.BONUS, amount=70, fee=0, reason="R")
    database.write(lambda tx: plan_extra(tx, unit_payee(tx, unit.id), another, again=False))
    database.scheduler = platform.scheduler = scheduler
    platform.faults = [*faults]

    def pay() -> None:
        pay_bonus(database, unit.id, "0.50", reason="R", plugins=plugins)

    def settle() -> None:
        with suppress(FamulusError):
            settle_payments(database, run=gateway.run_id, plugins=plugins)

    def kill() -> None:
        for _ in range(turns):
            scheduler.pause()
        scheduler.kill(payer)

    payer = scheduler.process()
    with scheduler.simulated_processes():
        scheduler.run(
            scheduler.spawn(payer, "pay", pay),
            scheduler.spawn(scheduler.process(), "kill", kill),
            *[scheduler.spawn(scheduler.process(), "settle", settle) for _ in range(2)],
        )
        platform.faults.clear()
        if not recognises_dead:
            clock.advance(CLAIM)
        settle()

    assert [actor.error for actor in scheduler.actors if actor.error is not None] == []
    keys = [key for key, _ in platform.paid]
    assert len(keys) == len(set(keys)), scheduler.course
    for payment in list_payments(database, run=gateway.run_id):
        is_paid = f"{database.identity}-{payment.id}" in keys
        expected = PaymentStatus.CONFIRMED if is_paid else PaymentStatus.FAILED
        assert payment.status is expected, scheduler.course
    database.scheduler = None


def test_each_payment_is_made_once_at_most_and_known_after_one_settle(
    database: ScheduledDatabase, clock: MovableClock
) -> None:
    @examples(database, sqlite=40, postgresql=8)
    @given(
        choices=st.lists(st.integers(0, 5), max_size=60),
        faults=FAULTS,
        turns=st.integers(0, 40),
        recognises_dead=st.booleans(),
    )
    def holds(
        choices: Sequence[int], faults: Sequence[Fault | None], turns: int, recognises_dead: bool
    ) -> None:
        play(database, clock, choices, faults, turns, recognises_dead)

    holds()
