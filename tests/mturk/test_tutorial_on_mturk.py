"""The tutorial's fourth step: our example on MTurk's sandbox, worked on in Chromium inside MTurk's
page over HTTPS, reviewed, and paid.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.testing.command import Command, famulus_command
from famulus_mturk.fake import FakeMTurk, Fault, make_certificate
from tls_proxy import Proxy, tls_proxy

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task"
STUDY = "/study/"
CONFIGURATION = f"""
defaults:
  - blueprint: static_task
  - architect: local
  - provider: mturk_sandbox
provider:
  requester_name: my_mturk_user_sandbox
blueprint:
  data_csv: {EXAMPLE}/data.csv
  task_source: {EXAMPLE}/server_files/demo_task.html
  preview_source: {EXAMPLE}/server_files/demo_preview.html
  extra_source_dir: {EXAMPLE}/server_files/extra_refs
  units_per_assignment: 1
task:
  task_name: first-task-tutorial-run
  task_title: Test static task
  task_description: This is a simple test of static tasks.
  task_reward: 0.3
  task_tags: static,task,testing
"""


@pytest.fixture
def mturk(tmp_path: Path) -> Iterator[FakeMTurk]:
    folder = tmp_path / "certificate"
    folder.mkdir()
    with FakeMTurk(certificate=make_certificate(folder)) as running:
        yield running


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    with tls_proxy({STUDY: port}, tmp_path) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "famulus.db"


@pytest.fixture
def launch(tmp_path: Path, database: Path, mturk: FakeMTurk, proxy: Proxy) -> list[str]:
    """The words of the launch; the requester is registered."""
    config = tmp_path / "my_config.yaml"
    config.write_text(CONFIGURATION)
    where = f"endpoint_url={mturk.sandbox.endpoint_url}"
    registered = famulus(database, "register", "mturk_sandbox", "name=my_mturk_user_sandbox", where)
    assert "my_mturk_user_sandbox" in registered
    return [
        "launch",
        str(config),
        f"architect.port={proxy.ports[STUDY]}",
        f"architect.public_url={proxy.origin}{STUDY}",
        f"provider.worker_site={mturk.sandbox.worker_url}",
    ]


def famulus(database: Path, *words: str) -> str:
    with famulus_command(*words, database=database) as command:
        assert command.wait() == 0, command.output
        return command.output


@contextmanager
def launched(database: Path, words: list[str]) -> Iterator[tuple[Command, str]]:
    """Launch, and yield the command and the preview link that it prints."""
    with famulus_command(*words, database=database) as command:
        command.wait_for("Ctrl-C stops it")
        found = re.search(r"https://\S+/mturk/preview\?groupId=[A-Z0-9]+", command.output)
        assert found is not None, command.output
        yield command, found[0]


def sign_in(page: Page, mturk: FakeMTurk, worker: str) -> None:
    page.context.clear_cookies()
    page.goto(mturk.sandbox.worker_url)
    page.get_by_label("Worker ID").fill(worker)
    page.get_by_role("button", name="Sign in").click()


def frame_of(page: Page) -> FrameLocator:
    return page.frame_locator('iframe[title="HIT"]')


def rate(page: Page, preview: str, rating: str) -> None:
    page.goto(preview)
    page.get_by_role("button", name="Accept").click()
    frame = frame_of(page)
    frame.locator("select[name=rating]").select_option(rating)
    frame.locator("#famulus-submit").click()
    frame.get_by_text("has been successfully submitted").wait_for()


def test_example_is_launched_worked_on_reviewed_and_paid(
    page: Page, mturk: FakeMTurk, launch: list[str], database: Path
) -> None:
    with launched(database, launch) as (command, preview):
        page.goto(preview)
        shown = frame_of(page)
        shown.get_by_text("This is a preview").wait_for()
        assert shown.locator("input:enabled, select:enabled").count() == 0
        assert preview in famulus(database, "status", "1")

        sign_in(page, mturk, "A1WORKER")
        rate(page, preview, "good")
        sign_in(page, mturk, "A2WORKER")
        rate(page, preview, "bad")

        assert command.wait(60) == 0, command.output

    famulus(database, "review", "first-task-tutorial-run", "--accept-all")
    with mturk.sandbox.turn() as state:
        paid = sorted((each.worker_id, each.amount) for each in state.money.ledger)
        assert not any(state.status(hit, state.now) == "Assignable" for hit in state.hits.values())
    assert paid == [("A1WORKER", Decimal("0.30")), ("A2WORKER", Decimal("0.30"))]
    assert "confirmed" in famulus(database, "payments")
    assert "No problems found" in famulus(database, "doctor")
    assert mturk.live.calls == []


def test_work_is_submitted_without_scripts_by_a_button(
    browser: Browser, mturk: FakeMTurk, launch: list[str], database: Path
) -> None:
    with (
        launched(database, launch) as (_, preview),
        browser.new_context(java_script_enabled=False, ignore_https_errors=True) as context,
    ):
        page = context.new_page()
        sign_in(page, mturk, "A1WORKER")
        page.goto(preview)
        page.get_by_role("button", name="Accept").click()
        frame = frame_of(page)
        frame.locator("select[name=rating]").select_option("good")
        frame.locator("#famulus-submit").click()
        frame.get_by_text("Your answers are stored").wait_for()
        with mturk.sandbox.turn() as state:
            assert not any(accept.submitted_at for accept in state.accepts_of("A1WORKER"))

        frame.get_by_role("button", name="Continue").click()

        frame.get_by_text("has been successfully submitted").wait_for()


def test_worker_who_never_posted_to_mturk_finds_the_button_again(
    page: Page, mturk: FakeMTurk, launch: list[str], database: Path
) -> None:
    with launched(database, launch) as (_, preview):
        sign_in(page, mturk, "A1WORKER")
        page.goto(preview)
        page.get_by_role("button", name="Accept").click()
        mturk.sandbox.faults.plan(Fault.FAIL, "externalSubmit")
        frame = frame_of(page)
        frame.locator("select[name=rating]").select_option("good")
        with page.expect_response("**/mturk/externalSubmit") as failed:
            frame.locator("#famulus-submit").click()
        assert failed.value.status == 503

        page.goto(page.url)
        frame.get_by_text("You have submitted this one already").wait_for()
        frame.get_by_role("button", name="Continue").click()

        frame.get_by_text("has been successfully submitted").wait_for()
        with mturk.sandbox.turn() as state:
            [accept] = state.accepts_of("A1WORKER")
            assert accept.stage == "Submitted"


def accept(page: Page, preview: str) -> FrameLocator:
    page.goto(preview)
    page.get_by_role("button", name="Accept").click()
    return frame_of(page)


def return_hit(page: Page, mturk: FakeMTurk, worker: str) -> None:
    """Follow the refusal's button to the HIT's page, and return the HIT there."""
    with page.expect_popup() as opened:
        frame_of(page).get_by_role("link", name="Return this HIT").click()
    hit_page = opened.value
    hit_page.get_by_role("heading", name="Your HIT").wait_for()
    hit_page.get_by_role("button", name="Return", exact=True).click()
    hit_page.get_by_text("Empty").wait_for()
    with mturk.sandbox.turn() as state:
        assert state.accepts_of(worker)[-1].stage == "Returned"
    hit_page.close()


def test_worker_who_does_not_qualify_returns_the_hit(
    page: Page, mturk: FakeMTurk, launch: list[str], database: Path, tmp_path: Path
) -> None:
    """MTurk lets them accept: what the requester has granted there by hand is not known here."""
    famulus(database, "qualifications", "create", "trained")
    with (tmp_path / "my_config.yaml").open("a") as config:
        config.write("  qualifications:\n  - {qualification_name: trained, comparator: Exists}\n")
    with launched(database, launch) as (_, preview):
        with mturk.sandbox.turn() as state:
            kinds = state.qualification_types.values()
            [kind] = [each.id for each in kinds if each.name == "trained"]
        mturk.sandbox.client().associate_qualification_with_worker(
            QualificationTypeId=kind, WorkerId="A1WORKER", IntegerValue=1
        )
        sign_in(page, mturk, "A1WORKER")

        frame = accept(page, preview)

        frame.get_by_text("This task is not open to you").wait_for()
        frame.get_by_text("Please return this HIT").wait_for()
        return_hit(page, mturk, "A1WORKER")


def test_worker_for_whom_no_work_is_left_returns_the_hit(
    page: Page, mturk: FakeMTurk, launch: list[str], database: Path
) -> None:
    with launched(database, [*launch, "blueprint.units_per_assignment=2"]) as (_, preview):
        sign_in(page, mturk, "A1WORKER")
        rate(page, preview, "good")
        rate(page, preview, "bad")

        frame = accept(page, preview)

        frame.get_by_text("You have done all there is for you in this task").wait_for()
        return_hit(page, mturk, "A1WORKER")


def test_worker_who_gives_the_unit_back_returns_the_hit(
    page: Page, mturk: FakeMTurk, launch: list[str], database: Path
) -> None:
    with launched(database, launch) as (_, preview):
        sign_in(page, mturk, "A1WORKER")
        frame = accept(page, preview)

        frame.locator("#famulus-give-back").click()
        frame.get_by_role("button", name="Yes, give it back").click()

        frame.get_by_text("You have given this one back").wait_for()
        return_hit(page, mturk, "A1WORKER")
