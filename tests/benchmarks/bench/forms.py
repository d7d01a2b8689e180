"""A long form in YAML: what a worker's page costs besides the frame."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, milliseconds
from bench.scale import Scale
from famulus_form.form import CompiledForm
from famulus_form.form_file import read_form
from famulus_form.texts import PageContent

_QUESTIONS = 50
_REPETITIONS = 200
#: Seconds of processor time.
_LIMIT = 0.003
_KINDS = (
    "type: text",
    "type: long_text",
    "type: number",
    "type: choice\n  options: [a, b, {value: c, label: '${text}'}]\n  other: true",
    "type: choices\n  options: [a, b, c, d]",
    "type: matrix\n  rows: [a, b, c]\n  scale: [1, 2, 3, 4, 5]",
    "type: ranking\n  items: [a, b, c]",
    "type: slider",
    "type: date",
    "type: compare\n  a: '${text}'\n  b: '${text}'",
)


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Render a form of fifty questions, each with a value of the row, and read its answers."""
    path = folder / "form.yaml"
    path.write_text("questions:\n" + "".join(map(_question, range(_QUESTIONS))), encoding="utf-8")
    file = read_form(path)
    if file.problems:
        raise ValueError(file.problems)
    form = CompiledForm.compiled(file)
    row = json.loads(json.dumps({"text": "A sentence & <more>. " * 20}))
    shown = PageContent(row)
    started = time.process_time()
    for _ in range(_REPETITIONS):
        form.page(shown)
    seconds = (time.process_time() - started) / _REPETITIONS
    yield Figure(
        subject="forms",
        what=f"page of {_QUESTIONS} questions in YAML",
        measured=f"{milliseconds(seconds)} of processor",
        goal=f"at most {milliseconds(_LIMIT)}",
        met=seconds <= _LIMIT,
    )


def _question(number: int) -> str:
    kind = _KINDS[number % len(_KINDS)]
    return f"- name: q{number}\n  question: 'Question {number} about ${{text}}'\n  {kind}\n"
