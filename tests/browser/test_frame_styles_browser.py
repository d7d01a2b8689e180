"""The frame around a task looks the same with any style sheet of the task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize
from playwright.sync_api import Page as Tab

from famulus.contracts.views import Page
from famulus.engine.pages import TaskFrame, TaskInfo, TaskLayout, preview_document, task_document
from famulus.engine.worker_progress import UnitNumber
from famulus.translation import ENGLISH, Translator

EN = Translator(ENGLISH)

pytestmark = pytest.mark.browser

_SHEETS = Path(__file__).with_name("style_sheets")
#: Rules that an author's page may have, and worse ones.
ROUGH = """
html { font-size: 30px }
body { font: italic 28px/3 serif; color: #fff; background: #113; text-align: center;
  letter-spacing: 4px; text-transform: uppercase; word-spacing: 9px; cursor: wait }
* { box-sizing: content-box; max-width: none }
div, p, h1, header, main, strong, [hidden] { margin: 30px; padding: 30px; border: 3px solid red;
  font-size: 40px; font-weight: 900; float: right; width: 300px; background: #ff0 }
button, [type=button], [type=submit] { background: none; color: red; border: 0; padding: 40px;
  width: 500px; height: 90px; font-size: 9px; display: block; text-transform: lowercase }
button:hover, button:focus { background: red }
*::before { content: "x" }
"""
STYLES = {
    "bootstrap 3": "bootstrap-3.4.1/bootstrap.min.css",
    "bootstrap 4": "bootstrap-4.6.2/bootstrap.min.css",
    "bootstrap 5": "bootstrap-5.3.3/bootstrap.min.css",
    "tailwind": "tailwindcss-2.2.19/base.min.css",
    "rough": ROUGH,
}
BODY = """
<div class="container"><div class="row"><div class="col-md-8 col-xs-12">
<h2>Judge</h2><p>Read the text and say what you think of it.</p>
<label>Why <input name="why" class="form-control"></label>
<button type="button" class="btn btn-primary">More</button>
</div></div></div>
"""
SCREENS: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}
_MEASURE = """() => {
  for (const id of ["famulus-alert", "famulus-status"]) {
    const box = document.getElementById(id);
    box.hidden = false;
    box.textContent = "That did not work. ";
  }
  const again = document.createElement("button");
  again.type = "button";
  again.className = "famulus-small-button";
  again.textContent = "Try again";
  document.getElementById("famulus-status").append(again);
  document.getElementById("famulus-time").textContent = "29 min left";
  return measured(["famulus-alert", "famulus-status"].map((id) => document.getElementById(id))
    .concat([...document.querySelectorAll(".famulus-header, .famulus-actions")]));
}"""
_MEASURED = """window.measured = (roots) => {
  const found = {};
  for (const root of roots) for (const each of [root, ...root.querySelectorAll("*")]) {
    const name = each.id || each.className || `${each.tagName} in ${root.className}`;
    const box = each.getBoundingClientRect(), from = root.getBoundingClientRect();
    const style = getComputedStyle(each);
    const own = {};
    for (const property of ["fontSize", "fontFamily", "fontWeight", "fontStyle", "lineHeight",
      "color", "backgroundColor", "textAlign", "textTransform", "letterSpacing", "cursor",
      "borderTopWidth", "borderTopColor", "display", "boxSizing", "float"]) {
      own[property] = style[property];
    }
    found[name] = {
      box: [box.x, box.y - from.y, box.width, box.height], style: own,
      before: getComputedStyle(each, "::before").content,
    };
  }
  return found;
}"""

INFO = TaskInfo(
    title="Judge a text",
    description="Three short questions about one text each.",
    reward="0.10 USD",
    requester="lab",
    contact="lab@example.org",
)


def _css(style: str) -> str:
    return style if "{" in style else (_SHEETS / style).read_text(encoding="utf-8")


def _shell(style: str, body: str = BODY) -> str:
    return task_document(
        TaskLayout.of(INFO, EN, is_onboarding=False),
        TaskFrame(
            number=UnitNumber(number=3, most=20),
            passed=True,
            page=Page(body=body, head=f"<style>{_css(style)}</style>"),
            token="token",
            ticket="the-ticket",
            submission_id="1",
            storage_key="key",
            seconds_left=1740,
        ),
    )


@pytest.fixture(params=SCREENS, scope="module")
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Tab]:
    tab = browser.new_page(viewport=SCREENS[request.param])
    tab.add_init_script(_MEASURED)
    tab.route("**/*", lambda route: route.fulfill(body=""))
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def plain_tab(browser: Browser) -> Iterator[Tab]:
    """A tab that loads nothing, to be made as wide as a test needs it."""
    tab = browser.new_page()
    yield tab
    tab.close()


def _open(tab: Tab, html: str) -> None:
    tab.goto("http://page.test/")
    tab.set_content(html)


def _overflow(tab: Tab) -> int:
    return int(
        tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def _assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, each in expected.items():
        assert found[name]["box"] == pytest.approx(each["box"], abs=1), name
        assert found[name]["style"] == each["style"], name
        assert found[name]["before"] == each["before"], name


@pytest.mark.parametrize("style", STYLES)
def test_the_frame_is_the_same_under_any_style_sheet(tab: Tab, style: str) -> None:
    _open(tab, _shell("{}"))
    expected = tab.evaluate(_MEASURE)
    _open(tab, _shell(STYLES[style]))

    found = tab.evaluate(_MEASURE)

    assert expected["famulus-submit"]["style"]["fontSize"] == "16px"
    _assert_same(found, expected)


@pytest.mark.parametrize("style", STYLES)
def test_the_frame_of_a_preview_is_the_same_too(tab: Tab, style: str) -> None:
    measure = "measured([...document.querySelectorAll('#famulus-preview, .famulus-header')])"
    found = []
    for css in ("{}", STYLES[style]):
        page = Page(body=BODY, head=f"<style>{_css(css)}</style>")
        _open(tab, preview_document(INFO, EN, page))
        found.append(tab.evaluate(measure))

    _assert_same(found[1], found[0])


@pytest.mark.parametrize("style", [name for name in STYLES if name != "rough"])
def test_a_page_does_not_scroll_sideways(tab: Tab, style: str) -> None:
    _open(tab, _shell(STYLES[style]))
    tab.evaluate(_MEASURE)

    assert _overflow(tab) == 0


@pytest.mark.parametrize("width", [768, 800, 992, 1000, 1200, 1205, 1280])
@pytest.mark.parametrize("style", ["bootstrap 3", "bootstrap 4", "bootstrap 5"])
def test_a_container_is_as_wide_as_outside_the_frame(
    plain_tab: Tab, style: str, width: int
) -> None:
    tab = plain_tab
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(f"<style>{_css(STYLES[style])}</style>{BODY}")
    measure = "document.querySelector('.container').getBoundingClientRect().toJSON()"
    alone = tab.evaluate(measure)
    tab.set_content(_shell(STYLES[style]))

    inside = tab.evaluate(measure)

    overflow = _overflow(tab)
    assert (inside["width"], inside["x"]) == pytest.approx((alone["width"], alone["x"]), abs=1)
    assert overflow == 0


def test_a_task_without_styles_has_the_width_and_long_words_wrap(tab: Tab) -> None:
    _open(tab, _shell("{}", f"<div id='own'>x</div><p>{'long' * 200}</p>"))

    width = tab.evaluate("document.getElementById('own').getBoundingClientRect().width")

    assert width >= tab.viewport_size["width"] - 40 if tab.viewport_size else False
    assert _overflow(tab) == 0


def test_an_authors_own_styles_still_reach_the_task(tab: Tab) -> None:
    _open(tab, _shell("body { font: 20px serif; color: rgb(1, 2, 3) } h2 { color: rgb(4, 5, 6) }"))

    style = tab.evaluate("""() => {
      const [text, heading] = [".container p", ".container h2"].map(
        (each) => getComputedStyle(document.querySelector(each)));
      return [text.fontSize, text.fontFamily, text.color, heading.color];
    }""")

    assert style == ["20px", "serif", "rgb(1, 2, 3)", "rgb(4, 5, 6)"]


def test_a_script_can_hide_the_submit_button(tab: Tab) -> None:
    _open(tab, _shell("#famulus-submit { display: none !important }"))

    assert not tab.locator("#famulus-submit").is_visible()
