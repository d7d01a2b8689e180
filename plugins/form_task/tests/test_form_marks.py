"""Marks of a text and of an image are checked one by one, and drawn for a reviewer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famulus_form.form import CompiledForm
from famulus_form.form_file import read_form
from famulus_form.texts import PageContent
from form_files import (
    MARKS,
    MARKS_ANSWER,
    MARKS_FIELDS,
    MARKS_ROW,
    compiled,
    one_question,
    read,
    refusals,
    write_form,
)

SPANS = "type: spans\ntext: abc def\nlabels: [X, Y]"
BOXES = "type: boxes\nimage: a.png\nmin: 1"
POINTS = "type: points\nimage: a.png\nmax: 1"
SIZE = ("q.size", "100x50")


@pytest.fixture
def form(tmp_path: Path) -> CompiledForm:
    return compiled(read_form(write_form(tmp_path, MARKS)))


def test_marks_are_stored_in_order_with_what_they_mark(form: CompiledForm) -> None:
    assert read(form, *MARKS_FIELDS, **MARKS_ROW) == MARKS_ANSWER


def test_offsets_are_those_of_the_text_in_the_page(form: CompiledForm) -> None:
    body = form.page(PageContent(MARKS_ROW)).body

    assert (
        '<div class="fq-span-text" id="fq-names-text">Ada \U0001f642 &lt;b&gt;\nin London</div>'
        in body
    )


def test_nothing_to_mark_is_an_answer(tmp_path: Path) -> None:
    form = compiled(one_question(tmp_path, SPANS))

    assert read(form, ("q", ""), ("q.none", "1")) == {"q": []}
    assert refusals(form, ("q", "")) == {"q": "Please answer this question."}
    assert form.fields({"q": []}) == {"q": ["[]"], "q.none": ["1"]}


def span(start: object, end: object, label: object = "X") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


@pytest.mark.parametrize(
    ("declaration", "marks"),
    [
        (SPANS, "[{"),
        (SPANS, "{}"),
        (SPANS, "[1]"),
        (SPANS, "[" * 100_000),
        (SPANS, [span(0, 8)]),
        (SPANS, [span(3, 3)]),
        (SPANS, [span(-1, 2)]),
        (SPANS, [span(0.0, 2)]),
        (SPANS, [span(False, True)]),
        (SPANS, [span(0, 2, "Z")]),
        (SPANS, [{"start": 0, "end": 2}]),
        (SPANS, [span(0, 4), span(3, 5)]),
        (BOXES, [{"left": 0, "top": 0, "width": 101, "height": 1}]),
        (BOXES, [{"left": 90, "top": 0, "width": 11, "height": 1}]),
        (BOXES, [{"left": 0, "top": 50, "width": 1, "height": 1}]),
        (BOXES, [{"left": 0, "top": 0, "width": 0, "height": 1}]),
        (POINTS, [{"x": 100, "y": 0}]),
        (POINTS, [{"x": "1", "y": 0}]),
    ],
)
def test_what_is_no_mark_is_refused(tmp_path: Path, declaration: str, marks: Any) -> None:
    form = compiled(one_question(tmp_path, declaration))
    sent = marks if isinstance(marks, str) else json.dumps(marks)

    assert "mark it again" in refusals(form, ("q", sent), SIZE)["q"]


@pytest.mark.parametrize("size", ["", "0x5", "1e9x5", "100x50x1", "-1x5"])
def test_an_image_that_was_not_measured_is_refused(tmp_path: Path, size: str) -> None:
    form = compiled(one_question(tmp_path, POINTS))

    assert "mark it again" in refusals(form, ("q", '[{"x": 0, "y": 0}]'), ("q.size", size))["q"]


def test_the_number_of_marks_is_limited(tmp_path: Path) -> None:
    two = json.dumps([{"x": 1, "y": 1}, {"x": 2, "y": 2}])
    one = json.dumps([{"left": 0, "top": 0, "width": 5, "height": 5}])

    form = compiled(one_question(tmp_path, POINTS))
    assert refusals(form, ("q", two), SIZE) == {"q": "Please mark at most 1."}
    form = compiled(one_question(tmp_path, BOXES.replace("min: 1", "min: 2")))
    assert refusals(form, ("q", one), SIZE) == {"q": "Please mark at least 2."}


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ("type: spans\ntext: ${provider_worker_id}", "is not of the row"),
        ("type: boxes\nimage: 'javascript:x'", "not the address of a file"),
        ("type: boxes\nimage: a\nmin: 2\nmax: 1", "cannot be less than 2"),
        (f"type: points\nimage: a\nlabels: {list('abcdefghi')}", "there are colours for 8"),
    ],
)
def test_a_fault_of_a_question_says_what_is_wrong(
    tmp_path: Path, declaration: str, words: str
) -> None:
    problems = one_question(tmp_path, declaration).problems

    assert any(words in problem.message for problem in problems), list(map(str, problems))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1', "line 1, column 8"),
        ('{"a": NaN}', "what JSON cannot have"),
        ('"\\ud83d"', "what JSON cannot have"),
        ("[" * 99_000, "what JSON cannot have"),
        ('{"a": {"b": 1, "\\u0062": 1}}', "has the key b more than once"),
        ('{"a": 1, "\\ud83d": 1, "\\ud83d": 2}', "has the key \\ud83d more than once"),
        ("[1]", "Please write an object"),
        ('{"b": 1}', "Please add what is missing: a"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, text: str, words: str) -> None:
    form = compiled(one_question(tmp_path, "type: json\nkeys: [a]"))

    assert words in refusals(form, ("q", text))["q"]


def test_marks_are_drawn_for_a_reviewer_without_scripts(form: CompiledForm) -> None:
    body = form.page(PageContent(MARKS_ROW)).body

    drawn = form.as_reviewed(body, MARKS_ANSWER, MARKS_ROW)

    assert (
        '<mark class="fq-colour-0">Ada \U0001f642<span class="fq-mark-name">PER</span></mark>'
        " &lt;b&gt;\nin " in drawn
    )
    assert '<rect x="80" y="80" width="240" height="240"/>' in drawn
    assert 'viewBox="0 0 800 400"' in drawn
    assert '<circle cx="200" cy="200" r="8.00"/>' in drawn
