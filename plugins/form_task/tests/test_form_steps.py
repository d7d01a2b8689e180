"""Pages, consent, instructions and thanks of a form, without a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import famulus
from famulus_form.form_file import read_form
from famulus_form.texts import PageContent
from form_files import STEPS, STEPS_ANSWER, STEPS_FIELDS, compiled, read, refusals, write_form

ROW = {"text": "Nice <b>place</b>.", "shop": "Corner & Co"}
QUESTION = "{name: a, type: text, question: A}"


def form_of(folder: Path, text: str = STEPS) -> Any:
    return compiled(read_form(write_form(folder, text)))


def sent(**changed: str) -> list[tuple[str, str]]:
    return [(name, changed.get(name, value)) for name, value in STEPS_FIELDS]


def test_answers_of_all_pages_are_read(tmp_path: Path) -> None:
    assert read(form_of(tmp_path), *STEPS_FIELDS) == STEPS_ANSWER


def test_a_page_that_its_condition_hides_asks_nothing(tmp_path: Path) -> None:
    answers = read(form_of(tmp_path), *sent(mood="good", since="ever"))

    assert "why" not in answers
    assert "since" not in answers


def test_a_question_depends_on_its_page_and_on_a_condition_of_its_own(tmp_path: Path) -> None:
    form = form_of(tmp_path)

    bad, mixed = (read(form, *sent(mood=mood)) for mood in ("bad", "mixed"))

    assert {"why", "since"} <= bad.keys()
    assert "why" in mixed
    assert "since" not in mixed


@pytest.mark.parametrize("value", ["", "1", "3", "on"])
def test_answers_without_consent_to_this_version_are_refused(tmp_path: Path, value: str) -> None:
    wrong = refusals(form_of(tmp_path), *sent(_consent=value))

    assert list(wrong) == ["_consent"]


def test_consent_is_asked_once_and_stored_each_time(tmp_path: Path) -> None:
    form = form_of(tmp_path)

    first = form.page(PageContent(ROW)).body
    later = form.page(PageContent(ROW, earlier={"consent": 2})).body
    stored_as_text = form.page(PageContent(ROW, earlier={"consent": "2"})).body
    other_version = form.page(PageContent(ROW, earlier={"consent": 1})).body

    assert 'type="checkbox" name="_consent" value="2" required' in first
    assert 'type="hidden" name="_consent" value="2"' in later
    assert "We study" not in later
    assert stored_as_text == later
    assert "We study" in other_version


def test_instructions_are_open_until_a_worker_has_submitted(tmp_path: Path) -> None:
    form = form_of(tmp_path)

    first = form.page(PageContent(ROW)).body
    later = form.page(PageContent(ROW, earlier={})).body

    assert '<details class="fq-instructions" open>' in first
    assert '<details class="fq-instructions">' in later
    assert re.findall(r'"fq-example-title">(.*?)<', later) == ["Good example", "Bad example"]
    assert "Names a feeling" in later


def test_texts_of_values_are_escaped_on_every_page(tmp_path: Path) -> None:
    body = form_of(tmp_path).page(PageContent(ROW)).body

    assert "About Corner &amp; Co" in body
    assert "<b>place</b>" not in body


def test_the_consent_can_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "consent.md").write_text("# Who\n\nWe *are*.\n")
    text = f"consent: {{version: 1, file: consent.md}}\nquestions: [{QUESTION}]"

    file = read_form(write_form(tmp_path, text))

    assert "<h3>Who</h3>\n<p>We <em>are</em>.</p>" in compiled(file).page(PageContent({})).body
    assert file.included == [tmp_path / "consent.md"]


def test_a_form_without_steps_has_no_script_of_them(tmp_path: Path) -> None:
    page = form_of(tmp_path, f"instructions: Read.\nquestions: [{QUESTION}]").page(PageContent({}))

    assert "famulus_steps" not in page.scripts
    assert "fq-page" not in page.body
    assert "fq-early" not in page.head


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"pages: []\nquestions: [{QUESTION}]", 2, "cannot be used together with pages"),
        ("pages: []", 1, "must be a list of pages"),
        ("pages:\n- hello", 2, "is not a page"),
        (f"pages:\n- questions: [{QUESTION}]", 2, "title"),
        (f"pages:\n- title: ''\n  questions: [{QUESTION}]", 2, "is empty"),
        ("pages:\n- title: T", 2, "must be a list of questions"),
        (f"pages:\n- title: T\n  text: x\n  questions: [{QUESTION}]", 3, "unknown option"),
        (
            f"pages:\n- title: T\n  questions:\n  - {QUESTION}\n  - {QUESTION}",
            5,
            "is used by the question",
        ),
        (
            f"pages:\n- title: T\n  show_if: {{a: x}}\n  questions: [{QUESTION}]",
            3,
            "is not a question before it",
        ),
        (f"consent: {{text: T}}\nquestions: [{QUESTION}]", 1, "version"),
        (f"consent:\n  version: 1\nquestions: [{QUESTION}]", 1, "has no text"),
        (f"consent:\n  version: 1\n  file: x.md\nquestions: [{QUESTION}]", 3, "cannot be read"),
        (
            f"consent:\n  version: 1\n  text: T\n  file: x.md\nquestions: [{QUESTION}]",
            4,
            "cannot be used together with text",
        ),
        (
            "consent: {version: 1, text: T}\n"
            "questions:\n- {name: consent, type: text, question: C}",
            3,
            "'consent' is used by what workers agree to (consent): choose another name",
        ),
        (
            f"instructions:\n  text: T\n  good: [{{image: 'javascript:x'}}]\n"
            f"questions: [{QUESTION}]",
            3,
            "begin with https://",
        ),
        (
            f"questions: [{QUESTION}]\nthank_you: T ${{provider_worker_id}}",
            2,
            "has no value once the answers are stored",
        ),
        (f"instructions: {{texts: T}}\nquestions: [{QUESTION}]", 1, "unknown option"),
    ],
)
def test_a_fault_of_the_steps_has_its_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    problems = read_form(write_form(tmp_path, text)).problems

    found = [(problem.line, problem.message) for problem in problems]
    assert any(words in message and at == line for at, message in found), found


def test_thanks_may_have_values_of_the_row(tmp_path: Path) -> None:
    form = form_of(tmp_path)

    assert form.thanks_by_row
    assert (
        form.thank_you(PageContent(ROW)) == "<p>Thanks from <strong>Corner &amp; Co</strong>.</p>\n"
    )


def test_a_refused_form_names_each_wrong_answer(tmp_path: Path) -> None:
    form = form_of(tmp_path)

    wrong = refusals(form, ("_consent", "2"), ("mood", "bad"))

    assert list(wrong) == ["tags", "why", "since", "age"]
    body = form.with_errors(form.page(PageContent(ROW)).body, wrong)
    assert body.count('">Please') == 4


def test_a_review_shows_all_pages_as_one(tmp_path: Path) -> None:
    form = form_of(tmp_path)
    answers = {**STEPS_ANSWER, "mood": "good"}
    del answers["why"], answers["since"]
    page = form.page(PageContent(ROW))

    body = famulus.fill_form(
        page.body, [(name, each) for name, found in form.fields(answers).items() for each in found]
    )
    shown = evolve(page, body=form.as_reviewed(body, answers, ROW))

    assert re.search(r'id="fq-why"[^>]* hidden>', shown.body)
    assert not re.search(r'id="fq-age"[^>]* hidden>', shown.body)
    assert 'name="_consent" value="2" required checked' in shown.body.replace('=""', "")
    assert "<script" not in form.review_head
