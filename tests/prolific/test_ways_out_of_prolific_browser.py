"""From Prolific's page to ours and back in Chromium, with the code of each outcome."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.testing.command import famulus_command
from famulus_prolific.fake import FakeProlific, Submission, SubmissionStatus
from famulus_prolific.tokens import VARIABLE
from tls_proxy import Proxy, tls_proxy

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task"
RUN, TASK = "/study/", "prolific-in-a-browser"
ANNA, BO = f"{1:024x}", f"{2:024x}"


@pytest.fixture
def prolific(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProlific]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with FakeProlific() as running:
        monkeypatch.setenv(VARIABLE, running.token)
        yield running


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    with tls_proxy({RUN: port}, tmp_path) as running:
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
def launch(database: Path, prolific: FakeProlific, proxy: Proxy) -> list[str]:
    """The words of the launch; the requester is registered."""
    settings = ("name=lab", f"api_url={prolific.api_url}", "keep_token_in=file")
    famulus(database, "register", "prolific", *settings)
    return [
        "launch",
        str(EXAMPLE / "conf/example.yaml"),
        "provider=prolific",
        f"provider.site_url={prolific.site_url}",
        f"architect.public_url={proxy.origin}{RUN}",
        f"architect.port={proxy.ports[RUN]}",
        "blueprint.units_per_assignment=1",
        f"task.task_name={TASK}",
        "task.estimated_minutes=2",
        "--yes",
    ]


def famulus(database: Path, *words: str) -> str:
    with famulus_command(*words, database=database) as command:
        assert command.wait(60) == 0, command.output
        return command.output


@contextmanager
def launched(database: Path, words: list[str]) -> Iterator[None]:
    with famulus_command(*words, database=database) as command:
        command.wait_for("Ctrl-C stops it")
        yield


def sign_in(page: Page, prolific: FakeProlific, participant: str) -> None:
    page.context.clear_cookies()
    page.goto(prolific.site_url)
    page.get_by_label("Prolific ID").fill(participant)
    page.get_by_role("button", name="Sign in").click()


def reserve(page: Page) -> None:
    page.get_by_role("link", name="Rate a character").first.click()
    page.get_by_role("button", name="Take part in this study").click()


def open_study(page: Page, prolific: FakeProlific, participant: str) -> None:
    sign_in(page, prolific, participant)
    reserve(page)
    page.get_by_role("button", name="Open study").click()


def rate(page: Page, rating: str) -> None:
    page.locator("select[name=rating]").select_option(rating)
    page.locator("#famulus-submit").click()


def came_back(page: Page, prolific: FakeProlific) -> Submission:
    """Wait until the browser is back on Prolific; return its submission, the newest."""
    page.wait_for_url(f"{prolific.site_url}/submissions/complete?cc=*")
    page.get_by_role("heading", name="Submission complete").wait_for()
    code = page.locator("#code").text_content()
    with prolific.turn() as state:
        newest = list(state.submissions.values())[-1]
    assert newest.entered_code == code
    return newest


def reason_of(submission: Submission) -> str:
    """Return why the code that was entered asks for a return."""
    code = submission.study.code(submission.entered_code)
    assert code is not None
    action = code.action("REQUEST_RETURN")
    assert action is not None, code
    return str(action["return_reason"])


def test_work_is_done_reviewed_and_paid(
    page: Page, prolific: FakeProlific, launch: list[str], database: Path
) -> None:
    with famulus_command(*launch, database=database) as command:
        command.wait_for("Ctrl-C stops it")
        for participant, rating in ((ANNA, "good"), (BO, "bad")):
            open_study(page, prolific, participant)
            rate(page, rating)
            assert came_back(page, prolific).status is SubmissionStatus.AWAITING_REVIEW
        famulus(database, "sync", "1")
        assert command.wait(60) == 0, command.output

    famulus(database, "review", TASK, "--accept-all")
    famulus(database, "sync", "1")

    paid = [(one.participant_id, one.amount) for one in prolific.state.money.ledger]
    assert sorted(paid) == [(ANNA, 30), (BO, 30)]
    assert "No problems found" in famulus(database, "doctor")
    assert prolific.audit() == []


def test_a_button_leads_back_without_scripts(
    browser: Browser, prolific: FakeProlific, launch: list[str], database: Path
) -> None:
    with (
        launched(database, launch),
        browser.new_context(java_script_enabled=False, ignore_https_errors=True) as context,
    ):
        page = context.new_page()
        page.set_default_timeout(15_000)
        open_study(page, prolific, ANNA)
        rate(page, "good")
        page.get_by_text("Your answers are stored").wait_for()

        page.get_by_role("link", name="Continue").click()

        assert came_back(page, prolific).status is SubmissionStatus.AWAITING_REVIEW


def test_a_participant_who_gives_the_work_back_leaves_with_its_code(
    page: Page, prolific: FakeProlific, launch: list[str], database: Path
) -> None:
    with launched(database, launch):
        open_study(page, prolific, ANNA)

        page.locator("#famulus-give-back").click()
        page.get_by_role("button", name="Yes, give it back").click()
        page.get_by_role("link", name="Continue").click()

        assert "given the work back" in reason_of(came_back(page, prolific))


def test_a_participant_who_is_not_qualified_leaves_with_its_code(
    page: Page, prolific: FakeProlific, launch: list[str], database: Path
) -> None:
    with launched(database, launch):
        sign_in(page, prolific, ANNA)
        reserve(page)
        famulus(database, "workers", "block", ANNA, "--provider", "prolific")

        page.get_by_role("button", name="Open study").click()
        page.get_by_role("link", name="Continue").click()

        assert "another background" in reason_of(came_back(page, prolific))


def test_a_participant_for_whom_nothing_is_left_leaves_with_its_code(
    page: Page, prolific: FakeProlific, launch: list[str], database: Path
) -> None:
    more = ["blueprint.units_per_assignment=2", "provider.submissions_per_participant=0"]
    with launched(database, [*launch, *more]):
        for rating in ("good", "bad"):
            open_study(page, prolific, ANNA)
            rate(page, rating)
            came_back(page, prolific)

        open_study(page, prolific, ANNA)
        page.get_by_role("link", name="Continue").click()

        assert "no work left" in reason_of(came_back(page, prolific))
