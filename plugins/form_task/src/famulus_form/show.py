"""Show a unit to a reviewer, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

import famulus
from famulus_form.form import CompiledForm
from famulus_form.items import ITEMS, Answered
from famulus_form.judging import Judge
from famulus_form.texts import placeholders, plain, value_text


def shown(form: CompiledForm, unit: famulus.SubmittedUnit) -> str:
    """Return the row, and each question that was asked with its answer, as lines of text.

    In a unit of several rows, each row is followed by its own answers.
    """
    answers = unit.answers if isinstance(unit.answers, Mapping) else {}
    groups = form.answered(answers, unit.data)
    lines: list[str] = []
    for group in groups:
        if group.number is not None:
            lines += [f"Row {group.number + 1} of {len(groups) - 1}", *_row(group.row), "Answers"]
            lines += [*_answers(group), ""]
        elif not form.item_questions:
            lines += ["Row", *_row(group.row), "", "Answers", *_answers(group)]
    once = groups[-1]
    known = {column for question in once.asked for column in question.columns}
    others = {name: value for name, value in answers.items() if name not in known}
    if form.item_questions:
        others.pop(ITEMS, None)
        lines += ["Once", *_answers(once)] if once.asked or others else []
    lines += (
        f"  {famulus.escaped_line(name)}: {_indented(value_text(value))}"
        for name, value in others.items()
    )
    return "\n".join(lines).rstrip("\n")


def shown_onboarding(form: CompiledForm, judge: Judge, answers: Mapping[str, Any]) -> str:
    """Return the questions of an onboarding that were asked, with their answers, as lines of text.

    The right answer is below each wrong one.
    """
    judgement = judge.judge(answers)
    wrong = {right.column: right for right in judgement.wrong}
    lines: list[str] = []
    for group in form.answered(answers, {}):
        for question in group.asked:
            lines += _answers(evolve(group, questions=[question]))
            if question.name in wrong:
                lines.append(f"    WRONG; right: {_indented(str(wrong[question.name]))}")
    if judgement.asked:
        right = len(judgement.asked) - len(wrong)
        lines.append(f"Right: {right} of {len(judgement.asked)}")
    return "\n".join(lines)


def _row(row: Mapping[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        yield f"  {famulus.escaped_line(name)}: {_indented(value_text(value))}"
    if not row:
        yield "  (none)"


def _answers(group: Answered) -> Iterator[str]:
    for question in group.asked:
        asked = question.question
        words = plain(asked, group.row) if any(placeholders(asked)) else asked
        text = question.answer_text(group.answers) or "(none)"
        name = question.name.partition(".")[2] or question.name
        yield f"  {name} ({_indented(words)}): {_indented(text)}"


def _indented(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\t", "    ").strip().split("\n")
    return "\n    ".join(map(famulus.escaped_line, lines))
