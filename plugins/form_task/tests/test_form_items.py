"""A form that is asked of several rows in one unit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus.testing import BlueprintConformance, FormData, HtmlForm
from famulus_form import SharedFormState
from famulus_form.blueprint import FormBlueprint
from famulus_form.checks import values_of_no_row
from famulus_form.form_file import read_form
from famulus_form.options import FormArgs
from famulus_form.preview import FormPreview
from form_files import write_form
from submitted_units import submitted_unit

FORM = """
instructions: Read each.
questions:
- show: "${text}"
- name: mood
  type: choice
  question: The mood of ${text}
  options: [good, bad]
  shortcuts: true
- {name: why, type: text, question: Why, show_if: {mood: bad}}
- {name: better, type: compare, question: Better, a: "${text}", b: x}
per_page:
- {name: note, type: text, question: Anything else, required: false}
"""
PAGED = """
pages:
- title: About ${text}
  questions:
  - {name: mood, type: choice, question: Mood, options: [good, bad]}
- title: Why it is bad
  show_if: {mood: bad}
  questions:
  - {name: why, type: text, question: Why}
per_page:
- {name: note, type: text, question: Anything else, required: false}
"""
ROWS = [{"text": "one"}, {"text": "two"}]
WORKER = famulus.WorkerView(id=1, name="Zoe", provider_type="mock")
FIELDS = (
    ("1.mood", "good"),
    ("1.better", "a"),
    ("2.mood", "bad"),
    ("2.why", "It is."),
    ("2.better", "b"),
    ("note", ""),
)


def blueprint(folder: Path, text: str = FORM, items: int = 3, **more: Any) -> FormBlueprint:
    context = famulus.Context(
        database=cast("Any", None),
        clock=famulus.system_clock,
        shared_state=SharedFormState(form_data=more.pop("rows", None)),
    )
    args = FormArgs(form=write_form(folder, text), items_per_page=items, **more)
    return FormBlueprint(args, context)


def unit(rows: Any = ROWS, index: int = 0) -> famulus.UnitView:
    return famulus.UnitView(id=7, assignment_id=3, index=index, data={"items": list(rows)})


def body_of(form: FormBlueprint, shown: famulus.UnitView) -> str:
    return form.task_page(famulus.TaskView(agent_id=5, worker=WORKER, unit=shown)).body


def read(form: FormBlueprint, *fields: tuple[str, str]) -> Any:
    attempt = famulus.AttemptView(agent_id=5, onboarding=False, unit=lambda: unit())
    return form.read_answers(famulus.Form(fields=fields), attempt)


def submitted(answers: Any) -> famulus.SubmittedUnit:
    return submitted_unit(answers, unit().data, agent_id=5, id=7, assignment_id=3)


@pytest.mark.parametrize(("rows", "sizes"), [(6, [3, 3]), (7, [3, 3, 1]), (1, [1]), (0, [])])
def test_rows_become_units_of_that_many(tmp_path: Path, rows: int, sizes: list[int]) -> None:
    given = [{"text": str(number)} for number in range(rows)]

    units = list(blueprint(tmp_path, rows=given).assignments())

    assert [len(each["items"]) for each in units] == sizes
    assert [row for each in units for row in each["items"]] == given


def test_rows_are_read_only_when_they_are_needed(tmp_path: Path) -> None:
    read_rows = []

    def rows() -> Iterator[dict[str, str]]:
        for number in range(1000):
            read_rows.append(number)
            yield {"text": str(number)}

    next(blueprint(tmp_path, rows=rows()).assignments())

    assert len(read_rows) == 3


def test_each_row_is_asked_with_its_values_and_its_number(tmp_path: Path) -> None:
    body = body_of(blueprint(tmp_path), unit())

    assert re.findall(r'<h2 class="fq-title" id="fq-item-\d">(.*?)</h2>', body) == [
        "1 of 2",
        "2 of 2",
    ]
    assert re.findall(r"The mood of (\w+)<", body) == ["one", "two"]
    assert body.count("Anything else") == 1
    assert "3.mood" not in body.partition("data-steps")[0]


def test_answers_stay_with_their_row_and_conditions_within_an_item(tmp_path: Path) -> None:
    form = blueprint(tmp_path)

    answers = read(form, *FIELDS)

    lefts = re.findall(
        r'<div class="fq-side">.*?name="\d.better" value="(.)"',
        body_of(form, unit()),
        flags=re.DOTALL,
    )[::2]
    assert answers == {
        "items": [
            {"mood": "good", "better": "a", "better_left": lefts[0]},
            {"mood": "bad", "why": "It is.", "better": "b", "better_left": lefts[1]},
        ],
        "note": None,
    }


def test_what_is_wrong_is_said_beside_the_question_of_its_row(tmp_path: Path) -> None:
    form = blueprint(tmp_path)

    with pytest.raises(famulus.InvalidAnswers) as refused:
        read(form, ("1.mood", "good"), ("2.mood", "bad"), ("1.better", "a"), ("2.better", "a"))

    assert list(refused.value.fields) == ["2.why"]
    view = famulus.TaskView(agent_id=5, worker=WORKER, unit=unit())
    sent = famulus.Form(fields=FIELDS)
    body = form.refused_page(view, sent, refused.value.fields).body
    assert 'id="fq-2.why-error">Please answer' in body
    assert 'id="fq-1.why-error" hidden' in body


def test_pages_are_those_of_each_row_and_one_at_the_end(tmp_path: Path) -> None:
    form = blueprint(tmp_path, PAGED)

    body = body_of(form, unit())

    titles = re.findall(r'<h2 class="fq-title".*?</span>(.*?)</h2>', body)
    number = '<span class="fq-item-number">{} of 2</span> '
    assert titles == [
        number.format(1) + "About one",
        number.format(1) + "Why it is bad",
        number.format(2) + "About two",
        number.format(2) + "Why it is bad",
        "To finish",
    ]
    assert read(form, ("1.mood", "good"), ("2.mood", "bad"), ("2.why", "x")) == {
        "items": [{"mood": "good"}, {"mood": "bad", "why": "x"}],
        "note": None,
    }


def test_a_reviewer_sees_each_row_with_its_answers(tmp_path: Path) -> None:
    form = blueprint(tmp_path)
    answers = read(form, *FIELDS)

    text = form.show(submitted(answers))
    body = form.review_page(submitted(answers)).body

    first, second = text.split("Row 2 of 2")
    assert "text: one" in first
    assert "mood (The mood of one): good" in first
    assert "text: two" in second
    assert "why (Why): It is." in second
    assert "note (Anything else): (none)" in second
    assert re.search(r'id="fq-1.why"[^>]* hidden>', body)
    assert 'value="It is."' in body


def test_a_preview_before_any_row_asks_the_questions_once(tmp_path: Path) -> None:
    page = blueprint(tmp_path).preview_page(famulus.PreviewView(data=None))

    assert page.body.count("The mood of") == 1


def test_one_row_is_no_list(tmp_path: Path) -> None:
    form = blueprint(tmp_path, items=1, rows=ROWS)

    assert list(form.assignments()) == ROWS
    shown = famulus.UnitView(id=7, assignment_id=3, index=0, data=ROWS[0])
    body = body_of(form, shown)
    assert 'name="mood"' in body
    assert body.index("Better") < body.index("Anything else")


def test_the_authors_preview_shows_units_of_several_rows(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS * 2))
    preview = FormPreview(write_form(tmp_path, FORM), data, 3)

    assert "Row 1 of the first 2" in preview.page(0)
    assert "3 of 3" in preview.page(0)
    assert "1 of 1" in preview.page(1)
    assert "&quot;items&quot;: [" in preview.answered(
        0, famulus.Form(fields=[*FIELDS, ("3.mood", "good"), ("3.better", "a")])
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (FORM.replace("Read each.", "Read ${text}."), 2, "move it to a question about each row"),
        (FORM.replace("Anything else", "'On ${text}'"), 13, "move it to a question about each row"),
        (
            FORM.replace("note", "mood"),
            13,
            "'mood' is used by the question 'mood': choose another name",
        ),
        (
            FORM.replace("note", "items"),
            13,
            "'items' is used by the list of a unit's rows (per_page): choose another name",
        ),
        (
            FORM.replace("required: false", "show_if: {mood: bad}"),
            13,
            "which is not a question before it",
        ),
    ],
)
def test_what_is_asked_once_has_no_row(tmp_path: Path, text: str, line: int, words: str) -> None:
    form = read_form(write_form(tmp_path, text))
    problems = list(form.problems)
    if not problems:
        problems = list(values_of_no_row(form))

    found = [(problem.line, problem.message) for problem in problems]
    assert any(words in message and at == line for at, message in found), found


class TestFormOfItems(BlueprintConformance):
    blueprint = FormBlueprint

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "data.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS * 2))
        return {
            "form": write_form(tmp_path, FORM, "forms/form.yaml"),
            "data_jsonl": tmp_path / "data.jsonl",
            "items_per_page": 3,
        }

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        once = FORM.replace("Read each.", "Read ${text}.")
        return {
            "no items": {**good, "items_per_page": 0},
            "too many items": {**good, "items_per_page": 101},
            "a value of no row": {**good, "form": write_form(tmp_path, once, "once.yaml")},
        }

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any] | None:
        lines = (json.dumps({"text": f"text {n}"}) + "\n" for n in range(rows * 3))
        (tmp_path / "big.jsonl").write_text("".join(lines))
        return {**self.configuration(tmp_path), "data_jsonl": tmp_path / "big.jsonl"}

    def fill(self, form: HtmlForm, variant: int) -> FormData:
        return form.fill(variant)
