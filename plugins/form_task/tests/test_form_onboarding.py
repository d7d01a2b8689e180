"""The onboarding of a form: right answers are declared, compared, and never sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import famulus
import famulus_form
from famulus.data.onboardings import newest_onboardings
from famulus.data.scope import find_scope
from famulus.review.onboarding_text import OnboardingTexts
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins
from famulus_form.form_file import FormDeclaration, read_form
from famulus_form.judging import Judge
from famulus_form.options import SharedFormState
from form_files import compiled, one_question, sent, write_form

CHOICE = "type: choice\noptions: [x, y, z]\n"
NUMBER = "type: number\n"
TEXT = "type: text\n"
CHOICES = "type: choices\noptions: [x, y, z]\n"
MATRIX = "type: matrix\nrows: [r, s]\nscale: [1, 2]\n"
RANKING = "type: ranking\nitems: [x, y, z]\n"
SLIDER = "type: slider\nstep: 5\n"
COMPARE = "type: compare\na: one\nb: two\n"
DATE = "type: date\n"
FILE = "type: file\n"
SPANS = "type: spans\ntext: words\n"
BOXES = "type: boxes\nimage: a.png\n"
JSON = "type: json\n"

ROW = {"review": "Nice."}
#: An onboarding of every part that a form has, and the answers that pass it.
ONBOARDING = """
consent: {version: 7, text: We study reviews., agree: I agree}
instructions: {text: Read **all** of it., good: [Fine.]}
pages:
- title: A first one
  questions:
  - show: It rained, and I would come back.
  - name: mood
    type: choice
    question: How does the author feel?
    options: [happy, unhappy, neither]
    correct: happy
  - name: hint
    type: text
    question: Which word says so?
    correct: [zwölfmal, AGAIN or so]
- title: Two more
  questions:
  - {name: rooms, type: number, question: How many rooms, correct: {number: 4711, tolerance: 0.5}}
  - {name: note, type: long_text, question: Anything else, required: false}
