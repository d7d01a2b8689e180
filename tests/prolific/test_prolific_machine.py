"""Invariants of a run on Prolific under any sequence of actions, faults and kills.

One study is published, no work is paid twice, all work that was handed in is paid or listed with
the reason, no work is rejected without a person's decision, no worker is invited without a free
unit, or sent away while one was returned, the local status is Prolific's, and at the end no study
is open and no subscription is left.
Each switch of the fake is tried in every position.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from famulus.model.states import Decision, UnitStatus
from famulus_prolific.fake import TOKEN, Fault, Submission
from famulus_prolific.fake.routes import ROUTES
from famulus_prolific.rejections import CATEGORIES
from famulus_prolific.tokens import VARIABLE
from lent_databases import Lend, on_lent
from machine_limits import machine_limits
from prolific_invariants import check_always, check_end, check_refused
from prolific_machine import FAILED, SCREENED_OUT, Setup, Study
from prolific_switches import POSITIONS

pytestmark = pytest.mark.slow

PEOPLE = st.integers(1, 5)
FAULTS = st.sampled_from([*Fault])
OPERATIONS = st.none() | st.sampled_from([*ROUTES])
FACTS = st.fixed_dictionaries(
    {name: st.sampled_from(positions) for name, positions in POSITIONS.items()}
)
MISSING = st.sampled_from([frozenset(), frozenset(), frozenset({"webhooks"})])
#: what a person does on the site of Prolific
ACTIONS = ["APPROVE", "REJECT", "RETURN", "SCREEN_OUT", "UNREJECT"]
#: of how many units a person decides at once
SHARES = st.sampled_from([None, 1])
AUTO_APPROVAL = timedelta(days=22).total_seconds()
#: steps after which the run may be finished, and goes on as one that is over
LATE = 30


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


class OnProlific(RuleBasedStateMachine):
    """One run from its launch to its end."""

    taken = Bundle("taken")

    def __init__(self, address: AbstractContextManager[str | None]) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.address = self.exits.enter_context(address)
        self.folder = Path(self.exits.enter_context(TemporaryDirectory()))
        self.steps = 0

    @initialize(
        setup=st.builds(
            Setup,
            rows=st.integers(1, 3),
            lanes=st.integers(1, 2),
            window=st.sampled_from([0, 2]),
            facts=FACTS,
            missing=MISSING,
            fault=st.none() | FAULTS,
            secure_urls=st.booleans(),
            slots=st.sampled_from([None, None, 0, 1, 2]),
        )
    )
    def launch(self, setup: Setup) -> None:
        self.study = Study(self.folder, setup, address=self.address)
        self.exits.callback(self.study.close)

    @rule(target=taken, number=PEOPLE)
    def take(self, number: int) -> object:
        return self.take_and_check(number)

    def take_and_check(self, number: int) -> object:
        submission = self.study.take(number)
        if submission is None:
            return multiple()
        check_refused(self.study, submission)
        return submission

    @rule(target=taken, number=PEOPLE)
    def do_a_unit(self, number: int) -> object:
        self.study.resume()
        self.study.turn()
        submission = self.study.take(number)
        if submission is None:
            return multiple()
        self.study.work(submission)
        self.study.come_back(submission)
        return submission

    @rule(submission=taken)
    def load_again(self, submission: Submission) -> None:
        self.study.open(submission)

    @rule(submission=taken)
    def answer(self, submission: Submission) -> None:
        self.study.answer(submission)

    @rule(submission=taken)
    def answer_and_come_back(self, submission: Submission) -> None:
        self.study.work(submission)
        self.study.come_back(submission)

    @rule(submission=taken, answer=st.sampled_from([SCREENED_OUT, SCREENED_OUT, FAILED]))
    def fail_the_onboarding(self, submission: Submission, answer: str) -> None:
        self.study.answer(submission, answer)
        self.study.come_back(submission)

    @rule(submission=taken)
    def come_back(self, submission: Submission) -> None:
        self.study.come_back(submission)

    @rule(submission=taken, code=st.sampled_from([None, "A-CODE-OF-A-FORUM"]))
    def enter_another_code(self, submission: Submission, code: str | None) -> None:
        self.study.enter(submission, code)

    @rule(submission=taken)
    def give_back(self, submission: Submission) -> None:
        self.study.give_back(submission)

    @rule(target=taken, rejects=st.booleans())
    def come_after_another(self, rejects: bool) -> object:
        """Have all places taken, and another participant come for one that is free again."""
        self.study.resume()
        self.study.turn()
        came = [*filter(None, map(self.study.take, range(1, 6)))]
        if not came:
            return multiple()
        if rejects:
            self.study.work(came[-1])
            self.study.come_back(came[-1])
            self.study.decide_there(came[-1], "REJECT")
        else:
            self.study.give_back(came[-1])
        return self.take_and_check(6)

    @rule(target=taken, number=PEOPLE, rejects=st.booleans())
    def answer_after_the_end(self, number: int, rejects: bool) -> object:
        """Have a participant answer here when their submission is known to have ended there."""
        self.study.resume()
        self.study.turn()
        submission = self.study.take(number)
        if submission is None:
            return multiple()
        if rejects:
            self.study.enter(submission, None)
            self.study.decide_there(submission, "REJECT")
        else:
            self.study.give_back(submission)
        self.study.sync()
        self.study.work(submission)
        return submission

    @rule(
        submission=taken,
        name=st.sampled_from(["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"]),
        other=st.none() | taken,
    )
    def forge_an_arrival(self, submission: Submission, name: str, other: Submission | None) -> None:
        same = {
            "PROLIFIC_PID": submission.participant_id,
            "STUDY_ID": submission.study.id,
            "SESSION_ID": submission.id,
        }
        value = f"{0xDEAD:024x}"
        if other is not None and name != "STUDY_ID":
            value = other.id if name == "SESSION_ID" else other.participant_id
        page = self.study.forge_arrival(submission, name, value)
        if page is not None and value != same[name]:
            assert not page.has_form, "an address that was made up leads to work"

    @rule(seconds=st.sampled_from([1, 20, 70, 200, 700, 4000, 90_000, 700_000, AUTO_APPROVAL]))
    def wait(self, seconds: float) -> None:
        self.study.clock.advance(seconds)

    @rule()
    def turn(self) -> None:
        self.study.turn()

    @rule()
    def sync(self) -> None:
        self.study.sync()

    @rule(copies=st.integers(1, 2), newest_first=st.booleans())
    def deliver_events(self, copies: int, newest_first: bool) -> None:
        self.study.deliver(copies=copies, newest_first=newest_first)

    @rule()
    def lose_events(self) -> None:
        self.study.lose_events()

    @rule(
        forged=st.sampled_from(
            [
                ("body", '{"event_type": "study.status.change", "resource_id": "1"}'),
                ("x-prolific-request-signature", "Zm9yZ2Vk"),
                ("x-prolific-request-timestamp", "1"),
            ]
        )
    )
    def forge_an_event(self, forged: tuple[str, str]) -> None:
        before = self.study.requested_syncs
        assert self.study.forge_event(*forged) in (None, 403, 503)
        assert self.study.requested_syncs == before, "a forged event has requested a sync"

    @rule(withdraw=st.booleans())
    def rotate_the_keys(self, withdraw: bool) -> None:
        with self.study.prolific.turn():
            self.study.prolific.signing.rotate(withdraw=withdraw)

    @rule(fault=FAULTS, operation=OPERATIONS)
    def plan_fault(self, fault: Fault, operation: str | None) -> None:
        self.study.plan_fault(fault, operation)

    @rule(fault=FAULTS, operation=st.sampled_from(["create-bonus-payments", "pay-bonus-payments"]))
    def reward_with_a_fault(self, fault: Fault, operation: str) -> None:
        self.study.plan_fault(fault, operation)
        self.study.give_bonus()

    @rule(seconds=st.sampled_from([0, 40]))
    def lists_lag_behind(self, seconds: int) -> None:
        self.study.prolific.faults.lists_late = timedelta(seconds=seconds)

    @rule(vanish=st.booleans())
    def bonuses_vanish(self, vanish: bool) -> None:
        self.study.prolific.faults.bonuses_vanish = vanish

    @rule(calls=st.integers(0, 12), after=st.booleans())
    def kill(self, calls: int, after: bool) -> None:
        self.study.kills.calls, self.study.kills.after = calls, after

    @rule(again=st.booleans())
    def stop_or_resume(self, again: bool) -> None:
        if again:
            self.study.resume()
        else:
            self.study.stop()

    @precondition(lambda self: self.steps > LATE)
    @rule()
    def finish(self) -> None:
        self.study.finish()

    @rule(decision=st.sampled_from([Decision.ACCEPTED, Decision.SOFT_REJECTED]), most=SHARES)
    def accept(self, decision: Decision, most: int | None) -> None:
        self.study.review(decision, most=most)

    @rule(category=st.sampled_from([*CATEGORIES]), most=SHARES)
    def reject(self, category: str, most: int | None) -> None:
        self.study.reject(category, most=most)

    @rule()
    def correct_rejections(self) -> None:
        self.study.review(Decision.ACCEPTED, status=UnitStatus.REJECTED)

    @rule()
    def request_returns(self) -> None:
        self.study.request_returns()

    @rule(submission=taken, action=st.sampled_from(ACTIONS))
    def decide_there(self, submission: Submission, action: str) -> None:
        self.study.decide_there(submission, action)

    @rule(amount=st.sampled_from(["0.10", "0.10", "0.25"]), again=st.booleans())
    def accept_and_reward(self, amount: str, again: bool) -> None:
        self.study.review(Decision.ACCEPTED)
        self.study.sync()
        self.study.give_bonus(amount, again=again)

    @rule()
    def retry(self) -> None:
        self.study.retry()

    @rule(most=SHARES)
    def write(self, most: int | None) -> None:
        self.study.write(f"Message {self.steps}.", most=most)

    @invariant()
    def nothing_is_twice_and_nothing_is_made_up(self) -> None:
        self.steps += 1
        if hasattr(self, "study"):
            check_always(self.study)

    def teardown(self) -> None:
        with self.exits:
            if hasattr(self, "study"):
                self.study.finish()
                self.study.settle_down()
                check_end(self.study)


def test_a_run_on_sqlite() -> None:
    """The database is a file in the study's folder."""
    run_state_machine_as_test(
        on_lent(OnProlific, nullcontext), settings=machine_limits(40, steps=50)
    )


def test_a_run_on_postgresql(lend_postgres: Lend) -> None:
    run_state_machine_as_test(
        on_lent(OnProlific, lend_postgres), settings=machine_limits(10, steps=50)
    )
