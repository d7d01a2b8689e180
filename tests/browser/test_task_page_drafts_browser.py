"""Drafts of the worker's page in a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from famulus.testing.waiting import wait_until
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

_ON_DISK = """
new Promise((resolve) => {
  const request = indexedDB.open("famulus", 1);
  request.onsuccess = () => {
    const drafts = request.result.transaction("answers").objectStore("answers").getAll();
    drafts.onsuccess = () => {
      request.result.close();
      resolve(JSON.stringify(drafts.result));
    };
  };
})
"""
#: Nothing is read from the disk before ``letDiskBeRead`` is called.
_SLOW_DISK = """
const open = IDBFactory.prototype.open;
const going = new Promise((resolve) => { window.letDiskBeRead = resolve; });
IDBFactory.prototype.open = function (...names) {
  const request = {};
  going.then(() => {
    const real = open.apply(this, names);
    real.onsuccess = () => { request.result = real.result; request.onsuccess(); };
  });
  return request;
};
"""
#: The page notes that it removes its draft.
_NOTED_REMOVAL = "Storage.prototype.removeItem = () => { window.isAcknowledged = true; };"
#: The disk is read a while after the answers were acknowledged.
_READ_LATE = """
const remove = Storage.prototype.removeItem;
Storage.prototype.removeItem = function (name) {
  setTimeout(window.letDiskBeRead, 300);
  remove.call(this, name);
};
"""


def wait_on_disk(page: Any, *texts: str) -> None:
    def is_there() -> bool:
        drafts = page.evaluate(_ON_DISK)
        return all(text in drafts for text in texts)

    wait_until(is_there, f"{texts} are in a draft on the disk")


def type_and_let_the_browser_die(page: Any, stub: Stub) -> None:
    """Answer; what was answered last is on the disk, and not yet what localStorage has of it."""
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Rating").select_option("good")
    page.locator("[name=sure]").first.check()
    kept(page, "Ann")
    page.wait_for_function("JSON.stringify(localStorage).includes('true')")
    early = page.evaluate("JSON.stringify(localStorage)")
    page.get_by_label("Name").fill("Ann Lee")
    page.locator("[name=sure]").last.check()
    photo = {"name": "my cat.png", "mimeType": "image/png", "buffer": b"x"}
    page.get_by_label("File").set_input_files([photo])
    wait_on_disk(page, "Ann Lee", "my cat")
    stub.page = "<p>Another page</p>"
    page.goto(stub.url)
    page.evaluate("early => Object.assign(localStorage, JSON.parse(early))", early)
    stub.page = document()


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
    wait_on_disk(page, "Ann")
    for storage in (page.evaluate("JSON.stringify(localStorage)"), page.evaluate(_ON_DISK)):
        assert "Ann" in storage
        assert "hunter2" not in storage
        assert "token" not in storage
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
    assert page.evaluate(_ON_DISK) == "[]"


@pytest.mark.parametrize("reply", ["stored", "conflict"])
def test_a_draft_is_gone_from_a_slow_disk_before_the_page_is_left(
    open_page: Callable[..., Any], reply: str
) -> None:
    with serving(document(onboarding=True)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")
        wait_on_disk(page, "Ann")
        page.add_init_script(_SLOW_DISK + _READ_LATE)
        page.reload()
        expect(page.get_by_label("Name")).to_have_value("Ann")
        stub.replies = [(200, json.dumps({"outcome": reply, "message": ""}), {})]

        with page.expect_navigation():
            submit(page)

        expect(page.get_by_label("Name")).to_have_value("")
        page.evaluate("letDiskBeRead()")
        assert page.evaluate(_ON_DISK) == "[]"


def test_a_disk_that_hangs_delays_no_acknowledgement_for_long_and_warns_of_no_loss(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.add_init_script(_SLOW_DISK)
    page.add_init_script(_NOTED_REMOVAL)
    page.reload()
    page.get_by_label("Name").fill("Ann")

    submit(page)

    page.wait_for_function("window.isAcknowledged")
    is_warned = "!window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert page.evaluate(is_warned) is False
    expect(stored(page)).to_be_visible()


def test_another_tab_keeps_no_draft_of_answers_that_were_acknowledged(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    kept(page, "Ann")
    other = page.context.new_page()
    other.goto(stub.url)
    expect(other.get_by_label("Name")).to_have_value("Ann")
    submit(page)
    expect(stored(page)).to_be_visible()

    other.get_by_label("Name").fill("Eve")

    leave = "dispatchEvent(new Event('pagehide')); localStorage.length"
    wait_until(lambda: other.evaluate(leave) == 0, "the other tab has ended its draft")
    wait_until(lambda: other.evaluate(_ON_DISK) == "[]", "no draft is on the disk")


def test_the_draft_on_the_disk_is_restored_where_the_other_one_is_older(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    type_and_let_the_browser_die(page, stub)

    for _ in range(2):
        page.goto(stub.url)

        expect(page.get_by_label("Name")).to_have_value("Ann Lee")
        expect(page.get_by_label("Rating")).to_have_value("good")
        expect(page.locator("[name=sure]").last).to_be_checked()
        expect(page.get_by_role("status").filter(has_text="my cat.png")).to_have_count(1)


def test_a_draft_that_comes_late_from_the_disk_overwrites_nothing_that_was_answered(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    type_and_let_the_browser_die(page, stub)
    page.add_init_script(_SLOW_DISK)
    page.goto(stub.url)
    expect(page.get_by_label("Name")).to_have_value("Ann")
    page.get_by_label("Rating").select_option("bad")
    page.get_by_label("b", exact=True).check()

    page.evaluate("letDiskBeRead()")

    expect(page.get_by_label("Name")).to_have_value("Ann Lee")
    expect(page.locator("[name=sure]").last).to_be_checked()
    expect(page.get_by_label("Rating")).to_have_value("bad")
    expect(page.get_by_label("b", exact=True)).to_be_checked()
    expect(page.get_by_role("status").filter(has_text="my cat.png")).to_have_count(1)


@pytest.mark.parametrize(("earlier", "later"), [(0, 1), (1, 0)])
def test_a_draft_that_comes_late_from_the_disk_takes_no_choice_back(
    stub: Stub, open_page: Callable[..., Any], earlier: int, later: int
) -> None:
    page = open_page(stub.url)
    page.locator("[name=sure]").nth(earlier).check()
    wait_on_disk(page, "true")
    stub.page = "<p>Another page</p>"
    page.goto(stub.url)
    page.evaluate("localStorage.clear()")
    stub.page = document()
    page.add_init_script(_SLOW_DISK)
    page.goto(stub.url)
    page.locator("[name=sure]").nth(later).check()

    page.evaluate("letDiskBeRead()")
    page.get_by_label("Name").fill("Ann")
    wait_on_disk(page, "Ann")

    expect(page.locator("[name=sure]").nth(later)).to_be_checked()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.locator("[name=sure]").nth(later)).to_be_checked()


def test_a_draft_that_comes_late_from_the_disk_fills_fields_that_scripts_have_set(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.page = document(
        body='<label>Warmth <input type="range" name="warmth"></label>'
        '<input type="hidden" name="moved" value="typed">',
        scripts="<script>document.querySelector('[name=moved]').value = '';</script>",
    )
    page = open_page(stub.url)
    page.get_by_label("Warmth").fill("70")
    page.evaluate("document.querySelector('[name=moved]').value = 'yes'")
    wait_on_disk(page, "70", "yes")
    slider, stub.page = stub.page, "<p>Another page</p>"
    page.goto(stub.url)
    page.evaluate("localStorage.clear()")
    stub.page = slider
    page.add_init_script(_SLOW_DISK)
    page.goto(stub.url)
    # The page counts as loaded in a timer after the event.
    page.evaluate("new Promise((resolve) => setTimeout(() => setTimeout(resolve)))")

    page.evaluate("letDiskBeRead()")

    expect(page.get_by_label("Warmth")).to_have_value("70")
    expect(page.locator("[name=moved]")).to_have_value("yes")


def test_an_answer_that_was_removed_after_the_disk_was_read_stays_removed(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("b", exact=True).check()
    wait_on_disk(page, "true")
    stub.page = "<p>Another page</p>"
    page.goto(stub.url)
    page.evaluate("localStorage.clear()")
    stub.page = document()
    page.add_init_script(_SLOW_DISK)
    page.goto(stub.url)
    page.get_by_label("b", exact=True).check()

    page.evaluate("letDiskBeRead()")
    page.get_by_label("Name").fill("Ann")
    wait_on_disk(page, "Ann")
    page.get_by_label("b", exact=True).uncheck()
    page.get_by_label("Name").focus()
    page.evaluate("document.body.append(document.createElement('p'))")

    page.wait_for_function("() => document.body.lastChild.tagName === 'P'")
    expect(page.get_by_label("b", exact=True)).not_to_be_checked()


def test_drafts_that_are_old_or_larger_than_the_storage_are_removed_from_the_disk(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    wait_on_disk(page, "Ann")
    page.evaluate("document.querySelector('[name=name]').value = 'x'.repeat(5_000_001)")

    wait_until(lambda: page.evaluate(_ON_DISK) == "[]", "no draft is on the disk")
    page.get_by_label("Name").fill("Eve")
    wait_on_disk(page, "Eve")
    page.clock.set_system_time(page.evaluate("Date.now() + 31 * 86400000"))
    stub.page = document(storage_key="agent-2")
    page.reload()

    wait_until(lambda: page.evaluate(_ON_DISK) == "[]", "no draft is on the disk")


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


def test_answers_are_kept_and_submitted_where_there_is_no_indexeddb(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        "Object.defineProperty(window, 'indexedDB', {get() { throw new Error('forbidden'); }})"
    )
    page.goto(stub.url)
    page.get_by_label("Name").fill("Ann")
    kept(page, "Ann")

    page.reload()

    expect(page.get_by_label("Name")).to_have_value("Ann")
    submit(page)
    expect(stored(page)).to_be_visible()


def test_a_page_that_clears_the_storage_loses_no_draft(open_page: Callable[..., Any]) -> None:
    body = '<input name="a" aria-label="A"><script>localStorage.clear()</script>'
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_label("A").fill("kept")
        kept(page, "kept")
        for _ in range(2):
            page.reload()
            expect(page.get_by_label("A")).to_have_value("kept")
