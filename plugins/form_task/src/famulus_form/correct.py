"""The right answers to an onboarding: read from ``correct:`` and compared only on the server.

They are not a part of the questions, so that no code that makes a page can show them.
"""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from attrs import frozen

import famulus
from famulus_form.kinds.choice import OTHER, Choice, Choices
from famulus_form.kinds.compare import Compare
from famulus_form.kinds.matrix import Matrix
from famulus_form.kinds.number import Number, Slider
from famulus_form.kinds.ranking import Ranking
from famulus_form.kinds.text import Date, LongText, Text
from famulus_form.question import Question
from famulus_form.sent import Sent, WrongAnswer

#: The key of the right answer to a question.
CORRECT = "correct"


@frozen
class RightAnswers(ABC):
    """The right answers to one question."""

    #: the column of the answer
    column: str

    @abstractmethod
    def include(self, answer: Any) -> bool:
        """Return whether a stored answer is right."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the right answers as text for the author."""


@frozen
class OneOf(RightAnswers):
    """Values as the form sends them, or texts that are compared without case and spacing."""

    values: Sequence[Any]
    is_text: bool = False

    def include(self, answer: Any) -> bool:
        if not self.is_text:
            return _as_sent(answer) in self.values
        return isinstance(answer, str) and _folded(answer) in map(_folded, self.values)

    def __str__(self) -> str:
        return " or ".join(map(_as_text, self.values))


@frozen
class Near(RightAnswers):
    """Numbers within a tolerance of a given number."""

    number: float
    tolerance: float

    def include(self, answer: Any) -> bool:
        if not isinstance(answer, int | float):
            return False
        return abs(_exact(answer) - _exact(self.number)) <= _exact(self.tolerance)

    def __str__(self) -> str:
        number = f"{_exact(self.number).normalize():f}"
        return f"{number} ± {_exact(self.tolerance).normalize():f}" if self.tolerance else number


@frozen
class SetOf(RightAnswers):
    """A list of values whose order does not matter."""

    values: Sequence[str]

    def include(self, answer: Any) -> bool:
        return isinstance(answer, list) and set(_as_sent(answer)) == set(self.values)

    def __str__(self) -> str:
        return _as_text(list(self.values))


@frozen
class Rated(RightAnswers):
    """The ratings of some rows of a matrix."""

    ratings: Mapping[str, str]

    def include(self, answer: Any) -> bool:
        return isinstance(answer, Mapping) and all(
            _as_sent(answer.get(row)) == rating for row, rating in self.ratings.items()
        )

    def __str__(self) -> str:
        return "; ".join(f"{row}: {rating}" for row, rating in self.ratings.items())


@frozen(kw_only=True)
class _Texts:
    correct: list[str] = famulus.option(help="Answers that are right.", required=True)


@frozen(kw_only=True)
class _Ratings:
    correct: dict[str, str] = famulus.option(help="The right rating of each row.", required=True)


@frozen(kw_only=True)
class _Number:
    number: float = famulus.option(help="The right number.", required=True)
    tolerance: float = famulus.option(
        help="How far from it an answer may be and still be right.", default=0
    )


def read_right_answers(
    file: famulus.OptionFile, question: Question, raw: Any, key: str
) -> RightAnswers | None:
    """Read ``correct:`` of a question; if it is invalid, refuse it in the file and return None.

    :param key: the key of the question.
    """
    right = _read(file, question, raw, key)
    if right is None:
        return None
    for fields in _fields_of(question, right):
        try:
            stored = question.read(Sent(famulus.Form(fields=fields), {}, 0))[question.name]
        except WrongAnswer as error:
            file.refuse(f"{key}.{CORRECT}", f"is not an answer that the question accepts: {error}")
            return None
        if not right.include(stored):
            file.refuse(f"{key}.{CORRECT}", f"would be stored as {stored}: write it like that")
            return None
    return right


