"""One run in Chromium: by a personal link, an open link, and from a platform; then it is paid."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.testing import run_command
from famulus.testing.command import famulus_command
from famulus_links.command import links

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

CONFIGURATION = """
defaults:
  - blueprint: static_task
  - architect: local
  - provider: links
architect:
  port: 0
blueprint:
  task_source: task.html
  data_csv: data.csv
  units_per_assignment: 4
provider:
  worker_param: PROLIFIC_PID
  visit_param: SESSION_ID
  welcome: You will name pictures.
  consent: I agree that my answers are stored.
  ask_name: true
  completions:
    completed: https://platform.example/done?cc=DONE&id={PROLIFIC_PID}
    not_qualified: NOT-FOR-YOU
    no_work_left: NOTHING-LEFT
task:
  task_name: pictures
  task_reward: 0.10
  task_title: Name the picture
  task_description: One word is enough.
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        context.route("https://platform.example/**", lambda route: route.fulfill(body="Thank you"))
        page = context.new_page()
        page.set_default_timeout(10_000)
        yield page


def answer(page: Page) -> None:
    page.get_by_label("Answer").fill("light")
    page.click("#famulus-submit")


def test_people_come_by_each_way_leave_by_the_outcome_and_are_owed_their_pay(
    page: Page, tmp_path: Path
) -> None:
    (tmp_path / "task.html").write_text("<h2>${word}</h2><label>Answer <input name=a></label>")
    (tmp_path / "data.csv").write_text("word\nlantern\n")
    (tmp_path / "task.yaml").write_text(CONFIGURATION)
    (tmp_path / "people.csv").write_text("name\nAnna Berg\n")
    database = tmp_path / "famulus.db"
    with famulus_command("launch", tmp_path / "task.yaml", database=database) as launch:
        url = launch.wait_for("Run 1 is open at ").split()[-1]
        listed = tmp_path / "links.csv"
        run_command(links, "make", tmp_path / "people.csv", 1, "-o", listed, database=database)
        with listed.open() as file:
            [anna] = csv.DictReader(file)
        anyone = run_command(links, "open", 1, "--uses", 1, database=database).stdout.strip()

        page.goto(anna["link"])
        page.get_by_text("You will name pictures.").wait_for()
        page.get_by_label("I agree").check()
        page.get_by_role("button", name="Begin").click()
        answer(page)
        page.get_by_text("What you have done").wait_for()

        page.goto(anyone)
        page.get_by_label("I agree").check()
        page.get_by_label("Name", exact=True).fill("Bo Lund")
        page.get_by_role("button", name="Begin").click()
        answer(page)
        page.get_by_text("What you have done").wait_for()
        page.goto(anyone)
        page.get_by_text("all of them are taken").wait_for()

        page.goto(f"{url}?PROLIFIC_PID=p1&SESSION_ID=s1")
        answer(page)
        page.wait_for_url("https://platform.example/done?cc=DONE&id=p1")
        page.goto(f"{url}?PROLIFIC_PID=p1&SESSION_ID=s2")
        page.get_by_text("NOTHING-LEFT").wait_for()

        blocking = ("workers", "block", "p2", "--provider", "links")
        with famulus_command(*blocking, database=database) as command:
            assert command.wait() == 0, command.output
        page.goto(f"{url}?PROLIFIC_PID=p2&SESSION_ID=s3")
        page.get_by_text("NOT-FOR-YOU").wait_for()

        owed = tmp_path / "owed.csv"
        for words in (
            ["review", "pictures", "--accept-all"],
            ["payments", "owed", "1", "-o", owed],
        ):
            with famulus_command(*words, database=database) as command:
                assert command.wait() == 0, command.output
    with owed.open() as file:
        found = {(row["name"], row["amount"], row["currency"]) for row in csv.DictReader(file)}
    assert found == {(name, "0.10", "USD") for name in ("Anna Berg", "Bo Lund", "")}
