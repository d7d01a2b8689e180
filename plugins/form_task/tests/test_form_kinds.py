"""Each kind of question reads typed answers, and refuses what is not one with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import famulus
from famulus_form.form_file import read_form
from famulus_form.sent import Sent
from famulus_form.texts import PageContent
from form_files import compiled, one_question, read, refusals, write_form

YES_NO = "type: choice\noptions: [yes, no]"
MAYBE = f"{YES_NO}\nother: It depends"
TAGS = "type: choices\noptions: [a, b, c]\nother: true\nmin: 2\nmax: 3"
MATRIX = "type: matrix\nrows: [fair, useful]\nscale: [1, 2]"
RANKING = "type: ranking\nitems: [x, y, z]"
SLIDER = "type: slider\nmin: 0\nmax: 10\nstep: 2"
COMPARE = "type: compare\na: one\nb: two\ntie: Equal"


@pytest.mark.parametrize(
    ("declaration", "fields", "answers"),
    [
        ("type: text", [("q", "  Ann \r\n")], {"q": "Ann"}),
        ("type: long_text", [("q", "a\r\nb")], {"q": "a\nb"}),
        ("type: text", [("q", "\u200fa\u200bb ")], {"q": "\u200fa\u200bb"}),
        ("type: text\nrequired: false", [("q", "\u2060")], {"q": None}),
        ("type: number", [("q", "3")], {"q": 3}),
        ("type: number", [("q", "2.50")], {"q": 2.5}),
        ("type: number\nrequired: false", [("q", "")], {"q": None}),
        ("type: date", [("q", "2026-05-31")], {"q": "2026-05-31"}),
        (YES_NO, [("q", "yes")], {"q": "yes"}),
        (
            f"{YES_NO}\nother: It depends",
            [("q", "no"), ("q.other", "x")],
            {"q": "no", "q_other": None},
        ),
        (
            f"{YES_NO}\nother: x",
            [("q", "other"), ("q.other", " so ")],
            {"q": "other", "q_other": "so"},
        ),
        (TAGS, [("q", "c"), ("q", "a"), ("q.other", "")], {"q": ["a", "c"], "q_other": None}),
        (f"{TAGS}\nrequired: false", [("q.other", "")], {"q": [], "q_other": None}),
        (MATRIX, [("q.fair", "1"), ("q.useful", "2")], {"q": {"fair": 1, "useful": 2}}),
        (f"{MATRIX}\nrequired: false", [("q.fair", "1")], {"q": {"fair": 1, "useful": None}}),
        (RANKING, [("q.x", "3"), ("q.y", "1"), ("q.z", "2")], {"q": ["y", "z", "x"]}),
        (SLIDER, [("q", "4"), ("q.moved", "1")], {"q": 4}),
        (SLIDER, [("q", "4"), ("q.moved", "typed")], {"q": 4}),
        ("type: slider\nmax: 1\nstep: 0.1", [("q", "0.3"), ("q.moved", "1")], {"q": 0.3}),
        (f"{SLIDER}\nrequired: false", [("q", "4"), ("q.moved", "")], {"q": None}),
        (f"{SLIDER}\nrequired: false", [("q", ""), ("q.moved", "typed")], {"q": None}),
        (COMPARE, [("q", "b")], {"q": "b", "q_left": "a"}),
        (f"{COMPARE}\nshuffle: false", [("q", "tie")], {"q": "tie"}),
    ],
)
def test_answers_are_typed(
    tmp_path: Path, declaration: str, fields: list[tuple[str, str]], answers: dict[str, Any]
) -> None:
    form = compiled(one_question(tmp_path, declaration))

    found = read(form, *fields)

    assert found == answers
    assert [type(value) for value in found.values()] == [type(value) for value in answers.values()]
    assert tuple(found) == form.questions[0].columns


@pytest.mark.parametrize(
    ("declaration", "fields", "words"),
    [
        ("type: text", [], "Please answer this question."),
        ("type: text", [("q", " \n ")], "Please answer this question."),
        ("type: text", [("q", "\u200b \ufeff\u00ad\x00\u3000")], "Please answer this question."),
        ("type: text", [("q", "a"), ("q", "b")], "more than one answer"),
        ("type: number", [("q", "1"), ("q", "2")], "more than one answer"),
        (YES_NO, [("q", "yes"), ("q", "no")], "more than one answer"),
        (MATRIX, [("q.fair", "1"), ("q.fair", "2")], "more than one answer"),
        ("type: text", [("q", "a\nb")], "one line"),
        ("type: text\nmax_length: 3", [("q", "abcd")], "at most 3 characters"),
        ("type: long_text\nmin_length: 3", [("q", "ab")], "at least 3 characters"),
        ("type: text\npattern: '[0-9]+'\npattern_help: Digits.", [("q", "1a")], "Digits."),
        ("type: number", [("q", "three")], "a number, such as"),
        ("type: number", [("q", "NaN")], "a number, such as"),
        ("type: number", [("q", "9e999")], "a number, such as"),
        ("type: number\nwhole: true", [("q", "1.5")], "a whole number"),
        ("type: number\nmin: 18\nmax: 30", [("q", "17")], "at least 18"),
        ("type: number\nmin: 18\nmax: 30", [("q", "31")], "at most 30"),
        ("type: date", [("q", "31.5.2026")], "year-month-day"),
        ("type: date\nmin: 2026-01-01", [("q", "2025-12-31")], "not before 2026-01-01"),
        ("type: date\nmax: 2026-01-01", [("q", "2026-12-31")], "not after 2026-01-01"),
        (YES_NO, [("q", "maybe")], "among the answers on this page"),
        (YES_NO, [("q", "other")], "among the answers on this page"),
        (f"{YES_NO}\nother: x", [("q", "other")], "explain your answer"),
        (f"{YES_NO}\nother: x", [("q", "other"), ("q.other", "\u200b")], "explain your answer"),
        (TAGS, [("q", "a")], "at least 2"),
        (TAGS, [("q", "a"), ("q", "b"), ("q", "c"), ("q", "other"), ("q.other", "x")], "at most 3"),
        (TAGS, [("q", "a"), ("q", "d")], "among the answers on this page"),
        (MATRIX, [("q.fair", "1")], "1 line is missing"),
        (MATRIX, [("q.fair", "3"), ("q.useful", "1")], "among the answers on this page"),
        (RANKING, [("q.x", "1"), ("q.y", "1"), ("q.z", "2")], "a rank of its own, from 1 to 3"),
        (RANKING, [("q.x", "1")], "a rank of its own, from 1 to 3"),
        (SLIDER, [("q", "4")], "Please answer this question."),
        (SLIDER, [("q", "4"), ("q.moved", "")], "Please answer this question."),
        (SLIDER, [("q", "4"), ("q.moved", "no")], "Please answer this question."),
        (SLIDER, [("q", "4"), ("q.moved", "unknown")], "Please answer this question."),
        (SLIDER, [("q", ""), ("q.moved", "typed")], "Please answer this question."),
        (SLIDER, [("q", "four"), ("q.moved", "typed")], "a number, such as"),
        (SLIDER, [("q", "12"), ("q.moved", "1")], "at most 10"),
        (SLIDER, [("q", "3"), ("q.moved", "1")], "move the slider"),
        (COMPARE, [("q", "c")], "among the answers on this page"),
        ("type: file", [], "Please answer this question."),
    ],
)
def test_what_is_no_answer_is_refused_with_a_sentence(
    tmp_path: Path, declaration: str, fields: list[tuple[str, str]], words: str
) -> None:
    form = compiled(one_question(tmp_path, declaration))

    assert words in refusals(form, *fields)["q"]


def test_without_javascript_a_slider_is_an_empty_number_field(tmp_path: Path) -> None:
    body = compiled(one_question(tmp_path, SLIDER)).page(PageContent({})).body

    assert '<input type="hidden" name="q.moved" value="typed">' in body
    assert '<input type="number" id="fq-q-input" name="q" min="0" max="10" step="2"' in body
    assert ' placeholder="0&ndash;10" required ' in body
    assert 'type="range"' not in body


def upload(name: str = "cat.png", kind: str = "image/png", size: int = 10) -> famulus.FormFile:
    return famulus.FormFile(
        field="q", filename=name, content_type=kind, size=size, sha256="0" * 64, path=Path(name)
    )


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (upload(), ""),
        (upload("cat.PNG", "application/octet-stream"), ""),
        (upload("notes.txt", "text/plain"), "of another kind: .png, image/*"),
        (upload(size=2_000_001), "at most 2 MB"),
    ],
)
def test_a_file_is_judged_by_kind_and_size(
    tmp_path: Path, file: famulus.FormFile, words: str
) -> None:
    declaration = "type: file\naccept: [.png, image/*]\nmax_megabytes: 2"
    form = compiled(one_question(tmp_path, declaration))
    sent = famulus.Form(fields=[], files=[file])

    if words:
        with pytest.raises(famulus.InvalidAnswers, match=words.replace("*", r"\*")):
            form.read(Sent(sent, {}, 0))
    else:
        answer = form.read(Sent(sent, {}, 0))["q"]
        assert (answer["name"], answer["size"]) == (file.filename, file.size)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("3", 3), ("'3'", "3"), ("-1", -1), ("0", 0), ("0.5", 0.5), ("1.0", 1.0), ("007", "007"),
        ("0.50", "0.50"), ("1_000", "1_000"), ("1e3", "1e3"), ("0x1f", "0x1f"), ("1:30", "1:30"),
        ("12345678901234567890", "12345678901234567890"), ("yes", "yes"), ("true", "true"),
        (".inf", ".inf"), ("2026-05-31", "2026-05-31"), ("'null'", "null"),
    ],
)  # fmt: skip
def test_values_are_stored_as_the_form_has_them(tmp_path: Path, written: str, stored: Any) -> None:
    sent = str(stored)
    kinds: dict[str, tuple[str, list[tuple[str, str]], Any]] = {
        "choice": (f"options: [{written}, b]", [("q", sent)], stored),
        "choices": (f"options: [{written}, b]", [("q", sent)], [stored]),
        "matrix": (
            f"rows: [{written}]\nscale: [{written}, b]",
            [(f"q.{sent}", sent)],
            {sent: stored},
        ),
        "ranking": (
            f"items: [{{value: {written}}}, b]",
            [(f"q.{sent}", "2"), ("q.b", "1")],
            ["b", stored],
        ),
        "spans": (
            f"text: abc\nlabels: [b, {written}]",
            [("q", json.dumps([{"start": 0, "end": 1, "label": sent}]))],
            [{"start": 0, "end": 1, "text": "a", "label": stored}],
        ),
    }
    for kind, (declaration, fields, expected) in kinds.items():
        form = compiled(one_question(tmp_path, f"type: {kind}\n{declaration}"))
        question = form.questions[0]

        answers = read(form, *fields)

        assert repr(answers["q"]) == repr(expected), kind
        assert question.fields(answers) == question.fields(
            {"q": json.loads(json.dumps(expected, default=str))}
        )
        assert sent in question.answer_text(answers), kind


@pytest.mark.parametrize(
    ("declaration", "earlier", "now"),
    [
        ("type: choice\noptions: [0, 1]", "0", 0),
        ("type: choices\noptions: [0, 1]", ["0", "1"], [0, 1]),
        ("type: matrix\nrows: [0]\nscale: [0, 1]", {"0": "0"}, {"0": 0}),
        ("type: ranking\nitems: [0, 1]", ["1", "0"], [1, 0]),
        (
            "type: spans\ntext: abc\nlabels: [0, 1]",
            [{"start": 0, "end": 1, "text": "a", "label": "0"}],
            [{"start": 0, "end": 1, "text": "a", "label": 0}],
        ),
        (
            "type: points\nimage: a.png\nlabels: [0, 1]",
            [{"x": 1, "y": 2, "label": "0"}],
            [{"x": 1, "y": 2, "label": 0}],
        ),
    ],
)
def test_answers_that_were_stored_as_text_are_shown_like_numbers(
    tmp_path: Path, declaration: str, earlier: Any, now: Any
) -> None:
    form = compiled(one_question(tmp_path, declaration))
    question = form.questions[0]
    before, after = ({"q": value, "q_size": {"width": 9, "height": 9}} for value in (earlier, now))
    body = form.page(PageContent({})).body

    assert question.fields(before) == question.fields(after)
    assert question.answer_text(before) == question.answer_text(after) != ""
    assert form.as_reviewed(body, before, {}) == form.as_reviewed(body, after, {})


def test_several_wrong_answers_are_refused_at_once(tmp_path: Path) -> None:
    text = (
        "questions:\n"
        "- {name: q, question: Q, type: choice, options: [a]}\n"
        "- {name: r, question: R, type: number}\n"
    )
    form = compiled(read_form(write_form(tmp_path, text)))

    assert refusals(form, ("q", "maybe"), ("r", "x")).keys() == {"q", "r"}


@pytest.mark.parametrize("stored", ["2", 2])
@pytest.mark.parametrize(
    ("declaration", "answer"),
    [
        ("type: choice\noptions: [1, 2, None]\ncorrect: 2", lambda two: two),
        ("type: choices\noptions: [1, 2]\ncorrect: [2]", lambda two: [two]),
        ("type: matrix\nrows: [r]\nscale: [1, 2]\ncorrect: {r: 2}", lambda two: {"r": two}),
        ("type: ranking\nitems: [1, 2]\ncorrect: [2, 1]", lambda two: [two, 1]),
    ],
)
def test_right_answers_are_compared_with_numbers_and_with_text(
    tmp_path: Path, declaration: str, answer: Callable[[Any], Any], stored: Any
) -> None:
    file = one_question(tmp_path, declaration)

    assert file.problems == []
    assert file.judge.judge({"q": answer(stored)}).passed
    assert not file.judge.judge({"q": None}).passed


def test_an_answer_that_was_left_out_is_no_option_of_that_name(tmp_path: Path) -> None:
    file = one_question(tmp_path, "type: choice\noptions: [None, 2]\ncorrect: None")

    assert file.judge.judge({"q": "None"}).passed
    assert not file.judge.judge({"q": None}).passed
