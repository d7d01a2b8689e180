"""The ways out of the worker's page in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from famulus.contracts.completion import (
    GoTo,
    PostForm,
    ShowCode,
)
from famulus.engine.pages import (
    PASSED,
    TaskInfo,
    submit_json,
)
from frame_stub import (
    FIELDS,
    Stub,
    document,
    expect,
    serving,
    stored,
    submit,
)

pytestmark = pytest.mark.browser


def test_a_warning_about_leaving_is_shown_only_while_a_submission_is_sent(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    asked = "!window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    stub.go_on.clear()
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    assert page.evaluate(asked) is False

    submit(page)
    expect(page.get_by_role("button", name="Sending")).to_be_visible()
    assert page.evaluate(asked) is True
    stub.go_on.set()

    expect(stored(page)).to_be_visible()
    assert page.evaluate(asked) is False


def test_giving_back_is_confirmed_and_sends_no_answers(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    page.get_by_role("button", name="Give back").click()
    page.get_by_role("button", name="Keep working").click()
    assert stub.received == []

    page.get_by_role("button", name="Give back").click()
    page.get_by_role("button", name="Yes, give it back").click()

    expect(page.get_by_role("heading", name="You have given this one back")).to_be_visible()
    assert stub.received == [
        ("/give-back", {"famulus_token": ["the token"], "famulus_submission": ["first"]})
    ]


def test_the_task_after_an_onboarding_is_a_new_document(open_page: Callable[..., Any]) -> None:
    scripts = "<script>const once = 1; document.title = 'ran ' + once;</script>"
    with serving(document(onboarding=True, scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")
        expect(page).to_have_title("ran 1")
        stub.page = document(
            info=TaskInfo(title="The task itself"),
            passed=False,
            scripts="<script>const once = 2;</script>",
        )

        submit(page)

        expect(page.get_by_role("heading", name="The task itself")).to_be_visible()
        assert page.evaluate("once") == 2


def test_page_after_a_passed_onboarding_shows_the_note_once(open_page: Callable[..., Any]) -> None:
    with serving(document(onboarding=True)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")
        hash_seen = "<script>document.title = 'hash: ' + location.hash;</script>"
        stub.page = document(passed=False, body=FIELDS + hash_seen)
        stub.replies = [(200, submit_json("stored", PASSED, ""), {})]

        submit(page)

        note = page.get_by_role("status").filter(has_text=PASSED)
        expect(note).to_be_visible()
        expect(page).to_have_title("hash: ")
        page.reload()
        expect(page.get_by_label("Name")).to_be_visible()
        expect(note).to_be_hidden()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_platforms_form_is_posted_automatically_or_by_its_button(
    stub: Stub, open_page: Callable[..., Any], javascript: bool
) -> None:
    platform = f"http://127.0.0.1:{stub.server_port}/platform"
    stub.completion = PostForm(url=platform, fields={"submit": "1", "assignmentId": "a b"})
    page = open_page(stub.url, java_script_enabled=javascript)
    page.get_by_label("Name").fill("Ann")

    submit(page)
    if not javascript:
        page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="The platform has it")).to_be_visible()
    assert stub.received[-1] == ("/platform", {"raw": ["submit=1&assignmentId=a+b"]})


@pytest.mark.parametrize("javascript", [True, False])
def test_browser_goes_to_the_providers_address(
    stub: Stub, open_page: Callable[..., Any], javascript: bool
) -> None:
    with serving("<h1>Welcome back</h1>") as platform:
        stub.completion = GoTo(url=platform.url + "&done='1'&x=\"2;3\"")
        page = open_page(stub.url, java_script_enabled=javascript)
        page.get_by_label("Name").fill("Ann")

        submit(page)

        expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()


def test_late_note_is_shown_before_the_browser_goes_on(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.late = True
    stub.completion = PostForm(url=f"http://127.0.0.1:{stub.server_port}/platform", fields={})
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_text("stored and marked late")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="The platform has it")).to_be_visible()


def test_code_is_shown_and_can_be_copied(stub: Stub, open_page: Callable[..., Any]) -> None:
    stub.completion = ShowCode(code="C7F-QX91")
    page = open_page(stub.url, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Name").fill("Ann")
    submit(page)

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "C7F-QX91"
