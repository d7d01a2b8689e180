"""Whatever requester, workers, time, faults and kills do to a run: no HIT twice, nobody paid twice,
nobody who submitted unpaid without a listed reason, no open HIT after the end, and nothing shown as
submitted that was not.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from famulus.model.states import Decision
from famulus_mturk.fake import Fault, Shown
from mturk_machine import AUTO_APPROVAL, Study

pytestmark = pytest.mark.slow

WORKERS = st.sampled_from(["A1", "A2", "A3"])
FAULTS = st.sampled_from([Fault.FAIL, Fault.FAIL_AFTER, Fault.LOSE_REPLY, Fault.TWICE])
OPERATIONS = st.sampled_from(
    [
        None,
        "CreateHITWithHITType",
        "SendBonus",
        "ApproveAssignment",
        "RejectAssignment",
        "UpdateExpirationForHIT",
    ]
)
Held = tuple[str, Shown]


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each fault be seen, instead of hidden by boto3's own attempts."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


class OnMturk(RuleBasedStateMachine):
    """One run from its launch to its end."""

    held = Bundle("held")

    @initialize(
        rows=st.integers(1, 3),
        lanes=st.integers(1, 2),
        window=st.sampled_from([0, 2]),
        trouble=st.none() | FAULTS,
    )
    def launch(self, rows: int, lanes: int, window: int, trouble: Fault | None) -> None:
        self.study = Study(
            Path(tempfile.mkdtemp()), rows=rows, lanes=lanes, window=window, trouble=trouble
        )

    @rule(target=held, worker=WORKERS)
    def accept(self, worker: str) -> object:
        shown = self.study.accept(worker)
        return multiple() if shown is None else (worker, shown)

    @rule(worker=WORKERS)
    def do_a_unit(self, worker: str) -> None:
        self.study.resume()
        self.study.turn()
        shown = self.study.accept(worker)
        if shown is not None:
            self.study.answer(worker, shown)
            self.study.post(worker, shown)

    @rule(held=held)
    def load_again(self, held: Held) -> None:
        self.study.open(*held)

    @rule(held=held)
    def answer_and_submit(self, held: Held) -> None:
        self.study.answer(*held)
        self.study.post(*held)

    @rule(held=held)
    def answer(self, held: Held) -> None:
        self.study.answer(*held)

    @rule(held=held)
    def submit_to_mturk(self, held: Held) -> None:
        self.study.post(*held)

    @rule(held=held)
    def give_back(self, held: Held) -> None:
        self.study.give_back(*held)

    @rule(seconds=st.sampled_from([1, 20, 70, 150, 650, 90_000, AUTO_APPROVAL]))
    def wait(self, seconds: float) -> None:
        self.study.clock.advance(seconds)

    @rule()
    def turn(self) -> None:
        self.study.turn()

    @rule()
    def sync(self) -> None:
        self.study.sync()

    @rule(fault=FAULTS, operation=OPERATIONS)
    def trouble(self, fault: Fault, operation: str | None) -> None:
        self.study.account.faults.plan(fault, operation)

    @rule(seconds=st.sampled_from([0, 40]))
    def mturk_lags_behind(self, seconds: int) -> None:
        lag = timedelta(seconds=seconds)
        self.study.account.faults.lists_late = self.study.account.faults.counts_stale = lag

    @rule(calls=st.integers(0, 4), after=st.booleans())
    def doom(self, calls: int, after: bool) -> None:
        self.study.doom.calls, self.study.doom.after = calls, after

    @rule(again=st.booleans())
    def stop_or_resume(self, again: bool) -> None:
        if again:
            self.study.resume()
        else:
            self.study.stop()

    @rule(decision=st.sampled_from([Decision.ACCEPTED, Decision.REJECTED]))
    def review(self, decision: Decision) -> None:
        self.study.review(decision)

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
            self.study.check_hits()
            self.study.check_money()
            self.study.check_statuses()

    def teardown(self) -> None:
        if not hasattr(self, "study"):
            return
        try:
            self.study.finish()
            self.study.settle_down()
            self.nothing_is_twice_and_nothing_is_made_up()
            self.study.check_end()
        finally:
            self.study.close()
            shutil.rmtree(self.study.folder)


TestOnMturk = OnMturk.TestCase
TestOnMturk.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
