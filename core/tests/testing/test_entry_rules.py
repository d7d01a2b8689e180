"""A provider that breaks one rule of entry forms fails the test of that rule, and no other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from entry_provider import CODE_WORD, ENTRANCE, FORM, EntryProvider
from famulus import Entry, Provider, Refusal, RefusalReason
from famulus.testing import ProviderConformance

RULES = (
    "entry_leads_to_a_worker",
    "entry_that_is_sent_twice_is_one_worker",
    "two_people_who_enter_are_two_workers",
    "any_entry_has_an_answer",
)
Answer = Callable[[Entry], Any]


class EntryRules(ProviderConformance):
    provider: ClassVar[type[Provider]] = EntryProvider

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"worker_id": worker, "assignment_id": reference}

    def entry_query(self) -> dict[str, str] | None:
        return ENTRANCE

    def entry_values(self, worker: str) -> dict[str, str]:
        return {"email": f"{worker}@example.org", "code": CODE_WORD}


class TestEntryProvider(EntryRules):
    """The provider that the others are made from is right."""


def rules_of(answer: Answer) -> EntryRules:
    """Return the rules for a provider that answers as ``answer`` does, where that is not None."""

    class Broken(EntryProvider):
        def enter(self, query: Mapping[str, str], entry: Entry) -> Any:
            found = answer(entry)
            return super().enter(query, entry) if found is None else found

    rules = EntryRules()
    rules.provider = Broken  # type: ignore[misc]
    return rules


def parameters(worker: str) -> dict[str, str]:
    return {"worker_id": worker, "assignment_id": "first"}


def numbered() -> Answer:
    numbers = itertools.count()
    return lambda entry: parameters(f"{entry.key} {next(numbers)}")


def fails_on_quotes(entry: Entry) -> None:
    if "'" in "".join(entry.values.values()):
        raise ValueError("quotes")


def asks_without_a_reason(entry: Entry) -> Any:
    return None if entry.values["code"] == CODE_WORD else FORM


@pytest.mark.parametrize(
    ("answer", "broken", "sentence"),
    [
        (lambda _: {}, RULES[:3], "must lead to an Arrival, not to Preview"),
        (lambda _: ENTRANCE, RULES[:3], "must lead to an Arrival, not to EntryForm"),
        (lambda _: Refusal(reason=RefusalReason.BLOCKED), RULES[:3], "URL parameters of a worker"),
        (numbered(), RULES[1:2], "must lead to the same worker for the same key"),
        (lambda _: parameters("guest"), RULES[2:3], "'guest' twice"),
        (fails_on_quotes, RULES[3:], "enter() must not raise"),
        (asks_without_a_reason, RULES[3:], "must have messages"),
    ],
)
def test_broken_rule_is_named_and_no_other(
    tmp_path: Path, answer: Answer, broken: tuple[str, ...], sentence: str
) -> None:
    rules, found = rules_of(answer), {}
    for rule in RULES:
        (tmp_path / rule).mkdir()
        try:
            getattr(rules, f"test_{rule}")(tmp_path / rule)
        except AssertionError as error:
            found[rule] = str(error)

    assert tuple(found) == broken
    assert sentence in found[broken[0]]


def test_entry_that_is_not_tested_is_found(tmp_path: Path) -> None:
    rules = EntryRules()
    rules.entry_query = lambda: None  # type: ignore[method-assign]

    with pytest.raises(AssertionError, match=r"define entry_query\(\) and entry_values\(\)"):
        rules.test_entry_form_has_its_parameters_in_the_tests(tmp_path)
