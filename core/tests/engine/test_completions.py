"""Every worker who holds a place learns what happened and how to leave, however providers fail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any, ClassVar

import pytest
from attrs import evolve

from famulus.contracts.completion import (
    Completion,
    GoTo,
    Nothing,
    PostForm,
    ReturnPlace,
    ShowCode,
    VisitOutcome,
)
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    VisitView,
)
from famulus.contracts.views import NotPassed, RefusalReason
from famulus.engine import completions
from famulus.engine.completions import OUTCOMES
from famulus.engine.gateway import Gateway
from famulus.engine.qualifications.blocks import set_blocked
from famulus.engine.qualifications.worker_handle import find_or_create_qualification
from famulus.engine.visits import read_visit, visit_view
from famulus.engine.workers import find_worker
from famulus.model.database import Database
from famulus.model.states import LoadingStatus
from famulus.model.tables import SettingTable, TaskRunTable
from famulus.options.requirements import QUAL_EXISTS, make_qualification_dict
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins
from famulus.testing.kinds import CrowdProvider, NowhereArchitect
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": n} for n in range(2)]
Call = tuple[VisitView, VisitOutcome]


class LeavingProvider(CrowdProvider):
    """Shows a code for each outcome; ``leave`` may return something else, or fail."""

    type = "leaving"
    calls: ClassVar[list[Call]]
    leave: ClassVar[Callable[[VisitView, VisitOutcome], Any]]

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        type(self).calls.append((visit, outcome))
        # A write of its own would wait for ever inside a transaction.
        name = token_hex(8)
        self.context.database.write(lambda tx: tx.insert(SettingTable, name=name, value=""))
        found: Completion = type(self).leave(visit, outcome)
        return found


def code(_: VisitView, outcome: VisitOutcome) -> Completion:
    return ShowCode(code=f"CODE-{outcome}")


class Leaving:
    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [LeavingProvider]


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    made: list[Call] = []
    monkeypatch.setattr(LeavingProvider, "calls", made, raising=False)
    monkeypatch.setattr(LeavingProvider, "leave", staticmethod(code), raising=False)
    return made


@pytest.fixture
def operator(database: Database) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=kit_plugins(leaving=Leaving())) as manual:
        assert isinstance(manual, ManualOperator)
        yield manual


@pytest.fixture
def leaves(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Change how the provider's workers leave."""

    def change(leave: Callable[..., Any]) -> None:
        monkeypatch.setattr(LeavingProvider, "leave", staticmethod(leave))

    return change


def launch(operator: ManualOperator, **options: Any) -> Gateway:
    return operator.launch_rows(ROWS, provider="leaving", **options)


def outcomes(calls: list[Call]) -> list[VisitOutcome]:
    return [outcome for _, outcome in calls]


def check_refusal(page: Seen, reason: str, outcome: str) -> None:
    assert page.refusal == reason
    assert f"CODE-{outcome}<" in page.text
    assert f"code: {reason}" in page.text


def test_every_refusal_has_an_outcome_or_holds_no_place() -> None:
    assert set(OUTCOMES) == set(RefusalReason)
    assert [reason for reason, outcome in OUTCOMES.items() if outcome is None] == [
        RefusalReason.UNKNOWN_LINK
    ]
    assert VisitOutcome.COMPLETED not in OUTCOMES.values()


def test_completed_work_and_a_return_to_it_have_the_code(
    operator: ManualOperator, calls: list[Call]
) -> None:
    worker = GatewayWorker(launch(operator), "x")
    page = worker.arrive("a")

    replies = [worker.submit(page), worker.submit(page), worker.arrive("a")]

    assert all("CODE-completed<" in reply.text for reply in replies)
    assert outcomes(calls) == [VisitOutcome.COMPLETED] * 3


def test_unit_that_is_given_back_has_a_way_out(operator: ManualOperator) -> None:
    worker = GatewayWorker(launch(operator), "x")

    page = worker.give_back(worker.arrive())

    assert "You have given this one back" in page.text
    assert "CODE-withdrew<" in page.text


def test_worker_who_has_done_all_leaves_without_work(operator: ManualOperator) -> None:
    worker = GatewayWorker(launch(operator), "x")
    for _ in ROWS:
        worker.work()

    check_refusal(worker.arrive(), "all_done", "no_work_left")


