"""An entry form and the worker's own page in a real Chromium, on a run that Flask serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from entry_provider import CODE_WORD, EntryPlugin
from famulus import Database
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus_flask.app import create_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    plugins = kit_plugins(entry=EntryPlugin())
    with (
        Database(tmp_path / "famulus.db") as database,
        ManualOperator(database, plugins=plugins) as operator,
    ):
        gateway = operator.launch_rows(
            [{"n": n} for n in range(3)],
            provider="entry",
            task_title="Words and what they mean",
            task_description="Which of two senses does a word have in a sentence?",
            contact="study@example.org",
        )
        server = make_server("127.0.0.1", 0, create_app(gateway), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with browser.new_context(
        java_script_enabled=request.param, viewport={"width": 390, "height": 844}
    ) as opened:
        yield opened.new_page()


def fill(page: Page, code: str) -> None:
    page.get_by_label("Mail address").fill("zoe@example.org")
    page.get_by_label("Code word").fill(code)
    page.get_by_label("I am at least 18").check()


def test_form_that_is_corrected_leads_to_the_task(page: Page, url: str) -> None:
    page.goto(f"{url}?open=yes")
    fill(page, "spring")
    page.get_by_role("button", name="Begin").click()

    assert "Please check what is marked below." in page.get_by_role("alert").inner_text()
    wrong = page.get_by_label("Code word")
    assert wrong.get_attribute("aria-invalid") == "true"
    described = wrong.get_attribute("aria-describedby")
    assert page.locator(f"#{described}").inner_text() == "This is not the code word."
    assert page.get_by_label("Mail address").input_value() == "zoe@example.org"
    assert page.get_by_label("I am at least 18").is_checked()
    assert page.locator("input:focus").get_attribute("name") == "code"

    wrong.fill(CODE_WORD)
    page.get_by_role("button", name="Begin").click()

    assert "worker_id=" in page.url
    assert page.locator("#famulus-submit").is_visible()
    assert page.context.cookies() == []


def test_work_leads_to_the_workers_own_page_and_on(page: Page, url: str) -> None:
    page.goto(f"{url}?worker_id=zoe&assignment_id=first")
    for done in ("1", "2", "3"):
        page.get_by_role("textbox").fill("an answer")
        page.get_by_role("button", name="Submit").click()
        page.get_by_role("heading", name="What you have done").wait_for()
        assert page.locator("dt:text-is('Units done') + dd").inner_text() == done
        if done != "3":
            page.get_by_role("link", name="Next unit").click()
            page.get_by_role("button", name="Submit").wait_for()
    assert page.get_by_role("link", name="Next unit").count() == 0

    page.get_by_role("link", name="the link to your page").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Your work in this task"
    assert page.locator("dt:text-is('Units done') + dd").inner_text() == "3"


def test_form_without_consent_is_not_sent(page: Page, url: str) -> None:
    page.goto(f"{url}?open=yes")
    fill(page, CODE_WORD)
    page.get_by_label("I am at least 18").uncheck()
    page.get_by_role("button", name="Begin").click()

    assert page.url == f"{url}?open=yes"


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_page_fits_its_window_and_can_be_operated_by_keys(
    browser: Browser, url: str, width: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as opened:
        page = opened.new_page()
        page.goto(f"{url}?open=yes")

        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.get_by_label("Mail address").focus()
        reached = []
        for _ in range(4):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate("document.activeElement.name || document.activeElement.type")
            )
        assert reached == ["name", "code", "famulus_consent", "submit"]
        small = page.evaluate(
            "[...document.querySelectorAll('.famulus-entry :is(input, button)')]"
            ".filter(each => each.type !== 'hidden' && each.type !== 'checkbox')"
            ".filter(each => each.getBoundingClientRect().height < 40).length"
        )
        assert small == 0
