"""Questions that are answered by choosing: one option, or several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.kinds.options import Option, option_faults, values_by_text, written_out
from famulus_form.question import REQUIRED, Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, inline

#: The value of the option that is explained in a text field.
OTHER = "other"
_LONGEST_OTHER = 500

# Translators: an answer that workers write in their own words
_OTHER = _("Other")
EXPLAIN = _("Please explain your answer in the text field.")
NOT_OFFERED = _("Please choose among the answers on this page.")


def at_least(number: int) -> str:
    """Return the sentence for a worker who has chosen too few answers."""
    return _("Please choose at least {number}.", number=number)


def at_most(number: int) -> str:
    """Return the sentence for a worker who has chosen too many answers."""
    return _("Please choose at most {number}.", number=number)


@frozen(kw_only=True)
class _Choosing(Question):
    is_group = True
    is_testable = True
    #: The type of the controls.
    input_type: ClassVar[str]

    options: list[Option] = famulus.option(help="The answers to choose from.", required=True)
    other: str = famulus.option(
        help="Label of an option that workers explain in words; true for “Other”. The words are in "
        "the column NAME_other.",
        default="",
    )
    columns_per_row: int = famulus.option(help="Options side by side on a wide screen.", default=1)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name, f"{self.name}_other") if self.other else (self.name,)

    @classmethod
    def completed(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        return written_out(raw, "options")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        yield "other", self.other
        for number, option in enumerate(self.options):
            yield from option.texts(f"options.{number}")

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        yield from option_faults("options", self.options, 1)
        if not 1 <= self.columns_per_row <= 6:
            yield "columns_per_row", f"is {self.columns_per_row}; it must be from 1 to 6"
        if self.other and any(option.text == OTHER for option in self.options):
            yield "other", f"adds an option {OTHER!r}, which is among the options already"

    def known_values(self) -> Sequence[str]:
        own = [option.text for option in self.options]
        return [*own, OTHER] if self.other else own

    def keys(self) -> list[str]:
        """Return the key that chooses each option; empty for none."""
        return [option.key for option in self.options]

    def control(self) -> list[Piece]:
        style = f" fq-columns-{self.columns_per_row}" if self.columns_per_row > 1 else ""
        pieces: list[Piece] = [f'<div class="fq-options{style}">\n']
        for number, (option, key) in enumerate(zip(self.options, self.keys(), strict=True)):
            pieces += self._option(number, option, key)
        pieces.append("</div>")
        return [*pieces, *self._other()] if self.other else pieces

    def _option(self, number: int, option: Option, key: str) -> list[Piece]:
        pressed = f' data-key="{escape(key)}"' if key else ""
        hint = f' <kbd class="fq-key" aria-hidden="true">{escape(key)}</kbd>' if key else ""
        explained: list[Piece] = []
        if option.help:
            explained = ['<span class="fq-option-help">', *inline(option.help), "</span>"]
        return [
            f'<label class="fq-option"><input type="{self.input_type}" name="{self.name}"'
            f' value="{escape(option.text)}"{pressed}{self._needed_of(number)}>'
            '<span class="fq-option-text"><span>',
            *inline(option.shown),
            f"{hint}</span>",
            *explained,
            "</span></label>\n",
        ]

    def _other(self) -> list[Piece]:
        label = _OTHER if self.other.lower() in ("true", "yes", "on") else self.other
        return [
            f'\n<div class="fq-other"><label class="fq-option"><input type="{self.input_type}"'
            f' name="{self.name}" value="{OTHER}"{self._needed_of(-1)}>'
            '<span class="fq-option-text"><span id="'
            f'{self.id}-other">',
            *inline(label),
            "</span></span></label>"
            f'<input type="text" name="{self.name}.other" maxlength="{_LONGEST_OTHER}"'
            f' data-other aria-labelledby="{self.id}-other"></div>',
        ]

    def _needed_of(self, number: int) -> str:
        return ""

    def _explanation(self, sent: Sent, chosen: Sequence[str]) -> dict[str, Any]:
        """Return the explanation of ``other`` by its column; empty without that option."""
        if not self.other:
            return {}
        if OTHER not in chosen:
            return {f"{self.name}_other": None}
        text = sent.text(f"{self.name}.other")
        if not text:
            raise WrongAnswer(EXPLAIN)
        if len(text) > _LONGEST_OTHER:
            raise WrongAnswer(
                _("Please explain it in at most {number} characters.", number=_LONGEST_OTHER)
            )
        return {f"{self.name}_other": text}

    def _stored(self) -> Mapping[str, int | float | str]:
        """Return the stored value of each option, by the text that the form sends."""
        return {**values_by_text(self.options), OTHER: OTHER}

    def _check_known(self, chosen: Sequence[str]) -> None:
        known = self.known_values()
        if any(value not in known for value in chosen):
            raise WrongAnswer(NOT_OFFERED)

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        found = super().fields(answers)
        explained = answers.get(f"{self.name}_other")
        return found if explained is None else [*found, (f"{self.name}.other", str(explained))]

    def answer_text(self, answers: Answers) -> str:
        text = super().answer_text(answers)
        explained = answers.get(f"{self.name}_other")
        return text if explained is None else f"{text} ({explained})"


@frozen(kw_only=True)
class Choice(_Choosing):
    """One of several options; the answer is its value."""

    type: ClassVar[str] = "choice"
    input_type = "radio"

    shortcuts: bool = famulus.option(
        help="Whether the keys 1 to 9 choose the first nine options.", default=False
    )

    def keys(self) -> list[str]:
        if not self.shortcuts:
            return super().keys()
        digits = iter("123456789")
        return [option.key or next(digits, "") for option in self.options]

    def pressed_keys(self) -> Iterator[Fault]:
        for number, key in enumerate(self.keys()):
            if key:
                yield f"options.{number}", key.lower()

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        for number, option in enumerate(self.options):
            if option.key and (len(option.key) != 1 or not option.key.isprintable()):
                yield f"options.{number}.key", f"{option.key!r} is not one key"

    def read(self, sent: Sent) -> dict[str, Any]:
        chosen = sent.value(self.name)
        if not chosen:
            return self.missing()
        self._check_known([chosen])
        return {self.name: self._stored()[chosen], **self._explanation(sent, [chosen])}

    def _needed_of(self, number: int) -> str:
        return self.needed()


@frozen(kw_only=True)
class Choices(_Choosing):
    """Any number of options; the answer is a list of their values."""

    type: ClassVar[str] = "choices"
    input_type = "checkbox"

    min: int = famulus.option(help="Fewest options to choose.", default=0)
    max: int | None = famulus.option(help="Most options to choose.")

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        offered = len(self.known_values())
        if not 0 <= self.min <= offered:
            yield "min", f"is {self.min}; there are {offered} options"
        if self.max is not None and self.max < max(self.min, 1):
            yield "max", f"is {self.max}; it cannot be less than {max(self.min, 1)}"
        for number, option in enumerate(self.options):
            if option.key:
                yield f"options.{number}.key", "has no effect here: only a choice has shortcuts"

    def values(self, answers: Answers) -> list[str]:
        return [str(value) for value in answers.get(self.name) or ()]

    def read(self, sent: Sent) -> dict[str, Any]:
        sent_values = set(sent.texts(self.name))
        self._check_known(sorted(sent_values))
        chosen = [value for value in self.known_values() if value in sent_values]
        if not chosen:
            if self.required:
                raise WrongAnswer(REQUIRED)
            return {self.name: [], **self._explanation(sent, chosen)}
        if len(chosen) < self.min:
            raise WrongAnswer(at_least(self.min))
        if self.max is not None and len(chosen) > self.max:
            raise WrongAnswer(at_most(self.max))
        stored = self._stored()
        return {
            self.name: [stored[value] for value in chosen],
            **self._explanation(sent, chosen),
        }