def test_worker_leaves_without_work_while_others_have_it(operator: ManualOperator) -> None:
    gateway = launch(operator)
    for _ in ROWS:
        GatewayWorker(gateway, "y").arrive()

    page = GatewayWorker(gateway, "x").arrive()

    check_refusal(page, "nothing_left", "no_work_left")
    assert "Try again" in page.text
    assert "If you would rather leave, please copy this code" in page.text


@pytest.mark.parametrize("asks_plugin", [False, True])
def test_worker_who_comes_when_all_units_are_done_leaves_a_run_that_is_over(
    operator: ManualOperator, asks_plugin: bool
) -> None:
    shared = {"worker_can_do_unit": lambda *_: True} if asks_plugin else {}
    gateway = launch(operator, shared=shared)
    late, *others = (GatewayWorker(gateway, name) for name in ("late", "y", "z"))
    last = [other.arrive() for other in others]

    others[0].submit(last[0])
    waiting = late.arrive("a")
    others[1].submit(last[1])
    over = late.arrive("a")

    check_refusal(waiting, "nothing_left", "no_work_left")
    check_refusal(over, "run_complete", "run_closed")
    assert "Try again" in waiting.text
    assert "Try again" not in over.text


def test_worker_who_comes_while_data_is_loaded_may_try_again(
    operator: ManualOperator, database: Database
) -> None:
    gateway = launch(operator)
    for name in "yz":
        GatewayWorker(gateway, name).work()
    loading = TaskRunTable.update(loading=LoadingStatus.LOADING)
    database.write(lambda tx: tx.execute(loading))

    check_refusal(GatewayWorker(gateway, "x").arrive(), "nothing_left", "no_work_left")


def test_worker_at_a_limit_leaves_by_it(operator: ManualOperator) -> None:
    most = GatewayWorker(launch(operator, maximum_units_per_worker=1), "x")
    at_once = GatewayWorker(launch(operator, allowed_concurrent=1), "x")
    most.work()
    at_once.arrive()

    check_refusal(most.arrive(), "maximum_reached", "limit_reached")
    check_refusal(at_once.arrive(), "too_many_open", "limit_reached")


def test_worker_who_does_not_qualify_or_is_blocked_leaves_by_it(
    operator: ManualOperator, database: Database
) -> None:
    find_or_create_qualification(database, "good")
    needed = [make_qualification_dict("good", QUAL_EXISTS, None)]
    unqualified = GatewayWorker(launch(operator, shared={"qualifications": needed}), "x")
    check_refusal(unqualified.arrive(), "not_qualified", "not_qualified")

    gateway = launch(operator)
    with database.read() as tx:
        number = find_worker(tx, "leaving", "x")
    assert number is not None
    database.write(lambda tx: set_blocked(tx, worker=number, blocked=True))

    check_refusal(GatewayWorker(gateway, "x").arrive(), "blocked", "not_qualified")


def test_worker_who_fails_the_onboarding_leaves_by_it(operator: ManualOperator) -> None:
    gateway = launch(operator, blueprint={"onboarding_qualification": "trained"})
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    for failed in (worker.submit(page, "wrong"), worker.arrive("a"), worker.arrive("b")):
        assert failed.status == 200
        assert "You did not pass the introduction" in failed.text
        assert "CODE-failed_check<" in failed.text


@pytest.mark.parametrize("has_scripts", [False, True])
def test_worker_whom_the_onboarding_screens_out_leaves_by_that(
    operator: ManualOperator, calls: list[Call], has_scripts: bool
) -> None:
    message = "We need people who drive."
    gateway = launch(
        operator,
        blueprint={"onboarding_qualification": "trained"},
        shared={"validate_onboarding": lambda _: NotPassed(message, screened_out=True)},
    )
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    first = worker.submit(page, "no", as_json=has_scripts)

    for left in (*([] if has_scripts else [first]), worker.arrive("a"), worker.arrive("b")):
        check_refusal(left, "not_qualified", "screened_out")
        assert message in left.text
        assert "You have done nothing wrong" in left.text
        assert "did not pass" not in left.text
    assert set(outcomes(calls)) == {VisitOutcome.SCREENED_OUT}


