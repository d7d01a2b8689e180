"""How workers leave, in Chromium: with completed work, and with each common refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.testing.command import famulus_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

CONFIGURATION = """
defaults:
  - blueprint: static_task
  - architect: local
  - provider: mock
architect:
  port: 0
blueprint:
  task_source: task.html
  data_csv: data.csv
task:
  task_title: Name the picture
  task_description: One word is enough.
  task_reward: 0.1
  allowed_concurrent: 0
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        yield page


@contextmanager
def launched(folder: Path, *words: str, more: str = "") -> Iterator[str]:
    """Launch a task with two rows of data, and yield its address.

    :param more: lines below ``task``.
    """
    (folder / "task.html").write_text("<h2>${word}</h2><label>Answer <input name=a></label>")
    (folder / "data.csv").write_text("word\nlantern\nharbour\n")
    (folder / "task.yaml").write_text(CONFIGURATION + more)
    database = folder / "famulus.db"
    with famulus_command("launch", folder / "task.yaml", *words, database=database) as launch:
        yield launch.url()


def answer(page: Page) -> None:
    page.get_by_label("Answer").fill("light")
    page.click("#famulus-submit")
    page.get_by_text("Your answers are stored").wait_for()


def test_completed_work_is_shown_and_the_next_unit_offered_until_none_is_left(
    page: Page, tmp_path: Path
) -> None:
    with launched(tmp_path, "blueprint.units_per_assignment=2") as url:
        page.goto(f"{url}?worker_id=x&assignment_id=1")
        answer(page)
        assert '"a": "light"' in page.locator("#famulus-answers").inner_text()
        page.get_by_role("link", name="Next unit").click()
        answer(page)

        page.get_by_text("You have done all there is for you in this task").wait_for()
        assert page.get_by_role("link", name="Next unit").count() == 0
        page.goto(f"{url}?worker_id=x&assignment_id=3")

        page.get_by_role("heading", name="All done").wait_for()
        assert page.get_by_role("link").count() == 0


def test_worker_who_does_not_qualify_reads_why(page: Page, tmp_path: Path) -> None:
    create = ("qualifications", "create", "trained")
    with famulus_command(*create, database=tmp_path / "famulus.db") as command:
        assert command.wait() == 0, command.output
    needed = "  qualifications:\n  - {qualification_name: trained, comparator: Exists}\n"
    with launched(tmp_path, more=needed) as url:
        page.goto(f"{url}?worker_id=x&assignment_id=1")

        page.get_by_role("heading", name="This task is not open to you").wait_for()
        page.get_by_text("code: not_qualified").wait_for()
        assert page.get_by_role("link").count() == 0


def test_worker_without_work_can_try_again_until_there_is_some(page: Page, tmp_path: Path) -> None:
    with launched(tmp_path) as url:
        other = page.context.new_page()
        for number in ("1", "2"):
            other.goto(f"{url}?worker_id=y&assignment_id={number}")
        page.goto(f"{url}?worker_id=x&assignment_id=1")
        page.get_by_role("heading", name="Nothing to do right now").wait_for()

        other.click("#famulus-give-back")
        other.get_by_role("button", name="Yes, give it back").click()
        other.get_by_text("You have given this one back").wait_for()
        other.get_by_role("link", name="Next unit").wait_for()
        page.get_by_role("link", name="Try again").click()

        page.get_by_label("Answer").wait_for()
