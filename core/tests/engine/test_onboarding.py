"""A worker's first visit goes through the onboarding, once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from famulus.contracts.views import NotPassed
from famulus.engine.gateway import Gateway
from famulus.engine.qualifications.grants import grant
from famulus.engine.qualifications.rules import read_qualifications
from famulus.engine.workers import find_worker
from famulus.model.database import Database
from famulus.model.states import AgentStatus
from famulus.model.tables import AgentTable
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}, {"n": 2}]


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows(ROWS, blueprint={"onboarding_qualification": "trained"})


def granted(database: Database, name: str) -> dict[str, int]:
    with database.read() as tx:
        worker = find_worker(tx, "crowd", name)
        return {} if worker is None else read_qualifications(tx, worker)


def statuses(database: Database) -> list[AgentStatus]:
    with database.read() as tx:
        return [
            row.status
            for row in tx.rows(AgentTable.select(AgentTable.status).order_by(AgentTable.id))
        ]


def test_a_first_visit_is_onboarded_and_takes_no_unit(
    gateway: Gateway, operator: ManualOperator, database: Database
) -> None:
    page = GatewayWorker(gateway, "x").arrive()

    assert page.has_form
    assert page.row is None
    assert statuses(database) == [AgentStatus.ONBOARDING]
    assert operator.progress(gateway.run_id).units == {"launched": 2}


def test_a_worker_who_passes_gets_a_unit_in_the_same_exchange(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")

    unit = worker.submit(worker.arrive("a"), "right")

    assert unit.row == {"n": 1}
    assert granted(database, "x") == {"trained": 1}
    again = worker.arrive("a")
    assert again.row == {"n": 1}
    assert again.hidden["famulus_token"] == unit.hidden["famulus_token"]
    assert worker.submit(unit).status == 200
    assert worker.arrive("b").row == {"n": 2}


def test_script_of_the_page_loads_the_next_one(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")

    reply = worker.submit(worker.arrive("a"), "right", as_json=True)

    assert reply.outcome == "stored"
    assert worker.arrive("a").row == {"n": 1}


def test_a_worker_who_fails_gets_no_unit_now_or_later(gateway: Gateway, database: Database) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    failed = worker.submit(page, "wrong")

    assert (failed.status, failed.refusal) == (200, "not_qualified")
    assert worker.submit(page, "wrong").refusal == "not_qualified"
    assert worker.submit(page, "right", submission="another").status == 409
    for arrived in (worker.arrive("a"), worker.arrive("b")):
        assert (arrived.status, arrived.refusal) == (200, "not_qualified")
        assert arrived.text.count("You did not pass the introduction") == 1
    assert granted(database, "x") == {"trained": 0, "trained-failed": 0}
    assert statuses(database) == [AgentStatus.REJECTED]


def explaining(operator: ManualOperator, message: str, **options: Any) -> Gateway:
    """Launch a run whose onboarding no worker passes, each with a message."""
    return operator.launch_rows(
        ROWS,
        blueprint={"onboarding_qualification": "trained"},
        shared={"validate_onboarding": lambda _: NotPassed(message)},
        **options,
    )


@pytest.mark.parametrize("has_scripts", [False, True])
def test_message_about_a_failed_onboarding_is_shown_then_and_later(
    operator: ManualOperator, has_scripts: bool
) -> None:
    gateway = explaining(operator, "Number 3 was a <b>joke</b>.\x00\ud800")
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    first = worker.submit(page, "wrong", as_json=has_scripts)

    pages = [worker.arrive("a"), worker.arrive("b"), worker.submit(page, "wrong")]
    if not has_scripts:
        pages.append(first)
    other = GatewayWorker(operator.gateway(gateway.run_id), "x")
    for shown in (*pages, other.arrive("c")):
        assert shown.refusal == "not_qualified"
        assert shown.text.count("<p>Number 3 was a &lt;b&gt;joke&lt;/b&gt;.") == 1


def test_message_about_a_failed_onboarding_is_not_shown_to_others(
    operator: ManualOperator, database: Database
) -> None:
    gateway = explaining(operator, "Yours alone.")
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), "wrong")
    second = explaining(operator, "Another one.", task_name="two")
    other = GatewayWorker(second, "y")
    other.submit(other.arrive(), "wrong")

    assert "Yours alone." not in GatewayWorker(gateway, "y").arrive().text
    elsewhere = GatewayWorker(second, "x").arrive()
    assert elsewhere.refusal == "not_qualified"
    assert "alone" not in elsewhere.text


def test_long_message_about_a_failed_onboarding_is_cut_off(operator: ManualOperator) -> None:
    worker = GatewayWorker(explaining(operator, "x" * 5000), "x")

    shown = worker.submit(worker.arrive(), "wrong")

    assert f"<p>{'x' * 2000}</p>" in shown.text


@pytest.mark.parametrize("message", ["", "  ", None, 3])
def test_a_message_without_text_decides_nothing(
    operator: ManualOperator, database: Database, message: Any
) -> None:
    worker = GatewayWorker(explaining(operator, message), "x")

    assert worker.submit(worker.arrive("a"), "wrong").status == 500
    assert granted(database, "x") == {}


@pytest.mark.parametrize(("value", "gets"), [(1, {"n": 1}), (5, {"n": 1}), (0, None)])
def test_a_worker_with_the_qualification_gets_no_onboarding(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    value: int,
    gets: dict[str, int] | None,
) -> None:
    other = operator.launch_rows(ROWS)
    GatewayWorker(other, "x").arrive()

    def job(tx: Transaction) -> None:
        worker = find_worker(tx, "crowd", "x")
        assert worker is not None
        grant(tx, worker=worker, qualification="trained", value=value)

    database.write(job)

    page = GatewayWorker(gateway, "x").arrive()

    assert page.row == gets
    assert page.has_form is (gets is not None)


def test_a_reload_and_another_tab_show_the_same_onboarding(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    tokens = {worker.arrive(each).hidden["famulus_token"] for each in ("a", "a", "b")}

    assert len(tokens) == 1
    assert statuses(database) == [AgentStatus.ONBOARDING]


def test_an_onboarding_whose_time_is_over_can_be_begun_again(
    gateway: Gateway, operator: ManualOperator, clock: MovableClock, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    clock.advance(1800)
    operator.turn()

    assert worker.arrive("a").refusal == "time_over"
    assert worker.submit(worker.arrive("b"), "right").row == {"n": 1}
    assert statuses(database)[:2] == [AgentStatus.TIMEOUT, AgentStatus.APPROVED]


def test_late_onboarding_answers_count(
    gateway: Gateway, operator: ManualOperator, clock: MovableClock, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    clock.advance(1800)
    operator.turn()

    assert worker.submit(page, "right").row == {"n": 1}

    assert granted(database, "x") == {"trained": 1}
    assert worker.arrive("b").row == {"n": 2}


def test_letting_one_onboarding_time_out_is_no_way_to_a_second_try(
    gateway: Gateway, operator: ManualOperator, clock: MovableClock, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    first = worker.arrive("a")
    clock.advance(1800)
    operator.turn()
    assert worker.submit(worker.arrive("b"), "wrong").refusal == "not_qualified"

    worker.submit(first, "right")

    assert granted(database, "x") == {"trained": 0, "trained-failed": 0}
    assert worker.arrive("c").refusal == "not_qualified"


def test_an_onboarding_can_be_given_back(gateway: Gateway, database: Database) -> None:
    worker = GatewayWorker(gateway, "x")

    assert worker.give_back(worker.arrive("a")).status == 200

    assert granted(database, "x") == {}
    assert worker.submit(worker.arrive("a"), "right").row == {"n": 1}


def test_a_check_that_fails_decides_nothing(
    operator: ManualOperator, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(answers: object) -> bool:
        raise ZeroDivisionError("on purpose")

    gateway = operator.launch_rows(
        ROWS,
        blueprint={"onboarding_qualification": "trained"},
        shared={"validate_onboarding": broken},
    )
    worker = GatewayWorker(gateway, "x")

    reply = worker.submit(worker.arrive("a"), "right")

    assert reply.status == 500
    assert "on purpose" in caplog.text
    assert granted(database, "x") == {}
    assert statuses(database) == [AgentStatus.ONBOARDING]


def test_onboarding_answers_that_cannot_be_taken_stay_with_the_worker(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    assert worker.submit(page, "invalid").status == 422
    assert statuses(database) == [AgentStatus.ONBOARDING]
    assert worker.submit(page, "right").row == {"n": 1}


def test_page_after_the_onboarding_says_that_it_was_passed(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")
    first = worker.arrive("a")

    unit = worker.submit(first, "right")

    assert "This is an introduction" in first.text
    assert 'role="status">You have passed the introduction.' in unit.text
    assert 'role="status">You have passed the introduction.' not in worker.arrive("a").text


def test_refusal_after_the_onboarding_says_that_it_was_passed(
    gateway: Gateway, operator: ManualOperator
) -> None:
    late = GatewayWorker(gateway, "late")
    page = late.arrive("a")
    other = GatewayWorker(gateway, "x")
    other.submit(other.arrive("a"), "right")
    other.arrive("b")

    refused = late.submit(page, "right")

    assert refused.refusal == "nothing_left"
    assert 'role="status">You have passed the introduction.' in refused.text


class Judge:
    """``validate_onboarding`` that counts its calls, and lets the first one wait."""

    def __init__(self) -> None:
        self.calls = 0
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, answers: object) -> bool:
        self.calls += 1
        self.asked.set()
        assert self.go_on.wait(30)
        return True


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def judged(operator: ManualOperator, judge: Judge) -> Gateway:
    return operator.launch_rows(
        ROWS,
        blueprint={"onboarding_qualification": "trained"},
        shared={"validate_onboarding": judge},
    )


@pytest.mark.parametrize("submission", ["the-same", "another-tabs"])
def test_judge_is_not_asked_again_about_a_submission_that_does_not_count(
    judged: Gateway, judge: Judge, submission: str
) -> None:
    worker = GatewayWorker(judged, "x")
    page = worker.arrive("a")
    with ThreadPoolExecutor() as threads:
        first = threads.submit(worker.submit, page, "right", submission="the-same")
        assert judge.asked.wait(30)
        second = threads.submit(worker.submit, page, "right", submission=submission)
        judge.go_on.set()

    assert first.result().row == {"n": 1}
    assert second.result().status == (200 if submission == "the-same" else 409)
    assert worker.submit(page, "right", submission=submission).status == second.result().status
    assert judge.calls == 1


@pytest.mark.parametrize("submission", ["the-same", "another-tabs"])
def test_judge_is_not_asked_again_by_another_process(
    operator: ManualOperator, judged: Gateway, judge: Judge, submission: str
) -> None:
    worker = GatewayWorker(judged, "x")
    page = worker.arrive("a")
    elsewhere = GatewayWorker(operator.gateway(judged.run_id), "x")
    with ThreadPoolExecutor() as threads:
        first = threads.submit(worker.submit, page, "right", submission="the-same")
        assert judge.asked.wait(30)
        busy = elsewhere.submit(page, "right", submission=submission)
        judge.go_on.set()
    again = elsewhere.submit(page, "right", submission=submission)

    assert first.result().row == {"n": 1}
    assert (busy.status, busy.reply.headers["Retry-After"]) == (503, "2")
    assert again.status == (200 if submission == "the-same" else 409)
    assert judge.calls == 1


def test_answers_whose_judging_process_was_killed_are_judged_again_later(
    judged: Gateway, judge: Judge, database: Database, clock: MovableClock
) -> None:
    judge.go_on.set()
    worker = GatewayWorker(judged, "x")
    page = worker.arrive("a")
    claim = AgentTable.update(judging_until=clock() + timedelta(minutes=2))
    database.write(lambda tx: tx.execute(claim))
    assert worker.submit(page, "right").status == 503

    clock.advance(120)

    assert worker.submit(page, "right").row == {"n": 1}
    assert judge.calls == 1


def test_judge_is_not_asked_about_an_onboarding_that_was_given_back(
    judged: Gateway, judge: Judge
) -> None:
    judge.go_on.set()
    worker = GatewayWorker(judged, "x")
    page = worker.arrive("a")
    worker.give_back(page)

    assert worker.submit(page, "right").status == 409
    assert judge.calls == 0
