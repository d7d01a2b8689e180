"""Questions that are answered by typing: a line, a text, a date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _, _n
from famulus_form.question import Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, attribute


@frozen(kw_only=True)
class _Typed(Question):
    is_testable = True

    min_length: int = famulus.option(help="Fewest characters.", default=0)
    max_length: int | None = famulus.option(help="Most characters.")
    placeholder: str = famulus.option(help="An example, shown in the empty field.", default="")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        yield "placeholder", self.placeholder

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        if self.min_length < 0:
            yield "min_length", f"is {self.min_length}; it cannot be less than 0"
        if self.max_length is not None and self.max_length < max(self.min_length, 1):
            least = max(self.min_length, 1)
            yield "max_length", f"is {self.max_length}; it cannot be less than {least}"

    def read(self, sent: Sent) -> dict[str, Any]:
        text = sent.text(self.name).replace("\r\n", "\n")
        if not text:
            return self.missing()
        if len(text) < self.min_length:
            raise WrongAnswer(
                _n(
                    "Please write at least {count} character.",
                    "Please write at least {count} characters.",
                    count=self.min_length,
                )
            )
        if self.max_length is not None and len(text) > self.max_length:
            raise WrongAnswer(
                _n(
                    "Please write at most {count} character.",
                    "Please write at most {count} characters.",
                    count=self.max_length,
                )
            )
        return {self.name: text}

    def _attributes(self) -> list[Piece]:
        least = f' minlength="{self.min_length}"' if self.min_length else ""
        most = "" if self.max_length is None else f' maxlength="{self.max_length}"'
        shown: list[Piece] = []
        if self.placeholder:
            shown = [' placeholder="', *attribute(self.placeholder), '"']
        named = f' id="{self.id}-input" name="{self.name}"'
        return [f"{named}{least}{most}{self.needed()}{self.described()}", *shown]


@frozen(kw_only=True)
class Text(_Typed):
    """One line of text."""

    type: ClassVar[str] = "text"

    pattern: str | None = famulus.option(
        help="Regular expression that the whole answer has to match."
    )
    pattern_help: str = famulus.option(
        help="What an answer has to look like, said where it does not match the pattern.",
        default="",
    )

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        if self.pattern is None:
            return
        try:
            re.compile(self.pattern)
        except re.error as error:
            yield "pattern", f"{self.pattern!r} is not a regular expression: {error}"

    def read(self, sent: Sent) -> dict[str, Any]:
        answers = super().read(sent)
        text = answers[self.name]
        if text is not None and "\n" in text:
            raise WrongAnswer(_("Please write one line."))
        if text is not None and self.pattern and not re.fullmatch(self.pattern, text):
            raise WrongAnswer(self.pattern_help or _("Please check this: it does not look right."))
        return answers

    def control(self) -> list[Piece]:
        pattern = ""
        if self.pattern is not None:
            title = f' title="{escape(self.pattern_help)}"' if self.pattern_help else ""
            pattern = f' pattern="{escape(self.pattern)}"{title}'
        return ['<input type="text"', *self._attributes(), f"{pattern}>"]


@frozen(kw_only=True)
class LongText(_Typed):
    """A text of several lines."""

    type: ClassVar[str] = "long_text"

    lines: int = famulus.option(help="Height of the field, in lines.", default=5)

    def control(self) -> list[Piece]:
        return ["<textarea", *self._attributes(), f' rows="{self.lines}"></textarea>']


@frozen(kw_only=True)
class Date(Question):
    """A day; the answer is a string such as 2026-05-31."""

    type: ClassVar[str] = "date"
    is_testable = True

    min: str | None = famulus.option(help="Earliest day, such as 2026-01-31.")
    max: str | None = famulus.option(help="Latest day.")

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        days = {}
        for key, text in (("min", self.min), ("max", self.max)):
            if text is None:
                continue
            try:
                days[key] = date.fromisoformat(text)
            except ValueError:
                yield key, f"{text!r} is not a date: write it as 2026-01-31"
        if len(days) == 2 and days["max"] < days["min"]:
            yield "max", f"{self.max} is before min, {self.min}"

    def read(self, sent: Sent) -> dict[str, Any]:
        text = sent.text(self.name)
        if not text:
            return self.missing()
        try:
            day = date.fromisoformat(text).isoformat()
        except ValueError:
            raise WrongAnswer(_("Please write a day as year-month-day: 2026-01-31.")) from None
        if self.min is not None and day < self.min:
            raise WrongAnswer(_("Please choose a day that is not before {day}.", day=self.min))
        if self.max is not None and day > self.max:
            raise WrongAnswer(_("Please choose a day that is not after {day}.", day=self.max))
        return {self.name: day}

    def control(self) -> list[Piece]:
        least = "" if self.min is None else f' min="{escape(self.min)}"'
        most = "" if self.max is None else f' max="{escape(self.max)}"'
        return [
            f'<input type="date" id="{self.id}-input" name="{self.name}"{least}{most}'
            f"{self.needed()}{self.described()}>"
        ]
