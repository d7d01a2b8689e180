"""The worker's page in a real Chromium, with scripts of the author that do as they like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import famulus
from frame_stub import (
    FIELDS,
    document,
    expect,
    serving,
    stored,
    submit,
)

pytestmark = pytest.mark.browser


def test_fields_that_scripts_write_in_place_are_sent(
    open_page: Callable[..., Any],
) -> None:
    body = """<script>document.write('<input name="written" value="1">')</script>
    <script>document.currentScript.parentNode.insertAdjacentHTML(
      "beforeend", '<input name="inserted" value="2">')</script>"""
    late = """<script>document.write('<input name="late" value="3">')</script>"""
    with serving(document(body=body, scripts=late)) as stub:
        page = open_page(stub.url)

        submit(page)

        expect(stored(page)).to_be_visible()
        (sent,) = stub.submissions
        assert [sent.get(name) for name in ("written", "inserted", "late")] == [["1"], ["2"], ["3"]]


def test_a_script_of_the_author_that_replaces_builtins_does_not_prevent_a_submission(
    open_page: Callable[..., Any],
) -> None:
    body = "<script>window.fetch = window.FormData = null;</script>" + FIELDS
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")

        submit(page)

        expect(stored(page)).to_be_visible()
        assert page.url == stub.url


@pytest.mark.parametrize(
    "hanging",
    [
        '<script src="/hang.js"></script>',
        '<link rel="stylesheet" href="/hang.css"><script></script>',
    ],
)
@pytest.mark.parametrize("javascript", [True, False])
def test_hanging_host_delays_neither_reading_nor_submitting(
    open_page: Callable[..., Any], hanging: str, javascript: bool
) -> None:
    with serving(document(scripts=hanging)) as stub, serving("") as cdn:
        cdn.go_on.clear()
        stub.page = stub.page.replace("/hang", f"http://127.0.0.1:{cdn.server_port}/hang")
        page = open_page(stub.url, java_script_enabled=javascript)

        page.get_by_label("Name").fill("Ann")
        page.get_by_role("button", name="Submit").click(no_wait_after=True)

        expect(stored(page)).to_be_visible()
        assert len(stub.submissions) == 1


HELD = """<input name="text" value="">
<button type="button" id="sends" onclick="document.forms[0].submit()">Send</button>
<button type="button" id="asks" onclick="document.forms[0].requestSubmit()">Ask</button>"""


@pytest.mark.parametrize("way", ["#famulus-submit", "#sends", "#asks"])
def test_each_way_to_submit_waits_for_scripts_of_another_host(
    open_page: Callable[..., Any], way: str
) -> None:
    with serving("") as cdn, serving("") as stub:
        cdn.go_on.clear()
        late = f"""<script src="http://127.0.0.1:{cdn.server_port}/hang.js"></script>
        <script>document.forms[0].elements.text.value += "late"</script>"""
        task = famulus.Page(body=HELD, scripts=late, holds_submissions=True)
        stub.page = document(page=task)
        page = open_page(stub.url)

        page.locator(way).click(no_wait_after=True)
        page.wait_for_function("document.readyState === 'loading'")
        assert stub.submissions == []
        cdn.go_on.set()

        expect(stored(page)).to_be_visible()
        assert [sent["text"] for sent in stub.submissions] == [["late"]]


@pytest.mark.parametrize("target", ["document.forms[0]", "document", "window"])
def test_a_submission_that_the_authors_script_prevents_is_not_sent(
    open_page: Callable[..., Any], target: str
) -> None:
    scripts = f"""<script>
    {target}.addEventListener("submit", (event) => {{
      if (document.forms[0].elements.name.value !== "Ann") event.preventDefault();
      document.title = "asked";
    }});
    </script>"""
    with serving(document(scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Bob")
        submit(page)
        expect(page).to_have_title("asked")
        assert stub.submissions == []

        page.get_by_label("Name").fill("Ann")
        submit(page)

        expect(stored(page)).to_be_visible()


def test_a_broken_script_of_the_author_does_not_prevent_a_submission(
    open_page: Callable[..., Any],
) -> None:
    scripts = """<script>
    window.fetch = window.FormData = null; var form = 1, status = 2, send = 3;
    throw new Error("author's mistake");
    </script>"""
    with serving(document(scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")

        submit(page)

        expect(stored(page)).to_be_visible()
        assert page.evaluate("[form, send]") == [1, 3]


def test_pressed_button_and_form_submit_of_a_script_are_sent(
    open_page: Callable[..., Any],
) -> None:
    body = '<button name="choice" value="left">Left</button>'
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_role("button", name="Left").click()
        expect(stored(page)).to_be_visible()

        page = open_page(stub.url)
        page.evaluate("document.forms[0].submit()")
        expect(stored(page)).to_be_visible()

        assert [sent.get("choice") for sent in stub.submissions] == [["left"], None]


def test_our_fields_are_no_part_of_the_form_for_scripts(open_page: Callable[..., Any]) -> None:
    script = """<input type="hidden" name="all"><script>
