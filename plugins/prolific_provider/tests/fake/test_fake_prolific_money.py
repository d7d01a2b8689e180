"""Money of the fake: bonuses in two steps, costs with fees and tax, the balance."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific

HandIn = Callable[..., str]
MINUTES = 60


@pytest.fixture
def submission(client: Any, hand_in: HandIn) -> str:
    """A submission that is approved, of the only study."""
    found = hand_in(client.launch(), 1)
    client.decide(found, "APPROVE")
    return found


def set_up(client: Any, submission: str, *amounts: str) -> Any:
    study = client.ask("GET", f"submissions/{submission}/")["study_id"]
    lines = "".join(f"{submission},{amount}\n" for amount in amounts)
    body = {"study_id": study, "csv_bonuses": lines}
    return client.ask("POST", "submissions/bonus-payments/", body)


def shown(client: Any, submission: str) -> list[int]:
    return list(client.ask("GET", f"submissions/{submission}/")["bonus_payments"])


def test_bonuses_are_paid_by_the_second_call_and_show_later(
    prolific: FakeProlific, client: Any, submission: str, clock: MovableClock
) -> None:
    bulk = set_up(client, submission, "1.50", "0.20")
    before = len(prolific.state.money.ledger)

    client.ask("POST", f"bulk-bonus-payments/{bulk['id']}/pay/")
    at_once = shown(client, submission)
    clock.advance(3 * MINUTES)

    assert (bulk["amount"], bulk["fees"], bulk["vat"]) == (170.0, 72.76, 14.55)
    assert (before, at_once) == (1, [])
    assert shown(client, submission) == [150, 20]


@pytest.mark.parametrize("refused", [False, True])
def test_paying_again_pays_twice_unless_it_is_refused(
    prolific: FakeProlific, client: Any, submission: str, clock: MovableClock, refused: bool
) -> None:
    prolific.facts.paying_twice_refused = refused
    path = f"bulk-bonus-payments/{set_up(client, submission, '1.00')['id']}/pay/"
    client.ask("POST", path)
    clock.advance(10 * MINUTES)

    again = client.send("POST", path)
    clock.advance(10 * MINUTES)

    assert again.is_error is refused
    assert shown(client, submission) == [100] * (1 if refused else 2)
    assert any("were paid 2 times" in one for one in prolific.audit()) is not refused


def test_one_payment_is_made_at_a_time(client: Any, submission: str, clock: MovableClock) -> None:
    first, second = (set_up(client, submission, "0.10")["id"] for _ in range(2))
    client.ask("POST", f"bulk-bonus-payments/{first}/pay/")

    busy = client.send("POST", f"bulk-bonus-payments/{second}/pay/")
    clock.advance(MINUTES)

    assert busy.status_code == 400
    assert "try again" in busy.text
    assert client.send("POST", f"bulk-bonus-payments/{second}/pay/").is_success


def test_accepted_bonuses_can_vanish(
    prolific: FakeProlific, client: Any, submission: str, clock: MovableClock
) -> None:
    prolific.faults.bonuses_vanish = True

    client.ask("POST", f"bulk-bonus-payments/{set_up(client, submission, '1')['id']}/pay/")
    clock.advance(60 * MINUTES)

    assert shown(client, submission) == []


@pytest.mark.parametrize("amount", ["0", "-1", "1.005", "much"])
def test_a_wrong_amount_is_refused(client: Any, submission: str, amount: str) -> None:
    with pytest.raises(AssertionError, match="is not an amount"):
        set_up(client, submission, amount)


def test_bonuses_are_for_those_who_took_part_and_within_the_balance(
    client: Any, submission: str
) -> None:
    study = client.ask("GET", f"submissions/{submission}/")["study_id"]
    body = {"study_id": study, "csv_bonuses": f"{'0' * 24},1.00"}
    too_much = set_up(client, submission, "900")["id"]

    assert "have not taken part" in client.send("POST", "submissions/bonus-payments/", body).text
    assert "funds" in client.send("POST", f"bulk-bonus-payments/{too_much}/pay/").text


@pytest.mark.parametrize(("whole", "fees"), [(False, 213.57), (True, 214.0)])
def test_a_study_costs_its_fees_and_the_tax_on_them(
    prolific: FakeProlific, client: Any, whole: bool, fees: float
) -> None:
    prolific.facts.fees_in_whole_cents = whole

    cost = client.ask(
        "POST", "study-cost-calculator/", {"reward": 499, "total_available_places": 1}
    )

    assert (cost["rewards"], cost["fees"]) == (499.0, fees)
    assert cost["total_cost"] == pytest.approx(cost["rewards"] + fees + cost["vat"])


def test_money_is_set_aside_while_a_study_recruits(
    prolific: FakeProlific, client: Any, hand_in: HandIn
) -> None:
    money = prolific.state.money
    start = money.available
    one = money.cost(100).total

    study = client.launch(total_available_places=2)
    published = money.available
    client.decide(hand_in(study, 1), "APPROVE")
    client.move(study, "STOP")

    assert (published, money.available) == (start - 2 * one, start - one)
    assert money.balance == start - one
    paid = client.ask("GET", f"studies/{study}/cost/")
    assert Decimal(str(paid["rewards"]["rewards"]["amount"])) == 100
    assert paid["bonuses"]["rewards"]["amount"] == 0


def test_the_least_and_the_recommended_wage_are_known(prolific: FakeProlific, client: Any) -> None:
    [workspace] = prolific.state.workspaces

    wages = client.ask("GET", "reward-recommendations/", workspace_id=workspace, currency="GBP")

    assert wages == [
        {"currency": "GBP", "min_reward_per_hour": 600, "recommended_reward_per_hour": 900}
    ]
