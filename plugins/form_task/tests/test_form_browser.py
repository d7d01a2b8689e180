"""A form in Chromium: answered with and without JavaScript, refused, kept, reviewed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

from famulus.cli.declarations.review import examine
from famulus.testing import ServedRun, run_command
from famulus.testing.served_run import served_run
from famulus_form.form import FOLDERS
from famulus_form.preview import FormPreview
from famulus_form.preview_server import PreviewServer
from form_files import (
    EVERY_ANSWER,
    EVERY_COLUMN,
    EVERY_KIND,
    MARKS,
    MARKS_ANSWER,
    MARKS_ROW,
    SHAPES,
    write_form,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("form")


@contextmanager
def launched(folder: Path, form: str, row: dict[str, str], **options: str) -> Iterator[ServedRun]:
    (folder / "data.jsonl").write_text(f"{json.dumps(row)}\n" * 20)
    configuration = {
        "defaults": [{"blueprint": "form"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {
            "form": str(write_form(folder, form)),
            "data_jsonl": str(folder / "data.jsonl"),
            **options,
        },
        "task": {
            "task_name": "form",
            "task_title": "Judge a review",
            "task_description": "D",
            "task_reward": "0.10",
        },
    }
    with served_run(configuration, folder / "famulus.db") as run:
        yield run


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[ServedRun]:
    with launched(folder, EVERY_KIND, EVERY_COLUMN) as run:
        yield run


@pytest.fixture(scope="module")
def marked_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    folder = tmp_path_factory.mktemp("marks")
    (folder / "images").mkdir()
    (folder / "images/shapes.svg").write_text(SHAPES)
    with launched(folder, MARKS, MARKS_ROW, extra_source_dir=str(folder / "images")) as run:
        yield run


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """A function that opens the page of the first unit of a worker who has not come before."""
    contexts = []

    def open_it(run: ServedRun, **more: Any) -> Page:
        context = browser.new_context(**more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: pytest.fail(f"a script of the page failed: {error}"))
        name = token_hex(8)
        page.goto(f"{run.url}?worker_id={name}&assignment_id={name}")
        return page

    yield open_it
    for context in contexts:
        context.close()


def answer(page: Page) -> None:
    """Answer all questions that are shown to those who call the mood good."""
    page.get_by_role("radio", name="good").check()
    page.get_by_label("How old are you?").fill("42")
    page.get_by_role("checkbox", name="price").check()
    page.get_by_role("textbox", name="Other").fill("the music")
    rate(page, "The review is fair", "A little")
    rate(page, "The review is useful to me", "Completely")
    page.get_by_label("When did you last").fill("2026-05-31")
    page.get_by_role("radio", name=right_or_left(page)).check()


def rate(page: Page, line: str, rating: str) -> None:
    page.get_by_role("radiogroup", name=line).get_by_role("radio", name=rating).check()


def right_or_left(page: Page) -> str:
    """Return the label of the text b."""
    first = page.locator('[name="better"]').first.get_attribute("value")
    return "The left one" if first == "b" else "The right one"


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()


def stored(page: Page, run: ServedRun) -> dict[str, Any]:
    page.get_by_text("Thank you").first.wait_for()
    answers: dict[str, Any] = run.records()[-1]["outputs"]
    return answers


def test_every_kind_is_answered_and_exported_with_its_type(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    answer(page)
    page.get_by_role("button", name="Move up: quality").click()
    page.get_by_label("How warm is the tone?").fill("70")

    submit(page)

    answers = stored(page, run)
    assert {**answers, "better_left": "a"} == EVERY_ANSWER


def test_without_javascript_all_questions_can_be_answered(run: ServedRun, open_page: Open) -> None:
    page = open_page(run, java_script_enabled=False)
    answer(page)
    page.get_by_role("checkbox", name="Other").check()
    for rank, item in enumerate(["quality", "price", "service"], 1):
        page.get_by_role("combobox", name=item).select_option(str(rank))
    page.get_by_label("How warm is the tone?").fill("70")
    assert page.get_by_label("What is bad about it?").is_visible()
    page.get_by_label("How old are you?").evaluate("input => input.removeAttribute('min')")
    page.get_by_label("How old are you?").fill("17")

    submit(page)

    said = page.locator("#fq-age-error")
    assert said.inner_text() == "Please enter a number of at least 18."
    page.get_by_label("How old are you?").fill("42")
    submit(page)
    assert {**stored(page, run), "better_left": "a"} == EVERY_ANSWER


OTHERS = """
questions:
- {name: job, type: choice, question: "What do you do?", options: [study, work], other: true}
- {name: ways, type: choices, question: "How do you travel?", options: [bus, train], other: true}
- {name: age, type: number, question: "How old are you?", min: 18}
"""


@pytest.fixture(scope="module")
def others_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    with launched(tmp_path_factory.mktemp("others"), OTHERS, {"a": "b"}) as run:
        yield run


def explain_others_and_choose(page: Page) -> None:
    """Explain other answers, then choose among those that are offered."""
    page.locator("[name='job.other']").fill("retired")
    page.locator("[name='ways.other']").fill("on foot")
    page.get_by_role("radio", name="work").check()
    page.get_by_role("checkbox", name="Other").uncheck()
    page.get_by_role("checkbox", name="bus").check()


def words(page: Page) -> list[str]:
    return [page.locator(f"[name='{name}.other']").input_value() for name in ("job", "ways")]


def test_words_for_another_answer_stay_and_are_sent_with_its_option_alone(
    others_run: ServedRun, open_page: Open
) -> None:
    page = open_page(others_run)
    explain_others_and_choose(page)
    assert words(page) == ["retired", "on foot"]
    page.get_by_label("How old").fill("42")

    page.reload()

    assert words(page) == ["retired", "on foot"]
    assert page.locator("[value=other]:checked").count() == 0
    page.get_by_role("radio", name="Other").check()
    assert words(page) == ["retired", "on foot"]
    with page.expect_request(lambda request: request.method == "POST") as sent:
        submit(page)
    assert "on foot" not in (sent.value.post_data or "")
    assert {name: value for name, value in stored(page, others_run).items() if value != 42} == {
        "job": "other",
        "job_other": "retired",
        "ways": ["bus"],
        "ways_other": None,
    }


@pytest.mark.parametrize(("name", "chosen"), [("job", ["other"]), ("ways", ["bus", "other"])])
def test_words_for_another_answer_that_a_tool_for_dictation_enters_choose_it(
    others_run: ServedRun, open_page: Open, name: str, chosen: list[str]
) -> None:
    page = open_page(others_run)
    page.locator(f"[name={name}]").first.check()
    text = page.locator(f"[name='{name}.other']")
    text.focus()

    text.evaluate(
        "input => { input.value = 'on foot'; "
        "input.dispatchEvent(new InputEvent('input', {bubbles: true})); }"
    )

    checked = page.locator(f"[name={name}]:checked")
    assert checked.evaluate_all("all => all.map(each => each.value)") == chosen


def test_without_javascript_words_for_another_answer_stay_when_a_form_is_refused(
    others_run: ServedRun, open_page: Open
) -> None:
    page = open_page(others_run, java_script_enabled=False)
    explain_others_and_choose(page)
    page.get_by_label("How old").evaluate("input => input.removeAttribute('min')")
    page.get_by_label("How old").fill("17")
    submit(page)
    page.locator("#fq-age-error").wait_for()
    assert words(page) == ["retired", "on foot"]

    page.get_by_role("radio", name="Other").check()
    page.get_by_label("How old").fill("42")
    submit(page)

    answers = stored(page, others_run)
    assert (answers["job"], answers["job_other"]) == ("other", "retired")
    assert (answers["ways"], answers["ways_other"]) == (["bus"], None)


def test_a_condition_shows_and_requires_a_question(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    why = page.get_by_label("What is bad about it?")
    assert not why.is_visible()

    page.keyboard.press("b")

    assert page.get_by_role("radio", name="bad").is_checked()
    assert why.is_visible()
    assert why.evaluate("field => field.required")
    why.press_sequentially("good coffee")
    assert page.get_by_role("radio", name="bad").is_checked()
    page.get_by_role("radio", name="good").check()
    assert not why.is_visible()
    assert why.evaluate("field => field.disabled")


def test_shortcuts_can_be_turned_off(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)

    page.get_by_role("button", name="Turn shortcuts off").click()
    page.keyboard.press("g")

    assert not page.get_by_role("radio", name="good").is_checked()
    page.get_by_role("button", name="Turn shortcuts on").click()
    page.keyboard.press("g")
    assert page.get_by_role("radio", name="good").is_checked()


def test_the_server_says_beside_the_question_what_is_missing(
    run: ServedRun, open_page: Open
) -> None:
    page = open_page(run)
    answer(page)
    page.get_by_role("button", name="This order is right").click()

    submit(page)

    beside = page.locator("#fq-warmth-error")
    beside.wait_for()
    assert beside.inner_text() == "Please answer this question."
    assert page.evaluate("document.activeElement.id") == "fq-warmth-input"
    assert page.locator("#fq-warmth-input").get_attribute("aria-invalid") == "true"
    page.keyboard.press("ArrowRight")
    page.locator("#fq-warmth-error").wait_for(state="hidden")
    submit(page)
    assert stored(page, run)["warmth"] == 51


def test_answers_of_every_kind_survive_a_reload(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    page.get_by_role("radio", name="bad").check()
    page.get_by_label("What is bad about it?").fill("the coffee")
    page.get_by_label("How old are you?").fill("42")
    page.get_by_role("textbox", name="Other").fill("the music")
    rate(page, "The review is fair", "A little")
    page.get_by_role("button", name="Move up: service").click()
    page.get_by_label("How warm is the tone?").fill("50")
    page.get_by_label("When did you last").fill("2026-05-31")
    before = page.evaluate(_STATE)

    page.reload()

    page.get_by_label("What is bad about it?").wait_for()
    page.wait_for_function(f"before => ({_STATE})() === before", arg=before)
    assert json.loads(before)["order"] == ["price", "service", "quality"]
    assert json.loads(before)["shown"] == "50"


_STATE = """
() => JSON.stringify({
  fields: Array.from(document.querySelectorAll(".fq-form :is(input, select, textarea)"),
    (each) => [each.name, each.type === "file" || each.value, each.checked, each.disabled])
    .sort(),
  order: Array.from(document.querySelectorAll(".fq-item-text"), (each) => each.textContent),
  shown: document.querySelector(".fq-output").textContent,
})
"""

#: Names of controls, colours that are hard to read, ids that are there twice.
_FAULTS = """
() => {
  const faults = [];
  const named = (each) => each.labels && Array.from(each.labels).some((label) => label.innerText)
    || each.getAttribute("aria-label") || each.getAttribute("aria-labelledby");
  for (const each of document.querySelectorAll(
    ".fq-form :is(input:not([type=hidden]), select, textarea, audio, video)")) {
    if (!named(each)) faults.push("no name: " + each.outerHTML);
  }
  const ids = Array.from(document.querySelectorAll("[id]"), (each) => each.id);
  faults.push(...ids.filter((id, index) => ids.indexOf(id) !== index));
  for (const each of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    const named = (each.getAttribute("aria-labelledby") || "") + " " +
      (each.getAttribute("aria-describedby") || "");
    for (const id of named.split(" ").filter(Boolean)) {
      if (!document.getElementById(id)) faults.push("no element of id " + id);
    }
  }
  for (const each of document.querySelectorAll("[onclick], [onchange], [oninput], [style]")) {
    faults.push("inline: " + each.outerHTML);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("too wide");
  return faults;
}
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_every_control_has_a_name_and_the_page_fits(
    run: ServedRun, marked_run: ServedRun, open_page: Open, width: int
) -> None:
    size = {"width": width, "height": 900}
    page = open_page(run, viewport=size)
    page.get_by_role("radio", name="bad").check()
    marked = open_page(marked_run, viewport=size)
    mark(marked)

    assert page.evaluate(_FAULTS) == []
    assert marked.evaluate(_FAULTS) == []


def mark(page: Page) -> None:
    """Mark a name by its words and one by selecting it, a box by dragging, a point by a click."""
    page.get_by_label("Words of the text to mark").fill("Ada \U0001f642")
    page.get_by_label("Words of the text to mark").press("Enter")
    page.get_by_role("button", name="Place").click()
    page.locator("#fq-names-text").evaluate(_SELECT_THE_END)
    shapes = page.locator("#fq-shapes .fq-image")
    drag(page, shapes, (0.1, 0.2), (0.4, 0.8))
    point = page.locator("#fq-middles .fq-image")
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.get_by_label("What else?").fill('{"a": [1, null]}')


#: London, which follows a character that JavaScript counts as two.
_SELECT_THE_END = """
(area) => {
  const range = document.createRange();
  const text = area.lastChild;
  range.setStart(text, text.data.length - 6);
  range.setEnd(text, text.data.length);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  document.dispatchEvent(new KeyboardEvent("keyup", { key: "Shift" }));
}
"""


def drag(page: Page, area: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    place = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*place[0])
    page.mouse.down()
    page.mouse.move(*place[1], steps=3)
    page.mouse.up()


def test_the_left_one_is_on_the_left_in_all_languages_and_widths(
    run: ServedRun, open_page: Open
) -> None:
    page = open_page(run)
    left, right = page.locator(".fq-side").all()
    assert "The left one" in left.inner_text()

    for frame, form, width in product(("ltr", "rtl"), ("", "ltr", "rtl"), (1280, 390, 320)):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("frame => { document.querySelector('main').dir = frame; }", frame)
        page.evaluate("form => { document.querySelector('#famulus-task').dir = form; }", form)
        boxes = left.bounding_box(), right.bounding_box()
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"], (frame, form, width)
        assert boxes[0]["y"] == boxes[1]["y"], (frame, form, width)


def test_own_sentences_have_the_direction_of_their_language_where_the_form_has_another(
    run: ServedRun, open_page: Open
) -> None:
    page = open_page(run, locale="ar")
    wrong = page.locator("#fq-age-error")
    wrong.evaluate("error => { error.hidden = false; error.textContent = 'يرجى الإجابة.'; }")

    for sentence in (page.locator(".fq-shortcuts"), wrong):
        style = "each => [getComputedStyle(each).direction, getComputedStyle(each).textAlign]"
        assert sentence.evaluate(style) == ["rtl", "left"]


def test_what_a_worker_types_has_the_direction_of_its_first_letter(
    run: ServedRun, open_page: Open
) -> None:
    page = open_page(run, locale="ar")
    page.evaluate("() => { document.querySelector('#famulus-task').dir = 'rtl'; }")
    page.get_by_role("radio", name="bad").check()

    for field in (
        page.get_by_label("Where do you live?"),
        page.get_by_label("What is bad about it?"),
        page.locator("[data-other]"),
    ):
        style = "each => [getComputedStyle(each).unicodeBidi, getComputedStyle(each).direction]"
        assert field.evaluate(style) == ["plaintext", "rtl"]


def test_a_sentence_that_goes_takes_no_click_away(run: ServedRun, open_page: Open) -> None:
    page = open_page(run)
    page.evaluate(
        """() => document.forms[0].dispatchEvent(new CustomEvent("famulus:refused", {
            detail: { fields: { age: "Please answer this question.\\n".repeat(9) } } }))"""
    )
    sentence = page.locator("#fq-age-error")
    assert sentence.is_visible()
    page.get_by_label("How old are you?").press_sequentially("42")
    assert not sentence.is_visible()

    page.get_by_role("checkbox", name="price").check()


def test_marks_survive_a_reload_and_are_stored(marked_run: ServedRun, open_page: Open) -> None:
    page = open_page(marked_run, viewport={"width": 1280, "height": 900})
    mark(page)
    assert page.locator(".fq-marks li").count() == 4

    page.reload()

    page.locator(".fq-marks li").nth(3).wait_for()
    assert page.locator("mark").all_inner_texts() == ["Ada \U0001f642", "London"]
    submit(page)
    answers = stored(page, marked_run)
    assert near(answers["shapes"], MARKS_ANSWER["shapes"])
    assert near(answers["middles"], MARKS_ANSWER["middles"])
    same = MARKS_ANSWER.keys() - {"shapes", "middles"}
    assert {name: answers[name] for name in same} == {name: MARKS_ANSWER[name] for name in same}


def near(marks: Any, expected: Any) -> bool:
    """Return whether marks are where they should be, but for what a pointer rounds."""
    return len(marks) == len(expected) and all(
        one.keys() == other.keys()
        and all(one[key] == pytest.approx(other[key], abs=3) for key in one if key != "label")
        for one, other in zip(marks, expected, strict=True)
    )


def test_marks_are_made_and_moved_by_the_keyboard(marked_run: ServedRun, open_page: Open) -> None:
    page = open_page(marked_run)
    page.get_by_role("button", name="square").press("Enter")
    page.get_by_role("button", name="Add a box in the middle").press("Enter")

    box = page.locator("#fq-shapes .fq-marks li button").first
    box.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")

    field = page.locator('[name="shapes"]')
    [made] = json.loads(field.input_value())
    assert made == {"left": 192, "top": 100, "width": 400, "height": 208, "label": "square"}
    page.get_by_role("button", name="Remove: 400 by 208").press("Enter")
    assert field.input_value() == ""


def test_a_reviewer_sees_the_form_as_its_worker_did(
    run: ServedRun, folder: Path, open_page: Open, browser: Browser
) -> None:
    page = open_page(run)
    answer(page)
    page.get_by_role("button", name="This order is right").click()
    page.get_by_label("How warm is the tone?").fill("70")
    submit(page)
    stored(page, run)

    run_command(examine, "form", 1, "--html", folder / "pages", database=folder / "famulus.db")
    [document] = (folder / "pages").glob("unit-*.html")
    with browser.new_context() as context:
        reviewed = context.new_page()
        reviewed.goto(document.as_uri())

        assert reviewed.get_by_role("radio", name="good").is_checked()
        assert reviewed.get_by_role("textbox", name="Other").input_value() == "the music"
        assert not reviewed.get_by_label("What is bad about it?").is_visible()
        assert reviewed.locator("input:enabled, select:enabled, textarea:enabled").count() == 0
        styled = reviewed.locator(".fq-option").first
        assert styled.evaluate("label => getComputedStyle(label).display") == "flex"


def test_a_preview_loads_itself_again_when_the_form_is_saved(
    browser: Browser, tmp_path: Path
) -> None:
    text = "questions:\n- {name: q, type: text, question: First}\n"
    preview = FormPreview(write_form(tmp_path, text))
    with (
        PreviewServer(0, preview, None, FOLDERS, lambda _: None) as server,
        browser.new_context() as context,
    ):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(server.url)
        page.get_by_label("First").fill("x")
        submit(page)
        page.get_by_text('"q": "x"').wait_for()

        write_form(tmp_path, text.replace("type: text", "type: texd"))

        page.get_by_text("form.yaml:2: questions.0.type: there is no type 'texd'").wait_for()

        write_form(tmp_path, text.replace("First", "Second question"))

        page.get_by_label("Second question").wait_for()
        server.shutdown()
        thread.join()
