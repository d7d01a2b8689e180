"""A third-party blueprint, installed from its wheel, is launched and worked on there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.testing.command import python_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

TASK = "compare-texts-example"

Run = Callable[..., str]


def test_example_is_done_with_the_keyboard_and_exported(
    example_packages: Path, run: Run, browser: Browser, tmp_path: Path
) -> None:
    database = tmp_path / "famulus.db"
    with (
        python_command(
            *("-m", "famulus", "launch", "conf/example.yaml", "architect.port=0"),
            database=database,
            folder=example_packages / "compare_texts",
            python=example_packages / "env/bin/python",
        ) as launched,
        browser.new_context() as context,
    ):
        url = launched.url()
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(url)
        assert page.locator("input:enabled, textarea:enabled").count() == 0
        page.goto(f"{url}?worker_id=x&assignment_id=1")
        for key in ("1", "2", "0"):
            _judge(page, key)
            page.get_by_role("link", name="Next unit").click()
        _judge(page, "1")
        page.get_by_text("You have done all there is for you").wait_for()
        for visit in range(4):
            page.goto(f"{url}?worker_id=y&assignment_id={visit}")
            _judge(page, "1")

        assert launched.wait() == 0, launched.output

    target = tmp_path / "out.jsonl"
    famulus = (example_packages / "env/bin/famulus", "--database", database)
    run(*famulus, "export", TASK, "-o", target, cwd=example_packages)
    records = [json.loads(line) for line in target.read_text().splitlines()]
    assert len(records) == 8
    for pair in ("rainbow", "tides", "bread", "echo"):
        outputs = [each["outputs"] for each in records if each["inputs"]["id"] == pair]
        assert {each["first"] for each in outputs} == {"a", "b"}
    chosen = [each["outputs"]["better"] for each in records if each["worker"] == "x"]
    first = [each["outputs"]["first"] for each in records if each["worker"] == "x"]
    other = {"a": "b", "b": "a"}
    assert chosen == [first[0], other[first[1]], "tie", first[3]]
    assert records[0]["outputs"]["reason"] == "1 and 2 are typed, not chosen"


def _judge(page: Page, key: str) -> None:
    page.get_by_label("Why?").fill("")
    page.get_by_label("Why?").press_sequentially("1 and 2 are typed, not chosen")
    assert page.locator("input[name=better]:checked").count() == 0
    page.get_by_role("heading", level=2).click()
    page.keyboard.press(key)
    assert page.locator("input[name=better]:checked").get_attribute("data-key") == key
    page.keyboard.press("Enter")
    page.get_by_text("Your answers are stored").wait_for()
