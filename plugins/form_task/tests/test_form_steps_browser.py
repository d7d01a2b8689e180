"""The pages of a form in Chromium: next, back, kept over a reload, without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

from famulus.testing import ServedRun
from famulus.testing.served_run import served_run
from form_files import STEPS, STEPS_ANSWER, write_form

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

Open = Callable[..., "Page"]
ROW = {"text": "Cold coffee.", "shop": "Corner Shop"}


@contextmanager
def launched(folder: Path, form: str, **options: Any) -> Iterator[ServedRun]:
    (folder / "data.jsonl").write_text(f"{json.dumps(ROW)}\n" * 40)
    configuration = {
        "defaults": [{"blueprint": "form"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {
            "form": str(write_form(folder, form)),
            "data_jsonl": str(folder / "data.jsonl"),
            **options,
        },
        "task": {
            "task_name": "steps",
            "task_title": "Judge a review",
            "task_description": "D",
            "task_reward": "0.10",
        },
    }
    with served_run(configuration, folder / "famulus.db") as run:
        yield run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    with launched(tmp_path_factory.mktemp("steps"), STEPS) as run:
        yield run


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """A function that opens the page of a unit, of a worker who is new unless named."""
    contexts = []

    def open_it(run: ServedRun, worker: str = "", **more: Any) -> Page:
        context = browser.new_context(**more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: pytest.fail(f"a script of the page failed: {error}"))
        page.goto(f"{run.url}?worker_id={worker or token_hex(8)}&assignment_id={token_hex(8)}")
        return page

    yield open_it
    for context in contexts:
        context.close()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def heading(page: Page) -> str:
    """Return the heading that has the focus, with its progress."""
    text: str = page.evaluate("document.activeElement.innerText")
    return " ".join(text.split())


def answer_first(page: Page, mood: str = "bad") -> None:
    press(page, "I agree to take part")
    page.get_by_role("radio", name=mood).check()
    page.get_by_role("checkbox", name="price").check()
    page.get_by_role("checkbox", name="service").check()


def stored(page: Page, run: ServedRun) -> dict[str, Any]:
    page.get_by_text("Your answers are stored").wait_for()
    answers: dict[str, Any] = run.records()[-1]["outputs"]
    return answers


def test_a_worker_goes_through_all_pages_and_is_thanked(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    assert not page.get_by_text("Read the review").is_visible()
    assert not page.get_by_role("checkbox", name="I agree").is_visible()
    assert not page.get_by_role("button", name="Submit").is_visible()
    answer_first(page)
    press(page, "Next")
    assert heading(page) == "Page 2 of 3 What is bad"
    page.get_by_label("Why is it bad").fill("It was cold.")
    page.get_by_label("Since when").fill("May")
    page.get_by_label("Since when").press("Enter")
    assert heading(page) == "Page 3 of 3 About you"
    page.get_by_label("How old are you").fill("42")

    press(page, "Submit")

    assert stored(page, run) == STEPS_ANSWER
    assert page.get_by_text("Thanks from Corner Shop.").is_visible()


def test_next_says_what_is_missing_and_stays(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    press(page, "I agree to take part")
    page.get_by_role("checkbox", name="price").check()

    press(page, "Next")

    assert page.locator("#fq-mood-error").inner_text() == "Please answer this question."
    assert page.locator("#fq-tags-error").inner_text() == "Please choose at least 2."
    assert page.evaluate("document.activeElement.name") == "mood"
    assert not page.get_by_label("Why is it bad").is_visible()


def test_back_keeps_every_answer(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    answer_first(page)
    press(page, "Next")
    page.get_by_label("Why is it bad").fill("It was cold.")

    press(page, "Back")
    assert heading(page) == "Page 1 of 3 About Corner Shop"
    assert page.get_by_role("radio", name="bad").is_checked()
    page.get_by_role("radio", name="good").check()
    press(page, "Next")

    assert heading(page) == "Page 2 of 2 About you"
    press(page, "Back")
    page.get_by_role("radio", name="mixed").check()
    press(page, "Next")
    assert heading(page) == "Page 2 of 3 What is bad"
    assert page.get_by_label("Why is it bad").input_value() == "It was cold."


def test_the_page_and_the_answers_survive_a_reload(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    answer_first(page)
    press(page, "Next")
    page.get_by_label("Why is it bad").fill("It was cold.")
    page.get_by_label("Since when").fill("May")
    press(page, "Next")

    page.reload()

    page.get_by_label("How old are you").fill("42")
    press(page, "Submit")
    assert stored(page, run) == STEPS_ANSWER


def test_what_is_missing_on_an_earlier_page_is_shown(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    answer_first(page, "good")
    press(page, "Next")
    page.get_by_label("How old are you").fill("42")
    page.locator("[name=tags]").first.evaluate("box => { box.checked = false; }")

    press(page, "Submit")

    page.locator("#fq-tags-error").wait_for()
    assert page.locator("#fq-tags-error").inner_text() == "Please choose at least 2."
    assert page.get_by_role("button", name="Next").is_visible()
    page.locator("[name=mood]").evaluate_all(
        "all => all.forEach(each => { each.checked = false; })"
    )
    page.evaluate("document.querySelector('.fq-next').click()")
    assert page.locator("#fq-mood-error").is_visible()


def test_a_required_field_of_an_earlier_page_is_found_on_submission(
    run: ServedRun, open_page: Open
) -> None:
    page = open_page(run)
    answer_first(page)
    press(page, "Next")
    page.get_by_label("Why is it bad").fill("It was cold.")
    page.get_by_label("Since when").fill("May")
    press(page, "Next")
    page.get_by_label("How old are you").fill("42")
    page.locator("[name=why]").evaluate("field => { field.value = ''; }")

    press(page, "Submit")

    page.get_by_label("Why is it bad").wait_for()
    assert page.evaluate("document.activeElement.name") == "why"


def test_without_javascript_all_pages_are_answered_at_once(run: ServedRun, open_page: Open) -> None:
    page = open_page(run, java_script_enabled=False)
    assert not page.get_by_role("button", name="Next").is_visible()
    assert page.get_by_role("heading", name="About you").is_visible()
    page.get_by_role("radio", name="bad").check()
    page.get_by_role("checkbox", name="price").check()
    page.get_by_label("Why is it bad").fill("It was cold.")
    page.get_by_label("Since when").fill("May")
    page.get_by_label("How old are you").fill("42")
    page.get_by_role("checkbox", name="I agree to take part").check()
    press(page, "Submit")
    assert page.locator("#fq-tags-error").inner_text() == "Please choose at least 2."
    page.get_by_role("checkbox", name="service").check()

    press(page, "Submit")

    assert stored(page, run) == STEPS_ANSWER
    assert page.get_by_text("Thanks from Corner Shop.").is_visible()


def test_a_worker_agrees_and_reads_the_instructions_once(run: ServedRun, open_page: Open) -> None:
    worker = token_hex(8)
    page = open_page(run, worker)
    answer_first(page, "good")
    assert page.get_by_text("Names a feeling").is_visible()
    press(page, "Next")
    page.get_by_label("How old are you").fill("42")
    press(page, "Submit")
    assert stored(page, run)["consent"] == 2

    page = open_page(run, worker)

    assert page.get_by_role("radio", name="good").is_visible()
    assert not page.get_by_text("Names a feeling").is_visible()
    page.get_by_text("Instructions").click()
    assert page.get_by_text("Names a feeling").is_visible()
    page.get_by_role("radio", name="good").check()
    page.get_by_role("checkbox", name="price").check()
    page.get_by_role("checkbox", name="quality").check()
    press(page, "Next")
    page.get_by_label("How old are you").fill("42")
    press(page, "Submit")
    assert stored(page, run)["consent"] == 2


def test_the_keyboard_is_enough(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    page.get_by_role("button", name="I agree to take part").press("Enter")
    page.get_by_role("radio", name="good").press("Space")
    for name in ("price", "service"):
        page.get_by_role("checkbox", name=name).press("Space")
    page.get_by_role("checkbox", name="service").press("Enter")
    page.get_by_label("How old are you").press_sequentially("42")

    page.get_by_label("How old are you").press("Enter")

    assert stored(page, run)["age"] == 42


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits(run: ServedRun, open_page: Open, width: int) -> None:
    page = open_page(run, viewport={"width": width, "height": 900})
    wide = "document.documentElement.scrollWidth > innerWidth"

    assert not page.evaluate(wide)
    answer_first(page)
    assert not page.evaluate(wide)
    press(page, "Next")
    assert not page.evaluate(wide)


ITEMS = """
questions:
- {show: "${text}"}
- {name: mood, type: choice, question: Mood, options: [good, bad], shortcuts: true}
- {name: why, type: text, question: Why, show_if: {mood: bad}}
per_page:
- {name: note, type: text, question: Anything else, required: false}
"""


@pytest.fixture(scope="module")
def items_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    with launched(tmp_path_factory.mktemp("items"), ITEMS, items_per_page=3) as run:
        yield run


@pytest.mark.parametrize("scripted", [True, False])
def test_several_rows_are_answered_in_one_unit(
    items_run: ServedRun, open_page: Open, scripted: bool
) -> None:
    page = open_page(items_run, java_script_enabled=scripted)
    for number, mood in enumerate(("good", "bad", "good"), 1):
        item = page.get_by_role("region", name=f"{number} of 3")
        item.get_by_role("radio", name=mood).check()
    why = page.get_by_role("region", name="2 of 3").get_by_label("Why")
    why.fill("It is cold.")
    page.get_by_label("Anything else").fill("No.")

    press(page, "Submit")

    assert stored(page, items_run) == {
        "items": [{"mood": "good"}, {"mood": "bad", "why": "It is cold."}, {"mood": "good"}],
        "note": "No.",
    }
    record = items_run.records()[-1]
    assert record["inputs"] == {"items": [ROW] * 3}


def test_a_condition_and_a_key_act_within_an_item(items_run: ServedRun, open_page: Open) -> None:
    page = open_page(items_run)
    items = [page.get_by_role("region", name=f"{number} of 3") for number in (1, 2, 3)]

    page.keyboard.press("1")
    items[1].get_by_role("radio", name="good").focus()
    page.keyboard.press("2")

    assert items[0].get_by_role("radio", name="good").is_checked()
    assert items[1].get_by_role("radio", name="bad").is_checked()
    assert [each.get_by_label("Why").is_visible() for each in items] == [False, True, False]
    page.reload()
    items[1].get_by_label("Why").wait_for()
    assert items[0].get_by_role("radio", name="good").is_checked()


def test_a_key_chooses_nothing_on_a_page_that_is_not_shown(tmp_path: Path, open_page: Open) -> None:
    form = STEPS.replace("options: [good, bad, mixed]", "options: [good, bad]\n    shortcuts: true")
    with launched(tmp_path, form.replace("[bad, mixed]", "bad")) as run:
        page = open_page(run)
        page.keyboard.press("1")

        assert page.locator("[name=mood]:checked").count() == 0
        press(page, "I agree to take part")
        page.keyboard.press("1")
        assert page.get_by_role("radio", name="good").is_checked()
