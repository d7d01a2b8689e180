"""A participant's browser: from the page of a study to the run, and back with a code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

from famulus_prolific.fake import FakeProlific, Submission

if TYPE_CHECKING:
    from playwright.sync_api import Page


@define(eq=False)
class ParticipantBrowser:
    """A page of a browser in which one participant is signed in."""

    page: Page
    prolific: FakeProlific
    id: str
    #: the name of the study
    study: str = "Rate a character"
    #: whether the browser runs scripts
    has_scripts: bool = True

    def sign_in(self) -> None:
        """Sign in, in place of another participant who has used this browser."""
        self.page.context.clear_cookies()
        self.page.goto(self.prolific.site_url)
        self.page.get_by_label("Prolific ID").fill(self.id)
        self.page.get_by_role("button", name="Sign in").click()

    def reserve(self) -> None:
        """Sign in and take a place; its page stays open."""
        self.sign_in()
        self.page.get_by_role("link", name=self.study).first.click()
        self.page.get_by_role("button", name="Take part in this study").click()

    def open_study(self) -> None:
        """Press the button that opens the run."""
        self.page.get_by_role("button", name="Open study").click()

    def enter(self) -> None:
        """Take a place and open the run."""
        self.reserve()
        self.open_study()

    def practise(self, rating: str) -> None:
        """Answer the onboarding."""
        self.page.check(f"input[name=practice_rating][value={rating}]")
        self.page.click("#famulus-submit")

    def rate(self, rating: str) -> None:
        """Answer the task."""
        self.page.select_option("select[name=rating]", rating)
        self.page.click("#famulus-submit")

    def give_back(self) -> None:
        """Give the unit back; a script asks whether that is meant."""
        self.page.click("#famulus-give-back")
        if self.has_scripts:
            self.page.get_by_role("button", name="Yes, give it back").click()
        self.page.get_by_role("heading", name="You have given this one back").wait_for()

    def is_led_away(self) -> Submission:
        """Wait until the browser goes to Prolific by itself; press a button if it has no scripts.

        The clock of the page is moved, if the test has replaced it by one that can be.
        """
        seconds = self.page.get_by_role("timer")
        if not self.has_scripts:
            assert seconds.is_hidden()
            return self.leave()
        assert int(seconds.inner_text()) <= 10
        self.page.clock.run_for(11_000)
        return self.came_back()

    def leave(self) -> Submission:
        """Press the button that leads to Prolific, and come back there."""
        self.page.get_by_role("link", name="Continue").click()
        return self.came_back()

    def came_back(self) -> Submission:
        """Wait until the browser has brought a code to Prolific; return the submission."""
        self.page.wait_for_url(f"{self.prolific.site_url}/submissions/complete?cc=*")
        self.page.get_by_role("heading", name="Submission complete").wait_for()
        found = self.submission
        assert found.entered_code == self.page.locator("#code").text_content()
        return found

    @property
    def submission(self) -> Submission:
        """The newest submission of the participant."""
        with self.prolific.turn() as state:
            theirs = [one for one in state.submissions.values() if one.participant_id == self.id]
        return theirs[-1]


def action_of(submission: Submission) -> dict[str, Any]:
    """Return what the study's code that a participant entered has Prolific do."""
    code = submission.study.code(submission.entered_code)
    assert code is not None, submission.entered_code
    (action,) = code.actions
    return action


def reason_of(submission: Submission) -> str:
    """Return why a participant is asked to return their submission."""
    action = action_of(submission)
    assert action["action"] == "REQUEST_RETURN", action
    return str(action["return_reason"])