def _read(file: famulus.OptionFile, question: Question, raw: Any, key: str) -> RightAnswers | None:
    below = f"{key}.{CORRECT}"
    match question:
        case Number() | Slider():
            return _number(file, question, raw, key)
        case Matrix():
            made = file.typed(_Ratings, {CORRECT: raw}, key)
            if made is None or not _are_known(
                file, below, list(made.correct), [row.text for row in question.rows], "rows"
            ):
                return None
            scale = [each.text for each in question.scale]
            ratings = list(made.correct.values())
            if not _are_known(file, below, ratings, scale, "ratings"):
                return None
            return Rated(question.name, made.correct)
        case Text() | LongText() | Date() | Choice() | Compare() | Choices() | Ranking():
            listed = raw if isinstance(raw, list) else [raw]
            texts = file.typed(_Texts, {CORRECT: listed}, key)
            return None if texts is None else _listed(file, question, texts.correct, below)
    file.refuse(
        below,
        f"cannot be compared with an answer of type {question.type}: leave it out, and judge these "
        "answers in Python (validate_onboarding)",
    )
    return None


def _number(
    file: famulus.OptionFile, question: Question, raw: Any, key: str
) -> RightAnswers | None:
    values = raw if isinstance(raw, Mapping) else {"number": raw}
    made = file.typed(_Number, values, f"{key}.{CORRECT}")
    if made is None:
        return None
    if made.tolerance < 0:
        file.refuse(f"{key}.{CORRECT}.tolerance", f"is {made.tolerance}; it cannot be less than 0")
        return None
    return Near(question.name, made.number, made.tolerance)


def _listed(
    file: famulus.OptionFile, question: Question, texts: list[str], key: str
) -> RightAnswers | None:
    if not texts or not all(text.strip() for text in texts):
        file.refuse(key, "is empty: write the right answer, or leave it out")
        return None
    if isinstance(question, Choice | Choices) and question.other and OTHER in texts:
        message = f"{OTHER!r} is explained in words, which cannot be compared: name an option"
        file.refuse(key, message)
        return None
    match question:
        case Choice() | Choices() | Compare():
            known = [value for value in question.known_values() if value != OTHER]
            what = "options"
        case Ranking():
            known, what = [item.text for item in question.items], "items"
            if len(texts) != len(known):
                message = f"names {len(texts)} of {len(known)} items: put all of them in order"
                file.refuse(key, message)
                return None
        case _:
            return OneOf(question.name, texts, is_text=not isinstance(question, Date))
    if not _are_known(file, key, texts, known, what):
        return None
    if isinstance(question, Choices):
        return SetOf(question.name, texts)
    return OneOf(question.name, [texts] if isinstance(question, Ranking) else texts)


def _are_known(
    file: famulus.OptionFile, key: str, texts: Sequence[str], known: Sequence[str], what: str
) -> bool:
    """Return whether all texts are known, and options and items unique; else refuse the key."""
    for text in texts:
        if text not in known:
            file.refuse(key, f"{text!r} is none of the {what}: {', '.join(known)}")
            return False
    if what in ("options", "items") and len(set(texts)) < len(texts):
        file.refuse(key, "names one of the answers twice")
        return False
    return True


def _fields_of(question: Question, right: RightAnswers) -> list[list[tuple[str, str]]]:
    """Return the form fields for each right answer to a question."""
    match right:
        case OneOf():
            answers = right.values
        case Near():
            whole = right.number.is_integer()
            answers = [int(right.number) if whole else right.number]
        case SetOf():
            answers = [list(right.values)]
        case _:
            # Other rows of a matrix can have any rating.
            return []
    return [question.fields({right.column: answer}) for answer in answers]


def _as_sent(answer: Any) -> Any:
    """Return an answer with each value as text, the form in which earlier runs have stored it."""
    if isinstance(answer, list):
        return list(map(_as_sent, answer))
    return answer if answer is None else str(answer)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))


def _as_text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
