"""Submitting and giving back by the worker's page, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from famulus.contracts.filled_form import fill_form
from famulus.engine.pages import (
    conflict_document,
    submit_json,
)
from frame_stub import (
    AWAY,
    BROKEN,
    EN,
    FIELDS,
    Reply,
    Stub,
    document,
    expect,
    serving,
    stored,
    submit,
)

pytestmark = pytest.mark.browser


def test_submission_shows_the_data_that_was_sent_and_the_next_unit(
    stub: Stub, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    photo = tmp_path / "cat.png"
    photo.write_bytes(b"not really")
    page = open_page(stub.url)

    page.get_by_label("Name").fill("<b>Ann</b>")
    page.get_by_label("Rating").select_option("bad")
    page.get_by_label("Many").select_option(["one", "three"])
    page.get_by_label("a", exact=True).check()
    page.get_by_label("b", exact=True).check()
    page.get_by_label("Action").fill("a field that is called action")
    page.get_by_label("File").set_input_files(photo)
    submit(page)

    expect(stored(page)).to_be_visible()
    expect(page.get_by_role("link", name="Next unit")).to_have_attribute("href", "./?worker_id=x")
    expect(page.locator("#famulus-answers")).to_contain_text('"<b>Ann</b>"')
    (sent,) = stub.submissions
    assert sent["famulus_token"] == ["the token"]
    assert sent["famulus_submission"] == ["first"]
    assert sent["which"] == ["a", "b"]
    assert sent["many"] == ["one", "three"]
    assert sent["photo"] == ["cat.png"]


def test_without_javascript_the_form_is_posted_plainly(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url, java_script_enabled=False)

    page.get_by_label("Name").fill("Ann")
    submit(page)

    expect(stored(page)).to_be_visible()
    assert stub.submissions[0]["name"] == ["Ann"]
    assert stub.submissions[0]["famulus_submission"] == ["first"]


def test_without_javascript_a_refused_form_is_shown_again_with_its_answers(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    sent = [("name", "Ann"), ("rating", "bad"), ("many", "two"), ("which", "b"), ("action", "<&")]
    page = open_page(stub.url, java_script_enabled=False)
    page.get_by_label("Name").fill("Ann")
    stub.replies = [(422, document(body=fill_form(FIELDS, sent), message="Say more."), {})]

    submit(page)

    expect(page.get_by_role("alert")).to_have_text("Your answers are not stored yet. Say more.")
    expect(page.get_by_label("Name")).to_have_value("Ann")
    submit(page)
    expect(stored(page)).to_be_visible()
    fields = stub.submissions[-1]
    assert {name: fields[name] for name in ("name", "rating", "many", "which", "action")} == {
        name: [value] for name, value in sent
    }


def test_without_javascript_giving_back_ignores_required_fields(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url, java_script_enabled=False)

    page.get_by_role("button", name="Give back").click()

    expect(page.get_by_role("heading", name="You have given this one back")).to_be_visible()
    assert stub.received[0][0] == "/give-back"


def test_the_page_shown_after_the_submission_has_the_style_sheet_of_the_task_page(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    sheet = "document.getElementById('famulus-style').textContent"
    before = page.evaluate(sheet)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(stored(page)).to_be_visible()
    assert page.evaluate(sheet) == before
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 20


def test_browser_without_fetch_posts_plainly(stub: Stub, open_page: Callable[..., Any]) -> None:
    page = open_page("about:blank")
    page.add_init_script("delete window.fetch")
    page.goto(stub.url)

    page.get_by_label("Name").fill("Ann")
    submit(page)

    page.wait_for_url("**/submit?ticket=the-ticket")
    expect(stored(page)).to_be_visible()


def test_frame_of_another_origin_can_submit_and_give_back(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    with serving(f'<iframe width="600" height="500" src="{stub.url}"></iframe>') as platform:
        page = open_page(platform.url.replace("127.0.0.1", "localhost"))
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Give back").click()
        frame.get_by_role("button", name="Keep working").click()
        frame.get_by_label("Name").fill("Ann")

        submit(frame)

        expect(stored(frame)).to_be_visible()


def test_required_field_keeps_the_form_from_being_sent(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)

    submit(page)

    assert page.evaluate("document.activeElement.name") == "name"
    assert stub.submissions == []


def test_double_click_sends_once(stub: Stub, open_page: Callable[..., Any]) -> None:
    stub.go_on.clear()
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    page.get_by_role("button", name="Submit").dblclick()
    expect(page.get_by_role("button", name="Sending")).to_be_visible()
    page.evaluate("document.querySelector('#famulus-form').requestSubmit()")
    page.evaluate("document.querySelector('#famulus-form').submit()")
    stub.go_on.set()

    expect(stored(page)).to_be_visible()
    assert len(stub.submissions) == 1


@pytest.mark.parametrize(
    ("away", "words"),
    [
        ((500, "<h1>Internal Server Error</h1>", {}), BROKEN),
        ((500, submit_json("error", "Sorry. Reference: 8f3a", ""), {}), "8f3a"),
        ((502, "<h1>Bad gateway</h1>", {}), AWAY),
        ((503, "busy", {}), AWAY),
        ((503, submit_json("stored", "", "<h1>No</h1>"), {}), AWAY),
        ((599, "", {}), AWAY),
        ((408, submit_json("error", "", ""), {}), AWAY),
        ((429, "slower", {"Retry-After": "1"}), AWAY),
        ((403, "<h1>Forbidden</h1>", {}), AWAY),
        ((404, "<h1>Not found</h1>", {}), AWAY),
        ((400, '{"detail": "not ours"}', {}), AWAY),
        ((200, "<h1>Log in to this network</h1>", {}), AWAY),
        ((200, "{", {}), AWAY),
        ((200, "", {}), AWAY),
        ((200, submit_json("stored", "", "cut off"), {"Content-Length": "9999"}), AWAY),
    ],
)
def test_form_without_a_final_reply_is_sent_again_with_the_same_submission(
    stub: Stub, open_page: Callable[..., Any], away: Reply, words: str
) -> None:
    stub.replies = [away, away]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("status").first).to_contain_text(words)
    expect(stored(page)).to_be_visible()
    assert len(stub.submissions) == 3
    assert all(sent == stub.submissions[0] for sent in stub.submissions)


def test_a_page_whose_server_stays_away_says_how_to_leave_and_goes_on_trying(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.clock.install()
    page.route("**/submit*", lambda route: route.abort())
    page.get_by_label("Name").fill("Ann")
    status = page.get_by_role("status").first

    submit(page)
    expect(status).to_contain_text(AWAY)
    page.clock.run_for(20_000)
    expect(status).not_to_contain_text("The task may have ended")
    for _ in range(5):
        page.clock.run_for(10_000)

    expect(status).to_contain_text("return it where you accepted it, or write to the requester")
    expect(status).to_contain_text("Your answers are kept; trying again")
    page.unroute("**/submit*")
    page.get_by_role("button", name="Try now").click()
    expect(stored(page)).to_be_visible()
    assert len(stub.submissions) == 1


def test_the_retry_waits_as_long_as_a_busy_server_asks(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(503, "busy", {"Retry-After": "200"})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("status").first).to_contain_text(re.compile(r"in (199|200) s"))
    page.get_by_role("button", name="Try now").click()
    expect(stored(page)).to_be_visible()


def test_answers_changed_after_a_failed_submission_are_a_new_submission(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(500, "", {"Retry-After": "200"})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    submit(page)

    page.get_by_role("button", name="Back to my answers").click()
    page.get_by_label("Name").fill("Anna")
    submit(page)

    expect(stored(page)).to_be_visible()
    first, second = stub.submissions
    assert (first["name"], second["name"]) == (["Ann"], ["Anna"])
    assert first["famulus_submission"] != second["famulus_submission"]
    assert len(second["famulus_submission"][0]) == 32


def test_giving_back_is_retried_until_our_server_confirms_it(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(200, "<h1>Log in to this network</h1>", {}), (500, "", {}), (503, "", {})]
    page = open_page(stub.url)

    page.get_by_role("button", name="Give back").click()
    page.get_by_role("button", name="Yes, give it back").click()

    expect(page.get_by_role("heading", name="You have given this one back")).to_be_visible()
    assert len(stub.received) == 4


def test_answers_stay_in_the_page_until_the_server_is_back(open_page: Callable[..., Any]) -> None:
    with serving(document()) as gone:
        page = open_page(gone.url)
        page.get_by_label("Name").fill("Ann")

    submit(page)

    status = page.get_by_role("status").first
    expect(status).to_contain_text("The server is not answering. Your answers are kept")
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(stored(page)).to_have_count(0)

    with serving(document(), gone.server_port) as back:
        page.get_by_role("button", name="Try now").click()
        expect(stored(page)).to_be_visible()
        assert [sent["name"] for sent in back.submissions] == [["Ann"]]


def test_invalid_answers_leave_the_form_editable_with_the_reason(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(422, submit_json("invalid", "Say <more>, please.", ""), {})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("A")

    submit(page)

    alert = page.get_by_role("alert")
    expect(alert).to_have_text("Say <more>, please.")
    expect(alert).to_be_focused()

    page.get_by_label("Name").fill("Ann")
    submit(page)

    expect(stored(page)).to_be_visible()
    assert [sent["name"] for sent in stub.submissions] == [["A"], ["Ann"]]


def test_a_conflict_replaces_the_form(stub: Stub, open_page: Callable[..., Any]) -> None:
    stub.replies = [(409, submit_json("conflict", "", conflict_document("Task", EN)), {})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("heading", name="This one is submitted already")).to_be_visible()
    expect(page.locator("form")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (413, "<h1>Too large</h1>", "too large"),
        (415, submit_json("error", "", ""), "not submitted"),
        (403, submit_json("refused", "This link does not work.", ""), "This link"),
    ],
)
def test_refused_submission_shows_the_reason_and_keeps_the_answers(
    stub: Stub, open_page: Callable[..., Any], status: int, body: str, words: str
) -> None:
    stub.replies = [(status, body, {})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_role("button", name="Submit")).to_have_attribute("aria-disabled", "false")


def test_a_file_deleted_before_the_submission_is_named_and_not_retried(
    open_page: Callable[..., Any], tmp_path: Path
) -> None:
    photo = tmp_path / "cat.png"
    photo.write_bytes(b"not really")
    with serving(document()) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")
        page.get_by_label("File").set_input_files(photo)
        photo.unlink()

        submit(page)

        expect(page.get_by_role("alert")).to_contain_text("cat.png")
