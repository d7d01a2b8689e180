"""Questions that are answered by marking: a hidden field holds the marks as JSON.

The page's script draws them; the server checks each mark, and draws them again for a review.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.kinds.options import Option, option_faults, values_by_text, written_out
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, fixed, inline
from famulus_marks import html
from famulus_marks.reading import BROKEN, BrokenMarksError, read_label, read_marks

_NOTHING = _("There is nothing to mark")


def mark_at_least(number: int) -> str:
    """Return the sentence for a worker who has marked too little."""
    return _("Please mark at least {number}.", number=number)


def mark_at_most(number: int) -> str:
    """Return the sentence for a worker who has marked too much."""
    return _("Please mark at most {number}.", number=number)


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
        if len(self.labels) > html.COLOURS:
            yield "labels", f"has {len(self.labels)}; there are colours for {html.COLOURS}"
        if self.min < 0:
            yield "min", f"is {self.min}; it cannot be less than 0"
        if self.max is not None and self.max < max(self.min, 1):
            yield "max", f"is {self.max}; it cannot be less than {max(self.min, 1)}"

    def read(self, sent: Sent) -> dict[str, Any]:
        try:
            marks = [
                {**self.checked(mark, sent), **self._label(mark)}
                for mark in read_marks(sent.text(self.name))
            ]
            self.arrange(marks)
        except BrokenMarksError:
            raise WrongAnswer(BROKEN) from None
        if not marks:
            # Without a mark to find, an empty list is an answer; the script says that it is meant.
            if sent.text(f"{self.name}.none"):
                return {self.name: []}
            return self.missing()
        if len(marks) < self.min:
            raise WrongAnswer(mark_at_least(self.min))
        if self.max is not None and len(marks) > self.max:
            raise WrongAnswer(mark_at_most(self.max))
        return {self.name: marks}

    @abstractmethod
    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        """Return one mark as it is stored, without its label.

        :raises BrokenMarksError: if the mark is not valid.
        """

    def arrange(self, marks: list[dict[str, Any]]) -> None:
        """Put checked marks in the order in which they are stored.

        :raises BrokenMarksError: if some marks exclude each other.
        """

    def label_values(self) -> list[str]:
        """Return the values of the labels as the page sends them, in their order."""
        return [label.text for label in self.labels]

    def _label(self, mark: Mapping[str, Any]) -> dict[str, Any]:
        stored = values_by_text(self.labels)
        return {key: stored[label] for key, label in read_label(mark, self.label_values()).items()}

    def sent_marks(self, answers: Answers) -> list[dict[str, Any]] | None:
        """Return stored marks with labels as the page sends them; None without an answer."""
        marks = answers.get(self.name)
        if marks is None:
            return None
        return [
            {**mark, "label": str(mark["label"])} if "label" in mark else mark for mark in marks
        ]

    def values(self, answers: Answers) -> list[str]:
        return []

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        marks = self.sent_marks(answers)
        if marks is None:
            return []
        none = [] if marks else [(f"{self.name}.none", "1")]
        return [(self.name, json.dumps(marks, ensure_ascii=False)), *none]

    def marking(self, area: list[Piece]) -> list[Piece]:
        """Return the controls around an area that is marked."""
        none: list[Piece] = []
        if not self.min:
            none = [
                f'<label class="fq-option fq-none"><input type="checkbox" name="{self.name}.none"'
                ' value="1"><span class="fq-option-text">',
                fixed(_NOTHING),
                "</span></label>\n",
            ]
        return [
            lambda shown: html.opening(self.name, translate=shown.translate),
            *self._labels(),
            *area,
            lambda shown: html.closing(shown.translate),
            *none,
            self.note_slot(),
        ]

    def _labels(self) -> list[Piece]:
        if not self.labels:
            return []
        pieces: list[Piece] = [lambda shown: html.labels_opening(shown.translate)]
        for number, label in enumerate(self.labels):
            pieces += [
                html.label_opening(number, label.text),
                *inline(label.shown),
                html.LABEL_CLOSING,
            ]
        return [*pieces, html.LABELS_CLOSING]
