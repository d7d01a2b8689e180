"""Forms for tests, written as their authors write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import famulus
from famulus_form.form import CompiledForm
from famulus_form.form_file import FormDeclaration, read_form
from famulus_form.sent import Sent


def write_form(folder: Path, text: str, name: str = "form.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def one_question(folder: Path, declaration: str) -> FormDeclaration:
    """Return a form with one question ``q``, declared by lines of YAML."""
    lines = "".join(f"  {line}\n" for line in declaration.strip().splitlines())
    return read_form(write_form(folder, f"questions:\n- name: q\n  question: Q?\n{lines}"))


def compiled(form: FormDeclaration) -> CompiledForm:
    assert not form.problems, [str(problem) for problem in form.problems]
    return CompiledForm.compiled(form)


def sent(*fields: tuple[str, str], files: list[famulus.FormFile] | None = None) -> Sent:
    return Sent(famulus.Form(fields=fields, files=files or []), {}, 0)


def read(form: CompiledForm, *fields: tuple[str, str], **row: Any) -> dict[str, Any]:
    return form.read(Sent(famulus.Form(fields=fields), row, 0))


def refusals(form: CompiledForm, *fields: tuple[str, str]) -> dict[str, str]:
    """Return the sentence beside each question of a form that is refused."""
    try:
        read(form, *fields)
    except famulus.InvalidAnswers as error:
        return dict(error.fields)
    return {}


#: A question of each kind, one of them with a condition.
EVERY_KIND = """
instructions: |
  Please **read** the review of ${shop}.
questions:
- show: {text: "${text}", label: Review}
- name: mood
  type: choice
  question: What is the mood of the review?
  help: Your first impression counts.
  options:
  - {value: good, key: g}
  - {value: bad, key: b}
  - {value: mixed, label: "Mixed, or neither", help: Where you cannot decide.}
- name: why
  type: long_text
  question: What is bad about it?
  show_if: {mood: bad}
- name: age
  type: number
  question: How old are you?
  min: 18
  max: 120
  whole: true
  unit: years
- name: city
  type: text
  question: Where do you live?
  required: false
- name: topics
  type: choices
  question: What is it about?
  options: [price, quality, service]
  other: true
  columns_per_row: 2
- name: agree
  type: matrix
  question: How much do you agree?
  rows:
  - {value: fair, label: The review is fair}
  - {value: useful, label: The review is useful to me}
  scale: [{value: 1, label: Not at all}, {value: 2, label: A little}, {value: 3, label: Completely}]
- name: order
  type: ranking
  question: What matters most in a shop?
  items: [price, quality, service]
- name: warmth
  type: slider
  question: How warm is the tone?
  left: cold
  right: warm
- name: day
  type: date
  question: When did you last buy something like it?
  min: 2000-01-01
- name: photo
  type: file
  question: A photo of yours
  required: false
- name: better
  type: compare
  question: Which answer of the shop is better?
  a: ${answer_a}
  b: ${answer_b}
  left: The left one
  right: The right one
  tie: Both are equal
"""
EVERY_COLUMN = {
    "shop": "Corner <b>Shop</b>",
    "text": "Nice place.\nBad coffee.",
    "answer_a": "We are sorry.",
    "answer_b": "Come again & try our tea.",
}
#: What a worker sends who answers all of it, without being asked why.
EVERY_FIELD = (
    ("mood", "good"),
    ("age", "42"),
    ("city", ""),
    ("topics", "price"),
    ("topics", "other"),
    ("topics.other", "the music"),
    ("agree.fair", "2"),
    ("agree.useful", "3"),
    ("order.price", "2"),
    ("order.quality", "1"),
    ("order.service", "3"),
    ("warmth.moved", "1"),
    ("warmth", "70"),
    ("day", "2026-05-31"),
    ("better", "b"),
)
EVERY_ANSWER = {
    "mood": "good",
    "age": 42,
    "city": None,
    "topics": ["price", "other"],
    "topics_other": "the music",
    "agree": {"fair": 2, "useful": 3},
    "order": ["quality", "price", "service"],
    "warmth": 70,
    "day": "2026-05-31",
    "photo": None,
    "better": "b",
    "better_left": "a",
}


#: A question of each kind that is answered by marking, and one in JSON.
MARKS = """
questions:
- name: names
  type: spans
  question: Mark all names.
  text: ${text}
  labels: [{value: PER, label: Person}, {value: LOC, label: Place}]
- name: shapes
  type: boxes
  question: Draw a box around each shape.
  image: ${image}
  labels: [circle, square]
  min: 1
- name: middles
  type: points
  question: Click on the middle of each shape.
  image: ${image}
- name: more
  type: json
  question: What else?
  keys: [a]
  required: false
"""
MARKS_ROW = {"text": "Ada \U0001f642 <b>\r\nin London", "image": "shapes.svg"}
SHAPES = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400">'
    '<circle cx="200" cy="200" r="120"/><rect x="480" y="100" width="200" height="200"/></svg>'
)
MARKS_FIELDS = (
    (
        "names",
        '[{"start": 13, "end": 19, "label": "LOC"}, {"start": 0, "end": 5, "label": "PER"}]',
    ),
    ("shapes", '[{"left": 80, "top": 80, "width": 240, "height": 240, "label": "circle"}]'),
    ("shapes.size", "800x400"),
    ("middles", '[{"x": 200, "y": 200}]'),
    ("middles.size", "800x400"),
    ("more", '{"a": [1, null]}'),
)
MARKS_ANSWER = {
    "names": [
        {"start": 0, "end": 5, "text": "Ada \U0001f642", "label": "PER"},
        {"start": 13, "end": 19, "text": "London", "label": "LOC"},
    ],
    "shapes": [{"left": 80, "top": 80, "width": 240, "height": 240, "label": "circle"}],
    "shapes_size": {"width": 800, "height": 400},
    "middles": [{"x": 200, "y": 200}],
    "middles_size": {"width": 800, "height": 400},
    "more": {"a": [1, None]},
}


#: Consent, instructions with examples, three pages of which one depends on an answer, and thanks.
STEPS = """
consent:
  version: 2
  agree: I agree to take part
  text: |
    # Who we are

    We study **reviews**.

    - You may stop at any time.
    - We store no names.
instructions:
  text: Read the review of ${shop}.
  good: {text: It felt warm., why: Names a feeling}
  bad: [Nice.]
thank_you: Thanks from **${shop}**.
pages:
- title: About ${shop}
  questions:
  - show: {text: "${text}", label: Review}
  - name: mood
    type: choice
    question: What is the mood of the review?
    options: [good, bad, mixed]
  - name: tags
    type: choices
    question: What is it about?
    options: [price, quality, service]
    min: 2
- title: What is bad
  show_if: {mood: [bad, mixed]}
  questions:
  - {name: why, type: text, question: Why is it bad}
  - {name: since, type: text, question: Since when, show_if: {mood: bad}}
- title: About you
  questions:
  - {name: age, type: number, question: How old are you, min: 18, whole: true}
"""
STEPS_FIELDS = (
    ("_consent", "2"),
    ("mood", "bad"),
    ("tags", "price"),
    ("tags", "service"),
    ("why", "It was cold."),
    ("since", "May"),
    ("age", "42"),
)
STEPS_ANSWER = {
    "consent": 2,
    "mood": "bad",
    "tags": ["price", "service"],
    "why": "It was cold.",
    "since": "May",
    "age": 42,
}
