"""The page of a stored unit in a real Chromium: what was answered is seen, and nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

import famulus
from famulus.engine.pages import review_document
from famulus_static_html.blueprint import StaticTaskBlueprint
from famulus_static_html.options import SharedStaticTaskState, StaticTaskArgs
from submitted_units import submitted_unit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

#: A page whose scripts make markup of what a worker has entered, as many do.
PAGE = """
<link rel="stylesheet" href="task.css">
<h2>${word}</h2>
<p><label>Colour <input name="colour" oninput="show(this)"></label></p>
<p><label>Why <textarea name="why"></textarea></label></p>
<p><label>Rating <select name="rating"><option>bad</option><option>good</option></select></label>
</p>
<p><label><input type="checkbox" name="which" value="a"> a</label>
<label><input type="checkbox" name="which" value="b"> b</label></p>
<input type="hidden" name="widget"><p id="shown"></p>
<script>
window.hasRun = true;
function show(field) { document.getElementById("shown").innerHTML = field.value; }
window.onload = function () { show(document.getElementsByName("colour")[0]); };
</script>
"""
ATTACK = "<img src=x onerror='window.hasRun = true'>"
ANSWERS = {
    "colour": ATTACK,
    "why": f"</textarea>{ATTACK}",
    "rating": "good",
    "which": ["b"],
    "widget": '{"dots": 3}',
}


@pytest.fixture
def reviewed(tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """The page of a unit of ``static_task``, opened from its file."""
    (tmp_path / "task.html").write_text(PAGE)
    (tmp_path / "task.css").write_text("h2 { color: rgb(1, 2, 3) }")
    context = famulus.Context(
        database=cast("Any", None),
        clock=famulus.system_clock,
        shared_state=SharedStaticTaskState(),
    )
    blueprint = StaticTaskBlueprint(StaticTaskArgs(task_source=tmp_path / "task.html"), context)
    unit = submitted_unit(ANSWERS, {"word": f"tree {ATTACK}"})
    document = review_document(
        "Unit 1",
        blueprint.review_page(unit),
        ANSWERS,
        facts=[("Worker", ATTACK)],
        assets=f"{tmp_path.as_uri()}/",
    )
    (tmp_path / "unit.html").write_text(document)
    with browser.new_context() as opened:
        page = opened.new_page()
        page.goto((tmp_path / "unit.html").as_uri())
        yield page


_LAYOUT = """
() => {
  const place = (selector) => document.querySelector(selector).getBoundingClientRect();
  const lists = ["#famulus-page > header", "#famulus-page > section"];
  return {
    edges: ["h1", ...lists.map((list) => list + " dt"), "#famulus-page > section h2"].map(
      (selector) => place(selector).left - place("#famulus-page").left
    ),
    drops: lists.map((list) => place(list + " dd").top - place(list + " dt").top),
    overflow: document.documentElement.scrollWidth - innerWidth,
  };
}
"""


@pytest.mark.parametrize(("width", "edge"), [(1280, 20), (375, 16)])
def test_facts_and_answers_are_tables_aligned_with_the_task(
    reviewed: Page, width: int, edge: int
) -> None:
    reviewed.set_viewport_size({"width": width, "height": 700})

    layout = reviewed.evaluate(_LAYOUT)

    assert layout["edges"] == [edge] * 4
    assert [drop == 0 for drop in layout["drops"]] == [width > 480] * 2
    assert layout["overflow"] <= 0


def test_reviewer_sees_the_answers_and_can_change_none(reviewed: Page) -> None:
    assert reviewed.get_by_label("Colour").input_value() == ATTACK
    assert reviewed.get_by_label("Why").input_value() == ANSWERS["why"]
    assert reviewed.get_by_label("Rating").input_value() == "good"
    assert reviewed.get_by_label("b", exact=True).is_checked()
    assert not reviewed.get_by_label("a", exact=True).is_checked()
    assert reviewed.locator("input:enabled, textarea:enabled, select:enabled").count() == 0
    assert reviewed.get_by_text('{"dots": 3}').is_visible()
    colour = reviewed.locator("h2").first.evaluate("each => getComputedStyle(each).color")
    assert colour == "rgb(1, 2, 3)"


def test_neither_the_page_nor_an_answer_runs_a_script(reviewed: Page) -> None:
    # What the tests evaluate is not bound by the page's policy.
    reviewed.get_by_label("Colour").evaluate("each => each.dispatchEvent(new Event('input'))")

    assert reviewed.evaluate("window.hasRun") is None
    assert reviewed.locator("img").count() == 0
    assert reviewed.locator("#shown").inner_html() == ""
