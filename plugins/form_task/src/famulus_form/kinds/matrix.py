"""A Likert matrix: several statements, each rated on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _n
from famulus_form.kinds.choice import NOT_OFFERED
from famulus_form.kinds.options import Option, option_faults, values_by_text, written_out
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, inline

#: Most ratings that are shown side by side.
_WIDEST = 7


@frozen(kw_only=True)
class Matrix(Question):
    """Statements to rate; the answer maps the value of each row to that of its rating."""

    type: ClassVar[str] = "matrix"
    is_group = True

    rows: list[Option] = famulus.option(help="What is rated.", required=True)
    scale: list[Option] = famulus.option(help="The ratings, from left to right.", required=True)

    @classmethod
    def completed(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        return written_out(raw, "rows", "scale")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        for key in ("rows", "scale"):
            for number, option in enumerate(getattr(self, key)):
                yield from option.texts(f"{key}.{number}")

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        yield from option_faults("rows", self.rows, 1)
        yield from option_faults("scale", self.scale, 2)

    def read(self, sent: Sent) -> dict[str, Any]:
        known = values_by_text(self.scale)
        rated: dict[str, int | float | str | None] = {}
        for row in self.rows:
            value = sent.text(f"{self.name}.{row.text}")
            if value and value not in known:
                raise WrongAnswer(NOT_OFFERED)
            rated[row.text] = known[value] if value else None
        lacking = sum(value is None for value in rated.values())
        if lacking == len(rated):
            return self.missing()
        if self.required and lacking:
            raise WrongAnswer(
                _n(
                    "Please answer each line: {count} line is missing.",
                    "Please answer each line: {count} lines are missing.",
                    count=lacking,
                )
            )
        return {self.name: rated}

    def values(self, answers: Answers) -> list[str]:
        return []

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        rated = answers.get(self.name) or {}
        return [
            (f"{self.name}.{row}", str(value)) for row, value in rated.items() if value is not None
        ]

    def answer_text(self, answers: Answers) -> str:
        rated = answers.get(self.name) or {}
        return "; ".join(
            f"{row}: {'(none)' if value is None else value}" for row, value in rated.items()
        )

    def control(self) -> list[Piece]:
        # Wider scales have the layout of a narrow screen on all.
        width = f" fq-side-by-side fq-scale-{len(self.scale)}" if len(self.scale) <= _WIDEST else ""
        pieces: list[Piece] = [
            f'<div class="fq-matrix{width}">\n'
            '<div class="fq-matrix-head" aria-hidden="true"><span></span>'
        ]
        for option in self.scale:
            pieces += ["<span>", *inline(option.shown), "</span>"]
        pieces.append("</div>\n")
        for number, row in enumerate(self.rows):
            pieces += self._row(f"{self.id}-{number}", row)
        return [*pieces, "</div>"]

    def _row(self, row_id: str, row: Option) -> list[Piece]:
        name = escape(f"{self.name}.{row.text}")
        pieces: list[Piece] = [
            f'<div class="fq-matrix-row" role="radiogroup" aria-labelledby="{row_id}">'
            f'<span class="fq-matrix-label" id="{row_id}">',
            *inline(row.shown),
            "</span>",
        ]
        for option in self.scale:
            pieces += [
                f'<label class="fq-option"><input type="radio" name="{name}"'
                f' value="{escape(option.text)}"{self.needed()}><span class="fq-option-text">',
                *inline(option.shown),
                "</span></label>",
            ]
        return [*pieces, "</div>\n"]
