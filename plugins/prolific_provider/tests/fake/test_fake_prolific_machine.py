"""What holds of the fake under any sequence of participants' and researchers' actions."""

from __future__ import annotations

import contextlib
from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import (
    FakeProlific,
    ParticipantRefusedError,
    Study,
    StudyStatus,
    SubmissionStatus,
)
from famulus_prolific.fake.api import Incoming
from famulus_prolific.fake.changes import count
from famulus_prolific.fake.errors import ApiError
from famulus_prolific.fake.records import HANDED_IN, IN_PLACE
from machine_limits import machine_limits

PEOPLE = st.integers(1, 5)
CODES = ("DONE", "YES", "OUT", "BACK", "WRONG", None)
REJECTION = {"message": "Each answer is one letter. " * 5, "rejection_category": "LOW_EFFORT"}
ACTIONS: dict[str, dict[str, Any]] = {
    "DONE": {"action": "MANUALLY_REVIEW"},
    "YES": {"action": "AUTOMATICALLY_APPROVE"},
    "OUT": {"action": "FIXED_SCREEN_OUT_PAYMENT", "fixed_screen_out_reward": 10, "slots": 2},
    "BACK": {"action": "REQUEST_RETURN", "return_reason": "No consent"},
}
START = Decimal(100_000)


class OnPlatform(RuleBasedStateMachine):
    """One study, without HTTP."""

    @initialize(
        places=st.integers(1, 3),
        returns=st.booleans(),
        wakes=st.booleans(),
        moves=st.booleans(),
        back=st.booleans(),
    )
    def publish(self, places: int, returns: bool, wakes: bool, moves: bool, back: bool) -> None:
        self.clock = MovableClock()
        self.prolific = FakeProlific(self.clock)
        facts = self.prolific.facts
        facts.return_codes_return, facts.rejection_wakes_stopped = returns, wakes
        facts.paused_moves_on, facts.returned_may_come_back = moves, back
        made = self.ask(
            "POST",
            "studies/",
            {
                "name": "n",
                "description": "d",
                "external_study_url": "https://tasks.example/",
                "prolific_id_option": "url_parameters",
                "total_available_places": places,
                "estimated_completion_time": 5,
                "reward": 100,
                "completion_codes": [
                    {"code": code, "code_type": "OTHER", "actions": [action]}
                    for code, action in ACTIONS.items()
                ],
            },
        )
        self.path = f"studies/{made['id']}/"
        self.ask("POST", f"{self.path}transition/", {"action": "PUBLISH"})

    def ask(self, method: str, path: str, body: Any) -> Any:
        incoming = Incoming(
            method=method,
            path=f"/api/v1/{path}",
            query={},
            body=body,
            authorization=f"Token {self.prolific.token}",
            url="http://platform.example/",
        )
        return self.prolific.api.answer(incoming)[0].body

    @property
    def study(self) -> Study:
        with self.prolific.turn() as state:
            [found] = state.studies.values()
            return found

    @rule(number=PEOPLE, code=st.sampled_from(CODES))
    def take_part(self, number: int, code: str | None) -> None:
        person = self.prolific.participant(number)
        with contextlib.suppress(ParticipantRefusedError):
            person.complete(person.take(self.study.id)[0], code)

    @rule(number=PEOPLE)
    def begin(self, number: int) -> None:
        with contextlib.suppress(ParticipantRefusedError):
            self.prolific.participant(number).take(self.study.id)

    @precondition(lambda self: self.study.submissions)
    @rule(data=st.data(), code=st.sampled_from(CODES))
    def enter_a_code(self, data: st.DataObject, code: str | None) -> None:
        submission = data.draw(st.sampled_from(self.study.submissions))
        with contextlib.suppress(ParticipantRefusedError):
            self.prolific.participant(submission.participant_id).complete(submission, code)

    @precondition(lambda self: self.study.submissions)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        submission = data.draw(st.sampled_from(self.study.submissions))
        with contextlib.suppress(ParticipantRefusedError):
            self.prolific.participant(submission.participant_id).give_back(submission)

    @precondition(lambda self: self.study.submissions)
    @rule(data=st.data(), action=st.sampled_from(["APPROVE", "REJECT", "SCREEN_OUT"]))
    def decide(self, data: st.DataObject, action: str) -> None:
        submission = data.draw(st.sampled_from(self.study.submissions))
        path = f"submissions/{submission.id}/transition/"
        with contextlib.suppress(ApiError):
            self.ask("POST", path, {"action": action, **REJECTION})

    @rule(action=st.sampled_from(["PAUSE", "START", "STOP"]))
    def change_the_study(self, action: str) -> None:
        with contextlib.suppress(ApiError):
            self.ask("POST", f"{self.path}transition/", {"action": action})

    @rule()
    def raise_the_places(self) -> None:
        self.ask("PATCH", self.path, {"total_available_places": self.study.places + 1})

    @rule(seconds=st.sampled_from([60, 700, 3600, 21 * 86_400]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def no_place_is_taken_twice(self) -> None:
        if hasattr(self, "prolific"):
            assert count(self.study, IN_PLACE) <= self.study.places

    @invariant()
    def the_status_follows_from_the_submissions(self) -> None:
        if not hasattr(self, "prolific"):
            return
        study, full = self.study, count(self.study, HANDED_IN) >= self.study.places
        waiting = count(study, frozenset({SubmissionStatus.AWAITING_REVIEW}))
        if study.status is StudyStatus.ACTIVE:
            assert not full
        elif study.status is StudyStatus.AWAITING_REVIEW:
            assert full
            assert waiting
        elif study.status is StudyStatus.COMPLETED and not study.stopped:
            assert full
            assert not waiting

    @invariant()
    def each_reward_is_paid_once_and_from_the_balance(self) -> None:
        if not hasattr(self, "prolific"):
            return
        with self.prolific.turn() as state:
            money = state.money
            spent = sum((money.cost(one.amount).total for one in money.ledger), Decimal(0))
            assert money.balance == START - spent
            assert 0 <= money.available <= money.balance
            rewarded = Counter(one.submission_id for one in money.ledger)
            assert set(rewarded.values()) <= {1}
            paid = {
                one.id
                for one in state.submissions.values()
                if one.status in (SubmissionStatus.APPROVED, SubmissionStatus.SCREENED_OUT)
            }
            assert paid == set(rewarded)


def test_places_statuses_and_money_agree() -> None:
    run_state_machine_as_test(OnPlatform, settings=machine_limits(30, steps=30))
