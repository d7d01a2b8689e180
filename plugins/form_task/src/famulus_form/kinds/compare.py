"""A side-by-side comparison of two things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.kinds.choice import NOT_OFFERED
from famulus_form.media import Shows
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, inline, rendered

TIE = "tie"


@frozen(kw_only=True)
class Compare(Question):
    """Two things side by side; the answer is ``a``, ``b`` or ``tie``, independent of the sides."""

    type: ClassVar[str] = "compare"
    is_group = True
    is_testable = True

    a: Shows = famulus.option(help="One of the two: text, image, audio or video.", required=True)
    b: Shows = famulus.option(help="The other.", required=True)
    shuffle: bool = famulus.option(
        help="Whether lots decide which is on the left; the column NAME_left says which was.",
        default=True,
    )
    left: str = famulus.option(help="Label of the left one.", default=_("Left"))
    right: str = famulus.option(help="Label of the right one.", default=_("Right"))
    tie: str = famulus.option(
        help="Label of a third answer, that both are equal; none when empty.", default=""
    )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name, f"{self.name}_left") if self.shuffle else (self.name,)

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        for side in ("a", "b"):
            yield from ((f"{side}.{key}", text) for key, text in getattr(self, side).texts())
        yield from ((key, getattr(self, key)) for key in ("left", "right", "tie"))

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        for side in ("a", "b"):
            yield from ((f"{side}{key}", text) for key, text in getattr(self, side).faults())

    def known_values(self) -> Sequence[str]:
        return ["a", "b", TIE] if self.tie else ["a", "b"]

    def left_one(self, lot: int) -> str:
        """Return which of the two is on the left; it alternates between the units of one row."""
        return "ab"[lot % 2] if self.shuffle else "a"

    def read(self, sent: Sent) -> dict[str, Any]:
        chosen = sent.text(self.name)
        if chosen and chosen not in self.known_values():
            raise WrongAnswer(NOT_OFFERED)
        answers: dict[str, Any] = {self.name: chosen} if chosen else self.missing()
        return (
            {**answers, f"{self.name}_left": self.left_one(sent.lot)} if self.shuffle else answers
        )

    def values(self, answers: Answers) -> list[str]:
        answer = answers.get(self.name)
        return [] if answer is None else [str(answer)]

    def control(self) -> list[Piece]:
        orders = {first: self._panels(first) for first in "ab"}
        if not self.shuffle:
            return orders["a"]
        return [lambda shown: rendered(orders[self.left_one(shown.lot)], shown)]

    def _panels(self, first: str) -> list[Piece]:
        second = "b" if first == "a" else "a"
        pieces: list[Piece] = ['<div class="fq-compare">\n']
        for side, label in ((first, self.left), (second, self.right)):
            shows: Shows = getattr(self, side)
            pieces += [
                '<div class="fq-side">\n',
                *shows.html(),
                *self._radio(side, label),
                "</div>\n",
            ]
        pieces.append("</div>")
        if self.tie:
            pieces += ['\n<div class="fq-tie">', *self._radio(TIE, self.tie), "</div>"]
        return pieces

    def _radio(self, value: str, label: str) -> list[Piece]:
        return [
            f'<label class="fq-option"><input type="radio" name="{self.name}" value="{value}"'
            f'{self.needed()}><span class="fq-option-text">',
            *inline(label),
            "</span></label>\n",
        ]
