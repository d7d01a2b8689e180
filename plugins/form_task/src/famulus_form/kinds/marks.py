"""Questions that are answered by marking: a hidden field holds the marks as JSON.

The page's script draws them; the server checks each mark, and draws them again for a review.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, NoReturn

from attrs import frozen

import famulus
from famulus_form.kinds.options import Option, option_faults, written_out
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, inline

BROKEN = "Please mark it again: the marks were not sent as they should be."
#: Colours of labels, in their order: dark enough for text on white, and far from each other.
COLOURS = ("#1a53c4", "#b3261e", "#1e7a3c", "#7a3db8", "#9a5b00", "#00707a", "#b0246f", "#4b5565")


@frozen(kw_only=True)
class Marking(Question):
    """A question whose answer is a list of marks, each with one of its labels."""

    is_group = True

    labels: list[Option] = famulus.option(
        help="What a mark can mean; one label that is not shown when empty.", factory=list
    )
    min: int = famulus.option(help="Fewest marks.", default=0)
    max: int | None = famulus.option(help="Most marks.")

    @classmethod
    def completed(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        return written_out(raw, "labels")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        for number, label in enumerate(self.labels):
            yield from label.texts(f"labels.{number}")

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        yield from option_faults("labels", self.labels, 0)
        if len(self.labels) > len(COLOURS):
            yield "labels", f"has {len(self.labels)}; there are colours for {len(COLOURS)}"
        if self.min < 0:
            yield "min", f"is {self.min}; it cannot be less than 0"
        if self.max is not None and self.max < max(self.min, 1):
            yield "max", f"is {self.max}; it cannot be less than {max(self.min, 1)}"

    def read(self, sent: Sent) -> dict[str, Any]:
        text = sent.text(self.name)
        marks = [self.checked(mark, sent) for mark in _list_of(text)] if text else []
        if not marks:
            # Without a mark to find, an empty list is an answer; the script says that it is meant.
            if sent.text(f"{self.name}.none"):
                return {self.name: []}
            return self.missing()
        if len(marks) < self.min:
            raise WrongAnswer(f"Please mark at least {self.min}.")
        if self.max is not None and len(marks) > self.max:
            raise WrongAnswer(f"Please mark at most {self.max}.")
        return {self.name: marks}

    @abstractmethod
    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        """Return one mark as it is stored.

        :raises WrongAnswer: if it is none.
        """

    def label_of(self, mark: Mapping[str, Any]) -> dict[str, str]:
        """Return the label of a mark, as an item of the stored one; nothing without labels."""
        if not self.labels:
            return {}
        label = mark.get("label")
        if label not in [option.value for option in self.labels]:
            raise WrongAnswer(BROKEN)
        return {"label": str(label)}

    def values(self, answers: Answers) -> list[str]:
        return []

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        marks = answers.get(self.name)
        if marks is None:
            return []
        none = [] if marks else [(f"{self.name}.none", "1")]
        return [(self.name, json.dumps(marks, ensure_ascii=False)), *none]

    def marking(self, area: list[Piece], attributes: str = "") -> list[Piece]:
        """Return the controls around an area that is marked."""
        none = ""
        if not self.min:
            none = (
                f'<label class="fq-option fq-none"><input type="checkbox" name="{self.name}.none"'
                ' value="1"><span class="fq-option-text">There is nothing to mark</span></label>\n'
            )
        return [
            f'<input type="hidden" name="{self.name}" value="" data-marks>\n'
            '<noscript><p class="fq-help">To mark something, please turn JavaScript on.</p>'
            f'</noscript>\n<div class="fq-marking"{attributes}>\n',
            *self._labels(),
            *area,
            f'</div>\n<ul class="fq-marks" aria-label="Marks"></ul>\n{none}{self.note_slot()}',
        ]

    def _labels(self) -> list[Piece]:
        if not self.labels:
            return []
        pieces: list[Piece] = ['<div class="fq-labels" role="group" aria-label="Labels">\n']
        for number, label in enumerate(self.labels):
            pieces += [
                f'<button type="button" class="fq-mark-label fq-colour-{number}"'
                f' data-label="{escape(label.value)}" aria-pressed="{str(not number).lower()}">',
                *inline(label.shown),
                "</button>\n",
            ]
        return [*pieces, "</div>\n"]


def whole_number(mark: Mapping[str, Any], key: str, least: int, most: int) -> int:
    """Return a whole number of a mark within limits.

    :raises WrongAnswer: if it is none.
    """
    value = mark.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise WrongAnswer(BROKEN)
    return value


def _list_of(text: str) -> list[Mapping[str, Any]]:
    try:
        marks = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise WrongAnswer(BROKEN) from None
    if not isinstance(marks, list) or not all(isinstance(mark, dict) for mark in marks):
        raise WrongAnswer(BROKEN)
    return marks


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