pass_score: 2
"""
RIGHT = {"_consent": "7", "mood": "happy", "hint": " again OR so ", "rooms": "4711.5", "note": "Hi"}
FORM = """
questions:
- show: "${review}"
- {name: mood, type: choice, question: Mood, options: [happy, unhappy]}
"""


def read_one(folder: Path, question: str, correct: str) -> FormDeclaration:
    return one_question(folder, f"{question}correct: {correct}")


def is_right(file: FormDeclaration, fields: Sequence[tuple[str, str]]) -> bool:
    return file.judge.judge(compiled(file).read(sent(*fields))).passed


@pytest.mark.parametrize(
    ("question", "correct", "right", "wrong"),
    [
        (TEXT, "Straße", [("q", " STRASSE ")], [("q", "Strase")]),
        (TEXT, "[colour, Color scheme]", [("q", "color  scheme")], [("q", "color")]),
        (NUMBER, "0.3", [("q", "0.30")], [("q", "0.31")]),
        (NUMBER, "{number: 0.2, tolerance: 0.1}", [("q", "0.3")], [("q", "0.3001")]),
        (NUMBER, "-4", [("q", "-4")], [("q", "4")]),
        (SLIDER, "70", [("q.moved", "1"), ("q", "70")], [("q.moved", "1"), ("q", "75")]),
        (CHOICE, "y", [("q", "y")], [("q", "x")]),
        (CHOICE, "[y, z]", [("q", "z")], [("q", "x")]),
        (CHOICES, "[z, x]", [("q", "x"), ("q", "z")], [("q", "x")]),
        (CHOICES, "x", [("q", "x")], [("q", "x"), ("q", "y")]),
        (
            MATRIX,
            "{r: 1, s: 2}",
            [("q.r", "1"), ("q.s", "2")],
            [("q.r", "2"), ("q.s", "2")],
        ),
        (MATRIX, "{s: 2}", [("q.r", "2"), ("q.s", "2")], [("q.r", "2"), ("q.s", "1")]),
        (
            RANKING,
            "[z, x, y]",
            [("q.z", "1"), ("q.x", "2"), ("q.y", "3")],
            [("q.z", "1"), ("q.x", "3"), ("q.y", "2")],
        ),
        (COMPARE, "b", [("q", "b")], [("q", "a")]),
        (DATE, "2026-05-31", [("q", "2026-05-31")], [("q", "2026-05-30")]),
        (DATE, "[2026-05-31, 2026-06-01]", [("q", "2026-06-01")], [("q", "2026-05-30")]),
    ],
)
def test_answers_are_compared_by_kind(
    tmp_path: Path,
    question: str,
    correct: str,
    right: list[tuple[str, str]],
    wrong: list[tuple[str, str]],
) -> None:
    file = read_one(tmp_path, question, correct)

    assert is_right(file, right)
    assert not is_right(file, wrong)


@pytest.mark.parametrize(
    ("question", "correct", "words"),
    [
        (CHOICE, "w", "'w' is none of the options: x, y, z"),
        (CHOICE, "[]", "is empty"),
        (CHOICE, "[x, x]", "twice"),
        (f"{CHOICE}other: true\n", "other", "cannot be compared: name an option"),
        (CHOICES, "[x, w]", "'w' is none of the options"),
        (f"{CHOICES}min: 2\n", "x", "Please choose at least 2."),
        (MATRIX, "{t: 1}", "'t' is none of the rows: r, s"),
        (MATRIX, "{r: 3}", "'3' is none of the ratings: 1, 2"),
        (MATRIX, "r", "mapping"),
        (RANKING, "[x, y]", "names 2 of 3 items"),
        (RANKING, "[x, y, y]", "twice"),
        (COMPARE, "c", "'c' is none of the options: a, b"),
        (NUMBER, "many", "number"),
        (NUMBER, "{number: 1, tolerance: -1}", "cannot be less than 0"),
        (f"{NUMBER}max: 3\n", "4", "at most 3"),
        (SLIDER, "7", "Please move the slider."),
        (DATE, "soon", "2026-01-31"),
        (DATE, "'20260531'", "would be stored as 2026-05-31"),
        (f"{TEXT}pattern: '[0-9]+'\n", "[12, twelve]", "does not look right"),
        (FILE, "a.png", "cannot be compared with an answer of type file"),
        (SPANS, "words", "judge these answers in Python (validate_onboarding)"),
        (BOXES, "1", "type boxes"),
        (JSON, "1", "type json"),
    ],
)
def test_a_right_answer_that_cannot_be_given_is_refused_at_its_line(
    tmp_path: Path, question: str, correct: str, words: str
) -> None:
    problems = read_one(tmp_path, question, correct).problems

    assert len(problems) == 1
    assert words in problems[0].message
    assert problems[0].file is not None
    assert problems[0].line == 4 + len(question.splitlines())


TWENTY = "questions:\n" + "".join(
    f"- {{name: q{n}, type: choice, question: Q, options: [x, y], correct: x}}\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("score", "right", "passed"),
    [
        ("", 20, True),
        ("", 19, False),
        ("0.55", 11, True),
        ("0.55", 10, False),
        ("19", 19, True),
        ("19", 18, False),
    ],
)
def test_enough_answers_have_to_be_right(
    tmp_path: Path, score: str, right: int, passed: bool
) -> None:
    text = f"{TWENTY}pass_score: {score}\n" if score else TWENTY
    judge = read_form(write_form(tmp_path, text)).judge

    judged = judge.judge({f"q{n}": "x" if n < right else "y" for n in range(20)})

    assert judged.passed is passed
    assert len(judged.wrong) == 20 - right


def test_who_was_asked_nothing_that_counts_has_not_passed() -> None:
    assert not Judge([], None).judge({}).passed


@pytest.mark.parametrize("score", ["0.5", ""])
def test_a_question_that_was_not_asked_does_not_count(tmp_path: Path, score: str) -> None:
    text = """
