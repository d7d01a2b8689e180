"""A run on a fake Prolific with the real engine, whose process can be killed at any call."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field

from famulus import ConflictError
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.model.states import SUBMITTED_VISITS, Decision, PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, VisitTable, WorkerTable
from famulus.testing.conformance.harness import PluginUnderTest
from famulus.testing.inprocess import Seen, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.api import ProlificApi
from famulus_prolific.fake import (
    FakeProlific,
    Fault,
    ParticipantRefusedError,
    StudyStatus,
    Submission,
    SubmissionStatus,
)
from famulus_prolific.parts import Parts
from famulus_prolific.provider import ProlificProvider
from famulus_prolific.schema import SCHEMA
from killable_run import KillableRun, KillPlan

_CODE = "/submissions/complete?cc="
_RULES = PlatformRules(provider_type="prolific", capabilities=ProlificProvider.capabilities)
_LIVE = frozenset({StudyStatus.PUBLISHING, StudyStatus.ACTIVE, StudyStatus.SCHEDULED})


@define(eq=False)
class KillableApi(ProlificApi):
    """Makes real calls until the process is killed."""

    kills: KillPlan = field(factory=KillPlan, kw_only=True)

    def _sent(self, send: Callable[[Any], Any]) -> Any:
        self.kills.check(after=False)
        answer = super()._sent(send)
        self.kills.check(after=True)
        return answer


class Study(KillableRun):
    """A requester with one study, participants and a clock."""

    reason = "The answers are of one letter each, which the instructions say is not accepted. " * 2

    def __init__(
        self,
        folder: Path,
        *,
        rows: int,
        lanes: int,
        window: int = 0,
        address: str | None = None,
        facts: Mapping[str, Any] | None = None,
        fault: Fault | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        clock, kills = MovableClock(), KillPlan()
        self.prolific = FakeProlific(clock).__enter__()
        for name, value in (facts or {}).items():
            setattr(self.prolific.facts, name, value)
        if fault is not None:
            self.prolific.faults.plan(fault, "create-study")
        provider = _killable_provider(kills, self.prolific.token)
        plugins = kit_plugins(prolific=PluginUnderTest(providers=[provider], schemas=[SCHEMA]))
        super().__init__(folder, plugins, clock, kills, address=address)
        self.add_requester("prolific")
        self.gateway = self.operator.launch_rows(
            [{"n": n} for n in range(rows)],
            provider="prolific",
            blueprint={"units_per_assignment": lanes},
            public_url="https://tasks.example.org/",
            provider_options={
                "api_url": self.prolific.api_url,
                "site_url": self.prolific.site_url,
                **(options or {}),
            },
            max_num_concurrent_units=window,
            task_reward="1.00",
            estimated_minutes=5,
            assignment_duration_in_seconds=1800,
            submission_timeout=900,
            no_submission_patience=10**8,
            task_lifetime_in_seconds=86400 * 300,
        )
        self.run = self.gateway.run_id
        #: whether a person has rejected anything
        self.has_rejected = False
        #: the code of the last page of each submission
        self.codes: dict[str, str] = {}

    def close(self) -> None:
        """Close everything, in any state."""
        self.prolific.faults.clear()
        self.gateway.close()
        self.database.close()
        self.prolific.__exit__(None, None, None)

    def clear_faults(self) -> None:
        self.prolific.faults.clear()

    def take(self, number: int) -> Submission | None:
        """Have a participant take a place and open the page of the run."""
        person = self.prolific.participant(number)
        for study in person.studies():
            try:
                submission = person.reserve(study.id)
            except ParticipantRefusedError:
                return None
            self.open(submission)
            return submission
        return None

    def open(self, submission: Submission) -> Seen | None:
        """Open the page of the run, or load it again."""
        person = self.prolific.participant(submission.participant_id)
        try:
            url = person.start(submission)
        except ParticipantRefusedError:
            return None
        page = self.open_page(submission.id, dict(parse_qsl(urlsplit(url).query)))
        self._keep_code(submission, page.text)
        return page

    def answer(self, submission: Submission) -> None:
        """Submit the page to us."""
        reply = self.answer_page(submission.id) if submission.id in self.pages else None
        if reply is not None:
            self._keep_code(submission, reply.text)

    def come_back(self, submission: Submission) -> None:
        """Have the browser go back to Prolific with the code of the last page, if it has one."""
        code = self.codes.get(submission.id)
        if code is not None:
            person = self.prolific.participant(submission.participant_id)
            # Refused where the time is over, or it was handed in or returned before.
            with contextlib.suppress(ParticipantRefusedError):
                person.complete(submission, code)

    def give_back(self, submission: Submission) -> None:
        """Return the submission, which is possible even after it was handed in."""
        with contextlib.suppress(ParticipantRefusedError):
            self.prolific.participant(submission.participant_id).give_back(submission)

    def check_studies(self) -> None:
        """Only one study of the run was ever published."""
        with self.prolific.turn() as state:
            published = [one for one in state.studies.values() if one.published_at is not None]
        assert len(published) <= 1, "two studies of one run were published"

    def check_money(self) -> None:
        """No work is paid twice, and every bonus is in the ledger."""
        with self.prolific.turn() as state:
            rewards = Counter(one.submission_id for one in state.money.ledger if not one.bulk_id)
            bonuses = Counter(one.submission_id for one in state.money.ledger if one.bulk_id)
            bulks = [one for one in state.bulks.values() if len(one.paid_at) > 1]
        assert set(rewards.values()) <= {1}, "a reward was paid twice"
        assert set(bonuses.values()) <= {1}, "a bonus was paid twice"
        assert bulks == [], "a set of bonuses was paid twice"
        query = PaymentTable.select(PaymentTable.id).where(
            PaymentTable.kind == PaymentKind.BONUS, PaymentTable.status != PaymentStatus.FAILED
        )
        with self.database.read() as tx:
            promised = len(tx.rows(query))
        assert len(bonuses) <= promised, "a bonus was paid that the ledger calls unpaid"

    def check_statuses(self) -> None:
        """Every visit that is shown as submitted was handed in."""
        with self.prolific.turn() as state:
            handed_in = {
                one.id for one in state.submissions.values() if one.completed_at is not None
            }
        query = (
            VisitTable.select(VisitTable.reference, WorkerTable.name)
            .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
            .where(VisitTable.status << SUBMITTED_VISITS)
        )
        with self.database.read() as tx:
            shown = {row.reference for row in tx.rows(query)}
        assert shown <= handed_in, "something is shown as submitted that was not"

    def check_rejections(self) -> None:
        """Only a person's decision rejects, with a category and a reason, and not too early."""
        with self.prolific.turn() as state:
            rejected = [
                one for one in state.submissions.values() if one.status is SubmissionStatus.REJECTED
            ]
        days = timedelta(days=ProlificProvider.capabilities.days_before_rejection)
        for one in rejected:
            assert one.rejection is not None
            if one.return_requested is not None:
                assert one.history[-1][1] - one.return_requested >= days, "rejected too early"
        assert self.has_rejected or rejected == [], "work was rejected that no person rejected"

    def check_end(self) -> None:
        """Nothing is open, and all work is decided or listed with the reason."""
        listed = self.doctor
        with self.prolific.turn() as state:
            live = [one for one in state.studies.values() if one.status in _LIVE]
            paused = [one for one in state.studies.values() if one.status is StudyStatus.PAUSED]
            subscriptions = list(state.subscriptions.values())
            waiting = [
                one
                for one in state.submissions.values()
                if one.status is SubmissionStatus.AWAITING_REVIEW
            ]
        assert live == [], "a study is still open after the end"
        # One that a rejection has woken after the end is paused, in case that the run goes on.
        may_wake = self.prolific.facts.rejection_wakes_stopped
        assert may_wake or paused == [], "a study is only paused after the end"
        assert subscriptions == [], "a subscription is left after the end"
        for one in waiting:
            is_listed = one.participant_id in listed or one.id in listed
            assert is_listed, (
                f"{one.participant_id} is unpaid for {one.id} ({one.entered_code}), and the doctor"
                f" does not list it:\n{listed}"
            )

    def reject_all(self) -> None:
        """Reject every completed unit, as a person would."""
        self.has_rejected = True
        self.review(Decision.REJECTED, Terms(category="LOW_EFFORT", rules=_RULES))

    def decide(self, unit: int, decision: Decision, terms: Terms) -> None:
        # Refused until the days have passed that a participant has to return the submission.
        with contextlib.suppress(ConflictError):
            super().decide(unit, decision, terms)

    def request_returns(self) -> None:
        """Ask for the return of every completed unit."""
        self.review(Decision.RETURN_REQUESTED, Terms(rules=_RULES))

    def _keep_code(self, submission: Submission, text: str) -> None:
        _, found, rest = text.partition(_CODE)
        if found:
            self.codes[submission.id] = "".join(letter for letter in rest[:12] if letter.isalnum())


def _killable_provider(kills: KillPlan, token: str) -> type[ProlificProvider]:
    class KillableParts(Parts):
        def make_api(self, token: str, api_url: str | None) -> ProlificApi:
            plain = super().make_api(token, api_url)
            return KillableApi(token, plain.base_url, clock=plain.clock, kills=kills)

    class KillableProvider(ProlificProvider):
        type = "prolific"

        def __init__(self, args: Any, context: Any) -> None:
            super().__init__(args, context)
            self._parts = KillableParts(args, context)

    return KillableProvider
