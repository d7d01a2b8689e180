"""From Prolific's page to ours and back in Chromium, with the code of each outcome.

One run serves participants whose browsers run scripts, at addresses that Prolific has not signed;
another one those without scripts, at signed ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest

from doc_pictures import picture
from famulus.testing.waiting import wait_until
from famulus_prolific.fake import StudyStatus, SubmissionStatus
from prolific_browser import ParticipantBrowser, action_of, reason_of
from prolific_launch import EXAMPLE, ProlificLaunch, example_with_onboarding, prolific_launch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SCREENED_OUT, AWAITING = SubmissionStatus.SCREENED_OUT, SubmissionStatus.AWAITING_REVIEW


@pytest.fixture(scope="module", params=[False, True], ids=["unsigned", "signed"])
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProlificLaunch]:
    """A run with one assignment for many workers; each screen-out uses up the paid ones."""
    folder = tmp_path_factory.mktemp("prolific")
    options = [
        "blueprint.units_per_assignment=40",
        "provider.submissions_per_participant=0",
        "provider.screen_out_reward=0.10",
        "provider.screen_out_slots=1",
        f"provider.secure_urls={'true' if request.param else 'false'}",
    ]
    with (
        prolific_launch(folder, secure=request.param) as launch,
        launch.launched(example_with_onboarding(folder), *options),
    ):
        yield launch


@pytest.fixture
def has_scripts(request: pytest.FixtureRequest, run: ProlificLaunch) -> bool:
    """Whether the browser runs scripts."""
    found: bool = getattr(request, "param", not run.public_url)
    return found


@pytest.fixture
def person(
    browser: Browser, run: ProlificLaunch, has_scripts: bool
) -> Iterator[ParticipantBrowser]:
    """A participant who has never come."""
    with browser.new_context(java_script_enabled=has_scripts, ignore_https_errors=True) as context:
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.clock.install()
        yield ParticipantBrowser(page, run.prolific, run.participant_id(), has_scripts=has_scripts)


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"], indirect=True)
def test_completed_work_waits_for_its_review(person: ParticipantBrowser, has_scripts: bool) -> None:
    if not has_scripts:
        # As in browsers that take no step by themselves.
        person.page.route("**/submit?*", without_refresh)
    person.enter()
    person.practise("good")
    person.rate("good")

    left = person.came_back() if has_scripts else person.leave()

    assert (left.status, action_of(left)["action"]) == (AWAITING, "MANUALLY_REVIEW")


def without_refresh(route: Route) -> None:
    reply = route.fetch()
    route.fulfill(response=reply, body=reply.text().replace('http-equiv="refresh"', ""))


def test_a_failed_onboarding_asks_for_a_return(person: ParticipantBrowser) -> None:
    person.enter()
    person.practise("bad")
    person.page.get_by_text("You did not pass the introduction").wait_for()
    if person.has_scripts:
        picture(person.page, "prolific-refused")

    assert "did not meet" in reason_of(person.is_led_away())


def test_who_is_screened_out_is_paid_and_the_study_goes_on(
    person: ParticipantBrowser, run: ProlificLaunch
) -> None:
    person.enter()
    person.practise("passable")
    person.page.get_by_text("We look for other readers.").wait_for()

    left = person.is_led_away()

    assert (left.status, run.study.status) == (SCREENED_OUT, StudyStatus.PAUSED)
    with run.prolific.turn() as state:
        paid = [each.amount for each in state.money.ledger if each.submission_id == left.id]
    assert paid == [10]
    run.famulus("sync", "1")
    assert run.study.status is StudyStatus.ACTIVE


def test_who_gives_the_work_back_is_asked_for_a_return(
    person: ParticipantBrowser,
) -> None:
    person.enter()
    person.practise("good")

    person.give_back()

    assert "given the work back" in reason_of(person.is_led_away())


def test_who_is_not_qualified_is_asked_for_a_return(
    person: ParticipantBrowser, run: ProlificLaunch
) -> None:
    person.reserve()
    run.famulus("workers", "block", person.id, "--provider", "prolific")

    person.open_study()
    person.page.get_by_role("heading", name="You cannot work on this task").wait_for()

    assert "another background" in reason_of(person.is_led_away())


def test_who_finds_nothing_left_or_has_reached_the_limit_is_asked_for_a_return(
    person: ParticipantBrowser, run: ProlificLaunch
) -> None:
    person.enter()
    person.practise("good")
    person.rate("good")
    person.came_back()

    person.enter()
    person.page.get_by_role("heading", name="All done").wait_for()
    assert "no work left" in reason_of(person.is_led_away())

    run.famulus("set", "1", "maximum_units_per_worker=1")
    try:
        person.enter()
        person.page.get_by_role("heading", name="That was your last one").wait_for()
        assert "as one participant may" in reason_of(person.is_led_away())
    finally:
        run.famulus("set", "1", "maximum_units_per_worker=0")


@pytest.mark.parametrize("run", [True], indirect=True, ids=["signed"])
def test_a_reload_works_once_the_signed_address_is_too_old(
    person: ParticipantBrowser, run: ProlificLaunch
) -> None:
    person.enter()
    person.practise("good")
    person.page.locator("select[name=rating]").wait_for()
    asked = len(run.prolific.called("get-submission"))

    for _ in range(3):
        person.page.goto(old_address(run, person.id))
        person.page.locator("select[name=rating]").wait_for()

    assert len(run.prolific.called("get-submission")) == asked


@pytest.mark.parametrize("run", [True], indirect=True, ids=["signed"])
def test_an_address_that_prolific_has_not_signed_for_its_visitor_leads_to_no_work(
    browser: Browser, run: ProlificLaunch
) -> None:
    theirs, other = (run.prolific.participant(run.participant_id()) for _ in range(2))
    (_, address), (_, foreign) = theirs.take(run.study.id), other.take(run.study.id)
    before, _, token = address.partition("&prolific_token=")
    signed, _, signature = token.rpartition(".")
    gone = run.prolific.participant(run.participant_id())
    returned, _ = gone.take(run.study.id)
    old = old_address(run, gone.id)
    gone.give_back(returned)

    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        for forged in (
            before,
            f"{before}&prolific_token={signed}.{signature[::-1]}",
            f"{before}&prolific_token={foreign.partition('&prolific_token=')[2]}",
            old,
        ):
            page.goto(forged)
            assert page.get_by_role("heading", name="This link does not work").count() == 1
            assert page.locator("form").count() == 0
        page.goto(address)
        page.get_by_text("Before you begin").wait_for()


def old_address(run: ProlificLaunch, participant: str) -> str:
    """Return the address of a participant's submission as it was signed ten minutes ago."""
    with run.prolific.turn() as state:
        (submission,) = [
            one for one in state.submissions.values() if one.participant_id == participant
        ]
    fresh = run.prolific.participant(participant).start(submission)
    before, _, token = fresh.partition("&prolific_token=")
    claims = jwt.decode(token, options={"verify_signature": False})
    with run.prolific.turn() as state:
        state.timeline.now -= timedelta(minutes=10)
        old = run.prolific.signing.token(claims["aud"], submission, claims["prolific"])
    return f"{before}&prolific_token={old}"


