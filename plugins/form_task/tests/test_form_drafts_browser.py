"""Answers of every kind survive the death of the browser."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from famulus.testing.chromium import launch_options
from famulus.testing.served_run import served_run
from famulus.testing.waiting import wait_until
from famulus_form.kinds import KINDS
from form_files import EVERY_COLUMN, EVERY_KIND, MARKS, MARKS_ROW, SHAPES, write_form

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

FORM = EVERY_KIND + MARKS.partition("questions:\n")[2]
#: The last of what is typed: once it is kept, so is everything before it.
LAST = "the last words that were typed"

_STATE = """
() => JSON.stringify(Array.from(
  document.querySelectorAll(".fq-form :is(input:not([type=file]), select, textarea)[name]"),
  (each) => [each.name, each.value, each.checked, each.disabled])
  .concat(Array.from(document.querySelectorAll(".fq-item-text, .fq-marks li, mark, output"),
    (each) => each.textContent)))
"""


_KEPT = """
new Promise((resolve) => {
  const request = indexedDB.open("famulus", 1);
  request.onsuccess = () => {
    const drafts = request.result.transaction("answers").objectStore("answers").getAll();
    drafts.onsuccess = () => resolve(JSON.stringify(drafts.result));
  };
})
"""


@contextlib.contextmanager
def started(browser: Browser, profile: Path) -> Iterator[BrowserContext]:
    """Start a browser of its own, whose profile is kept; it may have died by the end."""
    from playwright.sync_api import Error

    context = browser.browser_type.launch_persistent_context(
        profile, viewport={"width": 1280, "height": 900}, **launch_options()
    )
    context.set_default_timeout(15_000)
    try:
        yield context
    finally:
        with contextlib.suppress(Error):
            context.close()


def kill(profile: Path) -> None:
    """Kill every process of the browser that has a profile, as a power failure would."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(profile) in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


def fill(page: Page) -> None:
    page.get_by_role("radio", name="bad").check()
    page.get_by_label("What is bad about it?").fill("the coffee")
    page.get_by_label("How old are you?").fill("42")
    page.get_by_label("Where do you live?").fill("Lindau")
    page.get_by_role("textbox", name="Other").fill("the music")
    for row, rating in (("The review is fair", "A little"), ("useful to me", "Completely")):
        line = page.get_by_role("radiogroup", name=row)
        line.get_by_role("radio", name=rating).check()
    page.get_by_role("button", name="Move up: service").click()
    page.get_by_label("How warm is the tone?").fill("70")
    page.get_by_label("When did you last").fill("2026-05-31")
    page.locator("[name=better][value=b]").check()
    page.get_by_label("Words of the text to mark").fill("London")
    page.get_by_label("Words of the text to mark").press("Enter")
    page.get_by_role("button", name="Add a box in the middle").press("Enter")
    page.get_by_role("button", name="Add a point in the middle").press("Enter")
    page.get_by_label("What else?").fill(json.dumps({"a": LAST}))


def test_answers_of_every_kind_survive_the_death_of_the_browser(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/shapes.svg").write_text(SHAPES)
    photo = tmp_path / "photo.txt"
    photo.write_text("a photo")
    row = {**EVERY_COLUMN, **MARKS_ROW}
    (tmp_path / "data.jsonl").write_text(json.dumps(row))
    configuration: dict[str, Any] = {
        "defaults": [{"blueprint": "form"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {
            "form": str(write_form(tmp_path, FORM)),
            "data_jsonl": str(tmp_path / "data.jsonl"),
            "extra_source_dir": str(tmp_path / "images"),
        },
        "task": {
            "task_name": "form",
            "task_title": "Judge a review",
            "task_description": "D",
            "task_reward": "0.10",
        },
    }
    profile = tmp_path / "profile"
    with served_run(configuration, tmp_path / "famulus.db") as run:
        address = f"{run.url}?worker_id=x&assignment_id=1"
        with started(browser, profile) as context:
            page = context.new_page()
            page.goto(address)
            page.locator("[name=photo]").set_input_files(photo)
            fill(page)
            before = page.evaluate(_STATE)
            wait_until(lambda: LAST in page.evaluate(_KEPT), "the draft is kept")
            kill(profile)

        with started(browser, profile) as context:
            page = context.new_page()
            page.goto(address)

            page.wait_for_function(f"before => ({_STATE})() === before", arg=before)
            # No browser lets a page choose a file: the worker is asked for it.
            missing = page.locator("#famulus-missing-files")
            assert "photo" in missing.inner_text()
            page.locator("[name=photo]").set_input_files(photo)
            page.get_by_role("button", name="Submit").click()
            page.get_by_role("heading", name="Your answers are stored").wait_for()
            [record] = run.records()

    answers = record["outputs"]
    assert {name: answers[name] for name in EXPECTED} == EXPECTED
    assert answers["photo"]["name"] == "photo.txt"


EXPECTED = {
    "mood": "bad",
    "why": "the coffee",
    "age": 42,
    "city": "Lindau",
    "topics": ["other"],
    "topics_other": "the music",
    "agree": {"fair": 2, "useful": 3},
    "order": ["price", "service", "quality"],
    "warmth": 70,
    "day": "2026-05-31",
    "better": "b",
    "names": [{"start": 13, "end": 19, "text": "London", "label": "PER"}],
    "shapes": [{"left": 200, "top": 100, "width": 400, "height": 200, "label": "circle"}],
    "middles": [{"x": 400, "y": 200}],
    "more": {"a": LAST},
}


def test_the_form_has_a_question_of_every_kind(tmp_path: Path) -> None:
    assert {kind for kind in KINDS if f"type: {kind}\n" in FORM} == set(KINDS)
