"""Decisions are dispatched to listeners by the operator or, once the run has ended, the review."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from famulus.contracts.hookspecs import RunEvent, hookimpl
from famulus.contracts.views import SubmittedUnit
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.plugins import Plugins
from famulus.review.choices import Choice
from famulus.review.review_session import ReviewSession
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

ACCEPT = Choice(decision=Decision.ACCEPTED)
REJECT = Choice(decision=Decision.REJECTED, note="It says nothing.")

Begin = Callable[..., ReviewSession]


class Listener:
    """Records its events."""

    def __init__(self) -> None:
        self.received: list[tuple[Any, ...]] = []

    @hookimpl
    def famulus_unit_submitted(self, unit: SubmittedUnit) -> None:
        self.received.append(("submitted", unit.data["n"]))

    @hookimpl
    def famulus_unit_reviewed(self, event: RunEvent, unit: SubmittedUnit, decision: str) -> None:
        self.received.append((event.task_name, unit.data["n"], unit.worker.name, decision))

    @hookimpl
    def famulus_run_finished(self, event: RunEvent) -> None:
        self.received.append(("finished", event.task_name))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def plugins(listener: Listener) -> Plugins:
    return kit_plugins(listener=listener)


@pytest.fixture
def operator(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=plugins) as manual:
        assert isinstance(manual, ManualOperator)
        yield manual


def launch_and_do(operator: ManualOperator, rows: int, done: int) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(1, rows + 1)], task_name="words")
    for _ in range(done):
        GatewayWorker(gateway, "x").work()


def decide_next(session: ReviewSession, choice: Choice) -> None:
    group = session.next_group()
    assert group is not None
    unit = session.next_unit(group.worker.id)
    assert unit is not None
    session.decide(unit, choice)


def test_operator_dispatches_decisions_of_its_run(
    operator: ManualOperator, listener: Listener, plugins: Plugins, session_of: Begin
) -> None:
    launch_and_do(operator, rows=3, done=2)
    session = session_of(plugins)
    decide_next(session, ACCEPT)
    decide_next(session, REJECT)
    session.apply()
    before = list(listener.received)

    operator.turn()

    assert before == []
    assert listener.received[2:] == [("words", 1, "x", "accepted"), ("words", 2, "x", "rejected")]


def test_undo_is_dispatched_and_the_submission_is_not_repeated(
    operator: ManualOperator, listener: Listener, plugins: Plugins, session_of: Begin
) -> None:
    launch_and_do(operator, rows=2, done=1)
    session = session_of(plugins)
    decide_next(session, REJECT)
    session.undo()

    operator.turn()

    assert listener.received == [
        ("submitted", 1),
        ("words", 1, "x", "rejected"),
        ("words", 1, "x", "undone"),
    ]


def test_review_of_an_ended_run_dispatches_its_decisions_once(
    operator: ManualOperator, listener: Listener, plugins: Plugins, session_of: Begin
) -> None:
    launch_and_do(operator, rows=1, done=1)
    operator.turn()
    listener.received.clear()

    session = session_of(plugins)
    decide_next(session, ACCEPT)
    session.apply()
    session_of(plugins).apply_leftovers()

    assert listener.received == [("words", 1, "x", "accepted")]


def test_decisions_of_an_interrupted_review_are_dispatched_by_the_next(
    operator: ManualOperator, listener: Listener, plugins: Plugins, session_of: Begin
) -> None:
    launch_and_do(operator, rows=1, done=1)
    operator.turn()
    listener.received.clear()
    decide_next(session_of(plugins), ACCEPT)

    applied = session_of(plugins).apply_leftovers()

    assert applied.decisions == 1
    assert listener.received == [("words", 1, "x", "accepted")]


def test_stopped_run_is_left_to_its_next_operator(
    operator: ManualOperator,
    listener: Listener,
    plugins: Plugins,
    session_of: Begin,
    database: Database,
    clock: MovableClock,
) -> None:
    launch_and_do(operator, rows=2, done=1)
    run = next(iter(operator._runs))
    operator.stop(run, now=True)
    listener.received.clear()
    session = session_of(plugins)
    decide_next(session, ACCEPT)
    session.apply()
    before = list(listener.received)

    with ManualOperator(database, plugins=plugins) as other:
        assert isinstance(other, ManualOperator)
        other.resume(run, shared_state=operator.managed(run).blueprint.context.shared_state)
        other.turn()

    assert before == []
    assert listener.received[0] == ("words", 1, "x", "accepted")


def test_end_of_a_run_without_operator_is_dispatched_by_the_review(
    operator: ManualOperator,
    listener: Listener,
    plugins: Plugins,
    session_of: Begin,
    database: Database,
) -> None:
    launch_and_do(operator, rows=2, done=1)
    run = next(iter(operator._runs))
    operator.stop(run, now=True)
    listener.received.clear()
    ManualOperator(database, plugins=plugins).finish(run)

    session_of(plugins).apply_leftovers()

    assert listener.received == [("finished", "words")]
