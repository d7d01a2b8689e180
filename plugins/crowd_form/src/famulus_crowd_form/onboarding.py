"""The onboarding of a template: its right answers are checked before a launch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

import famulus
from famulus_crowd_form.elements.base import WrongAnswer
from famulus_crowd_form.html_tokens import Kind, tokens
from famulus_crowd_form.options import SharedCrowdFormState
from famulus_crowd_form.page import FilledPage
from famulus_crowd_form.right_answers import alternatives, is_right, typed


def verdict_of_script(
    state: SharedCrowdFormState, data: Mapping[str, Any], answers: Any
) -> bool | famulus.NotPassed:
    """Return the verdict of ``validate_onboarding``.

    :raises TypeError: if it returns anything other than a verdict, so that a forgotten return
        does not fail a worker.
    """
    assert state.validate_onboarding is not None
    verdict = state.validate_onboarding({"inputs": data, "outputs": answers})
    if not isinstance(verdict, bool | famulus.NotPassed):
        raise TypeError(
            f"validate_onboarding returned {verdict!r}: it must return True, False or NotPassed"
        )
    return verdict


def correct_faults(filled: FilledPage, correct: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and fault of each right answer that no worker could give on the page."""
    marked = {answer.names[0] for answer in filled.answers if answer.has_marks}
    known = filled.names | _named(filled.body)
    for name, value in correct.items():
        field = name.partition(".")[0] if filled.is_flat else name
        if field in marked:
            yield name, "is an answer of marks, which cannot be compared: use validate_onboarding"
        elif field not in known:
            listed = ", ".join(sorted(each for each in known if each))
            yield name, f"is not a field of the onboarding's page; it has {listed}"
        else:
            expected = _Expected(filled, field, name, correct)
            yield from ((name, message) for message in expected.faults(value))


@frozen
class _Expected:
    """A declared right answer, its name, and the page on which workers must be able to give it."""

    filled: FilledPage
    field: str
    name: str
    correct: Mapping[str, Any]

    def faults(self, value: Any) -> Iterator[str]:
        """Yield a sentence for each alternative of a value that no worker could give."""
        if self._reason(value) is None:
            return
        several = list(alternatives(value))
        reasons = [(each, reason) for each in several if (reason := self._reason(each)) is not None]
        if len(reasons) == len(several):
            yield self._sentence(repr(value), self._reason(value) or "", value)
            return
        for each, reason in reasons:
            yield self._sentence(f"{each!r}, one of the right answers,", reason, each)

    def _sentence(self, shown: str, reason: str, value: Any) -> str:
        remedy = self._remedy(value)
        why = f": {reason}" if reason else ""
        what_to_do = f"; {remedy}" if remedy else ""
        return (
            f"cannot be answered with {shown} on the onboarding's page{why.rstrip('.')}{what_to_do}"
        )

    def _remedy(self, value: Any) -> str:
        if isinstance(value, str) and value.startswith("["):
            return "a list is written in the file, not on the command line"
        scalars = value if isinstance(value, list) else [value]
        if not self.filled.is_flat and not any(isinstance(each, Mapping) for each in scalars):
            shapes: list[Any] = [
                {"label": value},
                {"labels": scalars},
                {_text(each): True for each in scalars},
            ]
            for shape in shapes:
                if all(self._reason(each) is None for each in alternatives(shape)) or (
                    self._reason(shape) is None
                ):
                    return f"write {json.dumps(shape, ensure_ascii=False)}"
        choices = {
            choice
            for answer in self.filled.answers
            if self.field in answer.names
            for choice in answer.choices
        }
        return f"choose among {', '.join(sorted(choices))}" if choices else ""

    def _reason(self, value: Any) -> str | None:
        """Return why a page cannot have this answer (may be an empty text), or None if it can."""
        reason = ""
        for read in (_unchanged, typed, _text):
            given = {**self.correct, self.name: _each(value, read)}
            fields = self.filled.fields(given)
            form = famulus.Form(
                fields=[(name, each) for name, values in fields.items() for each in values]
            )
            answers, wrong = _read(self.filled, form)
            nested = _nested_value(self.name, value, is_flat=self.filled.is_flat)
            if is_right(answers.get(self.field), nested):
                return None
            if self.field in fields:
                reason = wrong.get(self.field, "")
        return reason


def _unchanged(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _each(value: Any, read: Callable[[Any], Any]) -> Any:
    """Return a value with ``read`` applied to each number, text and truth value in it."""
    if isinstance(value, Mapping):
        return {key: _each(below, read) for key, below in value.items()}
    if isinstance(value, list):
        return [_each(each, read) for each in value]
    return read(value)


def _read(filled: FilledPage, form: famulus.Form) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a form's valid answers, except marks, and the messages about invalid ones."""
    answers: dict[str, Any] = {**famulus.answers_from(form, lists=filled.lists & _sent(form))}
    wrong: dict[str, str] = {}
    for name in filled.names:
        answers.pop(name, None)
    for answer in filled.answers:
        if answer.has_marks:
            continue
        try:
            found = answer.read(form)
        except WrongAnswer as error:
            wrong.setdefault(answer.names[0], str(error))
            continue
        for name, value in found.items():
            answers[name] = {**answers[name], **value} if name in answers else value
    return answers, wrong


def _sent(form: famulus.Form) -> set[str]:
    return {name for name, _ in form.fields}


def _named(body: str) -> set[str]:
    return {
        token.values().get("name", "")
        for token in tokens(body)
        if token.kind is Kind.START and token.name in ("input", "select", "textarea", "button")
    }


def _nested_value(name: str, value: Any, *, is_flat: bool) -> Any:
    """Return a right answer in its nested form, before names are flattened."""
    for part in reversed(name.split(".")[1:] if is_flat else []):
        value = {part: value}
    return value
