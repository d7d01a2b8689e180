"""The base class of all kinds of question: its declaration, its HTML, its answer."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.conditions import Condition
from famulus_form.media import Shows
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, fixed, inline

#: The typed answers to one question, by their columns.
Answers = Mapping[str, Any]
#: A key below the question and what is wrong there.
Fault = tuple[str, str]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

REQUIRED = _("Please answer this question.")
# Translators: beside a question that does not have to be answered
_OPTIONAL = _("(optional)")
# Translators: below a question that depends on another one, where scripts do not run
_IF_IT_APPLIES = _("Answer this only where it applies.")


@frozen(kw_only=True)
class Question(ABC):
    """One question of a form.

    A kind of question is a subclass with a ``type``, options of its own, and the methods below
    :meth:`columns`. Field names begin with the question's name; the name of a part follows after a
    dot, so that no two questions share a field name.
    """

    #: The name in YAML: ``type: text``.
    type: ClassVar[str]
    #: Whether it is one control with a label, or a group of them with a legend.
    is_group: ClassVar[bool] = False
    #: Whether other questions can depend on its answer.
    is_testable: ClassVar[bool] = False

    name: str = famulus.option(
        help="The column of the answer: letters, digits and underscores.", required=True
    )
    question: str = famulus.option(help="The question, as workers read it.", required=True)
    help: str = famulus.option(help="A sentence below the question.", default="")
    required: bool = famulus.option(help="Whether it has to be answered.", default=True)
    show: list[Shows] = famulus.option(
        help="What is judged: text, images, audio or video, shown below the question.",
        factory=list,
    )
    show_if: Condition = famulus.option(
        help="Answers to earlier questions on which this one is shown.", factory=Condition
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the question's columns in an export."""
        return (self.name,)

    @property
    def id(self) -> str:
        """The id of its element; ids of its parts begin with it."""
        return f"fq-{self.name}"

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield its texts that may have placeholders, with their keys below the question."""
        yield "question", self.question
        yield "help", self.help
        for number, shows in enumerate(self.show):
            yield from ((f"show.{number}.{key}", text) for key, text in shows.texts())

    @classmethod
    def completed(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the declaration with its short forms written out, before it is typed."""
        return dict(raw)

    def faults(self) -> Iterator[Fault]:
        """Yield key and message of each fault that the checks of single options do not find."""
        if not _NAME.fullmatch(self.name) or self.name.startswith(("famulus_", "mephisto_")):
            yield (
                "name",
                f"{self.name!r} cannot be a column: use letters, digits and underscores, a letter "
                "first, and not famulus_",
            )
        for number, shows in enumerate(self.show):
            yield from ((f"show.{number}{key}", text) for key, text in shows.faults())

    def values(self, answers: Answers) -> list[str]:
        """Return the answer as values that a condition can test; empty without an answer."""
        answer = answers.get(self.name)
        return [] if answer is None else [str(answer)]

    def known_values(self) -> Sequence[str]:
        """Return all values that an answer can have; empty if any value is possible."""
        return ()

    def pressed_keys(self) -> Iterator[Fault]:
        """Yield the place in the file and the keyboard key of each answer that a key chooses."""
        return iter(())

    # What each kind defines.

    @abstractmethod
    def control(self) -> list[Piece]:
        """Return the HTML of the question's controls."""

    @abstractmethod
    def read(self, sent: Sent) -> dict[str, Any]:
        """Return the typed answers by their columns, all None without an answer.

        :raises WrongAnswer: with a sentence for the worker.
        """

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        """Return the form's fields that answers come from, for the page of a review."""
        return [(self.name, value) for value in self.values(answers)]

    def answer_text(self, answers: Answers) -> str:
        """Return the answers as text for a terminal; empty without an answer."""
        return ", ".join(self.values(answers))

    def note(self, answers: Answers) -> str:
        """Return the text for an answer that no control can show; empty if a control can."""
        return ""

    def reviewed(self, body: str, answers: Answers, row: Mapping[str, Any]) -> str:
        """Return the HTML of a filled page, with the answers that no control can show."""
        note = self.note(answers)
        return body.replace(self.note_slot(), self.note_slot(note)) if note else body

    # Parts of the HTML that kinds share.

    def html(self) -> list[Piece]:
        """Return the HTML of the whole question."""
        tag, heading = ("fieldset", "legend") if self.is_group else ("div", "label")
        target = "" if self.is_group else f' for="{self.id}-input"'
        optional: list[Piece] = []
        if not self.required:
            optional = [' <span class="fq-optional">', fixed(_OPTIONAL), "</span>"]
        pieces: list[Piece] = [
            f'{self.opening(tag)}\n<{heading} class="fq-question"{target}>',
            *inline(self.question),
            *optional,
            f"</{heading}>\n",
        ]
        if self.help:
            pieces += [f'<p class="fq-help" id="{self.id}-help">', *inline(self.help), "</p>\n"]
        if self.show_if.tests:
            note = fixed(_IF_IT_APPLIES)
            pieces += ['<noscript><p class="fq-help">', note, "</p></noscript>\n"]
        for shows in self.show:
            pieces += shows.html()
        return [*pieces, *self.control(), f"\n{self.error_slot()}\n</{tag}>\n"]

    def opening(self, tag: str = "") -> str:
        """Return the start tag of the whole question."""
        tag = tag or ("fieldset" if self.is_group else "div")
        shown_if = ""
        if self.show_if.tests:
            shown_if = f' data-shown-if="{escape(self.show_if.as_json())}"'
        return (
            f'<{tag} class="fq" id="{self.id}" data-question="{self.name}" data-kind="{self.type}"'
            f"{shown_if}{self._group_attributes()}>"
        )

    def error_slot(self, message: str = "") -> str:
        """Return the element for the message about a wrong answer; hidden without a message."""
        hidden = "" if message else " hidden"
        return f'<p class="fq-error" dir="auto" id="{self.id}-error"{hidden}>{escape(message)}</p>'

    def note_slot(self, note: str = "") -> str:
        """Return the element for a reviewer's note in place of a control; hidden without a note."""
        hidden = "" if note else " hidden"
        return f'<p class="fq-note" id="{self.id}-note"{hidden}>{escape(note)}</p>'

    def described(self) -> str:
        """Return the attribute that connects a control with help and error."""
        ids = f"{self.id}-help {self.id}-error" if self.help else f"{self.id}-error"
        return f' aria-describedby="{ids}"'

    def needed(self) -> str:
        """Return the attribute of a control that must have a value.

        If the question has a condition, the page's script sets ``required``.
        """
        if not self.required:
            return ""
        return " data-required" if self.show_if.tests else " required"

    def missing(self) -> dict[str, Any]:
        """Return None for each column of a question without an answer.

        :raises WrongAnswer: if the question is required.
        """
        if self.required:
            raise WrongAnswer(REQUIRED)
        return dict.fromkeys(self.columns)

    def _group_attributes(self) -> str:
        return self.described() if self.is_group else ""


@frozen(kw_only=True)
class Answerless:
    """A part of a form that only shows something: text, images, audio, video."""

    show: list[Shows] = famulus.option(
        help="What is shown: text, images, audio or video.", required=True
    )
    show_if: Condition = famulus.option(
        help="Answers to earlier questions on which this one is shown.", factory=Condition
    )

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield its texts that may have placeholders, with their keys below it."""
        for number, shows in enumerate(self.show):
            yield from ((f"show.{number}.{key}", text) for key, text in shows.texts())

    def faults(self) -> Iterator[Fault]:
        """Yield key and message of each fault that the checks of single options do not find."""
        for number, shows in enumerate(self.show):
            yield from ((f"show.{number}{key}", text) for key, text in shows.faults())

    def html(self) -> list[Piece]:
        """Return the HTML of the part."""
        shown_if = ""
        if self.show_if.tests:
            shown_if = f' data-shown-if="{escape(self.show_if.as_json())}"'
        pieces: list[Piece] = [f'<div class="fq fq-shown"{shown_if}>\n']
        for shows in self.show:
            pieces += shows.html()
        return [*pieces, "</div>\n"]
