"""Bonuses: paid once, whatever is lost, and by one payer of an account at a time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest
from attrs import evolve

from famulus import (
    Database,
    Outcome,
    PaymentView,
    RefusedError,
    Result,
    UnavailableError,
    UnpayableError,
)
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once
from famulus_prolific.account_lock import LEASE, Hold
from famulus_prolific.api import ProlificApi
from famulus_prolific.bonuses import Bonuses
from famulus_prolific.bulks import BulkRecords
from famulus_prolific.fake import Fault
from prolific_account import ProlificAccount

DAY = 24 * 3600

LOST = [Fault.LOSE_REPLY, Fault.FAIL_AFTER, Fault.TRUNCATE, Fault.GARBLE]
NOT_DONE = [Fault.FAIL, Fault.LOSE_REQUEST]
SET_UP, PAY = "create-bonus-payments", "pay-bonus-payments"
COST = "get-study-cost"


@pytest.fixture(autouse=True)
def payments_take_no_time(account: ProlificAccount) -> None:
    """Have other payments be accepted at once, where a test does not say otherwise."""
    account.prolific.facts.paying_takes = timedelta(0)


def waiting(result: Result) -> str:
    """Return why a payment waits, which it does because it was not made."""
    assert isinstance(result, UnavailableError)
    return str(result)


def test_a_bonus_is_confirmed_once_it_is_shown(
    account: ProlificAccount, clock: MovableClock
) -> None:
    bonus = account.bonus(account.submission(1))

    assert account.pay(bonus) == account.settle(bonus) == [Outcome.ACCEPTED]
    clock.advance(200)

    assert account.settle(bonus) == [Outcome.CONFIRMED]
    assert account.paid() == [(bonus.reference, 50)]


def test_a_bonus_that_is_shown_at_once_is_confirmed_at_once(account: ProlificAccount) -> None:
    account.prolific.facts.bonuses_take = timedelta(0)
    submission = account.submission(1)
    first, second = (account.bonus(submission, amount) for amount in ("0.50", "1.25"))

    assert account.pay(first, second) == [Outcome.CONFIRMED] * 2
    assert account.paid() == [(first.reference, 50), (first.reference, 125)]


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_reply_is_unknown_and_settled_by_looking(
    account: ProlificAccount, clock: MovableClock, fault: Fault
) -> None:
    bonus = account.bonus(account.submission(1))
    account.prolific.faults.plan(fault, PAY)

    assert account.pay(bonus) == [Outcome.UNKNOWN]
    waiting(account.settle(bonus)[0])
    clock.advance(DAY)

    assert account.settle(bonus) == [Outcome.CONFIRMED]
    assert account.paid() == [(bonus.reference, 50)]


@pytest.mark.parametrize("fault", NOT_DONE)
def test_a_payment_that_was_not_made_fails_once_it_would_be_shown(
    account: ProlificAccount, clock: MovableClock, fault: Fault
) -> None:
    bonus = account.bonus(account.submission(1))
    account.prolific.faults.plan(fault, PAY)

    assert account.pay(bonus) == [Outcome.UNKNOWN]
    clock.advance(DAY - 60)
    waiting(account.settle(bonus)[0])
    clock.advance(60)

    assert account.settle(bonus) == [Outcome.FAILED]
    assert account.paid() == []


def test_a_lost_bonus_that_is_shown_after_days_has_not_failed_before(
    account: ProlificAccount, clock: MovableClock
) -> None:
    bonus = account.bonus(account.submission(1))
    account.prolific.facts.bonuses_take = timedelta(days=3)
    account.prolific.faults.plan(Fault.LOSE_REPLY, PAY)

    account.pay(bonus)
    clock.advance(2 * DAY)
    assert f"famulus payments resolve {bonus.id}" in waiting(account.settle(bonus)[0])
    clock.advance(DAY)

    assert account.settle(bonus) == [Outcome.CONFIRMED]


@pytest.mark.parametrize("fault", [*LOST, *NOT_DONE, Fault.THROTTLE])
def test_a_lost_bonus_stays_unknown_without_the_cost_of_the_study(
    account: ProlificAccount, clock: MovableClock, fault: Fault
) -> None:
    bonus = account.bonus(account.submission(1))
    account.prolific.faults.plan(Fault.LOSE_REQUEST, PAY)
    account.pay(bonus)
    clock.advance(2 * DAY)
    account.prolific.faults.plan(fault, COST)

    assert "ask its support" in waiting(account.settle(bonus)[0])
    assert account.settle(bonus) == [Outcome.FAILED]


def test_a_lost_bonus_stays_unknown_where_others_were_paid_since(
    account: ProlificAccount, clock: MovableClock
) -> None:
    lost, other = (account.bonus(account.submission(number)) for number in (1, 2))
    account.prolific.faults.plan(Fault.LOSE_REQUEST, PAY)

    account.pay(lost)
    account.pay(other)
    clock.advance(2 * DAY)

    assert "ask its support" in waiting(account.settle(lost)[0])


def test_an_accepted_bonus_that_is_never_shown_has_not_failed(
    account: ProlificAccount, clock: MovableClock
) -> None:
    bonus = account.bonus(account.submission(1))
    account.prolific.faults.bonuses_vanish = True

    account.pay(bonus)
    clock.advance(3 * DAY)

    assert "ask its support" in waiting(account.settle(bonus)[0])


@pytest.mark.parametrize("fault", [*LOST, *NOT_DONE, Fault.THROTTLE])
def test_a_set_up_without_a_reply_pays_nothing(account: ProlificAccount, fault: Fault) -> None:
    bonus = account.bonus(account.submission(1))
    account.prolific.faults.plan(fault, SET_UP)

    with pytest.raises(UnavailableError):
        account.pay(bonus)

    assert account.settle(bonus) == [Outcome.FAILED]
    assert account.prolific.called(PAY) == []


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_process_that_ends_before_it_pays_has_not_paid(
    account: ProlificAccount, monkeypatch: pytest.MonkeyPatch, is_kept: bool
) -> None:
    bonus, keep = account.bonus(account.submission(1)), account.keep

    def killed(key: str, data: object) -> None:
        if is_kept:
            keep(key, data)
        raise Killed

    monkeypatch.setattr(ProlificAccount, "keep", lambda _, key, data: killed(key, data))
    with pytest.raises(Killed):
        account.pay(bonus)
    monkeypatch.undo()

    assert account.settle(bonus) == [Outcome.FAILED]
    assert account.pay(bonus) == [Outcome.ACCEPTED]
    assert len(account.paid()) == 1


def test_a_set_that_another_process_has_given_up_is_not_paid(
    account: ProlificAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    bonus, keep = account.bonus(account.submission(1)), account.keep

    def settled_in_between(key: str, data: object) -> None:
        keep(key, data)
        assert account.settle(bonus) == [Outcome.FAILED]

    monkeypatch.setattr(ProlificAccount, "keep", lambda _, key, data: settled_in_between(key, data))

    with pytest.raises(UnavailableError, match="settled by another process"):
        account.pay(bonus)

    assert account.prolific.called(PAY) == []


def test_a_payment_that_another_process_has_taken_over_is_left_to_it(
    account: ProlificAccount,
) -> None:
    taken, ours = (account.bonus(account.submission(number)) for number in (1, 2))
    account.taken = {taken.key}

    assert account.pay(taken, ours) == [Outcome.UNKNOWN, Outcome.ACCEPTED]

    assert account.paid() == [(ours.reference, 50)]


def test_equal_bonuses_are_counted(account: ProlificAccount, clock: MovableClock) -> None:
    submission = account.submission(1)
    first, second, third = (account.bonus(submission) for _ in range(3))
    account.pay(first)
    clock.advance(200)
    assert account.settle(first) == [Outcome.CONFIRMED]
    account.prolific.faults.plan(Fault.LOSE_REPLY, PAY)
    account.prolific.faults.plan(Fault.LOSE_REQUEST, PAY)

    assert account.pay(second, third) == [Outcome.UNKNOWN] * 2
    clock.advance(DAY)

    assert account.settle(second, third, confirmed=[first]) == [Outcome.CONFIRMED, Outcome.FAILED]
    assert account.paid() == [(submission.id, 50)] * 2


def test_an_equal_bonus_from_elsewhere_is_not_taken_for_ours(
    account: ProlificAccount, clock: MovableClock
) -> None:
    submission = account.submission(1)
    elsewhere, ours = account.bonus(submission), account.bonus(submission)
    account.pay(elsewhere)
    clock.advance(200)
    account.prolific.faults.plan(Fault.LOSE_REQUEST, PAY)

    account.pay(ours)
    clock.advance(DAY)

    assert account.settle(ours) == [Outcome.FAILED]


@pytest.mark.parametrize("status", [HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT])
def test_a_payment_that_another_one_holds_up_is_tried_again(
    account: ProlificAccount, clock: MovableClock, status: HTTPStatus
) -> None:
    account.prolific.facts.paying_takes = timedelta(minutes=1)
    account.prolific.facts.paying_busy = status
    first, second = (account.bonus(account.submission(number)) for number in (1, 2))
    account.pay(first)

    assert "Another bonus payment" in waiting(account.pay(second)[0])
    assert account.settle(second) == [Outcome.FAILED]
    clock.advance(60)

    assert account.pay(second) == [Outcome.ACCEPTED]
    assert len(account.paid()) == 2


@pytest.mark.parametrize(
    ("status", "detail", "is_final"),
    [
        (400, "Your balance is being updated by another payment. Try again later.", False),
        (423, "Locked", False),
        (400, "Bad request.", False),
        (400, "Your balance is too low.", True),
        (402, "Payment required.", True),
        (403, "You do not have permission to perform this action.", True),
    ],
)
def test_a_refusal_is_final_where_it_cannot_be_about_another_payment(
    account: ProlificAccount, status: int, detail: str, is_final: bool
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/pay/"):
            return httpx.Response(status, json={"error": {"title": "", "detail": detail}})
        shown = {"id": "an-id", "status": "APPROVED", "bonus_payments": []}
        return httpx.Response(200, json=shown)

    api = ProlificApi("a-token", transport=httpx.MockTransport(handle))
    bonus = account.bonus(account.submission(1))

    (result,) = account.pay(bonus, bonuses=evolve(account.bonuses(), api=api))

    assert isinstance(result, RefusedError if is_final else UnavailableError)
    assert account.settle(bonus) == [Outcome.FAILED]


@pytest.mark.parametrize(
    ("status", "is_owed"),
    [("RETURNED", True), ("TIMED-OUT", True), ("APPROVED", False), (None, True)],
)
def test_what_prolific_refuses_for_who_has_handed_nothing_in_is_owed(
    account: ProlificAccount, status: str | None, is_owed: bool
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(400, json={"error": {"detail": "It has no bonus."}})
        if status is None:
            return httpx.Response(404, json={"error": {"detail": "It is not found."}})
        shown = {"id": "an-id", "status": status, "bonus_payments": []}
        return httpx.Response(200, json=shown)

    api = ProlificApi("a-token", transport=httpx.MockTransport(handle))
    bonus = account.bonus(account.submission(1))

    (result,) = account.pay(bonus, bonuses=evolve(account.bonuses(), api=api))

    assert isinstance(result, RefusedError)
    assert isinstance(result, UnpayableError) == is_owed


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_set_that_prolific_calls_paid_is_looked_for(
    account: ProlificAccount, clock: MovableClock, seconds: int
) -> None:
    account.prolific.facts.paying_twice_refused = True
    account.prolific.facts.paying_takes = timedelta(seconds=seconds)
    account.prolific.faults.plan(Fault.TWICE, "pay-bonus-payments")
    submission = account.submission(1)
    bonus = account.bonus(submission)

    assert account.pay(bonus) == [Outcome.ACCEPTED]
    clock.advance(DAY)

    assert account.settle(bonus) == [Outcome.CONFIRMED]
    assert account.paid() == [(submission.id, 50)]


def test_a_balance_that_is_too_low_is_a_refusal(account: ProlificAccount) -> None:
    bonus = account.bonus(account.submission(1), "900.00")

    (result,) = account.pay(bonus)

    assert isinstance(result, RefusedError)
    assert account.settle(bonus) == [Outcome.FAILED]


def test_one_id_that_is_refused_keeps_no_other_from_being_paid(account: ProlificAccount) -> None:
    others = ProlificAccount(account.prolific, account.database)
    stranger, ours = account.bonus(others.submission(1)), account.bonus(account.submission(2))

    refused, paid = account.pay(stranger, ours)

    assert isinstance(refused, RefusedError)
    assert paid is Outcome.ACCEPTED
    assert account.paid() == [(ours.reference, 50)]


def test_a_throttled_payment_was_not_made(account: ProlificAccount) -> None:
    bonus = account.bonus(account.submission(1))
    account.prolific.faults.retry_after = 7
    account.prolific.faults.plan(Fault.THROTTLE, PAY)

    with pytest.raises(UnavailableError) as caught:
        account.pay(bonus)

    assert caught.value.retry_after == 7
    assert account.settle(bonus) == [Outcome.FAILED]


@pytest.fixture
def other(
    account: ProlificAccount, database_address: str, clock: MovableClock
) -> Iterator[Bonuses]:
    """The payer of another process on the same database."""
    with Database(database_address, clock=clock) as database:
        yield account.bonuses(database)


def test_one_process_pays_for_an_account_at_a_time(
    account: ProlificAccount, other: Bonuses
) -> None:
    first, second = (account.bonus(account.submission(number)) for number in (1, 2))

    with ThreadPoolExecutor() as pool, account.prolific.faults.holding(PAY) as gate:
        paying = pool.submit(account.pay, first)
        gate.reached.wait()
        with pytest.raises(
            UnavailableError, match="another process pays bonuses of the account"
        ) as caught:
            account.pay(second, bonuses=other)
        gate.open()

    assert paying.result() == [Outcome.ACCEPTED]
    assert caught.value.retry_after is not None
    assert account.pay(second, bonuses=other) == [Outcome.ACCEPTED]
    assert len(account.paid()) == 2


def test_payers_at_the_same_time_pay_each_bonus_once(
    account: ProlificAccount, database_address: str, clock: MovableClock
) -> None:
    bonuses = [account.bonus(account.submission(number)) for number in range(1, 9)]

    def pay_all(number: int) -> None:
        with Database(database_address, clock=clock) as database:
            for bonus in bonuses[number::4]:
                while not is_paid(account, bonus, account.bonuses(database)):
                    pass  # another payer has the turn

    at_once(4, pay_all)

    assert sorted(account.paid()) == sorted((each.reference, 50) for each in bonuses)


def is_paid(account: ProlificAccount, bonus: PaymentView, payer: Bonuses) -> bool:
    try:
        return account.pay(bonus, bonuses=payer) == [Outcome.ACCEPTED]
    except UnavailableError:
        return False


def test_a_payer_that_has_ended_is_followed_by_another(
    account: ProlificAccount, other: Bonuses, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (account.bonus(account.submission(number)) for number in (1, 2))
    monkeypatch.setattr("famulus_prolific.account_lock.AccountLock._release", lambda *_: None)
    account.pay(first)
    monkeypatch.undo()

    with pytest.raises(UnavailableError):
        account.pay(second, bonuses=other)
    clock.advance(LEASE)

    assert account.pay(second, bonuses=other) == [Outcome.ACCEPTED]


def test_a_payer_that_was_suspended_does_not_pay(
    account: ProlificAccount, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bonus, start = account.bonus(account.submission(1)), BulkRecords.start

    def suspended(records: BulkRecords, bulk: str, hold: Hold) -> None:
        start(records, bulk, hold)
        clock.advance(LEASE)

    monkeypatch.setattr(BulkRecords, "start", suspended)

    with pytest.raises(UnavailableError, match="nothing was paid"):
        account.pay(bonus)

    assert account.settle(bonus) == [Outcome.FAILED]
    assert account.prolific.called(PAY) == []