document.forms[0].onsubmit = function () {
  const names = [...new FormData(this).keys()].join();
  this.all.value = names + this.elements.length + this.elements[0].name;
};</script>"""
    with serving(document(body='<input name="a">' + script)) as stub:
        page = open_page(stub.url)
        submit(page)

        expect(stored(page)).to_be_visible()
        # The third is the Submit button.
        assert stub.submissions[0]["all"] == ["a,all3a"]
        assert stub.submissions[0]["famulus_token"] == ["the token"]


@pytest.mark.parametrize(
    "stop", ["stopPropagation()", "stopImmediatePropagation()", "cancelBubble = true"]
)
def test_a_stopped_event_submits_once_with_our_fields(
    open_page: Callable[..., Any], stop: str
) -> None:
    script = f"<script>document.forms[0].onsubmit = (event) => {{ event.{stop}; }}</script>"
    with serving(document(body='<input name="a" aria-label="A">' + script)) as stub:
        page = open_page(stub.url)
        page.get_by_label("A").fill("x")
        submit(page)
        page.wait_for_url("**/submit?*")

        assert [each["famulus_token"] for each in stub.submissions] == [["the token"]]
        assert stub.submissions[0]["a"] == ["x"]


@pytest.mark.parametrize("call", ["form.submit()", "HTMLFormElement.prototype.submit.call(form)"])
def test_each_way_to_submit_by_script_retries(open_page: Callable[..., Any], call: str) -> None:
    load = f"() => {{ const form = document.forms[0]; {call}; }}"
    script = f"<script>addEventListener('load', {load})</script>"
    with serving(document(body='<input name="a" value="x">' + script)) as stub:
        stub.replies = [(503, "busy", {})]
        page = open_page(stub.url)

        expect(stored(page)).to_be_visible()
        assert [each["famulus_submission"] for each in stub.submissions] == [["first"]] * 2


def test_an_element_left_open_does_not_lock_our_buttons(open_page: Callable[..., Any]) -> None:
    with serving(document(body='<div><b><input name="a" aria-label="A"><table><tr><td>x')) as stub:
        stub.replies = [(503, "busy", {})] * 8
        page = open_page(stub.url)
        page.get_by_label("A").fill("x")
        submit(page)
        page.get_by_role("button", name="Back to my answers").click()
        expect(page.get_by_label("A")).to_be_enabled()
        stub.replies = []
        submit(page)

        expect(stored(page)).to_be_visible()
        assert stub.submissions[-1]["a"] == ["x"]


def test_listeners_for_all_buttons_are_not_for_give_back(open_page: Callable[..., Any]) -> None:
    script = """<script>addEventListener("load", () => {
  window.clicked = 0;
  const count = () => { clicked += 1; };
  document.querySelectorAll("button").forEach((each) => each.addEventListener("click", count));
  document.addEventListener("click", count, true);
})</script>"""
    with serving(document(body="<input name=a>" + script)) as stub:
        page = open_page(
            stub.url,
        )
        page.get_by_role("button", name="Give back", exact=True).click()

        expect(page.get_by_role("button", name="Yes, give it back")).to_be_visible()
        assert page.evaluate("clicked") == 0
        assert stub.submissions == []
