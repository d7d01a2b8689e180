"""A worker's first visit, in Chromium: the introduction, then a unit or a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.engine.qualifications.worker_handle import find_worker
from famulus.model.database import Database
from famulus.testing.command import famulus_command, python_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SCRIPT = (
    Path(__file__).resolve().parents[2]
    / "sdk_examples/simple_static_task/run_task_with_onboarding.py"
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        yield page


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "famulus.db"


@pytest.fixture
def url(database: Path) -> Iterator[str]:
    options = ("architect.port=0", "right_rating=good")
    with python_command(SCRIPT, *options, database=database) as script:
        yield script.url()


def practise(page: Page, rating: str) -> None:
    page.check(f"input[name=practice_rating][value={rating}]")
    page.click("#famulus-submit")


def test_a_worker_who_passes_gets_a_unit_at_once(page: Page, url: str, database: Path) -> None:
    page.goto(f"{url}?worker_id=x&assignment_id=1")
    page.get_by_text("Before you begin").wait_for()
    practise(page, "good")

    page.locator("h2, h3").filter(has_text="Ottoline Marsh").wait_for()
    page.reload()
    page.locator("h2, h3").filter(has_text="Ottoline Marsh").wait_for()
    page.select_option("select[name=rating]", "bad")
    page.click("#famulus-submit")
    page.get_by_text("Your answers are stored").wait_for()
    page.get_by_role("link", name="Next unit").click()
    page.wait_for_load_state()

    assert page.get_by_text("Before you begin").count() == 0
    with Database(database) as opened:
        held = find_worker(opened, "mock", "x").granted_qualifications()
    assert [each.value for each in held] == [1]


def test_a_worker_who_fails_in_one_tab_gets_no_second_try_in_another(
    page: Page, url: str, database: Path
) -> None:
    other = page.context.new_page()
    for tab, visit in ((page, "1"), (other, "2")):
        tab.goto(f"{url}?worker_id=y&assignment_id={visit}")
        tab.get_by_text("Before you begin").wait_for()

    practise(page, "bad")
    page.get_by_text("We would have rated the practice character as good.").wait_for()
    practise(other, "good")
    other.get_by_text("is submitted already").wait_for()
    other.goto(f"{url}?worker_id=y&assignment_id=3")
    other.get_by_text("You did not pass the introduction").wait_for()
    other.get_by_text("We would have rated the practice character as good.").wait_for()

    with Database(database) as opened:
        (onboarding, failed) = find_worker(opened, "mock", "y").granted_qualifications()
    assert (onboarding.value, failed.value) == (0, 0)
    reset = ("qualifications", "reset-onboarding", onboarding.qualification_name, "y")
    with famulus_command(*reset, database=database) as command:
        assert command.wait() == 0, command.output
    page.goto(f"{url}?worker_id=y&assignment_id=4")
    page.get_by_text("Before you begin").wait_for()
