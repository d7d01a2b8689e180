"""Whether the answers to an onboarding qualify, by the number of right ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from attrs import frozen

import famulus
from famulus_form.correct import RightAnswers

#: The key of the number of right answers that is enough.
PASS_SCORE = "pass_score"


@frozen(kw_only=True)
class PassScore:
    """How many answers have to be right."""

    pass_score: float | None = famulus.option(
        help="Right answers that are enough: a count, or a share between 0 and 1; all when unset."
    )


@frozen
class Judgement:
    """The answers to an onboarding, compared with the right ones."""

    #: the right answers to the questions that were asked
    asked: Sequence[RightAnswers]
    #: the right answers to the questions among them that were answered wrong
    wrong: Sequence[RightAnswers]
    passed: bool


@frozen
class Judge:
    """The right answers to an onboarding, and how many are enough."""

    right_answers: Sequence[RightAnswers]
    pass_score: float | None

    def judge(self, answers: Mapping[str, Any]) -> Judgement:
        """Compare answers, by column, with the right ones.

        A question that its condition has hidden does not count. If no question is left, the worker
        fails.
        """
        asked = [right for right in self.right_answers if right.column in answers]
        wrong = [right for right in asked if not right.include(answers[right.column])]
        right = len(asked) - len(wrong)
        return Judgement(asked, wrong, bool(right) and right >= self._needed(len(asked)))

    def _needed(self, asked: int) -> Decimal:
        if self.pass_score is None:
            return Decimal(asked)
        score = Decimal(repr(self.pass_score))
        return score * asked if score < 1 else score


def pass_score_fault(score: float, questions: int) -> str:
    """Return what is wrong with a ``pass_score``; empty if nothing is.

    :param questions: the number of questions with a right answer.
    """
    shown = f"{score:g}"
    if not questions:
        return "counts right answers, but no question has correct: add the right answers"
    if score <= 0:
        return (
            f"is {shown}, with which every worker passes: leave it out, so that all must be right"
        )
    if score == 1 and questions > 1:
        return (
            f"is 1, which could mean one answer or all of them: leave it out for all, or write "
            f"{_floor(questions)} for at least one of {questions}"
        )
    if score > 1 and not float(score).is_integer():
        return f"is {shown}; write a count such as {int(score)}, or a share such as 0.8"
    if score > questions:
        return f"is {shown}, but only {questions} of the questions have correct"
    return ""


def _floor(questions: int) -> str:
    """Return the share of one right answer among ``questions``, rounded down."""
    return f"{int(1000 / questions) / 1000:g}"
