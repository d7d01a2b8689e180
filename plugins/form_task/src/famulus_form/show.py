"""A unit for the terminal of a reviewer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import famulus
from famulus_form.form import Form
from famulus_form.texts import placeholders, plain, value_text


def shown(form: Form, unit: famulus.SubmittedUnit) -> str:
    """Return the row, and each question that was asked with its answer, as lines of text."""
    answers = unit.answers if isinstance(unit.answers, Mapping) else {}
    return "\n".join(["Row", *_row(unit), "", "Answers", *_answers(form, unit, answers)])


def _row(unit: famulus.SubmittedUnit) -> Iterator[str]:
    for name, value in unit.data.items():
        yield f"  {famulus.escaped_line(name)}: {_indented(value_text(value))}"
    if not unit.data:
        yield "  (none)"


def _answers(
    form: Form, unit: famulus.SubmittedUnit, answers: Mapping[str, object]
) -> Iterator[str]:
    known: set[str] = set()
    for question in form.asked(answers):
        known.update(question.columns)
        asked = question.question
        words = plain(asked, unit.data) if any(placeholders(asked)) else asked
        text = question.answer_text(answers) or "(none)"
        yield f"  {question.name} ({_indented(words)}): {_indented(text)}"
    for name, value in answers.items():
        if name not in known:
            yield f"  {famulus.escaped_line(name)}: {_indented(value_text(value))}"


def _indented(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\t", "    ").strip().split("\n")
    return "\n    ".join(map(famulus.escaped_line, lines))
