"""Delivery of the changes of a review, also after it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from famulus.contracts.provider_views import (
    Capabilities,
    GrantView,
    Outcome,
    Result,
    VisitVerdict,
)
from famulus.contracts.visit_verdict import Approve, Reject
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.review.choices import Choice
from famulus.review.review_session import ReviewSession
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

Begin = Callable[..., ReviewSession]


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The calls that the platform gets from now on."""
    received: list[tuple[Any, ...]] = []

    def decide(_: object, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            received.append((each.visit.worker_name, each.verdict))
            yield each.key, Outcome.CONFIRMED

    def grant(_: object, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        for each in grants:
            received.append((each.worker_name, each.qualification, each.value))
            yield each.key, Outcome.CONFIRMED

    monkeypatch.setattr(CrowdProvider, "capabilities", Capabilities(qualifications=True))
    monkeypatch.setattr(CrowdProvider, "decide", decide)
    monkeypatch.setattr(CrowdProvider, "grant", grant)
    return received


def is_away(*_: object) -> Outcome:
    raise UnavailableError("the platform is away")


def decide_first(session: ReviewSession, choice: Choice) -> int:
    group = session.next_group()
    assert group is not None
    unit = session.next_unit(group.worker.id)
    assert unit is not None
    session.decide(unit, choice)
    return unit.unit


@pytest.mark.usefixtures("done")
def test_verdict_is_delivered_once_when_the_decision_is_applied(
    delivered: list[tuple[Any, ...]], session_of: Begin
) -> None:
    session = session_of()
    decide_first(session, Choice(decision=Decision.REJECTED, note="It says nothing."))
    before = list(delivered)

    session.apply()
    session.apply()
    session_of().apply_leftovers()

    assert before == []
    assert delivered == [("x", Reject("It says nothing."))]


@pytest.mark.usefixtures("done")
def test_crash_between_applying_and_delivering_is_made_up_by_the_next_review(
    delivered: list[tuple[Any, ...]], session_of: Begin, database: Database
) -> None:
    unit = decide_first(session_of(), Choice(decision=Decision.ACCEPTED))
    database.write(lambda tx: apply_decisions(tx, [unit]))

    applied = session_of().apply_leftovers()

    assert applied.decisions == 0
    assert delivered == [("x", Approve())]


@pytest.mark.usefixtures("done")
def test_grant_of_an_interrupted_review_is_delivered_by_the_next(
    delivered: list[tuple[Any, ...]], session_of: Begin
) -> None:
    choice = Choice(decision=Decision.ACCEPTED, qualification="good", value=7)
    decide_first(session_of(), choice)

    session_of().apply_leftovers()

    assert sorted(delivered, key=len) == [("x", Approve()), ("x", "good", 7)]


@pytest.mark.usefixtures("done")
def test_unreachable_platform_is_retried_by_a_later_review(
    delivered: list[tuple[Any, ...]],
    session_of: Begin,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(CrowdProvider, "decide", is_away)
        session = session_of()
        decide_first(session, Choice(decision=Decision.ACCEPTED))
        applied = session.apply()
    clock.advance(3600)

    session_of().apply_leftovers()

    assert applied.decisions == 1
    (problem,) = applied.problems
    assert "the platform is away; `famulus status " in problem
    assert delivered == [("x", Approve())]


@pytest.mark.parametrize(
    ("decision", "command"),
    [(Decision.ACCEPTED, "payments --run"), (Decision.REJECTED, "status")],
)
def test_undelivered_verdict_is_where_the_message_says(
    operator: ManualOperator,
    session_of: Begin,
    monkeypatch: pytest.MonkeyPatch,
    decision: Decision,
    command: str,
) -> None:
    monkeypatch.setattr(CrowdProvider, "capabilities", Capabilities(pays=True, sandbox=True))
    gateway = operator.launch_rows([{"n": 1}], task_name="words", task_reward="0.30")
    GatewayWorker(gateway, "x").work("done")
    monkeypatch.setattr(CrowdProvider, "decide", is_away)
    session = session_of()
    decide_first(session, Choice(decision=decision, note="It says nothing."))

    (problem,) = session.apply().problems

    assert f"the platform is away; `famulus {command} {gateway.run_id}`" in problem
