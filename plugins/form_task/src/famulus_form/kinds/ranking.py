"""A ranking: items that are put in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.kinds.options import Option, option_faults, written_out
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, inline


@frozen(kw_only=True)
class Ranking(Question):
    """Items to put in order; the answer is a list of their values, the best first."""

    type: ClassVar[str] = "ranking"
    is_group = True

    items: list[Option] = famulus.option(help="What is put in order.", required=True)

    @classmethod
    def completed(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        return written_out(raw, "items")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        for number, item in enumerate(self.items):
            yield from item.texts(f"items.{number}")

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        yield from option_faults("items", self.items, 2)

    def read(self, sent: Sent) -> dict[str, Any]:
        ranks = {item.value: sent.text(f"{self.name}.{item.value}") for item in self.items}
        if not any(ranks.values()):
            return self.missing()
        wanted = [str(rank) for rank in range(1, len(self.items) + 1)]
        if sorted(ranks.values()) != sorted(wanted):
            raise WrongAnswer(f"Please give each item a rank of its own, from 1 to {wanted[-1]}.")
        return {self.name: sorted(ranks, key=lambda value: int(ranks[value]))}

    def values(self, answers: Answers) -> list[str]:
        return [str(value) for value in answers.get(self.name) or ()]

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        ranked = self.values(answers)
        return [(f"{self.name}.{value}", str(rank)) for rank, value in enumerate(ranked, 1)]

    def answer_text(self, answers: Answers) -> str:
        ranked = self.values(answers)
        return ", ".join(f"{rank}. {value}" for rank, value in enumerate(ranked, 1))

    def control(self) -> list[Piece]:
        ranks = "".join(
            f'<option value="{rank}">{rank}</option>' for rank in range(1, len(self.items) + 1)
        )
        pieces: list[Piece] = ['<ol class="fq-ranking">\n']
        for number, item in enumerate(self.items):
            named = f"{self.id}-{number}"
            pieces += [
                f'<li class="fq-item"><select name="{escape(f"{self.name}.{item.value}")}"'
                f' aria-labelledby="{named}"{self.needed()}><option value="">-</option>{ranks}'
                f'</select><span class="fq-item-text" id="{named}">',
                *inline(item.shown),
                "</span></li>\n",
            ]
        return [*pieces, "</ol>"]