def test_an_onboarding_that_is_submitted_and_then_given_back_is_no_completed_work(
    operator: ManualOperator, calls: list[Call]
) -> None:
    gateway = launch(operator, blueprint={"onboarding_qualification": "trained"})
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    worker.submit(page, "wrong")

    given_back = worker.give_back(page)

    assert "CODE-" not in given_back.text
    assert VisitOutcome.COMPLETED not in outcomes(calls)


@pytest.mark.parametrize(("end", "reason"), [("stop", "run_stopped"), ("finish", "run_closed")])
def test_worker_of_a_run_that_has_ended_leaves_by_it(
    operator: ManualOperator, end: str, reason: str
) -> None:
    gateway = launch(operator)

    getattr(operator, end)(gateway.run_id)

    check_refusal(GatewayWorker(gateway, "x").arrive(), reason, "run_closed")


def test_worker_who_comes_back_too_late_has_withdrawn(
    operator: ManualOperator, clock: MovableClock
) -> None:
    gateway = launch(operator, assignment_duration_in_seconds=60)
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    clock.advance(3600)
    operator.turn()

    check_refusal(worker.arrive("a"), "time_over", "withdrew")


def test_worker_at_a_taken_place_leaves_without_work(
    operator: ManualOperator, calls: list[Call], database: Database
) -> None:
    gateway = launch(operator)
    GatewayWorker(gateway, "x").arrive("a", place="H1")

    check_refusal(
        GatewayWorker(gateway, "y").arrive("b", place="H1"), "place_taken", "no_work_left"
    )

    [(visit, _)] = calls
    assert (visit.id, visit.worker_name, visit.reference) == (0, "y", "b")
    with database.read() as tx:
        assert find_worker(tx, "leaving", "y") is None


def test_those_who_hold_no_place_are_not_asked_about(
    operator: ManualOperator, calls: list[Call]
) -> None:
    gateway = launch(operator)

    preview = gateway.arrive({})
    stranger = GatewayWorker(gateway, "undefined").arrive()

    assert preview.status == 200
    assert stranger.refusal == "unknown_link"
    assert calls == []


def test_provider_sees_the_visit_the_query_and_the_address_of_the_run(
    operator: ManualOperator, calls: list[Call]
) -> None:
    worker = GatewayWorker(launch(operator), "x")
    worker.submit(worker.arrive("a", study="7"))
    worker.arrive("a")
    worker.work()
    worker.arrive("c", study="8")

    views = {view.reference: view for view, _ in calls}
    assert {view.run_url for view in views.values()} == {NowhereArchitect.url}
    assert views["a"].query["study"] == "7"
    assert views["a"].id > 0
    assert (views["c"].id, views["c"].query["study"]) == (0, "8")


@pytest.mark.parametrize("reported", [False, True])
def test_provider_sees_the_times_of_a_visit_for_every_way_out(
    operator: ManualOperator,
    calls: list[Call],
    leaves: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    reported: bool,
) -> None:
    capabilities = evolve(LeavingProvider.capabilities, reports_submissions=reported)
    monkeypatch.setattr(LeavingProvider, "capabilities", capabilities)
    stored: list[VisitView] = []

    def look(visit: VisitView, _: VisitOutcome) -> Completion:
        if visit.id:
            with operator.database.read() as tx:
                stored.append(visit_view(read_visit(tx, visit.id)))
        return Nothing()

    leaves(look)
    worker = GatewayWorker(launch(operator), "x")
    page = worker.arrive("a")
    worker.submit(page)
    worker.submit(page)
    worker.arrive("a")
    worker.give_back(worker.arrive("b"))
    worker.work()
    worker.arrive("b")
    worker.arrive("c")

    assert [times(view) for view, _ in calls if view.id] == [times(view) for view in stored]
    assert [view.done_at is not None for view in stored[:4]] == [True, True, True, False]
    assert calls[-1][0].id == 0
    assert times(calls[-1][0]) == (None, None, None)


def times(view: VisitView) -> tuple[datetime | None, ...]:
    return view.arrived_at, view.last_arrived_at, view.done_at


