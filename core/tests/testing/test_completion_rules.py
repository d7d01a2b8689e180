"""A provider that breaks one rule of completions fails the test of that rule, and no other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

import famulus
from famulus import Completion, GoTo, Nothing, PostForm, ReturnPlace, ShowCode, VisitOutcome
from famulus.testing import ProviderConformance

DONE = VisitOutcome.COMPLETED
RULES = (
    "completion_answers_every_outcome",
    "completion_is_the_same_when_it_is_asked_again",
    "addresses_of_completions_are_on_the_web",
    "completed_worker_is_not_asked_to_return_the_place",
    "only_completed_work_has_the_claim_to_the_pay",
    "next_unit_is_the_same_workers_in_a_new_visit",
    "asking_for_a_completion_changes_nothing",
)


@frozen(kw_only=True)
class NoArgs:
    nothing: None = field(default=None, metadata=famulus.option(help="Nothing.").metadata)


class Panel(famulus.Provider):
    """A provider that keeps every rule."""

    type = "panel"
    Args = NoArgs
    default_requester = "panel"

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []

    def arrive(self, query: Mapping[str, str]) -> famulus.Arrival | famulus.Preview:
        if not (query.get("who") and query.get("visit")):
            return famulus.Preview()
        return famulus.Arrival(worker_name=query["who"], reference=query["visit"])

    def completion(self, visit: famulus.VisitView, outcome: VisitOutcome) -> Completion:
        again = {"who": visit.worker_name, "visit": f"{visit.reference}+"}
        if outcome is DONE:
            return GoTo(url="https://example.org/done", next_query=again)
        return ReturnPlace(noun="study", url="https://example.org/return", next_query=again)


class PanelRules(ProviderConformance):
    provider = Panel

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"who": worker, "visit": reference}


class TestPanel(PanelRules):
    """The provider that the others are made from is right."""


Leaving = Callable[[famulus.VisitView, VisitOutcome], Any]


def rules_of(leaving: Leaving) -> PanelRules:
    """Return the rules for a panel that completes as ``leaving`` does where it returns anything."""

    class Broken(Panel):
        def completion(self, visit: famulus.VisitView, outcome: VisitOutcome) -> Completion:
            found: Completion | None = leaving(visit, outcome)
            return super().completion(visit, outcome) if found is None else found

    rules = PanelRules()
    rules.provider = Broken  # type: ignore[misc]
    return rules


def broken_rules(rules: PanelRules, tmp_path: Path) -> dict[str, str]:
    """Return the sentence of each rule that a provider breaks."""
    found = {}
    for number, rule in enumerate(RULES):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            getattr(rules, f"test_{rule}")(folder)
        except AssertionError as error:
            found[rule] = str(error)
    return found


def at(outcome: VisitOutcome, completion: Any) -> Leaving:
    return lambda _, asked: completion if asked is outcome else None


def numbered() -> Leaving:
    numbers = itertools.count()
    return lambda _, asked: ShowCode(code=str(next(numbers))) if asked is DONE else None


def unstored(visit: famulus.VisitView, _: VisitOutcome) -> Any:
    return None if visit.id else "nothing is stored"


def same_visit(visit: famulus.VisitView, outcome: VisitOutcome) -> Any:
    return Nothing(next_query=visit.query) if outcome is DONE else None


@pytest.mark.parametrize(
    ("leaving", "rule", "sentence"),
    [
        (unstored, RULES[0], "for each outcome, not 'nothing is stored' for completed"),
        (at(VisitOutcome.WITHDREW, Completion()), RULES[0], "for withdrew"),
        (numbered(), RULES[1], "asks again"),
        (at(DONE, GoTo(url="/done")), RULES[2], "https:// or http://, not '/done'"),
        (
            at(DONE, PostForm(url="", fields={})),
            RULES[2],
            "https:// or http://, not ''",
        ),
        (at(VisitOutcome.RUN_CLOSED, ReturnPlace(url="javascript:x()")), RULES[2], "javascript"),
        (at(DONE, ReturnPlace()), RULES[3], "lose their pay"),
        (
            at(VisitOutcome.SCREENED_OUT, GoTo(url="https://example.org/done")),
            RULES[4],
            "the claim",
        ),
        (at(DONE, Nothing(next_query={"who": "b", "visit": "7"})), RULES[5], "same worker"),
        (at(DONE, Nothing(next_query={"who": "worker"})), RULES[5], "same worker"),
        (same_visit, RULES[5], "next_query that begins a new visit"),
    ],
)
def test_broken_rule_is_named_and_no_other(
    tmp_path: Path, leaving: Leaving, rule: str, sentence: str
) -> None:
    found = broken_rules(rules_of(leaving), tmp_path)

    assert list(found) == [rule]
    assert sentence in found[rule]


def test_an_outcome_that_is_unknown_to_the_provider_is_named(tmp_path: Path) -> None:
    rules = rules_of(lambda _, outcome: {DONE: Nothing()}[outcome])

    with pytest.raises(AssertionError, match="must know how a worker leaves after failed_check"):
        rules.test_completion_answers_every_outcome(tmp_path)


def test_a_completion_that_writes_or_calls_the_platform_is_found(tmp_path: Path) -> None:
    calls: list[str] = []

    def call(visit: famulus.VisitView, _: VisitOutcome) -> None:
        calls.append(visit.reference)

    def write(_: famulus.VisitView, outcome: VisitOutcome) -> None:
        with (tmp_path / "6" / "codes.txt").open("a") as file:
            file.write(outcome)

    rules = rules_of(call)
    rules.platform_state = lambda: list(calls)  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="must not call the platform"):
        rules.test_asking_for_a_completion_changes_nothing(tmp_path)

    (tmp_path / "6").mkdir()
    with pytest.raises(AssertionError, match="must not write anything"):
        rules_of(write).test_asking_for_a_completion_changes_nothing(tmp_path / "6")


def test_answers_shown_where_work_is_paid_are_found() -> None:
    class Showing(Panel):
        capabilities = famulus.Capabilities(shows_answers=True)

    rules = PanelRules()
    rules.provider = Showing  # type: ignore[misc]

    with pytest.raises(AssertionError, match="must say sandbox"):
        rules.test_answers_are_shown_only_where_nothing_is_real()
