"""Fees, what is held, bonuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import Account, FakeMTurk, HitPage, fee
from turk_errors import turk_code

Launch = Callable[..., dict[str, Any]]

DAY = 24 * 3600


@pytest.fixture
def live(mturk: FakeMTurk) -> Account:
    return mturk.live


@pytest.fixture
def worked(live: Account, live_client: Any, launch: Launch) -> HitPage:
    """A reward of 30 cents, approved, on the live account's hundred dollars."""
    hit = launch(via=live_client)
    worker = live.worker("A1")
    shown = worker.accept(hit["HITGroupId"])
    worker.submit(shown, {"x": "1"})
    live_client.approve_assignment(AssignmentId=shown.assignment_id)
    return shown


def balance(client: Any) -> tuple[str, str]:
    found = client.get_account_balance()
    return found["AvailableBalance"], found["OnHoldBalance"]


@pytest.mark.parametrize(
    ("amount", "assignments", "masters", "expected"),
    [
        ("1.00", 1, False, "0.20"),
        ("1.00", 9, False, "0.20"),
        ("1.00", 10, False, "0.40"),
        ("1.00", 1, True, "0.25"),
        ("0.01", 1, False, "0.01"),
        ("0.07", 1, False, "0.01"),
        ("0.08", 1, False, "0.02"),
    ],
)
def test_fees(amount: str, assignments: int, masters: bool, expected: str) -> None:
    assert fee(Decimal(amount), assignments, masters=masters) == Decimal(expected)


def test_open_places_are_held_until_they_are_paid_or_closed(
    live: Account, live_client: Any, launch: Launch
) -> None:
    hit = launch(via=live_client, Reward="1.00", MaxAssignments=3)
    seen = [balance(live_client)]
    workers = [live.worker("A1"), live.worker("A2")]
    shown = [worker.accept(hit["HITGroupId"]) for worker in workers]
    for worker, one in zip(workers, shown, strict=True):
        worker.submit(one, {"x": "1"})
    live_client.approve_assignment(AssignmentId=shown[0].assignment_id)
    seen.append(balance(live_client))
    live_client.reject_assignment(AssignmentId=shown[1].assignment_id, RequesterFeedback="no")
    seen.append(balance(live_client))
    live_client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    seen.append(balance(live_client))

    assert seen == [("96.40", "3.60"), ("96.40", "2.40"), ("97.60", "1.20"), ("98.80", "0.00")]


def test_ten_assignments_cost_twice_the_fee(live_client: Any, launch: Launch) -> None:
    launch(via=live_client, Reward="1.00", MaxAssignments=10)

    assert balance(live_client) == ("86.00", "14.00")


def test_a_hit_that_cannot_be_paid_is_not_made(live_client: Any, launch: Launch) -> None:
    launch(via=live_client, Reward="80.00")

    with pytest.raises(live_client.exceptions.RequestError) as caught:
        launch(via=live_client, Reward="4.00")

    assert turk_code(caught) == "InsufficientFunds"
    assert len(live_client.list_hits()["HITs"]) == 1


def test_a_hit_refused_for_lack_of_money_can_be_created_later(
    live: Account, live_client: Any, launch: Launch, clock: MovableClock
) -> None:
    hit, later = launch(via=live_client, Reward="80.00"), clock() + timedelta(hours=3)
    clock.advance(3600)
    launch(via=live_client, Reward="40.00")
    with pytest.raises(live_client.exceptions.RequestError) as caught:
        live_client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=later)
    live.state.money.prepaid += 100

    live_client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=later)

    assert turk_code(caught) == "InsufficientFunds"
    assert balance(live_client) == ("56.00", "144.00")


def test_the_sandbox_never_gets_poorer(sandbox: Account, client: Any, launch: Launch) -> None:
    shown = sandbox.worker("A1").accept(launch(Reward="5.00")["HITGroupId"])
    sandbox.worker("A1").submit(shown, {"x": "1"})

    client.approve_assignment(AssignmentId=shown.assignment_id)

    assert balance(client)[0] == "10000.00"


def test_a_bonus_is_paid_once_for_a_token_within_24_hours(
    live_client: Any, worked: HitPage, clock: MovableClock
) -> None:
    bonus = {
        "WorkerId": "A1",
        "AssignmentId": worked.assignment_id,
        "BonusAmount": "2.00",
        "Reason": "well done",
        "UniqueRequestToken": "bonus-1",
    }
    live_client.send_bonus(**bonus)
    clock.advance(DAY - 1)
    with pytest.raises(live_client.exceptions.RequestError, match='token "bonus-1" has already'):
        live_client.send_bonus(**bonus)
    once = balance(live_client)
    clock.advance(1)

    live_client.send_bonus(**bonus)

    assert once == ("97.24", "0.00")
    assert balance(live_client) == ("94.84", "0.00")


def test_bonuses_are_listed_by_hit_and_assignment(live_client: Any, worked: HitPage) -> None:
    live_client.send_bonus(
        WorkerId="A1", AssignmentId=worked.assignment_id, BonusAmount="2", Reason="well done"
    )

    by_hit = live_client.list_bonus_payments(HITId=worked.hit_id)["BonusPayments"]
    by_assignment = live_client.list_bonus_payments(AssignmentId=worked.assignment_id)

    assert by_hit == by_assignment["BonusPayments"]
    assert [(one["WorkerId"], one["BonusAmount"], one["Reason"]) for one in by_hit] == [
        ("A1", "2.00", "well done")
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"WorkerId": "A2"}, "ParameterValidationError"),
        ({"AssignmentId": "3NONE"}, "AssignmentDoesNotExist"),
        ({"BonusAmount": "0"}, "ParameterValidationError"),
        ({"BonusAmount": "84.00"}, "InsufficientFunds"),
        ({"Reason": ""}, "ParameterValidationError"),
    ],
)
def test_a_bonus_that_cannot_be_is_refused(
    live_client: Any, worked: HitPage, changes: dict[str, str], expected: str
) -> None:
    bonus = {
        "WorkerId": "A1",
        "AssignmentId": worked.assignment_id,
        "BonusAmount": "2",
        "Reason": "r",
    }

    with pytest.raises(live_client.exceptions.RequestError) as caught:
        live_client.send_bonus(**bonus | changes)

    assert turk_code(caught) == expected
    assert live_client.list_bonus_payments(HITId=worked.hit_id)["BonusPayments"] == []


@pytest.mark.parametrize(
    ("submitted", "expected"), [(False, "AssignmentDoesNotExist"), (True, "InvalidAssignmentState")]
)
def test_a_bonus_waits_for_the_decision(
    live: Account, live_client: Any, launch: Launch, submitted: bool, expected: str
) -> None:
    worker = live.worker("A1")
    shown = worker.accept(launch(via=live_client)["HITGroupId"])
    if submitted:
        worker.submit(shown, {"x": "1"})

    with pytest.raises(live_client.exceptions.RequestError) as caught:
        live_client.send_bonus(
            WorkerId="A1", AssignmentId=shown.assignment_id, BonusAmount="1", Reason="r"
        )

    assert turk_code(caught) == expected


def test_a_bonus_after_half_a_year_is_refused(
    live_client: Any, worked: HitPage, clock: MovableClock
) -> None:
    clock.advance(184 * DAY)

    with pytest.raises(live_client.exceptions.RequestError, match="six months"):
        live_client.send_bonus(
            WorkerId="A1", AssignmentId=worked.assignment_id, BonusAmount="1", Reason="r"
        )
