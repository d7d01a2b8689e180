"""A run on a fake Prolific with the real engine, whose process can be killed at any call."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from famulus import (
    ConflictError,
    FamulusError,
    NotPassed,
    PlatformRequest,
    UnavailableError,
    register_requester,
)
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.model.states import Decision
from famulus.model.tables import TaskRunTable
from famulus.testing.conformance.harness import PluginUnderTest
from famulus.testing.inprocess import Seen, kit_plugins
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.api import ProlificApi
from famulus_prolific.fake import (
    FakeProlific,
    Fault,
    ParticipantRefusedError,
    Submission,
)
from famulus_prolific.messages import Messages
from famulus_prolific.parts import Parts
from famulus_prolific.provider import ProlificProvider
from famulus_prolific.records import StudyRecords
from famulus_prolific.schema import SCHEMA
from killable_run import KillableRun, Killed, KillPlan

_CODE = "/submissions/complete?cc="
_URL = "https://tasks.example.org/"
RULES = PlatformRules(provider_type="prolific", capabilities=ProlificProvider.capabilities)
#: What a participant answers who is to be screened out, or fails the onboarding.
SCREENED_OUT, FAILED = "screened out", "failed"
#: The reward of a screen-out.
SCREEN_OUT_REWARD = Decimal("0.20")
_VERDICT_THERE = {
    "message": "Rejected on the site of Prolific, by a person who has read all answers. " * 2,
    "rejection_category": "OTHER",
}


@define(eq=False)
class KillableApi(ProlificApi):
    """Makes real calls until the process is killed."""

    kills: KillPlan = field(factory=KillPlan, kw_only=True)

    def _sent(self, send: Callable[[Any], Any]) -> Any:
        self.kills.check(after=False)
        answer = super()._sent(send)
        self.kills.check(after=True)
        return answer


@frozen(kw_only=True)
class Setup:
    """What a run begins with."""

    rows: int = 2
    lanes: int = 1
    window: int = 0
    #: switches of the fake
    facts: Mapping[str, Any] = field(factory=dict)
    #: features that the workspace has not
    missing: frozenset[str] = frozenset()
    #: of the first creation of a study
    fault: Fault | None = None
    secure_urls: bool = False
    #: screen-outs that are paid; None for a task without an onboarding
    slots: int | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the provider."""
        paid = {"screen_out_reward": str(SCREEN_OUT_REWARD), "screen_out_slots": self.slots}
        return {"secure_urls": self.secure_urls, **(paid if self.slots else {})}

    @property
    def blueprint(self) -> Mapping[str, Any]:
        """The options of the blueprint."""
        onboarding = {} if self.slots is None else {"onboarding_qualification": "can label"}
        return {"units_per_assignment": self.lanes, **onboarding}


