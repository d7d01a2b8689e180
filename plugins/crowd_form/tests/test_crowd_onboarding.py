"""The onboarding of a template: right answers are declared, compared, and never sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import famulus
import famulus_crowd_form
from famulus.data.onboardings import newest_onboardings
from famulus.data.scope import find_scope
from famulus.review.onboarding_text import OnboardingTexts
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins
from famulus_crowd_form.onboarding import correct_faults
from famulus_crowd_form.options import SharedCrowdFormState
from famulus_crowd_form.page import filled_page
from famulus_crowd_form.right_answers import are_right

TASK = '<crowd-form><p>{{ task.input.text }}</p><crowd-input name="why"></crowd-input></crowd-form>'
ONBOARDING = """<crowd-form>
<crowd-classifier name="mood" header="{{ task.input.practice }}" categories="['happy', 'sad']">
<classification-target>{{ task.input.practice }}</classification-target></crowd-classifier>
<crowd-input name="word" label="Which word says so?"></crowd-input>
<crowd-checkbox name="flaws" value="late">Late</crowd-checkbox>
<crowd-checkbox name="flaws" value="dear">Dear</crowd-checkbox>
<crowd-slider name="warmth" max="10"></crowd-slider>
<select name="shop"><option>a<option>b</select>
<crowd-bounding-box name="boxes" src="a.png" header="B" labels='["cat"]'></crowd-bounding-box>
</crowd-form>
"""
CORRECT = {
    "mood": {"label": "happy"},
    "word": "zwölfmal gut",
    "flaws": {"late": True},
    "shop": "b",
}
RIGHT = {"mood": "happy", "word": " Zwölfmal  GUT", "flaws": "late", "warmth": "4", "shop": "b"}
BOX = {"boxes": '[{"left": 0, "top": 0, "width": 5, "height": 5, "label": "cat"}]'}


def configuration(folder: Path, **blueprint: Any) -> dict[str, Any]:
    (folder / "task.html").write_text(TASK, encoding="utf-8")
    (folder / "onboarding.html").write_text(ONBOARDING, encoding="utf-8")
    (folder / "data.csv").write_text("text\nA shop\n", encoding="utf-8")
    options = {
        "task_source": folder / "task.html",
        "data_csv": folder / "data.csv",
        "onboarding_source": folder / "onboarding.html",
        "onboarding_qualification": "trained",
        "onboarding_data": {"practice": "I would come again."},
        "onboarding_correct": CORRECT,
        **blueprint,
    }
    return {
        "defaults": [{"blueprint": "crowd_form"}, {"architect": "nowhere"}, {"provider": "crowd"}],
        "blueprint": {name: value for name, value in options.items() if value is not None},
        "task": {
            "task_name": "shops",
            "task_title": "A task",
            "task_description": "Of a test.",
            "task_reward": "0.10",
            "allowed_concurrent": 0,
        },
    }


@pytest.fixture
def plugins() -> famulus.Plugins:
    return kit_plugins(crowd_form=famulus_crowd_form)


def worker_of(
    operator: ManualOperator,
    settings: Mapping[str, Any],
    state: SharedCrowdFormState | None = None,
) -> GatewayWorker:
    launched = operator.launch(settings, shared_state=state)
    operator.load_all(launched)
    return GatewayWorker(operator.gateway(launched), "Zoe")


def answer(worker: GatewayWorker, page: Seen, as_json: bool = False, **changed: str) -> Seen:
    fields: dict[str, Any] = {**RIGHT, **BOX, "boxes.size": "9x9", **changed}
    return worker.submit(page, as_json=as_json, **fields)


def test_a_worker_who_answers_rightly_gets_a_unit(tmp_path: Path, operator: ManualOperator) -> None:
    worker = worker_of(operator, configuration(tmp_path))
    page = worker.arrive("1")

    unit = answer(worker, page)

    assert "I would come again." in page.text
    assert "A shop" in unit.text
    assert worker.submit(unit, why="x").status == 200


def test_a_worker_who_fails_reads_one_sentence_and_no_right_answer(
    tmp_path: Path, operator: ManualOperator, database: famulus.Database, plugins: famulus.Plugins
) -> None:
    worker = worker_of(operator, configuration(tmp_path))
    page = worker.arrive("1")
    wrong: dict[str, Any] = {"word": "no", "mood": "sad"}

    replies = [
        page,
        answer(worker, page, as_json=True, word="no", mood="angry"),
        answer(worker, page, as_json=True, **wrong),
        answer(worker, page, **wrong),
        worker.arrive("1"),
    ]
    (found,) = newest_onboardings(database, find_scope(database, "shops"), 0, 15)
    text = OnboardingTexts(database, plugins)(found)

    assert [reply.status for reply in replies] == [200, 422, 200, 200, 200]
    assert all(word not in each.text.lower() for each in replies for word in ("zwölf", "correct"))
    assert replies[-1].text.count("You did not pass the introduction") == 1
    assert "  word: no\n    WRONG; right:\n  word: zwölfmal gut\n" in text
    assert text.endswith("Right: 2 of 4")


@pytest.mark.parametrize(
    ("right", "answers", "expected"),
    [
        ({"a": {"labels": ["x", "y"]}}, {"a": {"labels": ["y", "x"]}}, True),
        ({"a": {"labels": ["x"]}}, {"a": {"labels": ["x", "y"]}}, False),
        ({"a": {"on": False}}, {"a": {"on": False, "off": True}}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 4}, {"a": 4.0}, True),
        ({"a": ["x", "y"]}, {"a": "Y"}, True),
        ({"a": ["x", "y"]}, {"a": "z"}, False),
        ({"a": {"label": ["x", "y"]}}, {"a": {"label": "y"}}, True),
        ({"a": [{"on": True}, {"off": True}]}, {"a": {"on": False, "off": True}}, True),
        ({"a": {"labels": [["x"], ["y", "z"]]}}, {"a": {"labels": ["z", "y"]}}, True),
        ({"a": {"labels": [["x"], ["y", "z"]]}}, {"a": {"labels": ["y"]}}, False),
        ({"a": [4, 5]}, {"a": 5}, True),
        ({"a": "4"}, {"a": 4}, True),
        ({"a": "4.0"}, {"a": 4}, True),
        ({"a": 4}, {"a": "4"}, True),
        ({"a": 4}, {"a": "four"}, False),
        ({"a": "four"}, {"a": 4}, False),
        ({"a": {"on": "true"}}, {"a": {"on": True}}, True),
        ({"a": {"on": "false"}}, {"a": {"on": True}}, False),
        ({"a": {"on": "1"}}, {"a": {"on": True}}, False),
        ({"a": True}, {"a": "true"}, True),
        ({"a": "x"}, {}, False),
        ({"a": "x"}, None, False),
        ({}, {"a": "x"}, False),
    ],
)
def test_answers_are_compared_in_their_shapes(right: Any, answers: Any, expected: bool) -> None:
    assert are_right(answers, right) is expected


@pytest.mark.parametrize(
    ("correct", "words"),
    [
        ({"mood": {"label": "angry"}}, "cannot be answered with {'label': 'angry'}"),
        ({"mood": "happy"}, "cannot be answered with 'happy'"),
        ({"moood": {"label": "happy"}}, "is not a field of the onboarding's page; it has boxes"),
        ({"warmth": 11}, "cannot be answered with 11"),
        ({"boxes": {"boundingBoxes": []}}, "marks, which cannot be compared"),
        ({"mood": {"label": "angry"}}, "choose among happy, sad"),
        ({"mood": "happy"}, """write {"label": "happy"}"""),
        ({"mood": ["happy", "sad"]}, """write {"label": ["happy", "sad"]}"""),
        ({"flaws": "late"}, """write {"late": true}"""),
        ({"mood": {"label": ["happy", "angry"]}}, "with {'label': 'angry'}, one of the right"),
        ({"warmth": "[4, 5]"}, "a list is written in the file"),
        ({"warmth": 4, "flaws": {"late": True, "dear": False}, "shop": "b"}, ""),
        ({"warmth": "4", "flaws": {"late": "true"}, "word": 12}, ""),
        ({"warmth": [4, 5], "mood": {"label": ["happy", "sad"]}, "word": ["a", "b"]}, ""),
    ],
)
def test_a_right_answer_that_cannot_be_given_is_refused(correct: Any, words: str) -> None:
    faults = list(correct_faults(filled_page(ONBOARDING), correct))

    assert len(faults) == bool(words)
    assert all(words in message for _, message in faults)


def test_names_of_flat_answers_are_flat() -> None:
    page = filled_page(
        ONBOARDING.replace("<crowd-form", '<crowd-form answer-format="flatten-objects"')
    )

    assert not list(correct_faults(page, {"mood.label": "happy"}))
    assert list(correct_faults(page, {"mood.label": "angry"}))


def test_a_function_decides_in_place_of_the_right_answers(
    tmp_path: Path, operator: ManualOperator
) -> None:
    asked: list[Any] = []

    def validate(onboarding: dict[str, Any]) -> famulus.NotPassed:
        asked.append(onboarding["inputs"])
        return famulus.NotPassed("Read it again.")

    state = SharedCrowdFormState(validate_onboarding=validate)
    worker = worker_of(operator, configuration(tmp_path, onboarding_correct=None), state)

    assert "Read it again." in answer(worker, worker.arrive("1")).text
    assert asked == [{"practice": "I would come again."}]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"onboarding_correct": None}, "write the right answers by name"),
        ({"onboarding_data": {"practise": "A"}}, "{{ task.input.practice }} has no data"),
        ({"onboarding_correct": {"mood": "happy"}}, "cannot be answered with 'happy'"),
        (
            {"onboarding_source": None, "onboarding_data": None, "onboarding_correct": None},
            "needs an onboarding_source",
        ),
        ({"onboarding_qualification": None}, "the onboarding needs a qualification"),
    ],
)
def test_what_cannot_be_an_onboarding_is_refused(
    tmp_path: Path, operator: ManualOperator, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(famulus.UsageError) as refused:
        operator.launch(configuration(tmp_path, **changed))

    (problem,) = refused.value.problems
    assert words in problem.message
    assert "run script" not in str(problem)
