"""Questions that are answered with a number: typed, or by a slider."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, inline

_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_NUMBER = re.compile(
    r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})(e[+-]?[0-9]{1,2})?", re.IGNORECASE
)
#: What the hidden field of a slider holds: in a page as it is sent, where a number field stands for
#: the slider, and once a worker has moved what the page's script made of that.
_TYPED = "typed"
_MOVED = "1"
_MOVE_IT = _("Please move the slider.")
# Translators: browsers send a point whatever the language
_NO_NUMBER = _("Please enter a number, such as 3 or 2.5.")


def number_text(number: float) -> str:
    """Return a number as it is written in a form: 3 and not 3.0."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(number)


@frozen(kw_only=True)
class _Numeric(Question):
    is_testable = True

    def values(self, answers: Answers) -> list[str]:
        answer = answers.get(self.name)
        return [] if answer is None else [number_text(answer)]

    def _between(self, number: float, least: float | None, most: float | None) -> None:
        if least is not None and number < least:
            limit = Decimal(number_text(least))
            raise WrongAnswer(_("Please enter a number of at least {limit}.", limit=limit))
        if most is not None and number > most:
            limit = Decimal(number_text(most))
            raise WrongAnswer(_("Please enter a number of at most {limit}.", limit=limit))


@frozen(kw_only=True)
class Number(_Numeric):
    """A number; the answer is an integer if ``whole`` is set, and a number otherwise."""

    type: ClassVar[str] = "number"

    min: float | None = famulus.option(help="Least number.")
    max: float | None = famulus.option(help="Greatest number.")
    whole: bool = famulus.option(help="Whether it has to be a whole number.", default=False)
    unit: str = famulus.option(help="What is counted, shown after the field.", default="")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        yield "unit", self.unit

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        for key, limit in (("min", self.min), ("max", self.max)):
            if self.whole and limit is not None and not limit.is_integer():
                yield key, f"is {number_text(limit)}, but the answer has to be a whole number"
        if self.min is not None and self.max is not None and self.max < self.min:
            yield "max", f"{number_text(self.max)} is less than min, {number_text(self.min)}"

    def read(self, sent: Sent) -> dict[str, Any]:
        text = sent.text(self.name)
        if not text:
            return self.missing()
        if self.whole and not _WHOLE.fullmatch(text):
            raise WrongAnswer(_("Please enter a whole number, such as 3."))
        if not _NUMBER.fullmatch(text):
            raise WrongAnswer(_NO_NUMBER)
        number = int(text) if _WHOLE.fullmatch(text) else float(text)
        if not math.isfinite(number):
            raise WrongAnswer(_("Please enter a smaller number."))
        self._between(number, self.min, self.max)
        return {self.name: number}

    def control(self) -> list[Piece]:
        least = "" if self.min is None else f' min="{number_text(self.min)}"'
        most = "" if self.max is None else f' max="{number_text(self.max)}"'
        step, mode = ("1", "numeric") if self.whole else ("any", "decimal")
        pieces: list[Piece] = [
            f'<input type="number" id="{self.id}-input" name="{self.name}" step="{step}"'
            f' inputmode="{mode}"{least}{most}{self.needed()}{self.described()}>'
        ]
        if self.unit:
            pieces += [' <span class="fq-unit">', *inline(self.unit), "</span>"]
        return pieces


@frozen(kw_only=True)
class Slider(_Numeric):
    """A number on a scale; it has no value until it is moved, or typed without JavaScript."""

    type: ClassVar[str] = "slider"

    min: float = famulus.option(help="Number at the left end.", default=0)
    max: float = famulus.option(help="Number at the right end.", default=100)
    step: float = famulus.option(help="Distance between two numbers.", default=1)
    left: str = famulus.option(help="What the left end means.", default="")
    right: str = famulus.option(help="What the right end means.", default="")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        yield "left", self.left
        yield "right", self.right

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        if self.max <= self.min:
            yield "max", f"{number_text(self.max)} is not greater than min, {number_text(self.min)}"
        elif not 0 < self.step <= self.max - self.min:
            yield (
                "step",
                f"{number_text(self.step)} must be more than 0 and fit between min and max",
            )

    def read(self, sent: Sent) -> dict[str, Any]:
        text = sent.text(self.name)
        moved = sent.text(f"{self.name}.moved")
        if not text or moved not in (_MOVED, _TYPED):
            return self.missing()
        if not _NUMBER.fullmatch(text):
            message = _NO_NUMBER if moved == _TYPED else _MOVE_IT
            raise WrongAnswer(message)
        self._between(float(text), self.min, self.max)
        steps = (Decimal(text) - Decimal(str(self.min))) / Decimal(str(self.step))
        if steps != steps.to_integral_value():
            raise WrongAnswer(_MOVE_IT)
        number = float(text)
        is_whole = all(float(each).is_integer() for each in (self.min, self.step))
        return {self.name: int(number) if is_whole else number}

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        values = self.values(answers)
        return [(self.name, values[0]), (f"{self.name}.moved", _MOVED)] if values else []

    def control(self) -> list[Piece]:
        least, most, step = map(number_text, (self.min, self.max, self.step))
        # A range always has a value, moved or not: the page's script makes one of a number field.
        return [
            f'<input type="hidden" name="{self.name}.moved" value="{_TYPED}">\n'
            f'<input type="number" id="{self.id}-input" name="{self.name}" min="{least}"'
            f' max="{most}" step="{step}" placeholder="{least}&ndash;{most}"{self.needed()}'
            f"{self.described()}>\n"
            '<div class="fq-ends"><span>',
            *inline(self.left or least),
            f'</span><output class="fq-output" for="{self.id}-input"></output><span>',
            *inline(self.right or most),
            "</span></div>",
        ]
