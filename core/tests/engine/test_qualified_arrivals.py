"""Arrivals where several rules meet: onboarding, block lists, allow lists, checks, limits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

import famulus
from famulus import (
    QUAL_EXISTS,
    QUAL_NOT_EXIST,
    Database,
    GuardedRun,
    OnboardingRequired,
    PluginRefusal,
    QualificationCheck,
    Refusal,
    RefusalReason,
    UsageError,
    WorkerView,
    hookimpl,
    make_qualification_dict,
    option,
)
from famulus.engine.gateway import Gateway
from famulus.engine.qualifications.blocks import set_blocked
from famulus.engine.qualifications.grants import reset_onboarding
from famulus.model.tables import EventTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

ROWS = [{"n": 1}, {"n": 2}]
FAILED = OnboardingRequired.get_failed_qual("trained")


def handle(database: Database, name: str) -> famulus.Worker:
    return famulus.find_worker(database, "crowd", name)


def refusals(database: Database) -> list[tuple[str, str]]:
    with database.read() as tx:
        rows = tx.rows(
            EventTable.select().where(EventTable.new == "refused").order_by(EventTable.id)
        )
    return [(row.cause, row.detail["by"]) for row in rows]


@pytest.fixture
def known(operator: ManualOperator, database: Database) -> famulus.Worker:
    """Worker x, who has come once."""
    GatewayWorker(operator.launch_rows(ROWS), "x").arrive()
    return handle(database, "x")


def onboarded(operator: ManualOperator, **options: Any) -> Gateway:
    blueprint = {"onboarding_qualification": "trained", **options.pop("blueprint", {})}
    return operator.launch_rows(ROWS, blueprint=blueprint, **options)


def test_a_block_qualification_refuses_on_every_task_of_that_name_and_on_no_other(
    operator: ManualOperator, known: famulus.Worker
) -> None:
    blocked = [
        operator.launch_rows(ROWS, blueprint={"block_qualification": "bad"}, task_name=name)
        for name in ("one", "two")
    ]
    other = operator.launch_rows(ROWS, blueprint={"block_qualification": "else"})

    known.grant_qualification("bad", 0)

    assert [GatewayWorker(each, "x").arrive().refusal for each in blocked] == [
        "blocked",
        "blocked",
    ]
    assert GatewayWorker(other, "x").arrive().row == {"n": 1}


def test_a_worker_on_a_block_list_is_not_onboarded(
    operator: ManualOperator, known: famulus.Worker
) -> None:
    gateway = onboarded(operator, blueprint={"block_qualification": "bad"})
    known.grant_qualification("bad")

    assert GatewayWorker(gateway, "x").arrive().refusal == "blocked"


def test_a_block_that_comes_during_the_onboarding_counts(
    operator: ManualOperator, database: Database
) -> None:
    gateway = onboarded(operator, blueprint={"block_qualification": "bad"})
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    handle(database, "x").grant_qualification("bad")

    assert worker.submit(page, "right").refusal == "blocked"
    assert handle(database, "x").is_qualified("trained")


def test_only_those_on_the_allow_list_are_onboarded(
    operator: ManualOperator, known: famulus.Worker
) -> None:
    known.grant_qualification("good")
    gateway = onboarded(
        operator, shared={"qualifications": [make_qualification_dict("good", QUAL_EXISTS, None)]}
    )

    assert GatewayWorker(gateway, "y").arrive().refusal == "not_qualified"
    worker = GatewayWorker(gateway, "x")
    assert worker.submit(worker.arrive("a"), "right").row == {"n": 1}


def test_an_onboarding_is_shared_by_every_run_that_names_it(
    operator: ManualOperator,
) -> None:
    first, second = onboarded(operator, task_name="one"), onboarded(operator, task_name="two")
    passes, fails = GatewayWorker(first, "x"), GatewayWorker(first, "y")
    passes.submit(passes.arrive(), "right")
    fails.submit(fails.arrive(), "wrong")

    assert GatewayWorker(second, "x").arrive().row == {"n": 1}
    assert GatewayWorker(second, "y").arrive().refusal == "not_qualified"


@pytest.mark.parametrize("answers", [("wrong", "right"), ("right", "wrong")])
def test_an_onboarding_that_is_open_in_two_runs_is_one_try(
    operator: ManualOperator, database: Database, answers: tuple[str, str]
) -> None:
    first, second = (
        GatewayWorker(onboarded(operator, task_name=name), "x") for name in ("one", "two")
    )
    pages = first.arrive("a"), second.arrive("a")

    first.submit(pages[0], answers[0])
    second.submit(pages[1], answers[1])

    worker = handle(database, "x")
    assert worker.is_qualified("trained") is (answers[0] == "right")
    assert (worker.get_granted_qualification(FAILED) is not None) is (answers[0] == "wrong")
    assert (second.arrive("b").row is not None) is (answers[0] == "right")


@pytest.mark.parametrize(("answer", "refusal"), [("right", None), ("wrong", "not_qualified")])
def test_an_open_onboarding_is_not_shown_again_once_its_result_is_recorded(
    operator: ManualOperator, answer: str, refusal: str | None
) -> None:
    first, second = (
        GatewayWorker(onboarded(operator, task_name=name), "x") for name in ("one", "two")
    )
    page = second.arrive("a")
    first.submit(first.arrive("a"), answer)

    again = second.arrive("a")

    assert again.refusal == refusal
    assert (again.row is not None) is (refusal is None)
    assert second.submit(page, "right").status == 409


def test_a_failed_onboarding_is_a_block_list_for_other_tasks(
    operator: ManualOperator,
) -> None:
    fails = GatewayWorker(onboarded(operator, task_name="one"), "x")
    fails.submit(fails.arrive(), "wrong")
    other = operator.launch_rows(
        ROWS, shared={"qualifications": [make_qualification_dict(FAILED, QUAL_NOT_EXIST, None)]}
    )

    assert GatewayWorker(other, "x").arrive().refusal == "not_qualified"
    assert GatewayWorker(other, "y").arrive().row == {"n": 1}


def test_a_reset_clears_both_outcomes(operator: ManualOperator, database: Database) -> None:
    worker = GatewayWorker(onboarded(operator), "x")
    worker.submit(worker.arrive("a"), "wrong")
    number = handle(database, "x").id

    def reset() -> bool:
        return database.write(
            lambda tx: reset_onboarding(tx, worker=number, qualification="trained")
        )

    assert [reset(), reset()] == [True, False]
    assert handle(database, "x").granted_qualifications() == []
    assert worker.submit(worker.arrive("b"), "right").row == {"n": 1}


def test_a_grant_that_arrives_during_the_onboarding_stands(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(onboarded(operator), "x")
    page = worker.arrive("a")
    handle(database, "x").grant_qualification("trained", 1)

    assert worker.submit(page, "wrong").row == {"n": 1}
    assert handle(database, "x").get_granted_qualification(FAILED) is None


def test_a_grant_that_arrives_while_the_worker_is_at_work_takes_nothing_away(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS, blueprint={"block_qualification": "bad"})
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    handle(database, "x").grant_qualification("bad")

    assert worker.arrive("a").row == {"n": 1}
    assert worker.submit(page).status == 200
    assert worker.arrive("b").refusal == "blocked"


def test_a_hard_block_is_enforced_here(
    operator: ManualOperator, database: Database, known: famulus.Worker
) -> None:
    gateway = operator.launch_rows(ROWS)
    database.write(lambda tx: set_blocked(tx, worker=known.id, blocked=True, reason="spam"))

    assert GatewayWorker(gateway, "x").arrive().refusal == "blocked"

    known.unblock()
    assert GatewayWorker(gateway, "x").arrive().row == {"n": 1}


def test_a_judge_that_raises_leaves_the_worker_their_try(
    operator: ManualOperator, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def judge(answers: Any) -> bool:
        raise ZeroDivisionError("on purpose")

    worker = GatewayWorker(onboarded(operator, shared={"validate_onboarding": judge}), "x")
    page = worker.arrive("a")

    reply = worker.submit(page, "right")

    assert reply.status == 500
    assert "try again later" in reply.text
    assert "the onboarding could not be judged" in caplog.text
    assert "on purpose" in caplog.text
    assert handle(database, "x").granted_qualifications() == []
    assert worker.arrive("a").hidden["famulus_token"] == page.hidden["famulus_token"]


def test_a_judge_that_forgets_to_return_fails_no_worker(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(onboarded(operator, shared={"validate_onboarding": lambda _: None}), "x")

    assert worker.submit(worker.arrive("a"), "right", as_json=True).outcome == "error"
    assert handle(database, "x").granted_qualifications() == []


def test_conditions_of_the_configuration_count_too(
    operator: ManualOperator, known: famulus.Worker
) -> None:
    known.grant_qualification("good", 2)
    gateway = operator.launch_rows(
        ROWS,
        qualifications=[{"qualification_name": "good", "comparator": "LessThan", "value": 3}],
    )

    assert GatewayWorker(gateway, "x").arrive().row == {"n": 1}
    assert GatewayWorker(gateway, "y").arrive().refusal == "not_qualified"


def test_a_condition_for_other_providers_is_not_asked(operator: ManualOperator) -> None:
    elsewhere = make_qualification_dict("bad", QUAL_NOT_EXIST, None, ["reporting_crowd"])
    gateway = operator.launch_rows(ROWS, shared={"qualifications": [elsewhere]})
    GatewayWorker(gateway, "x").arrive("a")
    handle(operator.database, "x").grant_qualification("bad")

    assert GatewayWorker(gateway, "x").arrive("b").row == {"n": 2}


@frozen(kw_only=True)
class ShunArgs:
    name: str = option(help="Whom to refuse.", default="nobody")
    times: int = option(help="A number.", default=1)


#: Refusals that cannot be shown, by the worker who gets them.
WRONG: dict[str, Any] = {
    "bad title": {"title": " ", "text": "Text.", "code": "own"},
    "bad lines": {"title": "Two\nlines", "text": "Text.", "code": "own"},
    "bad length": {"title": "x" * 101, "text": "Text.", "code": "own"},
    "bad text": {"title": "Title", "text": "", "code": "own"},
    "bad novel": {"title": "Title", "text": "x" * 2001, "code": "own"},
    "bad code": {"title": "Title", "text": "Text.", "code": "Own Code"},
    "bad long code": {"title": "Title", "text": "Text.", "code": "x" * 33},
    "bad core code": {"title": "Title", "text": "Text.", "code": "blocked"},
    "bad number": {"title": "Title", "text": "Text.", "code": 3},
}


class Shun(QualificationCheck):
    """Refuses the worker whose name the run gives; cannot make up its mind about some."""

    type = "shun"
    Args = ShunArgs

    def refuse(self, worker: WorkerView, run: GuardedRun) -> Refusal | None:
        if worker.name == "odd":
            raise ZeroDivisionError("on purpose")
        if worker.name == "yes":
            return True  # type: ignore[return-value]
        if worker.name == "busy" and run.past_work(worker, task=run.task_name):
            return PluginRefusal(
                title="You were here <already>",
                text="Come back & try next week.",
                code="worked_lately",
                note="has worked",
            )
        if worker.name.startswith("bad"):
            return PluginRefusal(**WRONG[worker.name])
        if worker.name != self.args.name:
            return None
        return Refusal(reason=RefusalReason.NOT_QUALIFIED, detail="Not you.", note="by name")


class Shunning:
    @hookimpl
    def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
        return [Shun]


Launch = Callable[..., Gateway]


@pytest.fixture
def shunning(database: Database) -> Any:
    operator = ManualOperator(database, plugins=kit_plugins(shunning=Shunning()))
    with operator:
        yield operator.launch_rows


def test_a_check_has_the_options_of_the_run(shunning: Launch, database: Database) -> None:
    strict = shunning(ROWS, qualification_checks={"shun": {"name": "x"}})
    lax = shunning(ROWS)

    refused = GatewayWorker(strict, "x").arrive()
    assert refused.refusal == "not_qualified"
    assert "Not you." in refused.text
    assert "by name" not in refused.text
    assert refusals(database) == [("not_qualified", "check shun: by name")]
    assert GatewayWorker(strict, "y").arrive().row == {"n": 1}
    assert GatewayWorker(lax, "x").arrive().row == {"n": 1}


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ({"shum": {}}, "there is no qualification check 'shum'; did you mean 'shun'?"),
        ({"shun": {"nam": "x"}}, "shun.nam: unknown option; did you mean 'name'?"),
        ({"shun": {"times": "many"}}, "shun.times: 'many' is not a whole number"),
    ],
)
def test_options_of_checks_are_checked_at_launch(
    shunning: Launch, checks: Any, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        shunning(ROWS, qualification_checks=checks)

    assert f"task.qualification_checks.{message}" in str(caught.value) or message in str(
        caught.value
    )


def test_a_check_has_a_title_a_text_and_a_code_of_its_own(
    shunning: Launch, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gateway = shunning(ROWS)
    worker = GatewayWorker(gateway, "busy")
    worker.work()

    refused = [worker.arrive(), worker.arrive()][-1]

    assert (refused.status, refused.refusal) == (403, "worked_lately")
    assert "<h1>You were here &lt;already&gt;</h1>" in refused.text
    assert "<p>Come back &amp; try next week.</p>" in refused.text
    assert "code: worked_lately" in refused.text
    assert "has worked" not in refused.text
    assert refusals(database) == [("worked_lately", "check shun: has worked")]
    assert caplog.text.count("busy was not let in, worked_lately: check shun: has worked") == 1


def test_past_work_can_be_that_of_one_task(shunning: Launch, database: Database) -> None:
    GatewayWorker(shunning(ROWS, task_name="elsewhere"), "busy").work()

    assert GatewayWorker(shunning(ROWS, task_name="here"), "busy").arrive().row == {"n": 1}


@pytest.mark.parametrize("name", ["odd", "yes", *WRONG])
def test_a_failing_check_admits_no_worker_and_is_named_in_the_log(
    shunning: Launch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    gateway = shunning(ROWS)

    assert GatewayWorker(gateway, name).arrive().status == 500
    assert "In the qualification check 'shun': it admits no workers." in caplog.text


def test_a_refusal_leaves_one_event_with_the_reason(
    operator: ManualOperator,
    database: Database,
    known: famulus.Worker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    known.grant_qualification("secret list")
    gateway = operator.launch_rows(
        ROWS,
        blueprint={"block_qualification": "secret list"},
    )

    pages = [GatewayWorker(gateway, "x").arrive() for _ in range(3)]

    assert refusals(database) == [("blocked", "secret list DoesNotExist")]
    assert caplog.text.count("was not let in") == 1
    assert not any("secret list" in page.text for page in pages)


def test_a_refusal_by_another_server_leaves_no_second_event(
    operator: ManualOperator, database: Database, known: famulus.Worker
) -> None:
    known.grant_qualification("secret list")
    gateway = operator.launch_rows(ROWS, blueprint={"block_qualification": "secret list"})
    other = operator.gateway(gateway.run_id)

    for each in (gateway, other):
        GatewayWorker(each, "x").arrive()

    assert refusals(database) == [("blocked", "secret list DoesNotExist")]


def test_a_refusal_that_could_not_be_recorded_is_recorded_the_next_time(
    operator: ManualOperator,
    database: Database,
    known: famulus.Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known.grant_qualification("secret list")
    gateway = operator.launch_rows(ROWS, blueprint={"block_qualification": "secret list"})

    def unavailable(*_: object, **__: object) -> None:
        raise famulus.UnavailableError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("famulus.engine.refusal_log.record_refusal", unavailable)
        assert GatewayWorker(gateway, "x").arrive().status == 503
    assert GatewayWorker(gateway, "x").arrive().refusal == "blocked"

    assert refusals(database) == [("blocked", "secret list DoesNotExist")]


def test_limits_leave_an_event_too(operator: ManualOperator, database: Database) -> None:
    gateway = operator.launch_rows(ROWS, maximum_units_per_worker=1)
    worker = GatewayWorker(gateway, "x")
    worker.work()

    assert worker.arrive().refusal == "maximum_reached"
    assert refusals(database) == [("maximum_reached", "maximum_units_per_worker 1")]
