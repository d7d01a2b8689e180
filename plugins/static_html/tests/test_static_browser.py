"""Hostile values in a real browser: nothing runs, and every place holds the value itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from famulus_static_html.page import compile_page

pytestmark = pytest.mark.browser

HTML = """
<p id="text">${v}</p><pre id="pre">${v}</pre><textarea id="area">${v}</textarea>
<svg><title id="svg">${v}</title></svg><p id="entity">&${v};</p>
<p id="double" title="${v}"></p><p id="single" title='${v}'></p>
<a id="link" href="${v}">x</a><a id="query" href="/x?q=${v|text}">x</a><img src="${v}">
<iframe src="${v}"></iframe>
<p id="css" style="--v: '${v}'; color: ${v}">x</p><style>#css::before { content: '${v}' }</style>
<script id="data" type="application/json">{"code": ${v}, "inside": "${v}"}</script>
<div><script>
// don't ${v}
window.found = {
  code: ${v}, single: '${v}', double: "${v}", template: `${v}`, list: [${w}][0][0],
  regex: /^(?:${v})$/.source, tag: '<${v}/script>'.slice(1, -8), end: '</${v}>'.slice(2, -1)
};
</script></div>
"""
VALUES = [
    "</script><script>window.pwned = 1</script><img src=x onerror=pwned=1>",
    "\"><img src=x onerror='window.pwned = 1'>",
    "' onmouseover='pwned=1' \" onmouseover=\"pwned=1\" `",
    "';window.pwned=1;'\";window.pwned=1;\"`;window.pwned=1;`${window.pwned=1}",
    "\\'; window.pwned = 1; //",
    "\\",
    "-->]]></style></title></textarea></pre></svg><script>window.pwned=1</script>",
    "<!-- <script>",
    "script",
    "style",
    "!--",
    "javascript:window.pwned=1",
    " \x01JAVA\tscript\n:window.pwned=1",
    "data:text/html,<script>parent.pwned=1</script>",
    "red;} body { display: none } a { color: '",
    "*/ window.pwned = 1 /*",
    "\n first line\r\nsecond\u2028third",
    "lt;b",
    "#60",
    "${w}",
    "é 漢 \U0001f600",
    "",
]


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    tab = browser.new_page()
    tab.route("**/*", lambda route: route.fulfill(body=""))
    yield tab
    tab.close()


def _load(tab: Tab, html: str, values: dict[str, Any]) -> None:
    compiled = compile_page(html)
    assert not compiled.problems
    page = compiled.render(values)
    tab.goto("http://page.test/")
    tab.set_content(
        f"<!doctype html><html><head>{page.head}</head><body><form>{page.body}"
        f'<button id="famulus-submit">Submit</button></form>{page.scripts}</body></html>',
        wait_until="domcontentloaded",
    )


_READ = """() => {
  const text = (id) => document.getElementById(id).textContent;
  const title = (id) => document.getElementById(id).title;
  const data = JSON.parse(text("data"));
  return {
    values: {
      text: text("text"), pre: text("pre"), area: text("area"), svg: text("svg"),
      double: title("double"), single: title("single"),
      query: new URL(document.getElementById("query").href).searchParams.get("q"),
      data_code: data.code, data_inside: data.inside, code: found.code,
      js_single: found.single, js_double: found.double, template: found.template,
      list: found.list, tag: found.tag, end: found.end,
    },
    entity: text("entity"),
    scheme: new URL(document.getElementById("link").href, location).protocol,
    pwned: window.pwned,
    elements: document.querySelectorAll("*").length,
    handlers: document.querySelectorAll("[onerror], [onmouseover]").length,
    shown: getComputedStyle(document.body).display,
  };
}"""


def test_hostile_values_stay_values(tab: Tab) -> None:
    _load(tab, HTML, {"v": "x", "w": ["x"]})
    elements = tab.evaluate(_READ)["elements"]

    for value in VALUES:
        _load(tab, HTML, {"v": value, "w": [value]})
        seen = tab.evaluate(_READ)

        assert seen["values"] == dict.fromkeys(seen["values"], value)
        assert seen["entity"] == f"&{value};"
        assert seen["scheme"] in ("http:", "about:")
        assert seen["pwned"] is None
        assert (seen["elements"], seen["handlers"]) == (elements, 0)
        assert seen["shown"] == "block"


def test_an_old_page_can_hide_and_show_the_submit_button(tab: Tab) -> None:
    _load(tab, "<script>_MEPHISTO_CONFIG_.set('HIDE_SUBMIT_BUTTON', true)</script>", {})
    button = tab.locator("#famulus-submit")

    assert not button.is_visible()
    tab.evaluate("_MEPHISTO_CONFIG_.set('HIDE_SUBMIT_BUTTON', false)")
    assert button.is_visible()
    assert tab.evaluate("_MEPHISTO_CONFIG_.get('HIDE_SUBMIT_BUTTON')") is False


@pytest.mark.parametrize(
    "own", ["", "id=theirs", "name=theirs", "id=theirs name=theirs", "id=theirs name=another"]
)
def test_mturks_name_and_the_authors_find_the_form(tab: Tab, own: str) -> None:
    html = f"<form {own}><input name=a></form>" if own else "<input name=a>"
    page = compile_page(html).render({})
    attributes = "".join(f' {name}="{value}"' for name, value in page.form_attributes.items())
    tab.goto("http://page.test/")
    tab.set_content(
        f"<!doctype html><html><head>{page.head}</head><body><form{attributes}>{page.body}</form>"
        "</body></html>"
    )
    found = ["document.mturk_form", "document.forms.mturk_form", "document.forms['mturk_form']"]
    if "theirs" in own:
        found.append("document.forms.theirs")
    if "name=theirs" in own:
        found.append("document.theirs")
    if "id=theirs" in own:
        found.append("document.querySelector('form#theirs')")
    else:
        found.append("document.querySelector('form#mturk_form')")

    for expression in found:
        assert tab.evaluate(f"{expression} === document.forms[0]"), expression
