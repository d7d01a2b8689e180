"""The platform, served."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any

from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from famulus_prolific.fake.accounts import Accounts
from famulus_prolific.fake.api import Api, Subjects
from famulus_prolific.fake.api_server import ApiServer
from famulus_prolific.fake.audit import audit
from famulus_prolific.fake.bonuses import Bonuses
from famulus_prolific.fake.changes import Changes
from famulus_prolific.fake.completions import Completions
from famulus_prolific.fake.costs import Costs
from famulus_prolific.fake.deliveries import Deliveries
from famulus_prolific.fake.facts import Facts
from famulus_prolific.fake.faults import Faults
from famulus_prolific.fake.groups import Groups
from famulus_prolific.fake.marketplace import Marketplace
from famulus_prolific.fake.messages import Messages
from famulus_prolific.fake.money import Money
from famulus_prolific.fake.participant import Participant
from famulus_prolific.fake.participant_site import ParticipantSite
from famulus_prolific.fake.payouts import Payouts
from famulus_prolific.fake.records import Call
from famulus_prolific.fake.signing import Signing
from famulus_prolific.fake.state import Profile, State
from famulus_prolific.fake.studies import Studies
from famulus_prolific.fake.submissions import Submissions
from famulus_prolific.fake.timeline import Timeline
from famulus_prolific.fake.webhooks import Webhooks

TOKEN = "a-token-of-the-fake"


def _now() -> datetime:
    return datetime.now(UTC)


@frozen(kw_only=True)
class Ports:
    """The ports to listen on; 0 is any free port."""

    api: int = 0
    participants: int = 0


class FakeProlific:
    """Prolific on this machine while the block lasts: one account with one workspace.

    :param clock: the time, which a test moves.
    :param balance: the account's money, in pounds or dollars.
    :param seed: changes the ids, which are otherwise the same in every test.
    :param private_keys: keys that sign the addresses of secure studies, in the order of their
        rotation; further keys are made when needed, which takes long.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = _now,
        *,
        balance: Decimal = Decimal(1000),
        currency: str = "GBP",
        ports: Ports | None = None,
        seed: str = "",
        private_keys: Iterable[RSAPrivateKey] = (),
    ) -> None:
        #: switches for what is not documented
        self.facts = Facts()
        self.faults = Faults()
        #: a token that is accepted; more can be added to ``state.tokens``
        self.token = TOKEN
        #: where the API is, without ``/api/v1``, once it is served
        self.api_url = ""
        #: the origin of the participants' site, once it is served
        self.site_url = ""
        self.state = State(
            timeline=Timeline(clock),
            money=Money(facts=self.facts, balance=balance * 100, currency=currency),
            faults=self.faults,
            facts=self.facts,
            random=random.Random(f"prolific{seed}"),
            tokens={TOKEN},
        )
        self._found_workspace()
        changes = Changes(self.state)
        payouts = Payouts(self.state, changes)
        completions = Completions(self.state, changes, payouts)
        #: the keys of secure URLs
        self.signing = Signing(self.state, private_keys)
        self._market = Marketplace(self.state, changes, completions, self.signing)
        self._messages = Messages(self.state)
        self.api = Api(
            self.state,
            Subjects(
                accounts=Accounts(self.state, changes),
                studies=Studies(self.state, changes),
                submissions=Submissions(self.state, changes, payouts, completions),
                bonuses=Bonuses(self.state),
                groups=Groups(self.state),
                messages=self._messages,
                webhooks=Webhooks(self.state),
                costs=Costs(self.state),
            ),
        )
        #: the events of webhooks, sent when ``deliver`` is called, or by themselves
        self.deliveries = Deliveries(self.state, self.api.turn)
        self.turn = self.api.turn
        self._ports = ports or Ports()
        self._stack = ExitStack()

    def participant(
        self, participant_id: str | int, *, answers: dict[str, Any] | None = None
    ) -> Participant:
        """Return a participant.

        :param participant_id: 24 hexadecimal digits, or a number for such an id.
        :param answers: the participant's answers by the filter's id; None keeps those of an earlier
            call.
        """
        name = f"{participant_id:024x}" if isinstance(participant_id, int) else participant_id
        with self.turn() as state:
            profile = state.participants.setdefault(name, Profile())
            if answers is not None:
                profile.answers = dict(answers)
        return Participant(name, self._market, self.turn)

    @property
    def calls(self) -> list[Call]:
        """Every request to the API, in the order of the replies."""
        return self.api.calls

    def called(self, operation: str) -> list[Call]:
        """Return the requests for one operation."""
        return [call for call in self.calls if call.operation == operation]

    def audit(self) -> list[str]:
        """Return a sentence for each thing that is wrong after a run; empty if nothing is."""
        with self.turn() as state:
            return audit(state)

    def receive_message(self, participant_id: str, body: str, study_id: str | None = None) -> None:
        """Have a participant write to the researcher."""
        with self.turn():
            self._messages.receive(participant_id, body, study_id)

    def __enter__(self) -> FakeProlific:
        with ExitStack() as stack:
            api = ApiServer(self.api, self.signing, port=self._ports.api)
            stack.enter_context(api.serving())
            site = ParticipantSite(self.api, self._market, port=self._ports.participants)
            stack.enter_context(site.serving())
            # A request that waits at a gate keeps a server from ending.
            stack.callback(self.faults.clear)
            stack.callback(self.deliveries.stop)
            self.api_url, self.site_url = api.origin, site.origin
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _found_workspace(self) -> None:
        state = self.state
        state.researcher_id = state.new_id()
        workspace_id = state.new_id()
        state.workspaces[workspace_id] = "Workspace"
        state.projects[state.new_id()] = workspace_id