def test_who_stays_on_the_page_of_a_refusal_is_led_nowhere(
    browser: Browser, run: ProlificLaunch
) -> None:
    if run.public_url:
        pytest.skip("scripts are the same at a signed address")
    with browser.new_context() as context:
        page = context.new_page()
        page.clock.install()
        person = ParticipantBrowser(page, run.prolific, run.participant_id())
        person.enter()
        person.practise("bad")
        page.get_by_role("timer").wait_for()

        page.get_by_role("button", name="Stay on this page").focus()
        page.keyboard.press("Enter")
        page.clock.run_for(60_000)

        assert page.get_by_role("timer").is_hidden()
        assert page.evaluate("document.activeElement.id") == "famulus-next"
        assert page.get_by_role("heading", name="Thank you for trying").is_visible()
        page.keyboard.press("Enter")
        assert "did not meet" in reason_of(person.came_back())


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
def test_who_finds_no_unit_may_try_again_until_all_are_done(
    browser: Browser, tmp_path: Path, has_scripts: bool
) -> None:
    with (
        prolific_launch(tmp_path) as launch,
        launch.launched(example_with_onboarding(tmp_path), "blueprint.units_per_assignment=1"),
        browser.new_context(java_script_enabled=has_scripts) as first,
        browser.new_context(java_script_enabled=has_scripts) as second,
    ):
        at_work, late = (
            ParticipantBrowser(
                context.new_page(),
                launch.prolific,
                launch.participant_id(),
                has_scripts=has_scripts,
            )
            for context in (first, second)
        )
        late.page.clock.install()
        # So that the run goes on: the work is stored here, and not handed in on Prolific yet.
        at_work.page.route("**/submissions/complete?*", lambda route: route.fulfill(status=204))
        at_work.enter()
        at_work.practise("good")
        at_work.page.locator("select[name=rating]").wait_for()
        study = launch.study
        with launch.prolific.turn():
            study.places += 1
        late.enter()
        late.practise("good")
        late.page.get_by_role("heading", name="Nothing to do right now").wait_for()
        if has_scripts:
            late.page.clock.run_for(60_000)

        at_work.rate("good")
        at_work.page.get_by_text("Your answers are stored").wait_for()
        late.page.get_by_role("link", name="Try again").click()
        late.page.get_by_role("heading", name="This task is complete").wait_for()

        assert late.page.get_by_role("link", name="Try again").count() == 0
        assert "closed" in reason_of(late.is_led_away())


def test_who_comes_to_a_run_that_ends_is_asked_for_a_return(
    browser: Browser, tmp_path: Path
) -> None:
    with (
        prolific_launch(tmp_path) as launch,
        launch.launched(EXAMPLE / "conf/example.yaml") as command,
        browser.new_context() as first,
        browser.new_context() as second,
        browser.new_context(java_script_enabled=False) as third,
    ):
        at_work, *people = (
            ParticipantBrowser(
                context.new_page(),
                launch.prolific,
                launch.participant_id(),
                has_scripts=context is not third,
            )
            for context in (first, second, third)
        )
        at_work.enter()
        at_work.page.locator("select[name=rating]").wait_for()
        for late in people:
            late.page.clock.install()
            late.reserve()
        command.interrupt()
        wait_until(lambda: launch.study.status is StudyStatus.PAUSED, "the pause")

        for late in people:
            late.open_study()
            late.page.get_by_role("heading", name="This task has been paused").wait_for()
            assert late.page.get_by_role("link", name="Try again").count() == 1
            assert "closed" in reason_of(late.is_led_away())

        at_work.rate("good")
        assert at_work.came_back().status is AWAITING
        assert command.wait() == 0, command.output
    assert launch.prolific.state.subscriptions == {}
