"""Invariants of a run on MTurk under any sequence of actions, faults and kills.

No HIT is created twice, no work is paid twice, all submitted work is paid or listed with the
reason, no HIT is open after the end, and every visit that is shown as submitted was submitted.
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
    rule,
    run_state_machine_as_test,
)

from famulus.model.states import Decision
from famulus_mturk.fake import Fault, HitPage
from lent_databases import Lend, on_lent
from machine_limits import machine_limits
from mturk_machine import AUTO_APPROVAL, Size, Study

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
Accepted = tuple[str, HitPage]


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each fault reach the engine, instead of boto3's own retries."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


class OnMturk(RuleBasedStateMachine):
    """One run from its launch to its end."""

    accepted = Bundle("accepted")

    def __init__(self, address: AbstractContextManager[str | None]) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.address = self.exits.enter_context(address)
        self.folder = Path(self.exits.enter_context(TemporaryDirectory()))

    @initialize(
        size=st.builds(
            Size,
            rows=st.integers(1, 3),
            lanes=st.integers(1, 2),
            window=st.sampled_from([0, 2]),
        ),
        fault=st.none() | FAULTS,
    )
    def launch(self, size: Size, fault: Fault | None) -> None:
        self.study = Study(self.folder, size, fault=fault, address=self.address)
        self.exits.callback(self.study.close)

    @rule(target=accepted, worker=WORKERS)
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

    @rule(accept=accepted)
    def load_again(self, accept: Accepted) -> None:
        self.study.open(*accept)

    @rule(accept=accepted)
    def answer_and_submit(self, accept: Accepted) -> None:
        self.study.answer(*accept)
        self.study.post(*accept)

    @rule(accept=accepted)
    def answer(self, accept: Accepted) -> None:
        self.study.answer(*accept)

    @rule(accept=accepted)
    def submit_to_mturk(self, accept: Accepted) -> None:
        self.study.post(*accept)

    @rule(accept=accepted)
    def give_back(self, accept: Accepted) -> None:
        self.study.give_back(*accept)

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
    def plan_fault(self, fault: Fault, operation: str | None) -> None:
        self.study.account.faults.plan(fault, operation)

    @rule(seconds=st.sampled_from([0, 40]))
    def mturk_lags_behind(self, seconds: int) -> None:
        lag = timedelta(seconds=seconds)
        self.study.account.faults.lists_late = self.study.account.faults.counts_stale = lag

    @rule(calls=st.integers(0, 4), after=st.booleans())
    def kill(self, calls: int, after: bool) -> None:
        self.study.kills.calls, self.study.kills.after = calls, after

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
        with self.exits:
            if hasattr(self, "study"):
                self.study.finish()
                self.study.settle_down()
                self.nothing_is_twice_and_nothing_is_made_up()
                self.study.check_end()


def test_a_run_on_sqlite() -> None:
    """The database is a file in the study's folder."""
    run_state_machine_as_test(on_lent(OnMturk, nullcontext), settings=machine_limits(4, steps=30))


def test_a_run_on_postgresql(lend_postgres: Lend) -> None:
    run_state_machine_as_test(on_lent(OnMturk, lend_postgres), settings=machine_limits(2, steps=30))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("calls", [0, 2, 4])
def test_work_is_paid_or_listed_when_kills_surround_an_automatic_approval(
    database_address: str, tmp_path: Path, calls: int, after: bool
) -> None:
    """The machine once found unpaid work after these steps, and never again."""
    study = Study(tmp_path / "study", Size(rows=2, lanes=1, window=0), address=database_address)
    try:
        first = study.accept("A1")
        assert first is not None
        study.answer("A1", first)
        study.post("A1", first)
        study.kills.calls, study.kills.after = calls, after
        study.clock.advance(AUTO_APPROVAL)
        study.turn()
        second = study.accept("A2")
        if second is not None:
            study.answer("A2", second)
            study.post("A2", second)
        study.kills.calls, study.kills.after = calls, True

        study.finish()
        study.settle_down()

        study.check_hits()
        study.check_money()
        study.check_statuses()
        study.check_end()
    finally:
        study.close()
