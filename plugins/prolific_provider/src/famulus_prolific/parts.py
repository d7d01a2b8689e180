"""The parts of the provider, each made when it is first needed.

Modules that call Prolific or use the database are imported with their parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from famulus import RefusedError, UnavailableError
from famulus_prolific.codes import ScreenOut
from famulus_prolific.tokens import ENVIRONMENT
from famulus_prolific.wages import minor

if TYPE_CHECKING:
    from famulus import Context, RunView
    from famulus_prolific.api import ProlificApi
    from famulus_prolific.arrival_check import ArrivalCheck
    from famulus_prolific.arrival_records import ArrivalRecords
    from famulus_prolific.bonuses import Bonuses
    from famulus_prolific.costs import Costs
    from famulus_prolific.group_members import MemberRecords
    from famulus_prolific.groups import Groups
    from famulus_prolific.hooks import Hooks
    from famulus_prolific.options import ProlificArgs
    from famulus_prolific.receiving import Receiver
    from famulus_prolific.records import StudyRecords
    from famulus_prolific.secure_urls import SecureUrls
    from famulus_prolific.studies import Studies
    from famulus_prolific.sync import Sync
    from famulus_prolific.verdicts import Verdicts


class Parts:
    """The parts of one instance of the provider. Threads share it."""

    def __init__(self, args: ProlificArgs, context: Context) -> None:
        self._args = args
        self._context = context

    @property
    def settings(self) -> Mapping[str, Any]:
        """The stored settings of the account; empty before it is registered."""
        requester = self._context.requester
        return {} if requester is None else requester.settings

    @property
    def screen_out(self) -> ScreenOut | None:
        """What is paid to workers who are screened out; None if nothing is."""
        reward, slots = self._args.screen_out_reward, self._args.screen_out_slots
        return None if reward is None or not slots else ScreenOut(reward=minor(reward), slots=slots)

    @cached_property
    def api(self) -> ProlificApi:
        """The API client with the requester's token."""
        if self._context.requester is None:
            raise UnavailableError("Prolific can be called only for a registered requester")
        api = self.make_api(self._read_token(), self.api_url)
        api.renew = self._read_token
        return api

    def make_api(self, token: str, api_url: str | None) -> ProlificApi:
        """Return an API client with a token, for Prolific or for a fake at the address."""
        from famulus_prolific.api import API_URL, ProlificApi

        return ProlificApi(token, api_url or API_URL, clock=self._context.clock)

    @cached_property
    def workspace(self) -> str:
        """The id of the workspace, which is read from Prolific if it is not stored."""
        from famulus_prolific.account import find_workspace

        return self._known_workspace or find_workspace(self.api)

    @cached_property
    def records(self) -> StudyRecords:
        """The stored studies."""
        from famulus_prolific.records import StudyRecords

        return StudyRecords(database=self._context.database)

    @cached_property
    def arrivals(self) -> ArrivalRecords:
        """The stored submissions of workers who have arrived."""
        from famulus_prolific.arrival_records import ArrivalRecords

        return ArrivalRecords(database=self._context.database)

    @cached_property
    def costs(self) -> Costs:
        """The calculator."""
        from famulus_prolific.costs import Costs

        return Costs(self.api)

    @cached_property
    def arrival_check(self) -> ArrivalCheck:
        """The check of arrivals."""
        from famulus_prolific.arrival_check import ArrivalCheck

        return ArrivalCheck(
            records=self.records,
            arrivals=self.arrivals,
            clock=self._context.clock,
            api=(lambda: self.api) if self._args.verify_arrivals else None,
            secure=(lambda: self._secure_urls) if self._args.secure_urls else None,
            workspace=self._known_workspace,
        )

    @cached_property
    def studies(self) -> Studies:
        """The studies on Prolific."""
        from famulus_prolific.studies import Studies

        return Studies(
            api=self.api,
            records=self.records,
            args=self._args,
            project=self._project,
            screen_out=self.screen_out,
            filters=self._filters,
        )

    @cached_property
    def sync(self) -> Sync:
        """The reports on submissions."""
        from famulus_prolific.sync import Sync

        return Sync(
            api=self.api,
            clock=self._context.clock,
            study_of=self.records.find,
            note_without_work=self.records.note_without_work,
            screen_out_reward=self._args.screen_out_reward if self.screen_out else None,
        )

    @cached_property
    def verdicts(self) -> Verdicts:
        """The verdicts on submissions."""
        from famulus_prolific.verdicts import Verdicts

        return Verdicts(
            api=self.api,
            study_of=self.study_of,
            note_rejection=self.records.count_rejection,
        )

    @cached_property
    def bonuses(self) -> Bonuses:
        """The payments on top of rewards."""
        from famulus_prolific.bonuses import Bonuses
        from famulus_prolific.bulks import BulkRecords

        database = self._context.database
        return Bonuses(
            api=self.api,
            database=database,
            records=BulkRecords(database=database),
            account=self.account,
            study_of=self.study_of,
        )

    @cached_property
    def groups(self) -> Groups:
        """The participant groups."""
        from famulus_prolific.groups import Groups

        api = self.api
        assert self._context.requester is not None, "there is an API"
        return Groups(
            api=api,
            database=self._context.database,
            requester=self._context.requester.id,
            workspace=self.workspace,
        )

    @cached_property
    def members(self) -> MemberRecords:
        """The stored members of participant groups."""
        from famulus_prolific.group_members import MemberRecords

        return MemberRecords(database=self._context.database)

    @cached_property
    def hooks(self) -> Hooks:
        """The subscriptions to events."""
        from famulus_prolific.hooks import Hooks

        return Hooks(
            api=self.api,
            database=self._context.database,
            workspace=self.workspace,
            keep_secret=self._keep_hook_secret,
        )

    @cached_property
    def receiver(self) -> Receiver:
        """The check of requests that Prolific sends."""
        from famulus_prolific.receiving import Receiver

        return Receiver(
            clock=self._context.clock,
            secret=self._read_hook_secret,
            runs_of=self.records.runs_of,
        )

    def study_of(self, run: int) -> str:
        """Return the id of a run's study.

        :raises famulus.RefusedError: when it has none.
        """
        record = self.records.find(run)
        if record is None or record.study_id is None:
            raise RefusedError(f"run {run} has no study on Prolific")
        return record.study_id

    @property
    def account(self) -> str:
        """The account's id on Prolific; empty if none is registered."""
        return str(self.settings.get("account", ""))

    @property
    def token_place(self) -> str:
        """Where the requester's token is kept: one of :data:`famulus_prolific.tokens.PLACES`."""
        return str(self.settings.get("token_in", ENVIRONMENT))

    def _read_token(self) -> str:
        from famulus_prolific.tokens import read_token

        return read_token(self.token_place, self.account)

    @property
    def api_url(self) -> str | None:
        """The address that is called in place of Prolific; None for Prolific itself."""
        return self._args.api_url or self.settings.get("api_url")

    @property
    def _project(self) -> str | None:
        """The id of the project of studies; None if Prolific chooses it."""
        is_theirs = self._args.workspace in (None, self.settings.get("workspace"))
        return self._args.project or (self.settings.get("project") if is_theirs else None)

    @property
    def _known_workspace(self) -> str | None:
        return self._args.workspace or self.settings.get("workspace")

    @cached_property
    def _secure_urls(self) -> SecureUrls:
        from famulus_prolific.secure_urls import SecureUrls

        # The keys are public, and the server of a run may not have the token.
        return SecureUrls(api=self.make_api("", self.api_url), clock=self._context.clock)

    def _filters(self, run: RunView) -> Sequence[Mapping[str, Any]]:
        from famulus_prolific.filters import joined_filters, specific_filters

        given = specific_filters(self._args, self._context.shared_state)
        return joined_filters(given, self.groups.filters(run.requirements))

    @property
    def _hook_secret_name(self) -> str:
        return f"{self.workspace}-webhooks"

    def _keep_hook_secret(self, secret: str) -> None:
        """Store the secret of the workspace's requests where the run's server can read it."""
        from famulus_prolific.tokens import FILE, keep_secret

        keep_secret(FILE, self._hook_secret_name, secret)

    def _read_hook_secret(self) -> str | None:
        """Return the secret from Prolific, or the kept one while Prolific cannot be asked."""
        from famulus_prolific.hooks import read_secret as read_hook_secret
        from famulus_prolific.tokens import FILE, read_secret

        try:
            return read_hook_secret(self.api, self.workspace)
        except UnavailableError:
            kept = read_secret(FILE, self._hook_secret_name)
            if kept is None:
                raise
            return kept
