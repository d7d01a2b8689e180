"""A page of a form: parts that are shown at once, below a heading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve, field, frozen

import famulus
from famulus_form.conditions import Condition
from famulus_form.correct import RightAnswers
from famulus_form.question import Answerless, Question
from famulus_form.texts import Piece, inline


@frozen
class Part:
    """A question, or something that is only shown, and where it is declared."""

    item: Question | Answerless
    file: famulus.OptionFile
    key: str
    #: of a question that is judged
    right: RightAnswers | None = None


@frozen(kw_only=True)
class PageHead:
    """The parts of a page around its questions."""

    title: str = famulus.option(help="The heading of the page.", required=True)
    show_if: Condition = famulus.option(
        help="Answers on earlier pages on which this one is shown.", factory=Condition
    )


@frozen(kw_only=True)
class FormPage:
    """A page, or all questions of a form without pages."""

    parts: Sequence[Part]
    title: str = ""
    show_if: Condition = field(factory=Condition)
    #: where it is declared; empty for a form without pages
    key: str = ""

    def texts(self) -> Iterator[tuple[famulus.OptionFile, str, str]]:
        """Yield the texts of its parts that may have placeholders, with their file and key."""
        for part in self.parts:
            yield from ((part.file, f"{part.key}.{key}", text) for key, text in part.item.texts())

    @property
    def items(self) -> Iterator[Question | Answerless]:
        """The questions and other parts, each with the condition of the page added to its own."""
        for part in self.parts:
            item = part.item
            yield evolve(item, show_if=self.show_if & item.show_if) if self.show_if.tests else item


def section(
    page_id: str, title: str, content: Sequence[Piece], number: Sequence[Piece] = ()
) -> list[Piece]:
    """Return the HTML of a page; the script shows one page at a time.

    :param number: the number of the page's item, as HTML.
    """
    if not title:
        return ['<section class="fq-page" tabindex="-1">\n', *content, "</section>\n"]
    return [
        f'<section class="fq-page" aria-labelledby="{page_id}">\n'
        f'<h2 class="fq-title" id="{page_id}" tabindex="-1"><span class="fq-progress"></span>',
        *number,
        *inline(title),
        "</h2>\n",
        *content,
        "</section>\n",
    ]