class Study(KillableRun):
    """A requester with one study, participants and a clock."""

    reason = "The answers are of one letter each, which the instructions say is not accepted. " * 2

    def __init__(self, folder: Path, setup: Setup, *, address: str | None = None) -> None:
        clock, kills = MovableClock(), KillPlan()
        self.prolific = FakeProlific(clock, private_keys=_keys()).__enter__()
        self.prolific.deliveries.post = self._receive
        self.prolific.state.features -= setup.missing
        for name, value in setup.facts.items():
            setattr(self.prolific.facts, name, value)
        provider = _killable_provider(kills)
        plugins = kit_plugins(prolific=PluginUnderTest(providers=[provider], schemas=[SCHEMA]))
        super().__init__(folder, plugins, clock, kills, address=address)
        register_requester(
            self.database, "prolific", "me", plugins=plugins, api_url=self.prolific.api_url
        )
        if setup.fault is not None:
            self.prolific.faults.plan(setup.fault, "create-study")
        self.setup = setup
        if setup.slots is not None:
            self.shared_state = RowsState(validate_onboarding=_judge)
        self.gateway = self.operator.launch_rows(
            [{"n": n} for n in range(setup.rows)],
            shared={} if setup.slots is None else {"validate_onboarding": _judge},
            provider="prolific",
            blueprint=setup.blueprint,
            public_url=_URL,
            provider_options={"site_url": self.prolific.site_url, **setup.options},
            max_num_concurrent_units=setup.window,
            task_reward="1.00",
            estimated_minutes=5,
            assignment_duration_in_seconds=1800,
            submission_timeout=900,
            no_submission_patience=10**8,
            task_lifetime_in_seconds=86400 * 300,
        )
        self.run = self.gateway.run_id
        #: submissions that a person has rejected on the site of Prolific
        self.rejected_there: set[str] = set()
        #: the code of the last page of each submission
        self.codes: dict[str, str] = {}
        #: by the text of a message, who has it for certain, and who may have it besides
        self.written: dict[str, tuple[set[str], set[str]]] = {}
        #: the last event that has arrived
        self.event: PlatformRequest | None = None

    def close(self) -> None:
        """Close everything, in any state."""
        self.prolific.faults.clear()
        self.gateway.close()
        self.database.close()
        self.prolific.__exit__(None, None, None)

    def clear_faults(self) -> None:
        self.prolific.faults.clear()

    def plan_fault(self, fault: Fault, operation: str | None) -> None:
        """Plan a fault, unless nothing could keep it from paying twice.

        The second copy of a payment is refused like one that another payment keeps back.
        """
        is_payment = operation in (None, "pay-bonus-payments")
        if fault is Fault.TWICE and is_payment and not self.prolific.facts.paying_twice_refused:
            return
        self.prolific.faults.plan(fault, operation)

    def settle_down(self, seconds: Sequence[float] = (900.0,) * 4 + (10_800.0,) * 8) -> None:
        """Let the day pass by which Prolific shows a bonus."""
        super().settle_down(seconds)

    # What participants do.

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
        url = self.address(submission)
        if url is None:
            return None
        page = self.open_page(submission.id, dict(parse_qsl(urlsplit(url).query)))
        self._keep_code(submission, page)
        return page

    def address(self, submission: Submission) -> str | None:
        """Return the address that Prolific sends a participant to; None if it does not."""
        try:
            return self.prolific.participant(submission.participant_id).start(submission)
        except ParticipantRefusedError:
            return None

    def answer(self, submission: Submission, answer: str = "yes") -> None:
        """Submit the page to us."""
        reply = self.answer_page(submission.id, answer) if submission.id in self.pages else None
        if reply is not None:
            self._keep_code(submission, reply)

    def work(self, submission: Submission) -> None:
        """Pass the onboarding, if there is one, and submit the page of the task."""
        self.answer(submission)
        if self.setup.slots is not None:
            self.answer(submission)

    def come_back(self, submission: Submission) -> None:
        """Have the browser go back to Prolific with the code of the last page, if it has one."""
        code = self.codes.get(submission.id)
        if code is not None:
            self.enter(submission, code)

    def enter(self, submission: Submission, code: str | None) -> None:
        """Enter a code on Prolific; None for the button that says there is none."""
        # Refused where the time is over, or it was handed in or returned before.
        with contextlib.suppress(ParticipantRefusedError):
            self.prolific.participant(submission.participant_id).complete(submission, code)

    def give_back(self, submission: Submission) -> None:
        """Return the submission, which is possible even after it was handed in."""
        with contextlib.suppress(ParticipantRefusedError):
            self.prolific.participant(submission.participant_id).give_back(submission)

    def forge_arrival(self, submission: Submission, name: str, value: str) -> Seen | None:
        """Open an address of Prolific with another value of one parameter."""
        url = self.address(submission)
        if url is None:
            return None
        query = {**dict(parse_qsl(urlsplit(url).query)), name: value}
        with self.kills.suspended():
            return self.arrive(query)

    # What Prolific sends.

    def deliver(self, *, copies: int = 1, newest_first: bool = False) -> int:
        """Send the events that are due to the run; return how many have arrived."""
        deliveries = self.prolific.deliveries
        deliveries.copies, deliveries.newest_first = copies, newest_first
        return deliveries.deliver()

    def lose_events(self) -> None:
        """Lose the events that are due, for good."""
        with self.prolific.turn() as state:
            for event in state.events:
                event.next_at = None

    def forge_event(self, name: str, value: str) -> int | None:
        """Send the last event again with another body or header; return the reply's status."""
        if self.event is None:
            return None
        headers, body = dict(self.event.headers), self.event.body
        if name == "body":
            body = value.encode()
        else:
            headers[name] = value
        with self.kills.suspended():
            request = PlatformRequest(body=body, headers=headers)
            return self.gateway.receive("prolific", request).status

    @property
    def requested_syncs(self) -> int:
        """How many syncs Prolific has requested."""
        with self.database.read() as tx:
            (row,) = tx.rows(TaskRunTable.select(TaskRunTable.sync_requests))
        return int(row.sync_requests)

    def _receive(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        assert url == f"{_URL}platform/prolific", "an event is sent elsewhere"
        named = {name.lower(): value for name, value in headers.items()}
        request = PlatformRequest(body=body, headers=named)
        # Only operators are killed, no servers.
        with self.kills.suspended():
            status = self.gateway.receive("prolific", request).status
        if status == 200:
            self.event = request
        return status

    # What the requester does.

    def reject(self, category: str, *, most: int | None = None) -> None:
        """Reject completed units, as a person would."""
        self.review(Decision.REJECTED, Terms(category=category, rules=RULES), most=most)

    def request_returns(self) -> None:
        """Ask for the return of every completed unit."""
        self.review(Decision.RETURN_REQUESTED, Terms(rules=RULES))

    def decide(self, unit: int, decision: Decision, terms: Terms, **more: Any) -> None:
        # Refused until the days have passed that a participant has to return the submission.
        with contextlib.suppress(ConflictError):
            super().decide(unit, decision, terms, **more)

    def decide_there(self, submission: Submission, action: str) -> None:
        """Decide on the site of Prolific."""
        api = ProlificApi(self.prolific.token, base_url=self.prolific.api_url)
        with contextlib.suppress(FamulusError):
            api.post(
                f"submissions/{submission.id}/transition/", {"action": action, **_VERDICT_THERE}
            )
        rejection = submission.rejection
        if rejection is not None and rejection.message == _VERDICT_THERE["message"]:
            self.rejected_there.add(submission.id)

    def write(self, text: str, *, most: int | None = None) -> None:
        """Write to participants, as `famulus prolific message` does."""
        record = StudyRecords(database=self.database).find(self.run)
        if record is None or record.study_id is None:
            return
        api = KillableApi(
            self.prolific.token, base_url=self.prolific.api_url, clock=self.clock, kills=self.kills
        )
        messages = Messages(api=api, study=record.study_id)
        names: Sequence[str] = ()
        try:
            names = messages.participants()[:most]
            messages.send(names, text)
        except Killed:
            self.written[text] = set(), {*names}
            self.restart()
        except (UnavailableError, FamulusError) as error:
            self.written[text] = set(), {each for each in names if each in str(error)}
        else:
            self.written[text] = {*names}, {*names}

    def _keep_code(self, submission: Submission, page: Seen) -> None:
        _, found, rest = page.text.partition(_CODE)
        if found:
            self.codes[submission.id] = "".join(letter for letter in rest[:12] if letter.isalnum())


def _judge(answers: Mapping[str, Any]) -> bool | NotPassed:
    """Judge the answers to the onboarding."""
    if answers["answer"] == SCREENED_OUT:
        return NotPassed("This is for people who own a dog.", screened_out=True)
    return bool(answers["answer"] != FAILED)


@functools.cache
def _keys() -> tuple[RSAPrivateKey, ...]:
    """Return keys to sign addresses with: making them takes longer than a whole run."""
    return tuple(generate_private_key(65_537, 2048) for _ in range(3))


def _killable_provider(kills: KillPlan) -> type[ProlificProvider]:
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
