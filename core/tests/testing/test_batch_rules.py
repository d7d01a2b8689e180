"""A provider that breaks one rule of calls with many items fails the test of that rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from attrs import define, field, frozen

import famulus
from famulus import Outcome, Result, VisitVerdict
from famulus.testing import ProviderConformance

RULES = ("an_approval_sent_twice_pays_once",)


@frozen(kw_only=True)
class NoArgs:
    nothing: None = field(default=None, metadata=famulus.option(help="Nothing.").metadata)


@define
class Bank:
    """What a platform has paid."""

    rewarded: list[str] = field(factory=list)


class Panel(famulus.Provider):
    """A provider that keeps every rule."""

    type = "panel"
    Args = NoArgs
    default_requester = "panel"
    batch_size = 3
    capabilities = famulus.Capabilities(pays=True)
    bank: Bank

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []

    def arrive(self, query: Mapping[str, str]) -> famulus.Arrival:
        return famulus.Arrival(worker_name=query["who"], reference=query["visit"])

    def completion(
        self, visit: famulus.VisitView, outcome: famulus.VisitOutcome
    ) -> famulus.Completion:
        return famulus.Nothing()

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterable[tuple[str, Result]]:
        for each in verdicts:
            if each.visit.reference not in self.bank.rewarded:
                self.bank.rewarded.append(each.visit.reference)
            yield each.key, Outcome.CONFIRMED


class PanelRules(ProviderConformance):
    provider = Panel

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"who": worker, "visit": reference}

    def platform_state(self) -> object:
        bank: Bank = self.provider.bank  # type: ignore[attr-defined]
        return [*bank.rewarded]


class Rewarding(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            self.bank.rewarded.append(each.visit.reference)
            yield each.key, Outcome.CONFIRMED


class Strict(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            if each.visit.reference in self.bank.rewarded:
                raise famulus.RefusedError("it is approved already")
            yield from super().decide([each])


class ByReference(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            yield each.visit.reference, Outcome.CONFIRMED


class Silent(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterable[tuple[str, Result]]:
        return ()


def check(broken: type[Panel], rule: str, folder: Path) -> None:
    rules = PanelRules()
    rules.provider = type(broken.__name__, (broken,), {"bank": Bank()})  # type: ignore[misc]
    getattr(rules, f"test_{rule}")(folder)


@pytest.mark.parametrize("rule", RULES)
def test_a_right_provider_keeps_every_rule(tmp_path: Path, rule: str) -> None:
    check(Panel, rule, tmp_path)


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Rewarding, "an_approval_sent_twice_pays_once", "must have no second effect"),
        (Strict, "an_approval_sent_twice_pays_once", "and one that the platform has already"),
        (ByReference, "an_approval_sent_twice_pays_once", "one result for each item, with its key"),
        (Silent, "an_approval_sent_twice_pays_once", "one result for each item, with its key"),
    ],
)
def test_a_broken_rule_is_named(
    tmp_path: Path, broken: type[Panel], rule: str, sentence: str
) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check(broken, rule, tmp_path)
