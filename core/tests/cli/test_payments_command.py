"""Quotes, payments, bonuses, sync and doctor on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import Result

from famulus.engine.gateway import Gateway
from famulus.iso_time import iso
from famulus.model.database import Database
from famulus.model.tables import OutboxTable, PaymentTable
from famulus.plugins import discover
from famulus.process import ProcessIdentity
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

Famulus = Callable[..., Result]
ANY_PORT = "architect.port=0"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime.now(UTC))


@pytest.fixture
def opened(database_file: Path, clock: MovableClock) -> Iterator[Database]:
    with Database(database_file, clock=clock) as database:
        yield database


@pytest.fixture
def run(opened: Database, example: Path, unserved: list[str]) -> Iterator[Gateway]:
    """The example on ``mock``, one unit of four done by x; it has no operator any more."""
    operator = ManualOperator(opened, plugins=discover())
    with operator:
        launched = operator.launch(
            example,
            overrides=[
                *unserved,
                "provider.fee=0.2",
                "provider.faults=[none, lost, refused]",
            ],
        )
        operator.load_all(launched)
        gateway = operator.gateway(launched)
        GatewayWorker(gateway, "x").work()
        yield gateway


def test_a_quote_says_what_all_units_cost_with_fees(famulus: Famulus, example: Path) -> None:
    quoted = famulus("quote", example, ANY_PORT, "provider.fee=0.2")
    taxed = famulus("quote", example, ANY_PORT, "provider.fee=0.2", "provider.taxes=0.5")

    assert quoted.exit_code == 0
    assert quoted.stdout == "Cost: 1.44 USD (1.20 and fees of 0.24) for 4 units, 0.36 each.\n"
    assert taxed.stdout == (
        "Cost: 1.56 USD (1.20, fees of 0.24 and taxes of 0.12) for 4 units, 0.39 each.\n"
    )


def test_a_quote_writes_money_with_all_its_places(famulus: Famulus, example: Path) -> None:
    quoted = famulus("quote", example, ANY_PORT, "task.task_reward=0.3", "provider.fee=0.1")
    limited = famulus("quote", example, ANY_PORT, "task.task_reward=0.3", "task.max_spend=5")

    assert quoted.stdout == "Cost: 1.32 USD (1.20 and fees of 0.12) for 4 units, 0.33 each.\n"
    assert limited.stdout.startswith("Cost: 1.20 USD for 4 units, 0.30 each.\n")
    assert "limit of 5.00 USD" in limited.stdout


def test_a_quote_says_what_a_limit_means(famulus: Famulus, example: Path) -> None:
    narrow = famulus("quote", example, ANY_PORT, "task.max_spend=0.7").stdout
    wide = famulus("quote", example, ANY_PORT, "task.max_spend=1.20").stdout

    assert "It may cost 0.70 USD at most (task.max_spend): 2 units," in narrow
    assert "That is within the limit of 1.20 USD (task.max_spend)." in wide


def test_a_limit_that_does_not_pay_for_one_unit_is_a_problem(
    famulus: Famulus, example: Path
) -> None:
    checked = famulus("check", example, ANY_PORT, "task.max_spend=0.30", "provider.fee=0.2")

    assert checked.exit_code == 2
    assert (
        "task.max_spend: 0.30 USD does not pay for one unit, which costs 0.36 with fees"
        in checked.stderr
    )


def test_a_quote_is_exact_in_json(famulus: Famulus, example: Path, database_file: Path) -> None:
    quoted = json.loads(famulus("quote", example, ANY_PORT, "--json").stdout)

    assert (quoted["units"], quoted["total"]) == (4, "1.20")
    assert (quoted["fees"], quoted["taxes"]) == ("0.00", "0.00")
    assert not database_file.exists()


def test_a_quote_has_the_hourly_wage_in_json(famulus: Famulus, example: Path) -> None:
    estimated = famulus("quote", example, ANY_PORT, "task.estimated_minutes=2.5", "--json")
    unknown = famulus("quote", example, ANY_PORT, "--json")

    names = ("estimated_minutes", "hourly_wage")
    assert [json.loads(estimated.stdout)[name] for name in names] == ["2.5", "7.20"]
    assert [json.loads(unknown.stdout)[name] for name in names] == [None, None]


@pytest.mark.usefixtures("empty_database")
def test_no_payments_is_a_hint(famulus: Famulus) -> None:
    listed = famulus("payments")

    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "There are no payments yet." in listed.stderr


def test_bonuses_are_paid_listed_and_summed(famulus: Famulus, run: Gateway) -> None:
    paid = famulus("bonus", 1, "0.50", "--reason", "Thank you.")
    again = famulus("bonus", 1, "0.50", "--reason", "Thank you.")
    listed = famulus("payments", "--run", run.run_id)

    assert paid.exit_code == again.exit_code == 0
    assert paid.stdout.startswith(
        "Payment 1: Bonus of 0.50 USD to x, with a fee of 0.10: confirmed\n"
    )
    assert "(made before; --again pays it again)" in again.stdout
    assert listed.stdout.splitlines() == [
        "PAYMENT  RUN  UNIT  KIND   STATUS     AMOUNT    FEE   WORKER  ABOUT",
        "1        1    1     bonus  confirmed  0.50 USD  0.10  x       Thank you.",
        "",
        "           PAYMENTS  AMOUNT  FEES  TOGETHER",
        "confirmed  1         0.50    0.10  0.60 USD",
        "These are payments of a sandbox: no real money was paid.",
    ]


def test_a_lost_reply_ends_with_1_and_is_settled_by_asking(famulus: Famulus, run: Gateway) -> None:
    famulus("bonus", 1, "0.50", "--reason", "first")
    lost = famulus("bonus", 1, "0.50", "--reason", "second")
    doubted = famulus("doctor", run.run_id)
    status = " ".join(famulus("status", run.run_id).stdout.split())
    settled = famulus("payments", "settle")

    assert lost.exit_code == 1
    assert "the platform has not confirmed a payment: TimeoutError" in status
    assert "it is asked whether it was made, and nothing is paid twice" in status
    assert "unknown: TimeoutError: mock is set to lose the reply" in lost.stdout
    assert "payments settle` asks" in lost.stdout
    assert "run 1: the outcome of 1 payment is unknown" in doubted.stdout
    assert doubted.exit_code == 1
    # The platform was set to refuse the question: that changes nothing.
    assert settled.exit_code == 1
    assert "failed" not in settled.stdout


def test_an_accepted_payment_ends_with_0_and_is_confirmed_by_a_sync(
    famulus: Famulus, opened: Database, example: Path, unserved: list[str]
) -> None:
    with ManualOperator(opened, plugins=discover()) as operator:
        launched = operator.launch(
            example, overrides=[*unserved, "provider.faults=[accepted, accepted]"]
        )
        operator.load_all(launched)
        GatewayWorker(operator.gateway(launched), "x").work()
    paid = famulus("bonus", 1, "0.50", "--reason", "Thank you.")
    again = famulus("bonus", 1, "0.50", "--reason", "Thank you.")
    settled = famulus("payments", "settle")
    synced = famulus("sync", 1)
    listed = famulus("payments", "--json")

    assert [each.exit_code for each in (paid, again, settled, synced)] == [0, 0, 0, 0]
    assert paid.stdout.splitlines() == [
        "Payment 1: Bonus of 0.50 USD to x: accepted",
        "1 payment was accepted by the platform, which does not show it yet; "
        "`famulus sync 1` confirms it.",
        "These are payments of a sandbox: no real money was paid.",
    ]
    assert json.loads(listed.stdout)["payments"][0]["status"] == "confirmed"


def test_what_became_of_an_unknown_payment_can_be_said(famulus: Famulus, run: Gateway) -> None:
    for reason in ("first", "second"):
        famulus("bonus", 1, "0.50", "--reason", reason)

    undecided = famulus("payments", "resolve", 2, "--note", "ticket 7")
    resolved = famulus("payments", "resolve", 2, "--not-paid", "--note", "ticket 7")

    assert undecided.exit_code == 2
    assert "--paid or --not-paid" in undecided.stderr
    assert resolved.exit_code == 0
    assert "failed: recorded as not paid: ticket 7" in resolved.stdout
    assert "payments retry PAYMENT` tries" in resolved.stdout


def test_a_payer_that_may_be_alive_is_named_and_settling_ends_with_1(
    famulus: Famulus, run: Gateway, opened: Database
) -> None:
    for reason in ("first", "second"):
        famulus("bonus", 1, "0.50", "--reason", reason)
    elsewhere = evolve(ProcessIdentity.current(), boot="another", pid=7, host="elsewhere")
    until = opened.clock() + timedelta(minutes=10)
    claim = OutboxTable.update(
        next_attempt_at=until, claimed_until=until, claimed_by=str(elsewhere)
    ).where(OutboxTable.status == "pending")
    sent = PaymentTable.update(status="sent").where(PaymentTable.status == "unknown")
    opened.write(lambda tx: (tx.execute(claim), tx.execute(sent)))

    settled = famulus("payments", "settle")

    assert settled.exit_code == 1
    assert "Payment 2 is being made by process 7 on elsewhere" in settled.stdout
    assert f"can be asked from {iso(until)} on" in settled.stdout


def test_a_refused_payment_is_retried_on_request(famulus: Famulus, run: Gateway) -> None:
    for reason in ("first", "second"):
        famulus("bonus", 1, "0.50", "--reason", reason)
    refused = famulus("bonus", 1, "0.50", "--reason", "third")
    status = famulus("status", 1)
    retried = famulus("payments", "retry", 3)
    once_more = famulus("payments", "retry", 3)

    assert refused.exit_code == 1
    assert "failed" in refused.stdout
    assert "the platform has refused to make a payment: mock is set to refuse" in status.stdout
    assert (retried.exit_code, "confirmed" in retried.stdout) == (0, True)
    assert once_more.exit_code == 1
    assert "only a failed payment can be retried" in once_more.stderr


def test_payments_are_exact_in_json(famulus: Famulus, run: Gateway) -> None:
    famulus("bonus", 1, "0.50", "--reason", "R")
    listed = json.loads(famulus("payments", "--json").stdout)

    (payment,), (total,) = listed["payments"], listed["totals"]
    assert (payment["amount"], payment["fee"], payment["status"]) == ("0.50", "0.10", "confirmed")
    assert (total["payments"], total["amount"]) == (1, "0.50")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["bonus", "x", "1", "--reason", "R"], 2, "'x' is not the number of a unit"),
        (["bonus", "1", "much", "--reason", "R"], 2, "'much' is not an amount, such as 0.50"),
        (["bonus", "1", "1"], 2, "Missing option '--reason'"),
        (["bonus", "99", "1", "--reason", "R"], 2, "there is no unit 99"),
        (["bonus", "4", "1", "--reason", "R"], 1, "it has not been submitted"),
        (
            ["compensate", "1", "nobody", "1", "--reason", "R"],
            2,
            "there is no worker 'nobody' of mock",
        ),
        (["payments", "retry", "9"], 2, "there is no payment 9"),
        (["payments", "--run", "9"], 2, "there is no run 9"),
        (["payments", "--run", "1", "settle"], 2, "give options after 'settle'"),
    ],
)
def test_a_payment_that_cannot_be_made_is_one_line(
    famulus: Famulus, run: Gateway, arguments: list[str], status: int, message: str
) -> None:
    failed = famulus(*arguments)

    assert failed.exit_code == status
    assert message in failed.stderr
    assert failed.stderr.startswith("famulus: error:")
    assert failed.stderr.count("\n") == 1


def test_sync_and_doctor_find_no_problem_in_a_sound_run(famulus: Famulus, run: Gateway) -> None:
    synced = famulus("sync", run.run_id).stdout
    assert synced == "Asked about the run: nothing new; known visits: 1 submitted.\n"
    sound = famulus("doctor", run.run_id)
    assert (sound.exit_code, sound.stdout) == (0, "No problems found.\n")


def test_status_shows_payments(famulus: Famulus, run: Gateway) -> None:
    famulus("bonus", 1, "0.50", "--reason", "R")

    shown = famulus("status", run.run_id)
    assert "confirmed 1 (0.60 USD with fees)" in shown.stdout


@pytest.mark.usefixtures("run")
def test_payments_of_a_task_are_listed_by_its_name(famulus: Famulus) -> None:
    famulus("bonus", 1, "0.25", "--reason", "good work")

    of_task = famulus("payments", "html-static-task-example", "--json")
    before = famulus("payments", "--json", "html-static-task-example")
    by_option = famulus("payments", "--task", "html-static-task-example", "--json")

    assert of_task.exit_code == 0
    assert of_task.stdout == before.stdout == by_option.stdout
    assert [each["kind"] for each in json.loads(of_task.stdout)["payments"]] == ["bonus"]
    assert "bonus" in famulus("payments", "html-static-task-example").stdout


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("html-static-task-exampel", "did you mean 'html-static-task-example'?"),
        ("setle", "did you mean the command 'settle'?"),
        ("nope", "there is no task 'nope'"),
    ],
)
def test_word_that_is_no_task_is_answered_with_near_names(
    famulus: Famulus, word: str, words: str
) -> None:
    done = famulus("payments", word)

    assert done.exit_code != 0
    assert words in done.stderr
