"""The provider ``prolific``.

Modules that call Prolific or use the database are imported where they are needed, so that listing
or checking options imports neither httpx nor peewee.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from famulus import (
    Arrival,
    Capabilities,
    Clock,
    Completion,
    Context,
    FamulusError,
    GoTo,
    PaymentKind,
    Plan,
    Preview,
    Problem,
    Provider,
    Quote,
    Refusal,
    Rehearsal,
    ReturnPlace,
    RunView,
    UnavailableError,
    UsageError,
    VisitOutcome,
    VisitView,
    system_clock,
)
from famulus_prolific.arrivals import read_arrival
from famulus_prolific.codes import ScreenOut
from famulus_prolific.options import ProlificArgs, ProlificRequesterArgs
from famulus_prolific.tokens import ENVIRONMENT
from famulus_prolific.wages import minor

if TYPE_CHECKING:
    from famulus_prolific.api import ProlificApi
    from famulus_prolific.arrival_check import ArrivalCheck
    from famulus_prolific.costs import Costs
    from famulus_prolific.records import StudyRecords
    from famulus_prolific.secure_urls import SecureUrls
    from famulus_prolific.studies import Studies

_SITE = "https://app.prolific.com"


class ProlificProvider(Provider):
    """Prolific.

    Participants are paid with the requester's money, and there is no sandbox.
    """

    type = "prolific"
    Args = ProlificArgs
    RequesterArgs = ProlificRequesterArgs
    capabilities = Capabilities(
        pays=True,
        needs_https=True,
        sells_places=True,
        keeps_paused_places=True,
        replaces_by_itself=True,
        one_visit_per_worker=True,
    )

    def __init__(self, args: ProlificArgs, context: Context) -> None:
        super().__init__(args, context)
        self._site = (args.site_url or _SITE).rstrip("/")

    @property
    def currency(self) -> str:
        """The currency of the account, as it was when the requester was registered."""
        return str(self._settings.get("currency", "GBP"))

    @classmethod
    def rehearsal(cls, clock: Clock = system_clock) -> Rehearsal | None:
        """Return a fake Prolific; None where what it needs is missing (the extra ``fake``)."""
        try:
            from famulus_prolific.rehearsal import ProlificRehearsal
        except ModuleNotFoundError:
            return None
        return ProlificRehearsal(clock)

    def register(self, name: str, args: ProlificRequesterArgs) -> Mapping[str, Any]:
        """Check the token by reading its account, and keep it where the options say."""
        from famulus_prolific.account import read_account
        from famulus_prolific.tokens import keep_secret, read_secret

        token = args.token or read_secret(ENVIRONMENT, "")
        if token is None:
            raise UsageError(
                "there is no token: make one in Prolific's settings, under API tokens. It is asked "
                "for on a terminal; elsewhere, set the variable PROLIFIC_TOKEN"
            )
        api = self._api_of(token, args.api_url)
        try:
            settings = read_account(api, workspace=args.workspace, project=args.project)
        except UsageError:
            raise
        except FamulusError as error:
            raise UsageError(f"the requester {name!r} could not be verified: {error}") from error
        place = args.keep_token_in if args.token else ENVIRONMENT
        if args.token:
            keep_secret(place, settings["account"], args.token)
        api_url = {"api_url": args.api_url} if args.api_url else {}
        return {**settings, "token_in": place, **api_url}

    def problems(self, plan: Plan) -> list[Problem]:
        """Find what Prolific would refuse, and compare filters with its list."""
        from famulus_prolific.checks import filter_problems, plan_problems

        found = list(plan_problems(plan, self.currency))
        if self.context.requester is not None:
            found += filter_problems(self._api, plan)
        return found

    def balance(self) -> Decimal | None:
        """Read what the workspace can spend."""
        from famulus_prolific.account import read_balance

        return read_balance(self._api, self._workspace)

    def quote(self, plan: Plan, units: int) -> Quote:
        """Ask Prolific's calculator."""
        return self._costs.quote(plan, units, self.currency)

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the account's share of fees of the amount."""
        return amount * self._costs.share().fees

    def taxes(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the taxes on the fees."""
        return amount * self._costs.share().taxes

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Read the parameters of Prolific, which have to name a submission to the run's study."""
        found = read_arrival(query)
        if isinstance(found, (Preview, Refusal)):
            return found
        run = self.context.run_id
        refusal = self._arrival_check.refuse(run, found) if run else None
        return refusal or found.arrival

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Have the browser go to Prolific with the code of the outcome."""
        record = self._records.find(visit.run_id)
        if record is not None:
            return GoTo(url=f"{self._site}/submissions/complete?cc={record.codes[outcome.value]}")
        if outcome is VisitOutcome.COMPLETED:
            return GoTo(url=f"{self._site}/submissions")
        return ReturnPlace(noun="submission", url=f"{self._site}/submissions")

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return the page of the run's study, once it exists."""
        record = self._records.find(run.id)
        if record is None or record.study_id is None:
            return ()
        return (f"{self._site}/studies/{record.study_id}",)

    def set_places(self, run: RunView, total: int) -> None:
        """Publish the run's study, or raise its places, or start it again."""
        self._studies.open(run, total)

    def pause_places(self, run: RunView) -> None:
        """Pause the study; participants who have begun keep their time."""
        self._studies.pause(run)

    def end_places(self, run: RunView) -> None:
        """Stop the study; what was submitted can still be reviewed."""
        self._studies.end(run)

    def count_open_places(self, run: RunView) -> int | None:
        """Count the places that a participant could take."""
        return self._studies.count_open(run)

    def dispose(self, run: RunView) -> None:
        """Delete drafts that were left over by lost replies."""
        self._studies.dispose(run)

    @property
    def _settings(self) -> Mapping[str, Any]:
        requester = self.context.requester
        return {} if requester is None else requester.settings

    @cached_property
    def _api(self) -> ProlificApi:
        from famulus_prolific.tokens import read_token

        if self.context.requester is None:
            raise UnavailableError("Prolific can be called only for a registered requester")
        settings = self._settings
        token = read_token(settings.get("token_in", ENVIRONMENT), settings.get("account", ""))
        return self._api_of(token, self.args.api_url or settings.get("api_url"))

    def _api_of(self, token: str, api_url: str | None) -> ProlificApi:
        from famulus_prolific.api import API_URL, ProlificApi

        return ProlificApi(token, api_url or API_URL, clock=self.context.clock)

    @cached_property
    def _workspace(self) -> str:
        from famulus_prolific.account import find_workspace

        known = self.args.workspace or self._settings.get("workspace")
        return known or find_workspace(self._api)

    @cached_property
    def _records(self) -> StudyRecords:
        from famulus_prolific.records import StudyRecords

        return StudyRecords(database=self.context.database)

    @cached_property
    def _costs(self) -> Costs:
        from famulus_prolific.costs import Costs

        return Costs(self._api)

    @cached_property
    def _secure_urls(self) -> SecureUrls:
        from famulus_prolific.secure_urls import SecureUrls

        return SecureUrls(api=self._api, clock=self.context.clock)

    @cached_property
    def _arrival_check(self) -> ArrivalCheck:
        from famulus_prolific.arrival_check import ArrivalCheck

        return ArrivalCheck(
            records=self._records,
            clock=self.context.clock,
            api=(lambda: self._api) if self.args.verify_arrivals else None,
            secure=(lambda: self._secure_urls) if self.args.secure_urls else None,
            workspace=self.args.workspace or self._settings.get("workspace"),
        )

    @cached_property
    def _studies(self) -> Studies:
        from famulus_prolific.studies import Studies

        return Studies(
            api=self._api,
            records=self._records,
            args=self.args,
            project=self.args.project or self._settings.get("project"),
            screen_out=self._screen_out,
            filters=self._filters,
        )

    @property
    def _screen_out(self) -> ScreenOut | None:
        args: ProlificArgs = self.args
        if args.screen_out_reward is None or not args.screen_out_slots:
            return None
        return ScreenOut(reward=minor(args.screen_out_reward), slots=args.screen_out_slots)

    def _filters(self, run: RunView) -> Sequence[Mapping[str, Any]]:
        from famulus_prolific.checks import specific_filters

        return specific_filters(self.context.shared_state)
