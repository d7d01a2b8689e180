"""The onboarding of a template: its right answers, checked before a launch and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import famulus
from famulus_crowd_form.elements.base import WrongAnswer
from famulus_crowd_form.html_tokens import Kind, tokens
from famulus_crowd_form.options import SharedCrowdFormState
from famulus_crowd_form.page import Filled


def are_right(answers: Any, correct: Mapping[str, Any]) -> bool:
    """Return whether the answers to an onboarding have all that is right; never without any."""
    return bool(correct) and _has(answers, correct)


def wrong_answers(answers: Any, correct: Mapping[str, Any]) -> list[str]:
    """Return the names of the answers that are not right."""
    found = answers if isinstance(answers, Mapping) else {}
    return [name for name, value in correct.items() if not _has(found.get(name), value)]


def _has(answer: Any, right: Any) -> bool:
    """Return whether an answer is right; of an object only the keys that are named count."""
    if isinstance(right, Mapping):
        return isinstance(answer, Mapping) and all(
            key in answer and _has(answer[key], value) for key, value in right.items()
        )
    if isinstance(right, list):
        return (
            isinstance(answer, list)
            and len(answer) == len(right)
            and all(any(_has(each, value) for each in answer) for value in right)
        )
    if isinstance(right, str):
        return isinstance(answer, str) and _folded(answer) == _folded(right)
    if isinstance(right, bool) or isinstance(answer, bool):
        return answer is right
    return bool(answer == right)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def verdict_of_script(
    state: SharedCrowdFormState, data: Mapping[str, Any], answers: Any
) -> bool | famulus.NotPassed:
    """Return what ``validate_onboarding`` decides.

    :raises TypeError: when it returns anything else than a verdict; a forgotten return must not
        fail a worker.
    """
    assert state.validate_onboarding is not None
    verdict = state.validate_onboarding({"inputs": data, "outputs": answers})
    if not isinstance(verdict, bool | famulus.NotPassed):
        raise TypeError(
            f"validate_onboarding returned {verdict!r}: it must return True, False or NotPassed"
        )
    return verdict


def correct_faults(filled: Filled, correct: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield right answers that no worker could give on a page: the name, and what is wrong."""
    fields = filled.fields(correct)
    form = famulus.Form(fields=[(name, each) for name, values in fields.items() for each in values])
    answers, wrong, marked = _read(filled, form)
    known = filled.names | _named(filled.body)
    for name, value in correct.items():
        field = name.partition(".")[0] if filled.is_flat else name
        if field in marked:
            yield name, "is an answer of marks, which cannot be compared: use validate_onboarding"
        elif field not in known:
            listed = ", ".join(sorted(each for each in known if each))
            yield name, f"is no field of the onboarding's page; it has {listed}"
        elif not _has(answers.get(field), _nested_value(name, value, is_flat=filled.is_flat)):
            reason = f": {wrong[field]}" if field in wrong else ""
            yield name, f"cannot be answered with {value!r} on the onboarding's page{reason}"


def _read(filled: Filled, form: famulus.Form) -> tuple[dict[str, Any], dict[str, str], set[str]]:
    """Return the answers in a form, what is wrong with others, and the names of those of marks."""
    answers: dict[str, Any] = {**famulus.answers_from(form, lists=filled.lists & _sent(form))}
    wrong: dict[str, str] = {}
    marked: set[str] = set()
    for name in filled.names:
        answers.pop(name, None)
    for answer in filled.answers:
        if answer.has_marks:
            marked.add(answer.names[0])
            continue
        try:
            found = answer.read(form)
        except WrongAnswer as error:
            wrong.setdefault(answer.names[0], str(error))
            continue
        for name, value in found.items():
            answers[name] = {**answers[name], **value} if name in answers else value
    return answers, wrong, marked


def _sent(form: famulus.Form) -> set[str]:
    return {name for name, _ in form.fields}


def _named(body: str) -> set[str]:
    return {
        token.values().get("name", "")
        for token in tokens(body)
        if token.kind is Kind.START and token.name in ("input", "select", "textarea", "button")
    }


def _nested_value(name: str, value: Any, *, is_flat: bool) -> Any:
    """Return a right answer as it is before names are made flat."""
    for part in reversed(name.split(".")[1:] if is_flat else []):
        value = {part: value}
    return value
