"""A task in the language of a browser, from right to left too, on a run that Flask serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from famulus import Database
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus_flask.app import create_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

#: The language of a browser; the Submit button, the question about giving back, the page after it.
LANGUAGES = {
    "ar": ("إرسال", "هل تريد إرجاع هذه الوحدة؟", "تم حفظ إجاباتك"),
    "de-AT": ("Absenden", "Diese Einheit zurückgeben?", "Ihre Antworten sind gespeichert"),
    "it": ("Submit", "Give this one back?", "Your answers are stored"),
}
_IS_TOO_WIDE = "document.documentElement.scrollWidth > window.innerWidth"
_ALIGNMENT = "getComputedStyle(document.querySelector('.famulus-description')).textAlign"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with (
        Database(tmp_path / "famulus.db") as database,
        ManualOperator(database, plugins=kit_plugins()) as operator,
    ):
        gateway = operator.launch_rows(
            [{"n": n} for n in range(9)], task_title="Words", contact="study@example.org"
        )
        server = make_server("127.0.0.1", 0, create_app(gateway), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_worker_works_in_the_language_of_their_browser(
    browser: Browser, url: str, locale: str, width: int
) -> None:
    submit, question, stored = LANGUAGES[locale]
    context = browser.new_context(locale=locale, viewport={"width": width, "height": 844})
    tab = context.new_page()
    tab.goto(f"{url}?worker_id={locale}{width}&assignment_id=1")

    assert tab.locator("#famulus-time").text_content() != ""
    assert not tab.evaluate(_IS_TOO_WIDE)
    side = "right" if locale == "ar" else "left"
    assert tab.evaluate(_ALIGNMENT) == side, "an author's text begins where the frame's do"
    tab.click("#famulus-give-back")
    asked = tab.locator("#famulus-status")
    assert question in asked.inner_text()
    asked.locator("button").nth(1).click()
    button = tab.locator("#famulus-submit")
    assert button.input_value() == submit
    button.click()
    tab.get_by_role("heading", name=stored).wait_for()
    direction = tab.evaluate("getComputedStyle(document.querySelector('h1')).direction")
    assert direction == ("rtl" if locale == "ar" else "ltr")
    assert not tab.evaluate(_IS_TOO_WIDE)
    context.close()
