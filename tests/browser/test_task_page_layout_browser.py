"""What the worker's page looks like in a real Chromium, and what it loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from famulus.contracts.views import Page as TaskPage
from famulus.engine.pages import (
    TaskInfo,
    failed_onboarding_document,
    preview_document,
)
from famulus.engine.worker_progress import UnitNumber
from frame_stub import (
    EN,
    FIELDS,
    Stub,
    document,
    expect,
    serving,
    stored,
    submit,
)

pytestmark = pytest.mark.browser


def test_the_time_left_is_shown_and_announced_until_it_is_over(
    open_page: Callable[..., Any],
) -> None:
    with serving(document(seconds_left=302)) as stub:
        page = open_page("about:blank")
        page.clock.install()
        page.goto(stub.url)
        clock, notice = page.locator("#famulus-time"), page.locator("#famulus-notice")
        expect(clock).to_have_text("6 min left")
        expect(notice).to_have_text("")

        page.clock.run_for(3_000)
        expect(clock).to_have_text("5 min left")
        expect(notice).to_have_text("5 min left")

        page.clock.run_for(240_000)
        expect(notice).to_have_text("1 min left")

        page.clock.run_for(60_000)
        expect(clock).to_contain_text("you may still submit, it will be marked late")
        page.get_by_label("Name").fill("Ann")
        submit(page)
        expect(stored(page)).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_preview_can_be_read_but_neither_filled_in_nor_sent(
    open_page: Callable[..., Any], javascript: bool
) -> None:
    body = f"<legend><input name='sly'></legend>{FIELDS}<button>Send</button>"
    with serving(preview_document(TaskInfo(title="Task"), EN, TaskPage(body=body))) as stub:
        page = open_page(stub.url, java_script_enabled=javascript)

        expect(page.get_by_text("This is a preview")).to_be_visible()
        for control in page.locator("input, select, textarea, button").all():
            expect(control).to_be_disabled()
        if javascript:
            page.evaluate("document.forms[0].submit()")
        assert stub.received == []


@pytest.mark.parametrize("width", [320, 600, 1280])
def test_page_fits_its_width_and_names_its_controls(
    stub: Stub, open_page: Callable[..., Any], width: int
) -> None:
    stub.page = document(
        info=TaskInfo(
            title="Averyveryverylongwordinthetitle" * 3,
            description="https://example.org/" + "long" * 30,
            reward="0.10 USD",
            requester="lab" * 30,
            contact="https://example.org/" + "long" * 30,
        ),
        number=UnitNumber(number=1, most=12_345),
        passed=True,
        seconds_left=1800,
    )
    page = open_page(stub.url, viewport={"width": width, "height": 500})

    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.cookie") == ""


def test_the_page_of_a_refusal_fits_its_width(open_page: Callable[..., Any]) -> None:
    message = "See https://example.org/" + "long" * 30
    refused = failed_onboarding_document("Averyverylongword" * 6, EN, message)
    with serving(refused) as stub:
        page = open_page(stub.url, viewport={"width": 320, "height": 500})

        expect(page.get_by_text(message)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_page_sends_no_further_request(stub: Stub, open_page: Callable[..., Any]) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(stub.url)
    page.wait_for_load_state("networkidle")

    assert [url for url in asked if not url.startswith("data:")] == [stub.url]
