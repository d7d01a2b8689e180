"""A run of core on Prolific, in one process: money that is lost and found, changes, messages."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from famulus import (
    Database,
    PaymentRecord,
    PaymentStatus,
    Plugins,
    UsageError,
    compensate,
    export_records,
    find_worker,
    list_runs,
    pay_bonus,
    resolve_payment,
    retry_payment,
    settle_payments,
)
from famulus.data.scope import find_scope
from famulus.engine.limits import set_limits
from famulus.model.states import Decision
from famulus.operate.doctor import read_differences
from famulus.operate.forget_worker import find_worker_id, forget_worker
from famulus.operate.manual_sync import sync_now
from famulus.review.choices import Choice
from famulus.review.review_session import ReviewSession
from famulus.testing import GatewayTransport, ScriptedWorker, run_command
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.api import ProlificApi
from famulus_prolific.command import prolific as command
from famulus_prolific.fake import FakeProlific, Fault, Study, Submission
from famulus_prolific.tokens import VARIABLE
from prolific_bench import parameters
from prolific_run import have_done, launch, prolific_plugins
from stored_texts import contains

DAY = 24 * 3600


@pytest.fixture
def plugins() -> Plugins:
    """The kit's plugins, and the provider."""
    return prolific_plugins()


@pytest.fixture
def run(prolific: FakeProlific, database: Database, operator: Any) -> Any:
    """The gateway of a run with three units."""
    return launch(prolific, database, operator)


@pytest.fixture
def work(prolific: FakeProlific, run: Any, operator: Any) -> Callable[[int], Submission]:
    """A function that has a participant work and hand in."""
    return partial(have_done, prolific, run, operator)


def bonus(database: Database, plugins: Plugins, **more: Any) -> PaymentRecord:
    """Pay a bonus for the only unit with answers."""
    (run,) = list_runs(database)
    (record,) = export_records(database, run=run.record.id)
    unit = record["unit"]
    return pay_bonus(database, unit, "0.50", reason="Good work.", plugins=plugins, **more)


def statuses(records: list[PaymentRecord]) -> list[PaymentStatus]:
    return [each.status for each in records]


def bonuses(prolific: FakeProlific) -> list[int]:
    with prolific.turn() as state:
        return [each.amount for each in state.money.ledger if each.kind == "bonus"]


@pytest.mark.parametrize("fault", [None, Fault.LOSE_REPLY, Fault.FAIL_AFTER])
def test_a_bonus_is_unknown_until_prolific_shows_it(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    work: Callable[[int], Submission],
    clock: MovableClock,
    fault: Fault | None,
) -> None:
    work(1)
    if fault is not None:
        prolific.faults.plan(fault, "pay-bonus-payments")

    assert bonus(database, plugins).status is PaymentStatus.UNKNOWN
    assert bonus(database, plugins).status is PaymentStatus.UNKNOWN
    assert statuses(settle_payments(database, plugins=plugins)) == [PaymentStatus.UNKNOWN]
    clock.advance(DAY)

    assert statuses(settle_payments(database, plugins=plugins)) == [PaymentStatus.CONFIRMED]
    assert bonuses(prolific) == [50]


def test_equal_bonuses_for_one_submission_are_each_paid_once(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    work: Callable[[int], Submission],
    clock: MovableClock,
) -> None:
    prolific.facts.paying_takes = timedelta(0)
    work(1)
    prolific.faults.plan(Fault.LOSE_REQUEST, "pay-bonus-payments")
    lost = bonus(database, plugins)
    bonus(database, plugins, again=True)
    clock.advance(DAY)

    found = statuses(settle_payments(database, plugins=plugins))

    # The other bonus has changed the cost of the study, so it proves nothing.
    assert found == [PaymentStatus.UNKNOWN, PaymentStatus.CONFIRMED]
    assert bonuses(prolific) == [50]
    resolve_payment(database, lost.id, paid=False, note="ticket 7")
    retry_payment(database, lost.id, plugins=plugins)
    assert bonuses(prolific) == [50, 50]


def test_a_message_goes_to_the_participants_of_a_run(
    prolific: FakeProlific, run: Any, work: Callable[[int], Submission], database_address: str
) -> None:
    names = [work(number).participant_id for number in (1, 2)]

    def message(*words: object) -> Any:
        return run_command(command, "message", *words, database=database_address)

    assert message(run.run_id, "--all", "--text", "Thank you.").exit_code == 0
    assert message(run.run_id, names[0], "--text", "You too.").exit_code == 0

    with prolific.turn() as state:
        received = sorted((each.recipient_id, each.body) for each in state.messages)
    assert received == [
        (names[0], "Thank you."),
        (names[0], "You too."),
        (names[1], "Thank you."),
    ]


@pytest.mark.parametrize(
    ("later", "words", "said"),
    [
        (0, ("--text", "x"), "name the workers"),
        (0, ("someone",), "give the message"),
        (0, ("--all", "--text", " "), "is empty"),
        (9, ("--all", "--text", "x"), "there is no run "),
        (0, ("--all", "--text", "x"), "no participant has a submission"),
    ],
)
def test_a_message_that_cannot_be_sent_is_an_error(
    run: Any, database_address: str, later: int, words: tuple[str, ...], said: str
) -> None:
    number = run.run_id + later

    result = run_command(command, "message", number, *words, database=database_address)

    assert result.exit_code == 2
    assert said in result.output


