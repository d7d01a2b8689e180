"""Verdicts, bonuses, fees and the balance: paid once, even if a call fails or its reply is lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from famulus import Approve, Outcome, PaymentKind, Reject, UnavailableError, Verdict
from famulus_mturk.calls import MTurkRefusedError
from famulus_mturk.fake import Fault
from mturk_bench import Bench

DAY = 24 * 3600
LOST = [Fault.LOSE_REPLY, Fault.FAIL_AFTER]


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """Three places are open."""
    bench.provider.set_places(bench.run, 3)
    return bench


def paid(bench: Bench) -> list[tuple[str, Decimal]]:
    with bench.account.turn() as state:
        return [(entry.kind, entry.amount) for entry in state.money.ledger]


def test_repeated_approval_pays_once(opened: Bench) -> None:
    visit = opened.submitted("A1")

    outcomes = [opened.decide(visit, Approve()) for _ in range(2)]

    assert outcomes == [Outcome.CONFIRMED] * 2
    assert paid(opened) == [("reward", Decimal("0.30"))]


def test_automatic_approval_counts_as_approval(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.clock.advance(8 * DAY)

    assert opened.decide(visit, Approve()) is Outcome.CONFIRMED


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("verdict", [Approve(), Reject("The answers are random.")])
def test_verdict_with_a_lost_reply_is_sent_again(
    opened: Bench, verdict: Verdict, fault: Fault
) -> None:
    visit = opened.submitted("A1")
    opened.account.faults.plan(fault)
    with pytest.raises(UnavailableError):
        opened.decide(visit, verdict)

    opened.restart()

    again = opened.decide(visit, verdict)
    assert again is Outcome.CONFIRMED


def test_a_rejection_gives_its_reason_to_the_worker(opened: Bench) -> None:
    visit = opened.submitted("A1")

    opened.decide(visit, Reject("The answers are random.\n" * 100))

    [call] = opened.account.called("RejectAssignment")
    feedback = call.parameters["RequesterFeedback"]
    assert feedback.startswith("The answers are random.")
    assert len(feedback) == 1024
    assert paid(opened) == []


def test_rejecting_a_paid_assignment_is_refused_with_the_reason(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.clock.advance(8 * DAY)

    with pytest.raises(MTurkRefusedError, match="approved and paid the assignment already"):
        opened.decide(visit, Reject("The answers are random."))


def test_rejection_is_overridden_within_thirty_days(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.decide(visit, Reject("The answers are random."))
    opened.clock.advance(29 * DAY)

    assert opened.decide(visit, Approve()) is Outcome.CONFIRMED
    assert paid(opened) == [("reward", Decimal("0.30"))]


def test_rejection_that_is_too_old_is_not_overridden(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.decide(visit, Reject("The answers are random."))
    opened.clock.advance(31 * DAY)

    with pytest.raises(MTurkRefusedError, match="30 days"):
        opened.decide(visit, Approve())


def test_verdict_waits_for_the_submission(opened: Bench) -> None:
    _, visit = opened.accept("A1")

    with pytest.raises(UnavailableError):
        opened.decide(visit, Approve())


@pytest.mark.parametrize("fault", LOST)
def test_bonus_with_a_lost_reply_is_unknown_and_then_found(opened: Bench, fault: Fault) -> None:
    bonus = opened.bonus(opened.approved("A1"))
    opened.account.faults.plan(fault, "SendBonus")

    outcome = opened.pay(bonus)
    opened.restart()

    assert outcome is Outcome.UNKNOWN
    assert opened.settle(bonus) is Outcome.CONFIRMED
    assert paid(opened)[1:] == [("bonus", Decimal("0.50"))]


def test_throttled_bonus_was_certainly_not_paid(opened: Bench) -> None:
    bonus = opened.bonus(opened.approved("A1"))
    opened.account.faults.plan(Fault.THROTTLE, "SendBonus")

    with pytest.raises(UnavailableError):
        opened.pay(bonus)

    assert len(paid(opened)) == 1


def test_the_same_bonus_again_is_paid_once_by_its_token(opened: Bench) -> None:
    bonus = opened.bonus(opened.approved("A1"))

    outcomes = [opened.pay(bonus) for _ in range(2)]

    assert outcomes == [Outcome.CONFIRMED] * 2
    assert len(paid(opened)) == 2
    tokens = {call.parameters["UniqueRequestToken"] for call in opened.account.called("SendBonus")}
    assert tokens == {bonus.key}


@pytest.mark.parametrize("fault", [Fault.FAIL, Fault.LOSE_REPLY])
def test_a_bonus_that_is_not_listed_is_sent_again_with_its_token(
    opened: Bench, fault: Fault
) -> None:
    bonus = opened.bonus(opened.approved("A1"))
    opened.account.faults.plan(fault, "SendBonus")
    outcome = opened.pay(bonus)
    opened.account.faults.lists_late = timedelta(minutes=10)
    opened.restart()

    assert outcome is Outcome.UNKNOWN
    assert [opened.settle(bonus) for _ in range(2)] == [Outcome.CONFIRMED] * 2
    assert paid(opened)[1:] == [("bonus", Decimal("0.50"))]


def test_a_bonus_whose_token_may_be_forgotten_is_not_sent_again(opened: Bench) -> None:
    bonus = opened.bonus(opened.approved("A1"))
    opened.account.faults.plan(Fault.FAIL, "SendBonus")
    opened.pay(bonus)
    opened.clock.advance(23 * 3600)

    assert opened.settle(bonus) is Outcome.FAILED
    assert len(opened.account.called("SendBonus")) == 1


def test_a_bonus_that_is_refused_when_sent_again_is_known_by_the_list(opened: Bench) -> None:
    bonus = opened.bonus(opened.approved("A1"))
    opened.account.faults.plan(Fault.FAIL, "SendBonus")
    opened.pay(bonus)
    opened.account.faults.plan(Fault.THROTTLE, "SendBonus", times=3)

    for _ in range(2):
        with pytest.raises(UnavailableError, match=r"does not by .* UTC, it was not paid"):
            opened.settle(bonus)
        opened.clock.advance(1801)

    assert opened.settle(bonus) is Outcome.FAILED
    assert len(paid(opened)) == 1


def test_two_equal_bonuses_are_distinguished(opened: Bench) -> None:
    visit = opened.approved("A1")
    first, second = opened.bonus(visit), opened.bonus(visit, id=4, key="1234567890abcdef-4")
    opened.pay(first)

    assert opened.settle(second) is Outcome.FAILED


def test_a_bonus_waits_until_the_work_is_decided(opened: Bench) -> None:
    visit = opened.submitted("A1")
    with pytest.raises(UnavailableError, match="approved or rejected"):
        opened.pay(opened.bonus(visit))
    opened.decide(visit, Reject("The answers are random."))

    assert opened.pay(opened.bonus(visit)) is Outcome.CONFIRMED


def test_a_compensation_for_lost_work_is_paid_on_the_workers_last_submission(
    opened: Bench,
) -> None:
    visit = opened.approved("A1")
    opened.sync(visit)
    _, lost = opened.accept("A1")
    compensation = opened.bonus(lost, kind=PaymentKind.COMPENSATION)

    outcome = opened.pay(compensation)

    assert outcome is Outcome.CONFIRMED
    assert opened.settle(compensation) is Outcome.CONFIRMED
    assert paid(opened)[1:] == [("bonus", Decimal("0.50"))]


def test_worker_without_a_submission_cannot_be_paid(opened: Bench) -> None:
    _, lost = opened.accept("A1")

    with pytest.raises(
        MTurkRefusedError, match="submitted assignments only, but A1 has submitted none"
    ):
        opened.pay(opened.bonus(lost, kind=PaymentKind.COMPENSATION))


@pytest.mark.parametrize(
    ("amount", "fee"), [("0.30", "0.06"), ("0.01", "0.01"), ("0.32", "0.06"), ("10", "2.00")]
)
def test_the_fee_is_a_fifth_and_at_least_a_cent(opened: Bench, amount: str, fee: str) -> None:
    for kind in PaymentKind:
        assert opened.provider.fee(kind, Decimal(amount)) == Decimal(fee)


def test_quote_equals_the_charge_of_mturk(live_bench: Bench) -> None:
    bench = live_bench
    quote = bench.provider.quote(bench.plan, 3)
    before = bench.provider.balance()
    bench.provider.set_places(bench.run, 3)

    for worker in ("A1", "A2", "A3"):
        bench.decide(bench.submitted(worker), Approve())

    assert (quote.rewards, quote.fees) == (Decimal("0.90"), Decimal("0.18"))
    after = bench.provider.balance()
    assert before is not None
    assert after is not None
    assert before - after == quote.total


def test_masters_cost_five_percent_more(bench: Bench) -> None:
    bench.shared_state.specific_qualifications = {
        "mturk": [{"QualificationTypeId": "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6", "Comparator": "Exists"}]
    }
    bench.restart()

    assert bench.provider.fee(PaymentKind.REWARD, Decimal("1.00")) == Decimal("0.25")
    assert bench.provider.fee(PaymentKind.BONUS, Decimal("1.00")) == Decimal("0.20")