questions:
- {name: a, type: choice, question: A, options: [x, y], correct: [x, y]}
- {name: b, type: choice, question: B, options: [x, y], correct: x, show_if: {a: y}}
"""
    file = read_form(write_form(tmp_path, text + (f"pass_score: {score}" if score else "")))

    assert is_right(file, [("a", "x"), ("b", "y")])
    assert is_right(file, [("a", "y"), ("b", "y")]) is bool(score)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ("0", "every worker passes"),
        ("1", "write 0.05 for at least one of 20"),
        ("1.5", "a count such as 1"),
        ("21", "only 20 of the questions"),
        ("most", "number"),
    ],
)
def test_a_score_that_means_nothing_is_refused(tmp_path: Path, score: str, words: str) -> None:
    problems = read_form(write_form(tmp_path, f"{TWENTY}pass_score: {score}\n")).problems

    assert [(each.line, words in each.message) for each in problems] == [(22, True)]


def configuration(folder: Path, onboarding: str = ONBOARDING, **blueprint: Any) -> dict[str, Any]:
    (folder / "data.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    return {
        "defaults": [{"blueprint": "form"}, {"architect": "nowhere"}, {"provider": "crowd"}],
        "blueprint": {
            "form": write_form(folder, FORM),
            "onboarding_form": write_form(folder, onboarding, "onboarding.yaml"),
            "onboarding_qualification": "trained",
            "data_jsonl": folder / "data.jsonl",
            **blueprint,
        },
        "task": {
            "task_name": "form",
            "task_title": "A task",
            "task_description": "Of a test.",
            "task_reward": "0.10",
            "allowed_concurrent": 0,
        },
    }


@pytest.fixture
def plugins() -> famulus.Plugins:
    return kit_plugins(form=famulus_form)


def worker_of(
    operator: ManualOperator, settings: Mapping[str, Any], state: SharedFormState | None = None
) -> GatewayWorker:
    launched = operator.launch(settings, shared_state=state)
    operator.load_all(launched)
    return GatewayWorker(operator.gateway(launched), "Zoe")


def answer(worker: GatewayWorker, page: Seen, as_json: bool = False, **changed: str) -> Seen:
    fields: dict[str, Any] = {**RIGHT, **changed}
    return worker.submit(page, as_json=as_json, **fields)


def test_a_worker_who_answers_rightly_gets_a_unit(tmp_path: Path, operator: ManualOperator) -> None:
    worker = worker_of(operator, configuration(tmp_path))
    page = worker.arrive("1")

    unit = answer(worker, page, hint="the rain")

    assert "This is an introduction, before your first unit." in page.text
    assert "We study reviews." in page.text
    assert "fq-next" in page.text
    assert "Nice." in unit.text
    assert worker.submit(unit, mood="happy").status == 200


def test_a_worker_who_fails_reads_one_sentence(tmp_path: Path, operator: ManualOperator) -> None:
    worker = worker_of(operator, configuration(tmp_path))
    page = worker.arrive("1")

    failed = answer(worker, page, mood="unhappy", rooms="3")

    assert (failed.status, failed.refusal) == (200, "not_qualified")
    assert failed.text.count("You did not pass the introduction") == 1
    assert answer(worker, page).refusal == "not_qualified"
    assert worker.arrive("2").refusal == "not_qualified"


def test_right_answers_never_reach_a_browser(tmp_path: Path, operator: ManualOperator) -> None:
    worker = worker_of(operator, configuration(tmp_path))
    page = worker.arrive("1")

    replies = [
        page,
        answer(worker, page, mood="", rooms="3", hint="no"),
        answer(worker, page, as_json=True, mood="", rooms="few", hint="no"),
        answer(worker, page, as_json=True, mood="unhappy", rooms="3", hint="no"),
        answer(worker, page, mood="unhappy", rooms="3", hint="no"),
        worker.arrive("1"),
    ]

    assert [reply.status for reply in replies] == [200, 422, 422, 200, 200, 200]
    for reply in replies:
        for right in ("zwölfmal", "or so", "4711", "tolerance", "correct", "pass_score"):
            assert right not in reply.text, right


def test_without_scripts_each_wrong_field_has_its_sentence(
    tmp_path: Path, operator: ManualOperator
) -> None:
    worker = worker_of(operator, configuration(tmp_path))

    refused = answer(worker, worker.arrive("1"), mood="", rooms="few")

    assert (
        '<p class="fq-error" dir="auto" id="fq-mood-error">Please answer this question.'
        in refused.text
    )
    assert (
        '<p class="fq-error" dir="auto" id="fq-rooms-error">Please enter a number' in refused.text
    )
    assert 'value=" again OR so "' in refused.text


def test_a_reviewer_sees_which_answers_were_wrong(
    tmp_path: Path, operator: ManualOperator, database: famulus.Database, plugins: famulus.Plugins
) -> None:
    worker = worker_of(operator, configuration(tmp_path))
    answer(worker, worker.arrive("1"), mood="unhappy", rooms="3")

    (found,) = newest_onboardings(database, find_scope(database, "form"), 0, 15)
    text = OnboardingTexts(database, plugins)(found)

    assert text.splitlines()[1] == "Worker: Zoe"
    assert text.splitlines()[4:] == [
        "Onboarding: failed",
        "  mood (How does the author feel?): unhappy",
        "    WRONG; right: happy",
        "  hint (Which word says so?): again OR so",
        "  rooms (How many rooms): 3",
        "    WRONG; right: 4711 ± 0.5",
        "  note (Anything else): Hi",
        "Right: 1 of 3",
    ]


def test_the_fixed_texts_are_in_the_language_of_the_worker(
    tmp_path: Path, operator: ManualOperator
) -> None:
    settings = configuration(tmp_path)
    settings["task"]["language"] = "de"
    worker = worker_of(operator, settings)
    page = worker.arrive("1")

    refused = answer(worker, page, mood="")

    assert ">Weiter</button>" in page.text
    assert "Bitte beantworten Sie diese Frage." in refused.text


def test_a_function_decides_in_place_of_the_right_answers(
    tmp_path: Path, operator: ManualOperator
) -> None:
    asked: list[Any] = []

    def validate(onboarding: dict[str, Any]) -> famulus.NotPassed:
        asked.append(onboarding)
        return famulus.NotPassed("Read it again.")

    settings = configuration(tmp_path, "questions: [{name: a, type: text, question: A}]")
    worker = worker_of(operator, settings, SharedFormState(validate_onboarding=validate))
    page = worker.arrive("1")

    replies = [worker.submit(page, a="x"), worker.submit(page, a="x"), worker.arrive("1")]

    assert all("Read it again." in reply.text for reply in replies)
    assert asked == [{"outputs": {"a": "x"}}]


@pytest.mark.parametrize(
    ("onboarding", "changed", "file", "line", "words"),
    [
        (
            "questions: [{name: a, type: text, question: A}]",
            {},
            "onboarding.yaml",
            1,
            "add `correct:` with the right answer to a question, or give validate_onboarding",
        ),
        (
            "questions:\n- {name: a, type: text, question: '${review}', correct: x}",
            {},
            "onboarding.yaml",
            2,
            "is not about a row",
        ),
        (f"{ONBOARDING}thank_you: Bye", {}, "onboarding.yaml", 22, "never shown"),
        (ONBOARDING, {"onboarding_form": None}, None, None, "needs an onboarding_form"),
        (
            ONBOARDING,
            {"onboarding_qualification": None},
            None,
            None,
            "the onboarding needs a qualification",
        ),
        (
            ONBOARDING,
            {"form": FORM.replace("[happy, unhappy]", "[happy, unhappy], correct: happy")},
            "form.yaml",
            4,
            "move the question to the file of onboarding_form",
        ),
    ],
)
def test_what_cannot_be_an_onboarding_is_refused(
    tmp_path: Path,
    operator: ManualOperator,
    onboarding: str,
    changed: dict[str, Any],
    file: str | None,
    line: int | None,
    words: str,
) -> None:
    settings = configuration(tmp_path, onboarding)
    if "form" in changed:
        changed = {"form": write_form(tmp_path, changed["form"])}
    blueprint = {**settings["blueprint"], **changed}
    settings["blueprint"] = {key: value for key, value in blueprint.items() if value is not None}

    with pytest.raises(famulus.UsageError) as refused:
        operator.launch(settings)

    (problem,) = refused.value.problems
    assert words in problem.message
    assert "run script" not in str(problem)
    if file is not None:
        assert problem.file is not None
        assert (problem.file.name, problem.line) == (file, line)
