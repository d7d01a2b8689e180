"""Drafts of the worker's page in a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from frame_stub import (
    WIDGET,
    WIDGET_SCRIPT,
    Stub,
    document,
    expect,
    kept,
    serving,
    stored,
    submit,
)

pytestmark = pytest.mark.browser


def test_reload_keeps_answers_but_no_password_and_no_token(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Secret").fill("hunter2")
    page.get_by_label("Rating").select_option("good")
    page.get_by_label("Many").select_option(["one", "three"])
    page.get_by_label("b", exact=True).check()
    page.get_by_label("sure", exact=True).check()
    stub.page = document(submission_id="second")

    page.reload()

    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_label("Rating")).to_have_value("good")
    expect(page.get_by_label("Many")).to_have_values(["one", "three"])
    expect(page.get_by_label("b", exact=True)).to_be_checked()
    expect(page.get_by_label("a", exact=True)).not_to_be_checked()
    expect(page.get_by_label("sure", exact=True)).to_be_checked()
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "Ann" in kept
    assert "hunter2" not in kept
    assert "token" not in kept
    submit(page)
    expect(stored(page)).to_be_visible()
    assert stub.submissions[-1]["famulus_submission"] == ["second"]


def test_reload_lists_the_files_to_choose_again(stub: Stub, open_page: Callable[..., Any]) -> None:
    photo = {"name": "my cat.png", "mimeType": "image/png", "buffer": b"x"}
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("File").set_input_files([photo])
    note = page.get_by_role("status").filter(has_text="choose “my cat.png” again")
    expect(note).to_have_count(0)

    for _ in range(2):
        page.reload()
        expect(note).to_be_visible()
    above, below = note.bounding_box(), page.locator("#famulus-task").bounding_box()
    assert below["y"] - above["y"] - above["height"] >= 16, "no space below the note"
    page.get_by_label("Name").fill("Eve")
    expect(note).to_be_visible()

    page.get_by_label("File").set_input_files([photo])
    expect(note).to_have_count(0)
    submit(page)
    expect(stored(page)).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name")).to_be_visible()
    expect(note).to_have_count(0)


def test_a_draft_is_restored_for_its_agent_only_and_removed_by_the_submission(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    stub.page = document(storage_key="agent-2")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("")
    stub.page = document()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Ann")

    submit(page)

    expect(stored(page)).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("")
    assert page.evaluate("localStorage.length") == 0


def test_restored_answers_reach_the_authors_scripts_and_fields_but_submit_nothing(
    open_page: Callable[..., Any],
) -> None:
    body = '<p><label><input type="checkbox" name="other" value="yes"> Other</label></p>'
    scripts = """<script>
    const box = document.querySelector("[name=other]");
    box.addEventListener("change", () => box.form.requestSubmit());
    box.form.addEventListener("submit", (event) => event.preventDefault());
    box.addEventListener("change", () => { document.title = "other is " + box.checked; });
    document.querySelector("#famulus-task").insertAdjacentHTML(
      "beforeend", '<label>Made by a script <input name="made"></label>');
    </script>"""
    with serving(document(body=body, scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Other").check()
        page.get_by_label("Made by a script").fill("mine")

        page.reload()

        expect(page).to_have_title("other is true")
        expect(page.get_by_label("Made by a script")).to_have_value("mine")
        assert stub.submissions == []


@pytest.mark.parametrize("reset", ["", "count.value = 0;"])
def test_state_in_hidden_fields_is_restored_with_an_event(
    open_page: Callable[..., Any], reset: str
) -> None:
    script = WIDGET_SCRIPT.replace("RESET", reset)
    with serving(document(body=WIDGET.replace("FIXED", "old") + script)) as stub:
        page = open_page(stub.url)
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="More").click()
        kept(page, "counted to 2")
        stub.page = document(body=WIDGET.replace("FIXED", "new") + script, submission_id="second")

        # Without leaving the first page, as when the browser was killed.
        again = page.context.new_page()
        again.goto(stub.url)

        expect(again.locator("#shown")).to_have_text("2")
        assert "famulus-form" in again.evaluate("window.restored")
        again.get_by_role("button", name="More").click()
        submit(again)
        expect(stored(again)).to_be_visible()
        (sent,) = stub.submissions
        assert (sent["count"], sent["notes"]) == (["3"], ["counted to 3"])
        assert (sent["fixed"], sent["famulus_submission"]) == (["new"], ["second"])


def test_there_is_no_event_without_a_draft(
    open_page: Callable[..., Any],
) -> None:
    body = WIDGET + WIDGET_SCRIPT.replace("RESET", "count.value = 7;")
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.wait_for_load_state("load")
        page.get_by_role("button", name="More").click()

        assert page.evaluate("window.restored") is None
        assert page.evaluate("document.querySelector('[name=count]').value") == "8"


def test_fields_that_scripts_add_late_are_restored(open_page: Callable[..., Any]) -> None:
    body = """<div id="here"></div><script>
    function add(name) {
      document.querySelector("#here").insertAdjacentHTML(
        "beforeend", "<label>" + name + "<input name='" + name + "'></label>");
    }
    window.onload = () => { add("loaded"); setTimeout(() => add("later"), 200); };
    </script>"""
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_label("loaded").fill("one")
        page.get_by_label("later").fill("two")

        page.reload()

        expect(page.get_by_label("loaded")).to_have_value("one")
        expect(page.get_by_label("later")).to_have_value("two")
        page.reload()
        expect(page.get_by_label("later")).to_have_value("two")


def test_draft_does_not_overwrite_later_input(
    open_page: Callable[..., Any],
) -> None:
    body = """<button type="button" id="mark">Mark</button><div id="marks"></div><script>
    document.querySelector("#mark").onclick = () => {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "mark";
      MARK
      document.querySelector("#marks").append(field);
    };
    </script>"""
    with serving(
        document(body=body.replace("MARK", "setTimeout(() => (field.value = 'old'));"))
    ) as stub:
        page = open_page(stub.url)
        page.get_by_role("button", name="Mark").click()
        kept(page, "old")
        stub.page = document(body=body.replace("MARK", "field.value = 'new';"))
        page.reload()

        page.get_by_role("button", name="Mark").click()
        submit(page)

        expect(stored(page)).to_be_visible()
        assert stub.submissions[0]["mark"] == ["new"]


def test_answers_are_submitted_where_local_storage_is_forbidden(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }})"
    )
    page.goto(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(stored(page)).to_be_visible()
    assert json.loads(page.locator("#famulus-answers").inner_text())["name"] == ["Ann"]


def test_a_page_that_clears_the_storage_loses_no_draft(open_page: Callable[..., Any]) -> None:
    body = '<input name="a" aria-label="A"><script>localStorage.clear()</script>'
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_label("A").fill("kept")
        kept(page, "kept")
        for _ in range(2):
            page.reload()
            expect(page.get_by_label("A")).to_have_value("kept")
