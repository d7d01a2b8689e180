"""Conditions: ``show_if`` of a question, which depends on the answers to earlier ones.

The server and the page's script decide by the same declaration, whose JSON form is in the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

import famulus


@frozen(kw_only=True)
class Test:
    """A test of the answer to one question. All fields that are set must hold."""

    one_of: list[str] | None = famulus.option(
        help="The answer is one of these, or contains one of them."
    )
    none_of: list[str] | None = famulus.option(
        help="The answer is none of these, and contains none of them."
    )
    at_least: float | None = famulus.option(help="The answer is a number of at least this.")
    at_most: float | None = famulus.option(help="The answer is a number of at most this.")
    answered: bool | None = famulus.option(help="Whether there is an answer at all.")

    def holds(self, values: Sequence[str]) -> bool:
        """Return whether the values of an answer pass; an unanswered question has none."""
        if self.answered is not None and self.answered != bool(values):
            return False
        if self.one_of is not None and not any(value in self.one_of for value in values):
            return False
        if self.none_of is not None and any(value in self.none_of for value in values):
            return False
        if self.at_least is None and self.at_most is None:
            return True
        return any(map(self._is_between, values))

    def as_json(self) -> dict[str, Any]:
        """Return the test for the page's script."""
        parts = {
            "oneOf": self.one_of,
            "noneOf": self.none_of,
            "atLeast": self.at_least,
            "atMost": self.at_most,
            "answered": self.answered,
        }
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def values(self) -> list[str]:
        """All answers that the test names."""
        return [*(self.one_of or ()), *(self.none_of or ())]

    def _is_between(self, value: str) -> bool:
        try:
            number = float(value)
        except ValueError:
            return False
        least, most = self.at_least, self.at_most
        return (least is None or number >= least) and (most is None or number <= most)


@frozen
class Condition:
    """Tests of the answers to earlier questions, by the question's name; all must hold."""

    tests: tuple[tuple[str, Test], ...] = ()

    def __and__(self, other: Condition) -> Condition:
        """Return the condition that both conditions hold."""
        return Condition(self.tests + other.tests)

    def holds(self, values: Mapping[str, Sequence[str]]) -> bool:
        """Return whether the question is shown, given the values of the earlier answers."""
        return all(test.holds(values.get(name, ())) for name, test in self.tests)

    def as_json(self) -> str:
        """Return the condition for the page's script."""
        return json.dumps([(name, test.as_json()) for name, test in self.tests])


def read_condition(file: famulus.OptionFile, raw: Any, key: str) -> Condition:
    """Read ``show_if``: questions, each with an answer, a list of answers or a :class:`Test`."""
    if not isinstance(raw, Mapping) or not raw:
        message = "must name questions and their answers, such as {mood: bad}"
        file.refuse(key, message)
        return Condition()
    tests: list[tuple[str, Test]] = []
    for name, part in raw.items():
        test = file.typed(Test, _written_out(part), f"{key}.{name}")
        if test is not None and not test.as_json():
            file.refuse(f"{key}.{name}", "says nothing about the answer")
        elif test is not None:
            tests.append((str(name), test))
    return Condition(tuple(tests))


def _written_out(part: Any) -> Mapping[str, Any]:
    if isinstance(part, Mapping):
        return part
    return {"one_of": part if isinstance(part, list) else [part]}


def unknown_values(
    condition: Condition, known: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """Yield question and message for each answer in a condition that is not an option."""
    for name, test in condition.tests:
        options = known.get(name)
        for value in test.values if options else ():
            if value not in (options or ()):
                listed = ", ".join(options or ())
                yield name, f"{value!r} is none of the options of {name}: {listed}"
