"""Invariants of a run on Prolific under any sequence of actions, faults and kills.

One study is published, no work is paid twice, all work that was handed in is paid or listed with
the reason, no work is rejected without a person's decision, and at the end no study is open and no
subscription is left. Each switch of the fake is tried in both positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from famulus.model.states import Decision
from famulus_prolific.fake import TOKEN, Fault, Submission
from famulus_prolific.tokens import VARIABLE
from machine_limits import machine_limits
from prolific_machine import Study

if TYPE_CHECKING:
    from famulus.testing.databases import PostgresDatabases

pytestmark = pytest.mark.slow

PEOPLE = st.integers(1, 4)
FAULTS = st.sampled_from([*Fault])
OPERATIONS = st.sampled_from(
    [
        None,
        "create-study",
        "transition-study",
        "update-study",
        "get-submission",
        "get-submissions",
        "transition-submission",
        "bulk-approve-submissions",
        "create-bonus-payments",
        "pay-bonus-payments",
        "create-subscription",
    ]
)
FACTS = st.fixed_dictionaries(
    {
        "errors_in_envelope": st.booleans(),
        "repeats_refused": st.booleans(),
        "publishing_takes": st.sampled_from([timedelta(0), timedelta(seconds=90)]),
        "rejection_wakes_stopped": st.booleans(),
        "paused_moves_on": st.booleans(),
        "expired_reservation": st.sampled_from(["removed", "RETURNED", "TIMED-OUT"]),
        "late_codes_accepted": st.booleans(),
        "returned_may_come_back": st.booleans(),
        "return_codes_return": st.booleans(),
        "bulk_approval_is_strict": st.booleans(),
        "bulk_approval_takes": st.sampled_from([timedelta(0), timedelta(minutes=2)]),
        "paying_twice_refused": st.booleans(),
        "lists_show_metadata": st.booleans(),
        "list_rewards_in_fractions": st.booleans(),
        "list_dates_day_first": st.booleans(),
        "audience": st.sampled_from(["address", "origin", "domain"]),
    }
)
AUTO_APPROVAL = timedelta(days=22).total_seconds()


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)


class OnProlific(RuleBasedStateMachine):
    """One run from its launch to its end."""

    taken = Bundle("taken")

    def __init__(self, address: AbstractContextManager[str | None]) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.address = self.exits.enter_context(address)
        self.folder = Path(self.exits.enter_context(TemporaryDirectory()))

    @initialize(
        rows=st.integers(1, 3),
        lanes=st.integers(1, 2),
        window=st.sampled_from([0, 2]),
        facts=FACTS,
        fault=st.none() | FAULTS,
        secure=st.booleans(),
    )
    def launch(
        self,
        rows: int,
        lanes: int,
        window: int,
        facts: Mapping[str, Any],
        fault: Fault | None,
        secure: bool,
    ) -> None:
        self.study = Study(
            self.folder,
            rows=rows,
            lanes=lanes,
            window=window,
            facts=facts,
            fault=fault,
            address=self.address,
            options={"secure_urls": secure},
        )
        self.exits.callback(self.study.close)

    @rule(target=taken, number=PEOPLE)
    def take(self, number: int) -> object:
        submission = self.study.take(number)
        return multiple() if submission is None else submission

    @rule(number=PEOPLE)
    def do_a_unit(self, number: int) -> None:
        self.study.resume()
        self.study.turn()
        submission = self.study.take(number)
        if submission is not None:
            self.study.answer(submission)
            self.study.come_back(submission)

    @rule(submission=taken)
    def load_again(self, submission: Submission) -> None:
        self.study.open(submission)

    @rule(submission=taken)
    def answer(self, submission: Submission) -> None:
        self.study.answer(submission)

    @rule(submission=taken)
    def answer_and_come_back(self, submission: Submission) -> None:
        self.study.answer(submission)
        self.study.come_back(submission)

    @rule(submission=taken)
    def come_back(self, submission: Submission) -> None:
        self.study.come_back(submission)

    @rule(submission=taken)
    def give_back(self, submission: Submission) -> None:
        self.study.give_back(submission)

    @rule(seconds=st.sampled_from([1, 20, 70, 200, 700, 90_000, AUTO_APPROVAL]))
    def wait(self, seconds: float) -> None:
        self.study.clock.advance(seconds)

    @rule()
    def turn(self) -> None:
        self.study.turn()

    @rule()
    def sync(self) -> None:
        self.study.sync()

    @rule(fault=FAULTS, operation=OPERATIONS)
    def plan_fault(self, fault: Fault, operation: str | None) -> None:
        self.study.prolific.faults.plan(fault, operation)

    @rule(seconds=st.sampled_from([0, 40]))
    def lists_lag_behind(self, seconds: int) -> None:
        self.study.prolific.faults.lists_late = timedelta(seconds=seconds)

    @rule(calls=st.integers(0, 5), after=st.booleans())
    def kill(self, calls: int, after: bool) -> None:
        self.study.kills.calls, self.study.kills.after = calls, after

    @rule(again=st.booleans())
    def stop_or_resume(self, again: bool) -> None:
        if again:
            self.study.resume()
        else:
            self.study.stop()

    @rule()
    def accept_all(self) -> None:
        self.study.review(Decision.ACCEPTED)

    @rule()
    def reject_all(self) -> None:
        self.study.reject_all()

    @rule()
    def request_returns(self) -> None:
        self.study.request_returns()

    @rule()
    def accept_and_reward(self) -> None:
        self.study.review(Decision.ACCEPTED)
        self.study.sync()
        self.study.give_bonus()

    @rule()
    def retry(self) -> None:
        self.study.retry()

    @invariant()
    def nothing_is_twice_and_nothing_is_made_up(self) -> None:
        if hasattr(self, "study"):
            self.study.check_studies()
            self.study.check_money()
            self.study.check_statuses()
            self.study.check_rejections()

    def teardown(self) -> None:
        with self.exits:
            if hasattr(self, "study"):
                self.study.finish()
                self.study.settle_down()
                self.nothing_is_twice_and_nothing_is_made_up()
                self.study.check_end()


def machine(lend: Callable[[], AbstractContextManager[str | None]]) -> type[OnProlific]:
    """Return the machine on databases that are lent, another one each time."""

    class OnLent(OnProlific):
        def __init__(self) -> None:
            super().__init__(lend())

    return OnLent


def test_a_run_on_sqlite() -> None:
    """The database is a file in the study's folder."""
    run_state_machine_as_test(machine(nullcontext), settings=machine_limits(4, steps=30))


def test_a_run_on_postgresql(
    postgres: PostgresDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "a-key-for-tests-of-32-characters")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "files"))

    run_state_machine_as_test(machine(postgres.lend), settings=machine_limits(2, steps=30))