def test_a_run_is_not_resumed_without_its_token(
    run: Any, operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.stop(run.run_id, now=True)
    token = os.environ[VARIABLE]
    monkeypatch.delenv(VARIABLE)

    with pytest.raises(UsageError, match=f"missing from the variable {VARIABLE}"):
        operator.resume(run.run_id)

    monkeypatch.setenv(VARIABLE, token)
    operator.resume(run.run_id)


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_participant_who_was_forgotten_is_named_nowhere(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: Any,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    is_signed: bool,
) -> None:
    caplog.set_level(logging.INFO)
    run = launch(prolific, database, operator, secure_urls=is_signed)
    prolific.facts.bonuses_take = prolific.facts.paying_takes = timedelta(0)
    submission = have_done(prolific, run, operator, 1)
    name = submission.participant_id
    ReviewSession(
        database=database, plugins=plugins, scope=find_scope(database, "rows")
    ).accept_all()
    bonus(database, plugins)
    operator.turn()
    operator.finish(run.run_id)
    assert contains(database, name)

    who = find_worker_id(database, plugins, name)
    forget_worker(database, plugins, who, answers=False)

    assert not contains(database, name)
    assert not contains(database, submission.id)
    assert name not in caplog.text


@pytest.mark.parametrize("is_paid", [True, False])
def test_a_part_of_the_reward_is_paid_once_the_work_is_returned(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    run: Any,
    work: Callable[[int], Submission],
    is_paid: bool,
) -> None:
    prolific.facts.returned_get_bonuses = is_paid
    prolific.facts.bonuses_take = timedelta(0)
    submission = work(1)
    session = ReviewSession(database=database, plugins=plugins, scope=find_scope(database, "rows"))
    group = session.next_group()
    assert group is not None
    unit = session.next_unit(group.worker.id)
    assert unit is not None
    with pytest.raises(UsageError, match="ask for its return, and compensate the worker"):
        session.decide(unit, Choice(decision=Decision.ACCEPTED, amount=Decimal("0.40")))
    session.decide(unit, Choice(decision=Decision.RETURN_REQUESTED, note="Half of it is missing."))
    session.apply()
    prolific.participant(1).give_back(submission)
    sync_now(database, plugins, run.run_id)

    worker = find_worker(database, "prolific", submission.participant_id)
    paid = compensate(worker, run.run_id, "0.40", reason="For your time.", plugins=plugins)

    assert bonuses(prolific) == ([40] if is_paid else [])
    assert paid.status is (PaymentStatus.CONFIRMED if is_paid else PaymentStatus.OWED)


def subscriptions(prolific: FakeProlific) -> int:
    with prolific.turn() as state:
        return len(state.subscriptions)


def test_rejected_work_is_offered_again_by_the_place_that_is_refilled(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: Any,
    run: Any,
    work: Callable[[int], Submission],
    clock: MovableClock,
) -> None:
    submission = work(1)
    study = submission.study
    reject(database, plugins)
    for number in (2, 3):
        begin(prolific, run, study, number)
    turn(operator, clock)
    assert len(prolific.participant(4).studies()) == 1
    assert study.places == 3

    api = ProlificApi(prolific.token, base_url=prolific.api_url)
    api.post(f"submissions/{submission.id}/transition/", {"action": "UNREJECT"})
    # A report of what was before the rejection would look the same earlier.
    turn(operator, clock, seconds=11 * 60)
    sync_now(database, plugins, run.run_id)
    turn(operator, clock)

    assert prolific.participant(4).studies() == []
    assert study.places == 3


def test_a_study_that_is_paused_for_want_of_a_unit_keeps_its_webhooks(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: Any,
    run: Any,
    work: Callable[[int], Submission],
    clock: MovableClock,
) -> None:
    study = work(1).study
    for number in (2, 3):
        begin(prolific, run, study, number)
    reject(database, plugins)
    set_limits(database, run.run_id, max_spend=3)
    turn(operator, clock)

    assert str(study.status) == "PAUSED"
    assert prolific.participant(4).studies() == []
    # The workers who are at work submit later, and Prolific announces it.
    assert subscriptions(prolific) == 2
    assert not [each for each in read_differences(database, plugins) if "stopped" in each.what]
    set_limits(database, run.run_id, max_spend=30)
    turn(operator, clock)
    assert str(study.status) == "ACTIVE"
    assert study.places == 3
    operator.stop(run.run_id, now=True)
    operator.turn()
    assert subscriptions(prolific) == 0


def reject(database: Database, plugins: Plugins) -> None:
    """Reject the only unit that awaits a decision."""
    session = ReviewSession(database=database, plugins=plugins, scope=find_scope(database, "rows"))
    group = session.next_group()
    assert group is not None
    unit = session.next_unit(group.worker.id)
    assert unit is not None
    session.decide(unit, Choice(decision=Decision.REJECTED, note="x" * 100, category="LOW_EFFORT"))
    session.apply()


def begin(prolific: FakeProlific, run: Any, study: Study, number: int) -> None:
    """Let a participant take a place and open the task."""
    submission, url = prolific.participant(number).take(study.id)
    worker = ScriptedWorker(
        GatewayTransport(run), submission.participant_id, query=lambda *_: parameters(url)
    )
    assert worker.open(submission.id).has_form


def turn(operator: Any, clock: MovableClock, *, seconds: float = 5) -> None:
    """Let time pass, and let the operator see to its runs."""
    clock.advance(seconds)
    operator.turn()
