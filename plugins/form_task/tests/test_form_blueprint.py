"""A form is shown, read, refused and reviewed by one declaration."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus_form.blueprint import FormBlueprint
from famulus_form.form_file import read_form
from famulus_form.options import FormArgs, SharedFormState
from famulus_form.texts import PageContent
from form_files import (
    EVERY_ANSWER,
    EVERY_COLUMN,
    EVERY_FIELD,
    EVERY_KIND,
    compiled,
    one_question,
    read,
    refusals,
    write_form,
)
from submitted_units import submitted_unit

WORKER = famulus.WorkerView(id=1, name="Zoe", provider_type="mock")


def blueprint(folder: Path, text: str = EVERY_KIND, **more: Any) -> FormBlueprint:
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=SharedFormState()
    )
    return FormBlueprint(FormArgs(form=write_form(folder, text), **more), context)


def unit(index: int = 0, **row: Any) -> famulus.UnitView:
    # Lots are drawn by the number: the first unit of this one has the text a on the left.
    return famulus.UnitView(id=7, assignment_id=3, index=index, data=row or EVERY_COLUMN)


def view(shown: famulus.UnitView) -> famulus.TaskView:
    return famulus.TaskView(agent_id=5, worker=WORKER, unit=shown)


def attempt(shown: famulus.UnitView) -> famulus.AttemptView:
    return famulus.AttemptView(agent_id=5, onboarding=False, unit=lambda: shown)


def submitted(answers: Any, shown: famulus.UnitView) -> famulus.SubmittedUnit:
    return submitted_unit(answers, shown.data, agent_id=5, index=shown.index, id=7, assignment_id=3)


def left_of(body: str) -> str:
    first = re.search(r'name="better" value="(.)"', body)
    assert first is not None
    return first[1]


def test_every_kind_is_answered_with_its_type(tmp_path: Path) -> None:
    form, shown = blueprint(tmp_path), unit()

    answers = form.read_answers(famulus.Form(fields=EVERY_FIELD), attempt(shown))

    left = left_of(form.task_page(view(shown)).body)
    assert answers == {**EVERY_ANSWER, "better_left": left}


def test_units_of_a_row_take_turns_in_what_is_on_the_left(tmp_path: Path) -> None:
    form = blueprint(tmp_path)

    lefts = []
    for index in range(2):
        body = form.task_page(view(unit(index))).body
        answers = form.read_answers(famulus.Form(fields=EVERY_FIELD), attempt(unit(index)))
        assert answers["better_left"] == left_of(body)
        lefts.append(left_of(body))

    assert sorted(lefts) == ["a", "b"]


def test_values_and_markup_of_texts(tmp_path: Path) -> None:
    declaration = "type: text\nhelp: '**${a}** & *b* and $${a}, ${provider_worker_id}'"
    form = compiled(one_question(tmp_path, declaration))

    body = form.page(PageContent({"a": "<i>*x*", "provider_worker_id": "Zoe"})).body

    assert "<strong>&lt;i&gt;*x*</strong> &amp; <em>b</em> and ${a}, Zoe</p>" in body


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("cat.png", "cat.png"),
        ('https://a.example/?x=1&y="', "https://a.example/?x=1&amp;y=&quot;"),
        ("data:image/png;base64,AA==", "data:image/png;base64,AA=="),
        (" java\tscript:alert(1)", "about:invalid"),
        ("data:text/html,x", "about:invalid"),
    ],
)
def test_an_address_of_the_data_runs_no_code(tmp_path: Path, address: str, source: str) -> None:
    form = compiled(one_question(tmp_path, "type: text\nshow: {image: '${a}', alt: 'A ${a}'}"))

    assert f'<img src="{source}"' in form.page(PageContent({"a": address})).body


CONDITIONAL = """
questions:
- {name: mood, question: M, type: choice, options: [good, bad]}
- {name: why, question: W, type: text, show_if: {mood: bad}}
- {name: age, question: A, type: number, show_if: {why: {answered: true}}}
- {name: parent, question: P, type: text, show_if: {age: {at_least: 18, at_most: 30}}}
- {name: tags, question: T, type: choices, options: [x, y, z], required: false}
- {name: more, question: O, type: text, show_if: {tags: [x, y]}}
- {name: less, question: L, type: text, show_if: {tags: {none_of: [x]}, mood: bad}}
"""
BAD = {"mood": "bad", "why": "x"}


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"mood": "good"}, "mood tags"),
        ({"mood": "good", "why": "x", "age": "20"}, "mood tags"),
        ({"mood": "bad", "why": "x", "age": "17", "less": "x"}, "mood why age tags less"),
        (
            {"mood": "bad", "why": "x", "age": "18", "parent": "x", "less": "x"},
            "mood why age parent tags less",
        ),
        ({"mood": "bad", "why": "x", "age": "31", "less": "x"}, "mood why age tags less"),
        ({"mood": "good", "tags": "y", "more": "x"}, "mood tags more"),
        ({"mood": "good", "tags": "z"}, "mood tags"),
        (
            {"mood": "bad", "why": "x", "age": "1", "tags": "x", "more": "x"},
            "mood why age tags more",
        ),
    ],
)
def test_the_server_decides_what_was_asked(
    tmp_path: Path, fields: dict[str, str], asked: str
) -> None:
    form = compiled(read_form(write_form(tmp_path, CONDITIONAL)))

    assert " ".join(read(form, *fields.items())) == asked


def test_what_was_asked_is_required(tmp_path: Path) -> None:
    form = compiled(read_form(write_form(tmp_path, CONDITIONAL)))

    assert refusals(form, ("mood", "bad")).keys() == {"why", "less"}


def test_without_javascript_a_condition_requires_nothing_of_the_browser(tmp_path: Path) -> None:
    body = compiled(read_form(write_form(tmp_path, CONDITIONAL))).page(PageContent({})).body

    [why] = re.findall(r'<input type="text" id="fq-why-input"[^>]*>', body)
    assert " required" not in why
    assert " data-required" in why
    assert "<noscript>" in body
    assert not re.search(r'data-question="[a-z]+"[^>]* hidden', body)


def test_a_refused_form_comes_again_with_a_sentence_beside_each_question(tmp_path: Path) -> None:
    form = blueprint(tmp_path)
    fields = [(name, "17" if name == "age" else value) for name, value in EVERY_FIELD]
    sent = famulus.Form(fields=[*fields, ("city", "<Bern>")])

    with pytest.raises(famulus.InvalidAnswers) as refused:
        form.read_answers(sent, attempt(unit()))
    page = form.refused_page(view(unit()), sent, refused.value.fields)

    assert str(refused.value) == "Please enter a number of at least 18."
    beside = (
        '<p class="fq-error" dir="auto" id="fq-age-error">Please enter a number of at least 18.</p>'
    )
    assert beside in page.body
    assert 'value="17"' in page.body
    assert 'value="good" data-key="g" required="" checked=""' in page.body


def test_a_review_shows_the_form_as_its_worker_saw_it(tmp_path: Path) -> None:
    form, shown = blueprint(tmp_path), unit(1)
    photo = {"name": "<cat>.png", "size": 1234, "type": "image/png", "sha256": "0" * 64}
    answers = {**EVERY_ANSWER, "photo": photo}

    body = form.review_page(submitted(answers, shown)).body

    assert left_of(body) == left_of(form.task_page(view(shown)).body)
    for filled in (
        'data-other="" aria-labelledby="fq-topics-other" value="the music"',
        'name="agree.useful" value="3" required="" checked=""',
        'value="b" required="" checked=""',
        "&lt;cat&gt;.png (image/png, 1,234 bytes)",
    ):
        assert filled in body, filled
    items = re.findall(r'name="order\.(\w+)"', body)
    assert items == EVERY_ANSWER["order"]
    hidden = re.findall(r'data-question="([a-z]+)"[^>]* hidden>', body)
    assert hidden == ["why"]


def test_a_terminal_shows_each_question_with_its_answer(tmp_path: Path) -> None:
    form = blueprint(tmp_path)

    text = form.show(submitted({**EVERY_ANSWER, "city": "a\x1b[2J"}, unit()))

    assert "  topics (What is it about?): price, other (the music)" in text
    assert "  order (What matters most in a shop?): 1. quality, 2. price, 3. service" in text
    assert "  agree (How much do you agree?): fair: 2; useful: 3" in text
    assert "\x1b" not in text
    assert "why" not in text


def test_the_preview_needs_no_row(tmp_path: Path) -> None:
    page = blueprint(tmp_path).preview_page(famulus.PreviewView(data=None))

    assert "Please <strong>read</strong> the review of ." in page.body


def test_all_texts_name_columns_of_the_data(tmp_path: Path) -> None:
    text = EVERY_KIND.replace("review of ${shop}", "review of ${shp}").replace(
        "label: The review is fair", "label: 'Is ${nothing} fair'"
    )
    (tmp_path / "data.csv").write_text("shop,text,answer_a,answer_b\n1,2,3,4\n")
    form = blueprint(tmp_path, text, data_csv=tmp_path / "data.csv")

    problems = form.problems(_plan(form, tmp_path))

    assert [(problem.line, problem.message.partition(" (")[0]) for problem in problems] == [
        (2, "${shp} has no data; did you mean ${shop}?"),
        (1 + text[: text.index("${nothing}")].count("\n"), "${nothing} has no data"),
    ]


def _plan(form: FormBlueprint, folder: Path) -> famulus.Plan:
    return famulus.Plan(
        task=famulus.TaskArgs(task_title="T", task_description="D", task_reward=Decimal(0)),
        blueprint=famulus.Role(type="form", args=form.args),
        architect=famulus.Role(type="local", args=None),
        provider=famulus.Role(type="mock", args=None),
        shared_state=SharedFormState(),
        task_dir=folder,
    )
