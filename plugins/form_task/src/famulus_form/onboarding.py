"""The onboarding of a form: checked before a launch, compiled, and judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

import famulus
from famulus_form.correct import CORRECT
from famulus_form.form_file import FormDeclaration, read_form
from famulus_form.judging import PASS_SCORE, Judge
from famulus_form.languages import language_warnings
from famulus_form.options import FormArgs, SharedFormState
from famulus_form.texts import OWN_NAMES, placeholders
from famulus_form.translated_form import TranslatedForm

_VALIDATE = "shared_state.validate_onboarding"


@frozen
class Onboarding:
    """A form that is ready to be shown, and its right answers."""

    form: TranslatedForm
    judge: Judge

    @classmethod
    def compiled(cls, path: Path) -> Onboarding:
        """Read and compile a form.

        :raises famulus.UsageError: if the file has changed and cannot be shown any more.
        """
        form = TranslatedForm.read(path)
        return cls(form, form.file.judge)


def verdict_of_script(state: SharedFormState, answers: Any) -> bool | famulus.NotPassed:
    """Return the verdict of ``validate_onboarding``.

    :raises TypeError: if it returns anything other than a verdict, so that a forgotten return
        does not fail a worker.
    """
    assert state.validate_onboarding is not None
    verdict = state.validate_onboarding({"outputs": answers})
    if not isinstance(verdict, bool | famulus.NotPassed):
        raise TypeError(
            f"validate_onboarding returned {verdict!r}: it must return True, False or NotPassed"
        )
    return verdict


def onboarding_problems(
    args: FormArgs, state: famulus.SharedTaskState, plan: famulus.Plan
) -> Iterator[famulus.Problem]:
    """Yield what is wrong with the options and the form of an onboarding."""
    if args.onboarding_form is None:
        if args.onboarding_qualification:
            message = "needs an onboarding_form that grants it"
            yield plan.problem("blueprint.onboarding_qualification", message)
        return
    validate: Any = getattr(state, "validate_onboarding", None)
    if validate is not None and not callable(validate):
        yield famulus.Problem(f"is {validate!r}, not a function", key=_VALIDATE)
    every = read_form(args.onboarding_form.expanduser()).in_all_languages()
    problems = [problem for form in every for problem in form.problems]
    yield from problems
    form = every[0]
    if form.file is None or problems:
        return
    yield from language_warnings(form.languages, plan)
    if not form.judged and validate is None:
        message = (
            "is the form of an onboarding, but nothing says who has passed: add `correct:` with "
            "the right answer to a question, or give validate_onboarding in Python"
        )
        yield form.file.problem("", message)
    for file, key, text in (text for form in every for text in form.texts()):
        for name in placeholders(text):
            if name not in OWN_NAMES:
                message = f"${{{name}}} has no value in an onboarding, which is not about a row"
                yield file.problem(key, f"{message}: write the text itself")
    if form.head.thank_you:
        message = "is never shown: the first unit follows an onboarding; leave it out"
        yield form.file.problem("thank_you", message)


def judged_task_problems(form: FormDeclaration) -> Iterator[famulus.Problem]:
    """Yield a problem for each key in a task's form that only an onboarding may have."""
    for part in form.judged:
        message = (
            "is compared only in an onboarding: move the question to the file of onboarding_form, "
            "or leave the right answer out"
        )
        yield part.file.problem(f"{part.key}.{CORRECT}", message)
    if form.pass_score is not None and form.file is not None:
        message = "belongs to an onboarding: move it to the file of onboarding_form"
        yield form.file.problem(PASS_SCORE, message)
