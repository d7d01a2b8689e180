"""Parts of a text that workers mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import pairwise
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.kinds.marks import BROKEN, Marking, whole_number
from famulus_form.question import Answers, Fault
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import OWN_NAMES, Piece, placeholders, plain


@frozen(kw_only=True)
class Spans(Marking):
    """Marked parts of a text; the answer is a list of ``start``, ``end``, ``text`` and ``label``.

    ``start`` and ``end`` count characters as Python does: ``text[start:end]`` is the part. Parts do
    not overlap.
    """

    type: ClassVar[str] = "spans"

    text: str = famulus.option(help="The text to mark; it has no markup.", required=True)

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        yield "text", self.text

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        for name in sorted(OWN_NAMES & set(placeholders(self.text))):
            yield "text", f"${{{name}}} is not of the row: parts of it cannot be marked"

    def shown_text(self, row: Mapping[str, Any]) -> str:
        """Return the text as a browser has it, whose line breaks are one character each."""
        return plain(self.text, row).replace("\r\n", "\n").replace("\r", "\n")

    def read(self, sent: Sent) -> dict[str, Any]:
        answers = super().read(sent)
        marks = answers[self.name]
        if marks:
            marks.sort(key=lambda mark: (mark["start"], mark["end"]))
            if any(after["start"] < mark["end"] for mark, after in pairwise(marks)):
                raise WrongAnswer(BROKEN)
        return answers

    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        text = self.shown_text(sent.row)
        start = whole_number(mark, "start", 0, len(text))
        end = whole_number(mark, "end", start + 1, len(text))
        return {"start": start, "end": end, "text": text[start:end], **self.label_of(mark)}

    def answer_text(self, answers: Answers) -> str:
        marks = answers.get(self.name)
        if marks is None:
            return ""
        parts = (
            f"{mark['text']!r} ({', '.join(filter(None, (mark.get('label'), _place(mark))))})"
            for mark in marks
        )
        return "; ".join(parts) or "nothing"

    def control(self) -> list[Piece]:
        return self.marking([lambda shown: self._area(escape(self.shown_text(shown.values)))])

    def reviewed(self, body: str, answers: Answers, row: Mapping[str, Any]) -> str:
        text = self.shown_text(row)
        parts, end = [], 0
        labels = [label.value for label in self.labels]
        for mark in answers.get(self.name) or ():
            label = mark.get("label")
            number = labels.index(label) if label in labels else 0
            named = f'<span class="fq-mark-name">{escape(str(label))}</span>' if label else ""
            parts += [
                escape(text[end : mark["start"]]),
                f'<mark class="fq-colour-{number}">{escape(text[mark["start"] : mark["end"]])}'
                f"{named}</mark>",
            ]
            end = mark["end"]
        marked = "".join([*parts, escape(text[end:])])
        return body.replace(self._area(escape(text)), self._area(marked))

    def _area(self, markup: str) -> str:
        return f'<div class="fq-span-text" id="{self.id}-text">{markup}</div>\n'


def _place(mark: Mapping[str, Any]) -> str:
    return f"{mark['start']} to {mark['end']}"
