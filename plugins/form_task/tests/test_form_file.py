"""What is wrong with a form is named by file and line, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus_form.form_file import read_form
from form_files import compiled, one_question, write_form

GOOD = "- {name: mood, question: M, type: choice, options: [good, bad]}\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "is empty; begin with 'questions:'"),
        ("title: x\nquestions: [1]", 1, "unknown option"),
        ("instructions: x\n", 1, "must be a list of questions"),
        ("questions:\n- hello\n", 2, "is not a question"),
        ("questions:\n- name: q\n  question: Q\n", 2, "has no type; use one of: text, long_text"),
        ("questions:\n- name: q\n  type: Long text\n", 3, "did you mean long_text?"),
        ("questions:\n- type: text\n  question: Q\n", 2, "name"),
        ("questions:\n- name: q\n  type: text\n  question: Q\n  min_lenght: 3\n", 5, "min_length"),
        ("questions:\n- name: a-b\n  type: text\n  question: Q\n", 2, "cannot be a column"),
        ("questions:\n- show: {image: x, text: y}\n" + GOOD, 2, "it has text and image"),
        ("questions:\n- show: {image: 'javascript:x'}\n" + GOOD, 2, "begin with https://"),
        ("questions:\n- show: only text\n", 1, "asks nothing"),
        (
            "questions:\n" + GOOD + GOOD,
            3,
            "'mood' is used by the question 'mood': choose another name",
        ),
        (
            "questions:\n- {name: a, question: A, type: choice, options: [x], other: true}\n"
            "- {name: a_other, question: B, type: text}\n",
            3,
            "'a_other' is used by the question 'a': choose another name",
        ),
        (
            "questions:\n- {name: a, question: A, type: choice, options: [x], shortcuts: true}\n"
            "- {name: b, question: B, type: choice, options: [y], shortcuts: true}\n",
            3,
            "the key '1' chooses an answer to the question 'a': choose another key",
        ),
    ],
)
def test_a_fault_of_the_file_has_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    form = read_form(write_form(tmp_path, text))

    assert any(words in problem.message and problem.line == line for problem in form.problems), [
        (problem.line, problem.message) for problem in form.problems
    ]


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ("type: text\nmin_length: 5\nmax_length: 3", "cannot be less than 5"),
        ("type: text\npattern: '['", "is not a regular expression"),
        ("type: number\nmin: 5\nmax: 3", "3 is less than min, 5"),
        ("type: number\nwhole: true\nmin: 0.5", "is 0.5, but the answer has to be a whole number"),
        ("type: number\nmin: five", "'five' is not a number"),
        ("type: date\nmin: 1.2.2026", "'1.2.2026' is not a date: write it as 2026-01-31"),
        ("type: date\nmin: 2026-01-02\nmax: 2026-01-01", "is before min"),
        ("type: choice\noptions: []", "there must be at least 1"),
        ("type: choice\noptions: [a, a]", "'a' is there twice"),
        ("type: choice\noptions: ['${x}']", "{value: …, label: '${x}'}"),
        ("type: choice\noptions: [a, other]\nother: true", "is among the options already"),
        ("type: choice\noptions: [{value: a, key: ab}]", "'ab' is not one key"),
        ("type: choices\noptions: [a]\nmin: 2", "there are 1 options"),
        ("type: choices\noptions: [a]\nmax: 0", "cannot be less than 1"),
        ("type: matrix\nrows: [a]\nscale: [b]", "must be at least 2"),
        ("type: ranking\nitems: [a]", "must be at least 2"),
        ("type: slider\nmin: 3\nmax: 3", "is not greater than min"),
        ("type: slider\nstep: 0", "must be more than 0"),
        ("type: file\naccept: [png]", "neither an ending (.png) nor a type"),
        ("type: compare\na: x", "b"),
        ("type: text\nshow: {}", "must have one of text, image, audio, video; it has none"),
    ],
)
def test_a_fault_of_a_question_says_what_is_wrong(
    tmp_path: Path, declaration: str, words: str
) -> None:
    problems = one_question(tmp_path, declaration).problems

    assert any(words in problem.message for problem in problems), list(map(str, problems))
    assert all(problem.line and problem.line > 1 for problem in problems)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("bad", "such as {mood: bad}"),
        ("{moood: bad}", "not a question before it (mood)"),
        ("{q: x}", "not a question before it (mood)"),
        ("{mood: angry}", "'angry' is none of the options of mood: good, bad"),
        ("{mood: {one_off: bad}}", "one_of"),
        ("{mood: {}}", "says nothing about the answer"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(tmp_path: Path, condition: str, words: str) -> None:
    text = f"questions:\n{GOOD}- name: q\n  question: Q\n  type: text\n  show_if: {condition}\n"

    problems = read_form(write_form(tmp_path, text)).problems

    assert [problem.line for problem in problems] == [6]
    assert words in problems[0].message


def test_a_ranking_cannot_be_tested(tmp_path: Path) -> None:
    text = (
        "questions:\n- {name: r, question: R, type: ranking, items: [x, y]}\n"
        "- {name: q, question: Q, type: text, show_if: {r: x}}\n"
    )

    problems = read_form(write_form(tmp_path, text)).problems

    assert "a question of type ranking" in problems[0].message


TEXT = "{name: a, type: text, question: Q}"


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        (f"question:\n- {TEXT}\n", "question", "questions"),
        (f"Questions:\n- {TEXT}\n", "Questions", "questions"),
        (f"page:\n- title: T\n  questions: [{TEXT}]\n", "page", "pages"),
        (f"perpage: [{TEXT}]\nquestions: [{TEXT}]\n", "perpage", "per_page"),
        (f"pass_scor: 1\nquestions: [{TEXT}]\n", "pass_scor", "pass_score"),
        (f"pages:\n- title: T\n  question: [{TEXT}]\n", "pages.0.question", "questions"),
        (
            "questions: [{name: a, type: text, question: Q, corect: b}]",
            "questions.0.corect",
            "correct",
        ),
        ("questions: [{name: a, typ: text, question: Q}]", "questions.0.typ", "type"),
        ("questions: [{inclde: b.yaml}]", "questions.0.inclde", "include"),
    ],
)
def test_what_a_misspelt_key_means_is_the_only_problem(
    tmp_path: Path, text: str, key: str, meant: str
) -> None:
    problems = read_form(write_form(tmp_path, text)).problems

    found = [(problem.key, problem.message) for problem in problems]
    assert found == [(key, f"unknown option; did you mean {meant!r}?")]


def test_a_misspelt_key_of_a_common_part_and_a_misspelt_type(tmp_path: Path) -> None:
    write_form(tmp_path, f"question: [{TEXT}]\n", "common.yaml")
    choice = "{name: a, type: choise, question: Q}"

    form = read_form(write_form(tmp_path, f"questions:\n- {choice}\n- include: common.yaml\n"))

    common, own = form.problems
    assert common.message == "unknown option; did you mean 'questions'?"
    assert "did you mean choice? use one of" in own.message


def test_common_parts_are_included_from_beside_the_file(tmp_path: Path) -> None:
    write_form(tmp_path, "questions:\n- include: more/age.yaml\n", "common/person.yaml")
    age = "questions:\n- {name: age, question: A, type: number}\n"
    write_form(tmp_path, age, "common/more/age.yaml")
    form = read_form(write_form(tmp_path, f"questions:\n{GOOD}- include: common/person.yaml\n"))

    assert [question.name for question in compiled(form).questions] == ["mood", "age"]


def test_a_fault_of_an_included_file_names_that_file(tmp_path: Path) -> None:
    write_form(tmp_path, "instructions: x\nquestions:\n- {name: a, type: text}\n", "common.yaml")

    form = read_form(write_form(tmp_path, f"questions:\n{GOOD}- include: common.yaml\n"))

    places = {(problem.file and problem.file.name, problem.line) for problem in form.problems}
    assert places == {("common.yaml", 1), ("common.yaml", 3)}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("form.yaml", "form.yaml includes itself (form.yaml → form.yaml)"),
        ("loop.yaml", "form.yaml includes itself (form.yaml → loop.yaml → form.yaml)"),
        ("none.yaml", "there is no file"),
    ],
)
def test_a_loop_and_a_missing_file_are_refused(tmp_path: Path, name: str, words: str) -> None:
    write_form(tmp_path, "questions:\n- include: form.yaml\n", "loop.yaml")

    problems = read_form(write_form(tmp_path, f"questions:\n{GOOD}- include: {name}\n")).problems

    assert any(words in problem.message for problem in problems), list(map(str, problems))
