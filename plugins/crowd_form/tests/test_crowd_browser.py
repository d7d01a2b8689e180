"""A template of Ground Truth in Chromium: every element is filled, kept, submitted and reviewed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from crowd_template import ANSWERS, ROW, TEMPLATE
from famulus import Translator
from famulus.cli.declarations.review import examine
from famulus.testing import ServedRun, run_command
from famulus.testing.served_run import served_run
from famulus_crowd_form.blueprint import STATIC
from famulus_crowd_form.blueprint import _page as task_page_of
from famulus_crowd_form.page import filled_page
from form_files import SHAPES
from frame_stub import document, kept, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

Open = Callable[..., "Page"]


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
    page.get_by_role("switch", name="again").check()
    page.get_by_label("Why?").fill("First\nsecond")
    page.get_by_role("radio", name="The owner").check()
    page.get_by_role("checkbox", name="Flaw: l'ong").check()
    page.get_by_label("How warm is it?").fill("4")
    page.get_by_label("Native").fill("mine")


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

    page.get_by_role("button", name="Help").click()
    alert = page.get_by_role("alert").filter(has_text="square,circle 2")
    alert.get_by_role("button", name="Close").click()
    assert page.locator("#said crowd-alert").count() == 0

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


LATE = """<crowd-form><crowd-input name="word" label="Word"></crowd-input></crowd-form>
<script src="CDN/hang.js"></script>
<script>
document.querySelector("crowd-form").onsubmit = (event) => {
  if (document.forms[0].elements.word.value) return;
  event.preventDefault();
  document.title = "asked";
};
</script>
"""


def test_validation_that_waits_for_another_host_is_not_passed(browser: Browser) -> None:
    with serving("") as cdn:
        cdn.go_on.clear()
        filled = filled_page(LATE.replace("CDN", f"http://127.0.0.1:{cdn.server_port}"))
        page = task_page_of(filled, Translator.to("en"))
        script = (STATIC / "famulus_crowd.js").read_text()
        html = document(page=evolve(page, head=f"<script>{script}</script>"))
        with serving(html) as stub, closing(browser.new_context()) as context:
            tab = context.new_page()
            tab.set_default_timeout(10_000)
            tab.goto(stub.url, wait_until="commit")
            button = tab.get_by_role("button", name="Submit")
            button.click(no_wait_after=True)
            assert button.get_attribute("aria-busy") == "true"
            assert stub.submissions == []
            cdn.go_on.set()
            tab.wait_for_function("document.title === 'asked'")
            tab.get_by_label("Word").fill("x")

            button.click()

            tab.get_by_role("heading", name="Your answers are stored").wait_for()
            assert [sent["word"] for sent in stub.submissions] == [["x"]]
