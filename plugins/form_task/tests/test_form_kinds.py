"""Each kind of question reads typed answers, and refuses what is not one with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import famulus
from famulus_form.form_file import read_form
from famulus_form.sent import Sent
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
        (MATRIX, [("q.fair", "1"), ("q.useful", "2")], {"q": {"fair": "1", "useful": "2"}}),
        (f"{MATRIX}\nrequired: false", [("q.fair", "1")], {"q": {"fair": "1", "useful": None}}),
        (RANKING, [("q.x", "3"), ("q.y", "1"), ("q.z", "2")], {"q": ["y", "z", "x"]}),
        (SLIDER, [("q", "4"), ("q.moved", "1")], {"q": 4}),
        (SLIDER, [("q", "4"), ("q.moved", "unknown")], {"q": 4}),
        ("type: slider\nmax: 1\nstep: 0.1", [("q", "0.3"), ("q.moved", "1")], {"q": 0.3}),
        (f"{SLIDER}\nrequired: false", [("q", "4"), ("q.moved", "")], {"q": None}),
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
        (TAGS, [("q", "a")], "at least 2"),
        (TAGS, [("q", "a"), ("q", "b"), ("q", "c"), ("q", "other"), ("q.other", "x")], "at most 3"),
        (TAGS, [("q", "a"), ("q", "d")], "among the answers on this page"),
        (MATRIX, [("q.fair", "1")], "1 line is missing"),
        (MATRIX, [("q.fair", "3"), ("q.useful", "1")], "among the answers on this page"),
        (RANKING, [("q.x", "1"), ("q.y", "1"), ("q.z", "2")], "a rank of its own, from 1 to 3"),
        (RANKING, [("q.x", "1")], "a rank of its own, from 1 to 3"),
        (SLIDER, [("q", "4"), ("q.moved", "")], "Please answer this question."),
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


def test_several_wrong_answers_are_refused_at_once(tmp_path: Path) -> None:
    text = (
        "questions:\n"
        "- {name: q, question: Q, type: choice, options: [a]}\n"
        "- {name: r, question: R, type: number}\n"
    )
    form = compiled(read_form(write_form(tmp_path, text)))

    assert refusals(form, ("q", "maybe"), ("r", "x")).keys() == {"q", "r"}
