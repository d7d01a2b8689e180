"""Parts of a text that workers mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.kinds.marks import Marking
from famulus_form.question import Answers, Fault
from famulus_form.sent import Sent
from famulus_form.texts import OWN_NAMES, Piece, placeholders, plain
from famulus_marks.html import drawn_spans, span_area
from famulus_marks.reading import page_text, read_span, sort_spans


@frozen(kw_only=True)
class Spans(Marking):
    """Marked parts of a text; the answer is a list of ``start``, ``end``, ``text`` and ``label``.

    ``start`` and ``end`` count characters like Python: ``text[start:end]`` is the part. Parts do
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
        """Return the text with each line break as one character, as browsers have it."""
        return page_text(plain(self.text, row))

    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        text = self.shown_text(sent.row)
        span = read_span(mark, text)
        return {**span, "text": text[span["start"] : span["end"]]}

    def arrange(self, marks: list[dict[str, Any]]) -> None:
        sort_spans(marks)

    def answer_text(self, answers: Answers) -> str:
        marks = self.sent_marks(answers)
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
        marked = drawn_spans(text, self.sent_marks(answers) or (), self.label_values())
        return body.replace(self._area(escape(text)), self._area(marked))

    def _area(self, markup: str) -> str:
        return span_area(self.id, markup)


def _place(mark: Mapping[str, Any]) -> str:
    return f"{mark['start']} to {mark['end']}"