def test_a_refused_worker_who_has_a_visit_leaves_it(
    operator: ManualOperator, calls: list[Call]
) -> None:
    gateway = launch(operator, blueprint={"onboarding_qualification": "trained"})
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive("a", accept="1"), "wrong")

    worker.arrive("a", accept="1")
    worker.arrive("a", accept="2")

    [(_, _), (again, _), (accepted_again, _)] = calls
    assert again.id > 0
    assert accepted_again.id == 0


def exits(*_: object) -> None:
    sys.exit(3)


@pytest.mark.parametrize("fault", [lambda *_: 1 / 0, exits, lambda *_: None])
def test_a_provider_that_fails_hides_nothing(
    operator: ManualOperator,
    leaves: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    fault: Callable[..., Any],
) -> None:
    leaves(fault)
    worker = GatewayWorker(launch(operator, maximum_units_per_worker=1), "x")

    assert "Your answers are stored" in worker.work().text
    refused = worker.arrive()
    assert (refused.status, refused.refusal) == (403, "maximum_reached")
    assert "leaving.completion failed (limit_reached)" in caplog.text


def test_refusal_is_shown_where_the_visit_cannot_be_read(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch, calls: list[Call]
) -> None:
    from famulus.errors import UnavailableError

    worker = GatewayWorker(launch(operator, maximum_units_per_worker=1), "x")
    worker.work()

    def away(*_: object) -> None:
        raise UnavailableError("the disk is full")

    monkeypatch.setattr(completions, "read_refused_visit", away)

    check_refusal(worker.arrive("late"), "maximum_reached", "limit_reached")
    view, _ = calls[-1]
    assert (view.id, view.reference, view.run_url) == (0, "late", "")


def with_next(completion: Callable[[Mapping[str, str]], Completion]) -> Callable[..., Completion]:
    return lambda visit, _: completion({"worker_id": visit.worker_name})


@pytest.mark.parametrize(
    ("completion", "step"),
    [
        (lambda again: ShowCode(code="C0DE", next_query=again), "C0DE"),
        (lambda again: GoTo(url="https://example.org/", next_query=again), "Continue</a>"),
        (
            lambda again: PostForm(url="https://example.org/", fields={}, next_query=again),
            "Continue</button>",
        ),
        (lambda again: Nothing(next_query=again), ""),
    ],
)
def test_every_completion_may_offer_the_next_unit_before_its_step(
    operator: ManualOperator,
    leaves: Callable[..., None],
    completion: Callable[[Mapping[str, str]], Completion],
    step: str,
) -> None:
    leaves(with_next(completion))
    worker = GatewayWorker(launch(operator), "x")

    first, last = worker.work(), worker.work()

    for page in (first, last):
        assert step in page.text
    before, found, after = first.text.partition('href="./?worker_id=x">Next unit</a>')
    assert found
    assert step in after
    assert "One more step" not in first.text
    assert ("If you would rather leave, please" in after) is bool(step)
    # One button stands out.
    assert before.count('class="famulus-button"') == 1
    assert 'class="famulus-button"' not in after
    # With a choice, the browser does not go on by itself.
    assert "data-after-seconds=" not in first.text
    assert 'http-equiv="refresh"' not in first.text
    assert "Next unit" not in last.text
    assert "You have done all there is for you" in last.text


def test_next_unit_is_not_offered_where_a_worker_has_one_visit(
    operator: ManualOperator, leaves: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves(with_next(lambda again: ShowCode(code="C0DE", next_query=again)))
    monkeypatch.setattr(LeavingProvider, "capabilities", Capabilities(one_visit_per_worker=True))

    page = GatewayWorker(launch(operator), "x").work()

    assert "C0DE" in page.text
    assert "Next unit" not in page.text


def test_next_unit_is_offered_after_one_that_is_given_back_and_not_with_a_refusal(
    operator: ManualOperator, leaves: Callable[..., None], database: Database
) -> None:
    leaves(with_next(lambda again: ReturnPlace(noun="study", next_query=again)))
    gateway = launch(operator)
    worker = GatewayWorker(gateway, "x")

    assert "Next unit" in worker.give_back(worker.arrive()).text
    for _ in ROWS:
        GatewayWorker(gateway, "y").arrive()
    refused = worker.arrive()

    assert refused.refusal == "nothing_left"
    assert "Next unit" not in refused.text
    assert "please return this study where you accepted it" in refused.text
