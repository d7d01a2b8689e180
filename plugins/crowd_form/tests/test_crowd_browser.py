"""A template of Ground Truth in Chromium: every element is filled, kept, submitted and reviewed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

from famulus.cli.commands.review import examine
from famulus.testing import ServedRun, run_command
from famulus.testing.served_run import served_run
from form_files import SHAPES
from frame_stub import kept

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

Open = Callable[..., "Page"]

TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<style>.mine { color: #1e7a3c; }</style>
<crowd-form>
  <crowd-instructions link-text="Read this" link-type="button">
    <short-summary>Judge.</short-summary>
    <detailed-instructions><p>Judge well.</p></detailed-instructions>
    <positive-example>Like this</positive-example><negative-example>Not this</negative-example>
  </crowd-instructions>
  <crowd-classifier name="mood" categories="{{ task.input.labels | to_json | escape }}"
    header="How does {{ task.input.author }} feel?">
    <classification-target><p class="mine">{{ task.input.source }}</p></classification-target>
    <full-instructions header="About moods"><p>Choose <b>one</b>.</p></full-instructions>
    <short-instructions>One mood only.</short-instructions>
  </crowd-classifier>
  <crowd-classifier-multi-select name="topics" categories="['price', 'music']"
    header="What is it about?" exclusion-category="{ text: 'None of these' }">
    <classification-target>{{ task.input.source }}</classification-target>
  </crowd-classifier-multi-select>
  <crowd-image-classifier name="shape" src="{{ task.input.image | grant_read_access }}"
    categories="['square', 'circle']" header="What do you see first?"></crowd-image-classifier>
  <crowd-image-classifier-multi-select name="shapes" src="{{ task.input.image }}"
    categories="['blue', 'red']" header="Which colours are there?">
  </crowd-image-classifier-multi-select>
  <crowd-entity-annotation name="names" text="{{ task.input.source }}" header="Mark the names"
    labels="{{ task.input.entities | to_json | escape }}"></crowd-entity-annotation>
  <crowd-bounding-box name="boxes" src="{{ task.input.image }}" header="Box the shapes"
    labels="['square', 'circle']"></crowd-bounding-box>
  <crowd-input name="word" label="One word" required></crowd-input>
  <crowd-text-area name="why" label="Why?" rows="3"></crowd-text-area>
  <p>Who wrote it?</p>
  <crowd-radio-group>
    <crowd-radio-button name="writer" value="guest">A guest</crowd-radio-button>
    <crowd-radio-button name="writer" value="owner">The owner</crowd-radio-button>
  </crowd-radio-group>
  {% for each in task.input.flaws %}
  <crowd-checkbox name="flaws" value="{{ each }}">Flaw: {{ each }}</crowd-checkbox>
  {% endfor %}
  <crowd-slider name="warmth" min="1" max="5" label="How warm is it?"></crowd-slider>
  <label>Native <input name="native"></label>
  <p id="said" role="status"></p>
  <crowd-button form-action="submit" variant="primary">Send it</crowd-button>
</crowd-form>
<script>
  const author = "{{ task.input.author }}";
  document.querySelector("crowd-form").onsubmit = function (event) {
    const word = document.querySelector('crowd-input[name="word"]').value;
    const boxes = document.querySelector("crowd-bounding-box").value.boundingBoxes;
    const { entities } = document.querySelector("crowd-entity-annotation").value;
    const said = `${word} ${boxes.length} ${entities.length} ` +
      document.querySelector("crowd-classifier").value.label + " " +
      document.querySelector('crowd-checkbox[value="late"]').checked + " " +
      document.querySelector("crowd-slider").value;
    document.getElementById("said").textContent = said;
    if (word === "stop") event.preventDefault();
  };
</script>
"""
ROW = {
    "source": "Ada \U0001f642 <b> went\nto London.",
    "author": 'O\'Neil "<i>"',
    "labels": ["good", 'b"ad'],
    "entities": [{"label": "PER", "fullDisplayName": "Person"}, {"label": "LOC"}],
    "image": "shapes.svg",
    "flaws": ["late", "l'ong"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crowd")


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[ServedRun]:
    (folder / "images").mkdir()
    (folder / "images/shapes.svg").write_text(SHAPES)
    (folder / "task.html").write_text(TEMPLATE)
    (folder / "manifest.jsonl").write_text(f"{json.dumps(ROW)}\n" * 20)
    configuration = {
        "defaults": [{"blueprint": "crowd_form"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {
            "task_source": str(folder / "task.html"),
            "data_jsonl": str(folder / "manifest.jsonl"),
            "extra_source_dir": str(folder / "images"),
        },
        "task": {
            "task_name": "crowd",
            "task_title": "Judge a review",
            "task_description": "D",
            "task_reward": "0.10",
        },
    }
    with served_run(configuration, folder / "famulus.db") as served:
        yield served


@pytest.fixture
def open_page(browser: Browser, run: ServedRun) -> Iterator[Open]:
    """A function that opens the page of the first unit of a worker who has not come before."""
    contexts = []

    def open_it(**more: Any) -> Page:
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


def fill(page: Page) -> None:
    page.get_by_role("radio", name='b"ad').check()
    page.get_by_role("checkbox", name="music").check()
    page.get_by_role("radio", name="circle").check()
    page.get_by_role("checkbox", name="red").check()
    page.get_by_label("Words of the text to mark").fill("Ada \U0001f642")
    page.get_by_role("button", name="Mark", exact=True).click()
    page.get_by_role("button", name="LOC").click()
    page.get_by_label("Words of the text to mark").fill("London")
    page.get_by_role("button", name="Mark", exact=True).click()
    page.locator("crowd-bounding-box").get_by_role("button", name="circle").click()
    page.get_by_role("button", name="Add a box in the middle").click()
    page.get_by_label("One word").fill("fine")
    page.get_by_label("Why?").fill("First\nsecond")
    page.get_by_role("radio", name="The owner").check()
    page.get_by_role("checkbox", name="Flaw: l'ong").check()
    page.get_by_label("How warm is it?").fill("4")
    page.get_by_label("Native").fill("mine")


ANSWERS = {
    "mood": {"label": 'b"ad'},
    "topics": {"labels": ["music"]},
    "shape": {"label": "circle"},
    "shapes": {"labels": ["red"]},
    "names": {
        "entities": [
            {"startOffset": 0, "endOffset": 5, "label": "PER"},
            {"startOffset": 18, "endOffset": 24, "label": "LOC"},
        ]
    },
    "boxes": {
        "boundingBoxes": [
            {"left": 200, "top": 100, "width": 400, "height": 200, "label": "circle"}
        ],
        "inputImageProperties": {"height": 400, "width": 800},
    },
    "word": "fine",
    "why": "First\nsecond",
    "writer": {"guest": False, "owner": True},
    "flaws": {"late": False, "l'ong": True},
    "warmth": 4,
    "native": "mine",
}


def send(page: Page) -> None:
    page.get_by_role("button", name="Send it").click()


def stored(page: Page, run: ServedRun) -> dict[str, Any]:
    page.get_by_text("Thank you").first.wait_for()
    answers: dict[str, Any] = run.records()[-1]["outputs"]
    return answers


def test_all_elements_survive_a_reload_and_are_stored(run: ServedRun, open_page: Open) -> None:
    page = open_page()
    fill(page)
    # What was entered last.
    kept(page, "mine")

    page.reload()

    page.locator("crowd-bounding-box .fq-marks li").wait_for()
    assert page.locator("mark").all_inner_texts() == ["Ada \U0001f642", "London"]
    assert page.locator("crowd-slider output").inner_text() == "4"
    assert page.get_by_role("button", name="Submit").count() == 0
    send(page)
    assert stored(page, run) == ANSWERS


def test_a_script_of_the_template_reads_the_elements_and_stops_the_form(
    run: ServedRun, open_page: Open
) -> None:
    page = open_page()
    fill(page)
    page.get_by_label("One word").fill("stop")

    send(page)

    said = page.locator("#said")
    said.get_by_text("stop").wait_for()
    assert said.inner_text() == 'stop 1 2 b"ad false 4'
    assert page.evaluate("author") == "O&#39;Neil &#34;&lt;i&gt;&#34;"
    page.evaluate("document.querySelector('crowd-input').value = 'fine'")
    page.evaluate("document.querySelector('crowd-form').submit()")
    assert stored(page, run) == ANSWERS


def test_what_is_missing_is_said_beside_its_element(run: ServedRun, open_page: Open) -> None:
    page = open_page()
    fill(page)
    page.get_by_role("checkbox", name="music").uncheck()

    send(page)

    page.locator("crowd-classifier-multi-select .crowd-error").get_by_text("Please").wait_for()
    page.get_by_role("checkbox", name="None of these").check()
    send(page)
    assert stored(page, run)["topics"] == {"labels": []}


def test_a_reviewer_sees_the_page_as_its_worker_did(
    run: ServedRun, folder: Path, open_page: Open, browser: Browser
) -> None:
    page = open_page()
    fill(page)
    send(page)
    stored(page, run)

    run_command(examine, "crowd", 1, "--html", folder / "pages", database=folder / "famulus.db")
    [document] = (folder / "pages").glob("unit-*.html")
    with browser.new_context() as context:
        reviewed = context.new_page()
        reviewed.goto(document.as_uri())

        assert reviewed.get_by_role("radio", name='b"ad').is_checked()
        assert reviewed.get_by_role("radio", name="The owner").is_checked()
        assert reviewed.get_by_label("Why?").input_value() == "First\nsecond"
        assert reviewed.locator("crowd-slider output").inner_text() == "4"
        assert reviewed.locator("mark").count() == 2
        assert reviewed.locator("crowd-bounding-box svg rect").count() == 1
        assert reviewed.locator("input:enabled, textarea:enabled").count() == 0


#: Names of controls, and ids that are there twice.
_FAULTS = """
() => {
  const faults = [];
  for (const each of document.querySelectorAll(
    ".crowd-page :is(input:not([type=hidden]), textarea)")) {
    const labels = Array.from(each.labels || []).some((label) => label.innerText.trim());
    if (!labels && !each.getAttribute("aria-label")) faults.push("no name: " + each.outerHTML);
  }
  const ids = Array.from(document.querySelectorAll("[id]"), (each) => each.id);
  faults.push(...ids.filter((id, index) => ids.indexOf(id) !== index));
  if (document.documentElement.scrollWidth > innerWidth) faults.push("too wide");
  return faults;
}
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_every_control_has_a_name_and_the_page_fits(
    open_page: Open, folder: Path, width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    fill(page)

    assert page.evaluate(_FAULTS) == []


def test_without_javascript_all_but_marks_can_be_answered(run: ServedRun, open_page: Open) -> None:
    page = open_page(java_script_enabled=False)

    assert page.locator("noscript .fq-help").count() == 2
    assert page.locator(".crowd-noscript").inner_text().startswith("This page needs JavaScript")
    assert page.get_by_role("radio", name="circle").is_visible()
    assert page.get_by_label("One word").is_visible()
