"""A ranking: items that are put in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.kinds.options import Option, option_faults, written_out
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, inline

_LIST = '<ol class="fq-ranking">\n'
_ITEM = '<li class="fq-item">'


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
        ranks = {item.text: sent.text(f"{self.name}.{item.text}") for item in self.items}
        if not any(ranks.values()):
            return self.missing()
        wanted = [str(rank) for rank in range(1, len(self.items) + 1)]
        if sorted(ranks.values()) != sorted(wanted):
            most = len(wanted)
            raise WrongAnswer(
                _("Please give each item a rank of its own, from 1 to {most}.", most=most)
            )
        ranked = sorted(self.items, key=lambda item: int(ranks[item.text]))
        return {self.name: [item.value for item in ranked]}

    def values(self, answers: Answers) -> list[str]:
        return [str(value) for value in answers.get(self.name) or ()]

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        ranked = self.values(answers)
        return [(f"{self.name}.{value}", str(rank)) for rank, value in enumerate(ranked, 1)]

    def answer_text(self, answers: Answers) -> str:
        ranked = self.values(answers)
        return ", ".join(f"{rank}. {value}" for rank, value in enumerate(ranked, 1))

    def reviewed(self, body: str, answers: Answers, row: Mapping[str, Any]) -> str:
        ranked = self.values(answers)
        start = body.find(_LIST, body.find(self.opening()))
        end = body.find("</ol>", start)
        items = body[start + len(_LIST) : end].split(_ITEM)[1:]
        if start < 0 or len(items) != len(ranked):
            return body
        by_value = dict(zip((item.text for item in self.items), items, strict=True))
        # They may be of another version of the form.
        if by_value.keys() != set(ranked):
            return body
        listed = "".join(_ITEM + by_value[value] for value in ranked)
        return f"{body[:start]}{_LIST}{listed}{body[end:]}"

    def control(self) -> list[Piece]:
        ranks = "".join(
            f'<option value="{rank}">{rank}</option>' for rank in range(1, len(self.items) + 1)
        )
        pieces: list[Piece] = [_LIST]
        for number, item in enumerate(self.items):
            named = f"{self.id}-{number}"
            pieces += [
                f'{_ITEM}<select name="{escape(f"{self.name}.{item.text}")}"'
                f' aria-labelledby="{named}"{self.needed()}><option value="">-</option>{ranks}'
                f'</select><span class="fq-item-text" id="{named}">',
                *inline(item.shown),
                "</span></li>\n",
            ]
        return [*pieces, "</ol>"]
