"""A form that is ready to be shown and read: compiled once, used by many threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

import famulus
import famulus_marks
from famulus_form.catalogue import _
from famulus_form.form_file import FormDeclaration
from famulus_form.form_page import FormPage, section
from famulus_form.head import CONSENT_COLUMN, CONSENT_FIELD, NOT_AGREED, Head
from famulus_form.items import (
    ITEMS,
    Answered,
    prefix_of,
    prefixed,
    rows_of,
    sent_items,
    with_items,
)
from famulus_form.kinds.marks import Marking
from famulus_form.question import Question
from famulus_form.script_texts import BACK, NEXT, script_texts, steps_knowledge
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import (
    OWN_NAMES,
    PageContent,
    Piece,
    blocks,
    fixed,
    merged,
    placeholders,
    rendered,
)

#: The folder of our style sheet and script.
STATIC = Path(__file__).parent / "static"
#: The folders of all that a page of a form loads.
FOLDERS = (STATIC, famulus_marks.STATIC)
STYLE_SHEET = "famulus_form.css"
HEAD = f'<link rel="stylesheet" href="{STYLE_SHEET}">'
#: Hides all pages but the first until the script of the steps runs.
STEPS_HEAD = '<script>document.documentElement.classList.add("fq-early")</script>'
SCRIPTS = '<script src="famulus_form.js"></script>'
MARKS_HEAD = f'<link rel="stylesheet" href="{famulus_marks.STYLE_SHEET}">'
MARKS_SCRIPT = f'<script src="{famulus_marks.SCRIPT}"></script>'
STEPS_SCRIPT = (
    '<script src="famulus_steps.js"'
    " onerror=\"document.documentElement.classList.remove('fq-early')\"></script>"
)
#: The field that keeps the page that a worker is on in their draft.
PAGE_FIELD = "_page"

_SUMMARY = _("Some answers are missing or not right; see the notes beside the questions.")
# Translators: the heading of the last page of a form
_ENDING = _("To finish")


@define
class CompiledForm:
    """The questions of a form, and the HTML that is the same for every row."""

    head: Head
    #: those that are asked once
    questions: Sequence[Question]
    #: of a form that is asked of several rows, those of each, named for it
    item_questions: Sequence[Sequence[Question]]
    #: the columns of the data that its texts use
    needed: frozenset[str]
    #: the tag of the language of the author's texts; empty if that is not stated
    language: str
    _pieces: Sequence[Piece] = field(repr=False)
    _thanks: Sequence[Piece] = field(repr=False)
    _html_head: str = HEAD
    _scripts: str = SCRIPTS
    _has_marks: bool = False

    @classmethod
    def compiled(cls, file: FormDeclaration, items: int = 1) -> CompiledForm:
        """Compile a form that has no problems.

        :param items: the largest number of rows in a unit; with 1, a unit's data is the row itself.
        """
        head = file.head
        of_items = [_item_pages(file, number) for number in range(items)] if items > 1 else []
        item_questions = [_questions_of(pages) for pages in of_items]
        once = file.all_pages if items == 1 else [file.ending] if file.ending else []
        questions = _questions_of(once)
        everything = [*(each for listed in item_questions for each in listed), *questions]
        pieces: list[Piece] = [
            '<div class="fq-form" data-texts="',
            lambda shown: script_texts(shown.translate),
            '">\n',
        ]
        if head.consent is not None:
            pieces += head.consent.html()
        pieces += head.instructions.html()
        if any(any(question.pressed_keys()) for question in everything):
            pieces.append('<p class="fq-shortcuts" dir="auto" hidden></p>\n')
        pieces += _content(file, of_items)
        if file.has_pages:
            pieces += _steps(everything)
        pieces.append("</div>")
        used = {name for _, _, text in file.texts() for name in placeholders(text)}
        has_marks = any(isinstance(question, Marking) for question in everything)
        return cls(
            head=head,
            questions=questions,
            item_questions=item_questions,
            needed=frozenset(used - OWN_NAMES),
            language=file.language,
            pieces=merged(pieces),
            thanks=blocks(head.thank_you),
            html_head=HEAD
            + (STEPS_HEAD if file.has_pages else "")
            + (MARKS_HEAD if has_marks else ""),
            scripts=SCRIPTS
            + (STEPS_SCRIPT if file.has_pages else "")
            + (MARKS_SCRIPT if has_marks else ""),
            has_marks=has_marks,
        )

    @property
    def review_head(self) -> str:
        """A ``<style>`` with our style sheets, since a review serves only the author's folder."""
        own = (STATIC / STYLE_SHEET).read_text(encoding="utf-8")
        return f"<style>\n{own}{famulus_marks.style_text() if self._has_marks else ''}</style>"

    def shown(self, data: Mapping[str, Any], shown: PageContent) -> PageContent:
        """Return the content of a unit's page, with fixed texts in the form's own language.

        :param shown: the content of the page other than the unit's data.
        """
        if self.language:
            shown = evolve(shown, translate=famulus.Translator.to(self.language))
        if self.item_questions:
            return with_items(shown, data)
        return evolve(shown, values={**data, **shown.values})

    def page(self, shown: PageContent) -> famulus.Page:
        """Return the page for one row."""
        body = rendered(self._pieces, shown)
        return famulus.Page(
            head=self._html_head,
            body=body,
            scripts=self._scripts,
            html_attributes=self._html_attributes,
        )

    @property
    def _html_attributes(self) -> Mapping[str, str]:
        if not self.language:
            return {}
        return famulus.Translator.to(self.language).language.attributes

    @property
    def looks_back(self) -> bool:
        """Whether a page depends on what its worker has answered before."""
        return self.head.consent is not None or bool(self.head.instructions.html())

    @property
    def thanks_by_row(self) -> bool:
        """Whether the text after the submission has values of the row."""
        return any(not isinstance(piece, str) for piece in self._thanks)

    def thank_you(self, shown: PageContent) -> str:
        """Return the text after the submission, as HTML."""
        return rendered(self._thanks, shown)

    def read(self, sent: Sent) -> dict[str, Any]:
        """Return the typed answers by column.

        A question that its condition hides has no answer, even if the form contains one.

        :raises famulus.InvalidAnswers: with a sentence for each question that is answered wrong.
        """
        answers: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        consent = self.head.consent
        if consent is not None:
            answers[CONSENT_COLUMN] = consent.version
            if sent.form.first(CONSENT_FIELD) != consent.sent:
                wrong[CONSENT_FIELD] = NOT_AGREED
        if self.item_questions:
            answers[ITEMS] = [
                _read(questions, each, wrong, prefix_of(number))
                for number, (questions, each) in enumerate(
                    zip(self.item_questions, sent_items(sent), strict=False)
                )
            ]
        answers |= _read(self.questions, sent, wrong)
        if wrong:
            first = next(iter(wrong.values()))
            raise famulus.InvalidAnswers(first if len(wrong) == 1 else _SUMMARY, wrong)
        return answers

    def answered(self, answers: Mapping[str, Any], data: Mapping[str, Any]) -> list[Answered]:
        """Return questions with their stored answers: a group per row, and one asked once.

        :param data: the unit's data.
        """
        found: list[Answered] = []
        listed = answers.get(ITEMS) if self.item_questions else None
        rows = rows_of(data)
        for number, each in enumerate(listed if isinstance(listed, list) else ()):
            if number < len(self.item_questions) and isinstance(each, Mapping):
                named = {f"{prefix_of(number)}{key}": value for key, value in each.items()}
                row = rows[number] if number < len(rows) else {}
                found.append(Answered(self.item_questions[number], named, row, number))
        row = {} if self.item_questions else data
        return [*found, Answered(self.questions, answers, row)]

    def fields(self, answers: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return, by name, the form fields that these stored answers came from."""
        fields: dict[str, list[str]] = {}
        if self.head.consent is not None and CONSENT_COLUMN in answers:
            fields[CONSENT_FIELD] = [str(answers[CONSENT_COLUMN])]
        for group in self.answered(answers, {}):
            for question in group.asked:
                for name, value in question.fields(group.answers):
                    fields.setdefault(name, []).append(value)
        return fields

    def with_errors(self, body: str, wrong: Mapping[str, str]) -> str:
        """Return the HTML of a page with a message at each question that is answered wrong."""
        for question in self._all_questions:
            if question.name in wrong:
                body = body.replace(
                    question.error_slot(), question.error_slot(wrong[question.name])
                )
        return body

    def as_reviewed(self, body: str, answers: Mapping[str, Any], row: Mapping[str, Any]) -> str:
        """Return the HTML of a filled page as its worker saw it.

        Questions that were not asked are hidden, files are named, and marks are drawn.
        """
        for group in self.answered(answers, row):
            asked = {question.name for question in group.asked}
            for question in group.questions:
                if question.name not in asked:
                    opening = question.opening()
                    body = body.replace(opening, f"{opening[:-1]} hidden>")
                else:
                    body = question.reviewed(body, group.answers, group.row)
        return body

    @property
    def _all_questions(self) -> Iterator[Question]:
        for questions in (*self.item_questions, self.questions):
            yield from questions


def _read(
    questions: Sequence[Question], sent: Sent, wrong: dict[str, str], prefix: str = ""
) -> dict[str, Any]:
    """Return the answers by column, without the prefix; add error messages to ``wrong``."""
    answers: dict[str, Any] = {}
    values: dict[str, Sequence[str]] = {}
    for question in questions:
        if not question.show_if.holds(values):
            continue
        try:
            found = question.read(sent)
        except WrongAnswer as error:
            wrong[question.name] = error.message
            continue
        answers |= found
        values[question.name] = question.values(found)
    return {name.removeprefix(prefix): value for name, value in answers.items()}


def _questions_of(pages: Sequence[FormPage]) -> list[Question]:
    items = (item for page in pages for item in page.items)
    return [item for item in items if isinstance(item, Question)]


def _item_pages(file: FormDeclaration, number: int) -> list[FormPage]:
    """Return the pages of one item, with its prefix in names and with the pages' conditions."""
    prefix = prefix_of(number)
    return [
        FormPage(
            parts=[
                evolve(part, item=prefixed(item, prefix))
                for part, item in zip(page.parts, page.items, strict=True)
            ],
            title=page.title,
        )
        for page in file.pages
    ]


def _html_of(page: FormPage) -> list[Piece]:
    return [piece for item in page.items for piece in item.html()]


def _content(file: FormDeclaration, of_items: Sequence[Sequence[FormPage]]) -> list[Piece]:
    """Return the HTML of all questions."""
    is_titled = any(page.title for page in file.pages)
    content: list[Piece] = []
    if of_items:
        content.append(_items_html([_item_html(pages, n) for n, pages in enumerate(of_items)]))
    else:
        for number, page in enumerate(file.pages, 1):
            html = _html_of(page)
            content += section(f"fq-page-{number}", page.title, html) if is_titled else html
    if file.ending is not None:
        html = _html_of(file.ending)
        if is_titled:
            content += section("fq-page-end", _ENDING, html)
        elif of_items:
            content += ['<div class="fq-ending">\n', *html, "</div>\n"]
        else:
            content += html
    return section("", "", content) if file.has_pages and not is_titled else content


def _item_html(pages: Sequence[FormPage], number: int) -> list[Piece]:
    title_id = f"fq-item-{number + 1}"
    label = _numbered(number)
    if any(page.title for page in pages):
        counted: list[Piece] = ['<span class="fq-item-number">', label, "</span> "]
        return [
            piece
            for index, page in enumerate(pages, 1)
            for piece in section(f"{title_id}-{index}", page.title, _html_of(page), counted)
        ]
    return [
        f'<section class="fq-item-part" aria-labelledby="{title_id}">\n'
        f'<h2 class="fq-title" id="{title_id}">',
        label,
        "</h2>\n",
        *_html_of(pages[0]),
        "</section>\n",
    ]


def _numbered(number: int) -> Piece:
    def numbered(shown: PageContent) -> str:
        # Translators: the number of one of several that a worker is shown
        text = _("{number} of {items}", number=number + 1, items=shown.of)
        return escape(shown.translate(text))

    return numbered


def _items_html(compiled: Sequence[Sequence[Piece]]) -> Piece:
    ready = [merged(pieces) for pieces in compiled]
    return lambda shown: "".join(
        rendered(pieces, each) for pieces, each in zip(ready, shown.items, strict=False)
    )


def _steps(questions: Sequence[Question]) -> list[Piece]:
    """Return the buttons for changing pages, with the data that the script needs."""
    return [
        '<div class="fq-steps" data-steps="',
        steps_knowledge(questions),
        f'" hidden>\n<input type="hidden" name="{PAGE_FIELD}" value="" autocomplete="off">\n'
        '<button type="button" class="fq-back">',
        fixed(BACK),
        '</button>\n<button type="button" class="fq-next">',
        fixed(NEXT),
        "</button>\n</div>\n",
    ]
