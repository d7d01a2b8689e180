"""The provider keeps the rules of a provider, against the fake."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from famulus import PlatformRequest, VisitOutcome, VisitView
from famulus.testing import MovableClock, PluginHarness, ProviderConformance
from famulus.testing.conformance.rehearsal_rules import set_environment
from famulus_prolific.fake import FakeProlific, Fault, Participant, SubmissionStatus
from famulus_prolific.provider import ProlificProvider
from famulus_prolific.rehearsal import ProlificRehearsal
from famulus_prolific.schema import SCHEMA
from prolific_bench import parameters


def _id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class TestProlific(ProviderConformance):
    provider = ProlificProvider
    schemas = (SCHEMA,)
    task_options: ClassVar = {"estimated_minutes": 1}
    bad_registrations = (
        {"token": "wrong"},
        {"api_url": "http://127.0.0.1:9"},
        {"api_url": "http://["},
        {"workspace": "no-such-workspace"},
    )
    prolific: FakeProlific
    rehearsal_options: dict[str, Any]
    #: where workers were sent who have begun, by their names and references
    begun: dict[tuple[str, str], dict[str, str]]

    @pytest.fixture(autouse=True)
    def _platform(
        self, clock: MovableClock, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        with ProlificRehearsal(clock) as rehearsal:
            set_environment(monkeypatch, rehearsal.environment)
            self.prolific, self.begun = rehearsal.prolific, {}
            self.rehearsal_options = dict(rehearsal.options)
            # A payment is confirmed once it shows; those of one submission are made one by one.
            self.prolific.facts.bonuses_take = timedelta(0)
            self.prolific.facts.paying_takes = timedelta(0)
            where = dict(rehearsal.registration)
            monkeypatch.setattr(type(self), "good_registration", where)
            bad = [{**where, **each} for each in self.bad_registrations]
            monkeypatch.setattr(type(self), "bad_registrations", bad)
            yield

    def query(self, worker: str, reference: str) -> dict[str, str]:
        if (worker, reference) not in self.begun:
            person = self.prolific.participant(_id(worker))
            self._hand_in(person)
            for study in person.studies():
                _, url = person.take(study.id)
                self.begun[worker, reference] = parameters(url)
        return self.begun.get((worker, reference)) or {
            "PROLIFIC_PID": _id(worker),
            "STUDY_ID": _id("study"),
            "SESSION_ID": _id(reference),
        }

    def _hand_in(self, person: Participant) -> None:
        """Hand in what a participant is at, since they can be at one submission to a study."""
        with self.prolific.turn() as state:
            theirs = [one for one in state.submissions.values() if one.participant_id == person.id]
        for each in theirs:
            if each.status == SubmissionStatus.ACTIVE:
                done = next(one for one in each.study.codes if one.action("MANUALLY_REVIEW"))
                person.complete(each, done.code)

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {**self.rehearsal_options, "submissions_per_participant": 0}

    def submitted_visit(self, harness: PluginHarness) -> VisitView:
        provider, run = harness.provider(), harness.run_view()
        provider.set_places(run, 1)
        person = self.prolific.participant(1)
        submission, url = person.take(person.studies()[0].id)
        visit = VisitView(
            id=1,
            run_id=run.id,
            worker_name=person.id,
            reference=submission.id,
            query=parameters(url),
        )
        leave = provider.completion(visit, VisitOutcome.COMPLETED)
        person.complete(submission, str(getattr(leave, "url", "")).rpartition("=")[2])
        return visit

    def unpayable_visit(self, harness: PluginHarness) -> VisitView:
        """Return a visit whose submission Prolific does not have."""
        run = harness.run_view()
        reference = _id("deleted")
        return VisitView(id=2, run_id=run.id, worker_name=_id("gone"), reference=reference)

    @contextmanager
    def losing_a_reply(self, harness: PluginHarness) -> Iterator[None]:
        self.prolific.faults.plan(Fault.LOSE_REPLY, "pay-bonus-payments")
        yield

    def platform_request(
        self, harness: PluginHarness, worker: str, reference: str
    ) -> PlatformRequest | None:
        with self.prolific.turn() as state:
            (secret,) = state.secrets.values()
            (workspace,) = state.workspaces
        assert secret.workspace_id == workspace
        event = {
            "event_type": "submission.status.change",
            "resource_id": self.query(worker, reference)["SESSION_ID"],
            "participant_id": _id(worker),
            "status": "AWAITING REVIEW",
        }
        at, body = str(int(harness.clock().timestamp())), json.dumps(event).encode()
        signed = hmac.new(secret.value.encode(), at.encode() + body, hashlib.sha256).digest()
        return PlatformRequest(
            body=body,
            headers={
                "x-prolific-request-timestamp": at,
                "x-prolific-request-signature": base64.b64encode(signed).decode(),
            },
        )

    def platform_state(self) -> object:
        with self.prolific.turn() as state:
            return (
                [
                    (study.id, study.status, study.places, study.reward)
                    for study in state.studies.values()
                ],
                [(one.id, one.status, len(one.bonuses)) for one in state.submissions.values()],
                [(group.name, sorted(group.members)) for group in state.groups.values()],
                [(one.event_type, one.is_enabled) for one in state.subscriptions.values()],
                len(state.secrets),
                list(state.money.ledger),
                list(state.messages),
            )
