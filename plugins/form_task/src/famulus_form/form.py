"""A form that is ready to be shown and read: compiled once, used by many threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

import famulus
import famulus_marks
from famulus_form.form_file import FormFile
from famulus_form.kinds.marks import Marking
from famulus_form.question import Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import OWN_NAMES, Piece, Shown, blocks, merged, placeholders, rendered

#: The folder of our style sheet and script.
STATIC = Path(__file__).parent / "static"
#: The folders of all that a page of a form loads.
FOLDERS = (STATIC, famulus_marks.STATIC)
STYLE_SHEET = "famulus_form.css"
HEAD = f'<link rel="stylesheet" href="{STYLE_SHEET}">'
SCRIPTS = '<script src="famulus_form.js"></script>'
MARKS_HEAD = f'<link rel="stylesheet" href="{famulus_marks.STYLE_SHEET}">'
MARKS_SCRIPT = f'<script src="{famulus_marks.SCRIPT}"></script>'
_SUMMARY = "Some answers are missing or not right; see the notes beside the questions."


@define
class Form:
    """The questions of a form, and the HTML that is the same for every row."""

    questions: Sequence[Question]
    #: the columns of the data that its texts use
    needed: frozenset[str]
    _pieces: Sequence[Piece] = field(repr=False)
    _has_marks: bool = False

    @classmethod
    def compiled(cls, file: FormFile) -> Form:
        """Compile a form that has no problems."""
        pieces: list[Piece] = ['<div class="fq-form">\n']
        if file.head.instructions.strip():
            pieces += ['<div class="fq-instructions">', *blocks(file.head.instructions), "</div>\n"]
        if any(any(question.pressed_keys()) for question in file.questions):
            pieces.append('<p class="fq-shortcuts" hidden></p>\n')
        for part in file.parts:
            pieces += part.item.html()
        pieces.append("</div>")
        used = {name for _, _, text in file.texts() for name in placeholders(text)}
        has_marks = any(isinstance(question, Marking) for question in file.questions)
        return cls(file.questions, frozenset(used - OWN_NAMES), merged(pieces), has_marks)

    @property
    def review_head(self) -> str:
        """Our style sheet itself: a review finds the files of one folder, the author's."""
        own = (STATIC / STYLE_SHEET).read_text(encoding="utf-8")
        return f"<style>\n{own}{famulus_marks.style_text() if self._has_marks else ''}</style>"

    def page(self, shown: Shown) -> famulus.Page:
        """Return the page for one row."""
        body = rendered(self._pieces, shown)
        if not self._has_marks:
            return famulus.Page(head=HEAD, body=body, scripts=SCRIPTS)
        return famulus.Page(head=HEAD + MARKS_HEAD, body=body, scripts=SCRIPTS + MARKS_SCRIPT)

    def read(self, sent: Sent) -> dict[str, Any]:
        """Return the typed answers by column.

        A question that its condition hides has none, whatever the form holds.

        :raises famulus.InvalidAnswers: with a sentence for each question that is answered wrong.
        """
        answers: dict[str, Any] = {}
        values: dict[str, Sequence[str]] = {}
        wrong: dict[str, str] = {}
        for question in self.questions:
            if not question.show_if.holds(values):
                continue
            try:
                found = question.read(sent)
            except WrongAnswer as error:
                wrong[question.name] = str(error)
                continue
            answers |= found
            values[question.name] = question.values(found)
        if wrong:
            first = next(iter(wrong.values()))
            raise famulus.InvalidAnswers(first if len(wrong) == 1 else _SUMMARY, wrong)
        return answers

    def asked(self, answers: Mapping[str, Any]) -> list[Question]:
        """Return the questions that stored answers belong to."""
        return [
            question
            for question in self.questions
            if any(column in answers for column in question.columns)
        ]

    def fields(self, answers: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the fields of the form that stored answers came from."""
        fields: dict[str, list[str]] = {}
        for question in self.asked(answers):
            for name, value in question.fields(answers):
                fields.setdefault(name, []).append(value)
        return fields

    def with_errors(self, body: str, wrong: Mapping[str, str]) -> str:
        """Return the HTML of a page with a sentence beside each question that is not right."""
        for question in self.questions:
            if question.name in wrong:
                body = body.replace(
                    question.error_slot(), question.error_slot(wrong[question.name])
                )
        return body

    def as_reviewed(self, body: str, answers: Mapping[str, Any], row: Mapping[str, Any]) -> str:
        """Return the HTML of a filled page as its worker saw it.

        Questions that were not asked are hidden, files are named, and marks are drawn.
        """
        asked = {question.name for question in self.asked(answers)}
        for question in self.questions:
            if question.name not in asked:
                opening = question.opening()
                body = body.replace(opening, f"{opening[:-1]} hidden>")
            else:
                body = question.reviewed(body, answers, row)
        return body
