"""The tutorial's first part, as a newcomer does it: one command, Chromium, the data."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.testing.command import famulus_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

EXAMPLES = Path(__file__).resolve().parents[2] / "sdk_examples"
SIMPLE = EXAMPLES / "simple_static_task/conf/example.yaml"
ANY_PORT = "architect.port=0"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        yield page


def rate(page: Page, rating: str) -> None:
    page.select_option("select[name=rating]", rating)
    page.click("#famulus-submit")
    page.get_by_text("Your answers are stored").wait_for()


def test_two_workers_do_the_tutorials_four_units(page: Page, tmp_path: Path) -> None:
    database = tmp_path / "famulus.db"
    drawing = tmp_path / "drawing.png"
    drawing.write_bytes(b"\x89PNG not really")
    with famulus_command("launch", SIMPLE, ANY_PORT, database=database) as launch:
        url = launch.url()

        page.goto(url)
        assert page.locator("text=This is a preview").is_visible()
        assert page.locator("input:enabled, select:enabled").count() == 0

        page.goto(f"{url}?worker_id=x&assignment_id=1")
        name = page.locator("h2, h3").filter(has_text="Ottoline Marsh")
        assert name.is_visible()
        page.set_input_files("input[name=file1]", drawing)
        rate(page, "bad")
        shown = page.locator("pre").inner_text()
        assert '"rating": "bad"' in shown
        assert json.loads(shown)["file1"]["name"] == "drawing.png"
        assert json.loads(shown)["file1"]["size"] == drawing.stat().st_size
        assert json.loads(shown)["file1"]["type"] == "image/png"

        page.get_by_role("link", name="Next unit").click()
        rate(page, "good")
        page.get_by_text("You have done all there is for you").wait_for()

        for visit in ("3", "4"):
            page.goto(f"{url}?worker_id=y&assignment_id={visit}")
            rate(page, "passable")

        assert launch.wait() == 0
    assert "html-static-task-example" in launch.output

    target = tmp_path / "out.jsonl"
    export = ("export", "html-static-task-example", "-o", target)
    with famulus_command(*export, database=database) as command:
        assert command.wait() == 0, command.output
    records = [json.loads(line) for line in target.read_text().splitlines()]
    assert sorted((record["worker"], record["outputs"]["rating"]) for record in records) == [
        ("x", "bad"),
        ("x", "good"),
        ("y", "passable"),
        ("y", "passable"),
    ]
    [stored] = [file for record in records for file in record["files"]]
    assert Path(stored["path"]).read_bytes() == drawing.read_bytes()


def test_reload_keeps_the_unit_and_the_answers(page: Page, tmp_path: Path) -> None:
    with famulus_command("launch", SIMPLE, ANY_PORT, database=tmp_path / "f.db") as launch:
        page.goto(f"{launch.url()}?worker_id=x&assignment_id=1")
        heading = page.locator("h2").all_inner_texts()
        page.select_option("select[name=rating]", "passable")
        page.fill("textarea[name=comment]", "half a thought")

        page.reload()

        assert page.locator("h2").all_inner_texts() == heading
        assert page.input_value("select[name=rating]") == "passable"
        assert page.input_value("textarea[name=comment]") == "half a thought"


def test_submit_while_the_operator_is_dead_goes_through_after_resume(
    page: Page, tmp_path: Path
) -> None:
    database = tmp_path / "famulus.db"
    with famulus_command("launch", SIMPLE, ANY_PORT, database=database) as launch:
        page.goto(f"{launch.url()}?worker_id=x&assignment_id=1")
        page.select_option("select[name=rating]", "good")
        launch.kill()

    page.click("#famulus-submit")
    page.get_by_text("not answering").wait_for()
    assert page.get_by_text("Your answers are stored").count() == 0

    with famulus_command("resume", "1", database=database) as resumed:
        resumed.url()
        page.get_by_text("Your answers are stored").wait_for(timeout=30_000)


def test_form_works_without_scripts(browser: Browser, tmp_path: Path) -> None:
    with (
        famulus_command("launch", SIMPLE, ANY_PORT, database=tmp_path / "f.db") as launch,
        browser.new_context(java_script_enabled=False) as context,
    ):
        page = context.new_page()
        page.goto(f"{launch.url()}?worker_id=x&assignment_id=1")

        page.select_option("select[name=rating]", "good")
        page.click("#famulus-submit")

        assert '"rating": "good"' in page.locator("pre").inner_text()


def test_a_hanging_cdn_does_not_prevent_reading_and_submitting(page: Page, tmp_path: Path) -> None:
    with silent_host() as cdn:
        (tmp_path / "task.html").write_text(
            f'<link rel="stylesheet" href="http://{cdn}/bootstrap.css">\n'
            f'<script src="http://{cdn}/jquery.js"></script>\n'
            f'<style>@import url("http://{cdn}/font.css");</style>\n'
            '<h2>${word}</h2><label>Answer <input name="answer"></label>\n'
            "<script>window.late = true;</script>\n"
        )
        (tmp_path / "data.csv").write_text("word\nlantern\n")
        (tmp_path / "task.yaml").write_text(
            "defaults:\n  - blueprint: static_task\n"
            "blueprint:\n  task_source: task.html\n  data_csv: data.csv\n"
            "task:\n  task_title: T\n  task_description: D\n  task_reward: 0.1\n"
            "architect:\n  port: 0\n"
        )
        config = tmp_path / "task.yaml"
        with famulus_command("launch", config, database=tmp_path / "f.db") as launch:
            page.clock.install()
            page.goto(f"{launch.url()}?worker_id=x&assignment_id=1", wait_until="commit")

            assert page.get_by_role("heading", name="lantern").is_visible()
            page.get_by_label("Answer").fill("light")
            page.click("#famulus-submit")
            # The author's script waits for the library, and so does the submission, for a while.
            page.clock.fast_forward(20_000)

            page.get_by_text("Your answers are stored").wait_for()
            assert launch.wait() == 0


@contextmanager
def silent_host() -> Iterator[str]:
    """Accept connections and never answer them."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    accepted.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in accepted:
                connection.close()
            thread.join()
