"""The provider ``prolific``.

Modules that call Prolific or use the database are imported where they are needed, so that listing
or checking options imports neither httpx nor peewee.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from famulus import (
    Approve,
    Arrival,
    Capabilities,
    Clock,
    Completion,
    Context,
    FamulusError,
    GoTo,
    GrantView,
    Keep,
    PaymentKind,
    PaymentView,
    Plan,
    PlatformRequest,
    Preview,
    Problem,
    Provider,
    Quote,
    Received,
    Refusal,
    RefusedError,
    Rehearsal,
    Result,
    ReturnPlace,
    RunView,
    SyncCursor,
    UnavailableError,
    Unverified,
    UsageError,
    VisitOutcome,
    VisitReport,
    VisitVerdict,
    VisitView,
    system_clock,
)
from famulus_prolific.arrivals import read_arrival
from famulus_prolific.catalogue import CATALOGUE
from famulus_prolific.options import ProlificArgs, ProlificRequesterArgs
from famulus_prolific.parts import Parts
from famulus_prolific.rejections import (
    APPROVES_AFTER_DAYS,
    CATEGORIES,
    DAYS_BEFORE_REJECTION,
    RULES,
    SHORTEST_REJECTION,
    paid_when,
)
from famulus_prolific.tokens import ENVIRONMENT, FILE, VARIABLE, NoTokenError

if TYPE_CHECKING:
    from famulus_prolific.wages import Wage

_log = logging.getLogger(__name__)

_SITE = "https://app.prolific.com"


class ProlificProvider(Provider):
    """Prolific.

    Participants are paid with the requester's money, and there is no sandbox.
    """

    type = "prolific"
    catalogue = CATALOGUE
    Args = ProlificArgs
    RequesterArgs = ProlificRequesterArgs
    capabilities = Capabilities(
        pays=True,
        qualifications=True,
        sells_places=True,
        keeps_paused_places=True,
        replaces_by_itself=True,
        one_visit_per_worker=True,
        reports_submissions=True,
        receives=True,
        shortest_rejection=SHORTEST_REJECTION,
        rejection_categories=CATEGORIES,
        rejection_rules=RULES,
        requests_return=True,
        days_before_rejection=DAYS_BEFORE_REJECTION,
        approves_after_days=APPROVES_AFTER_DAYS,
    )
    #: changes are announced, and looked for in case an announcement is lost
    sync_seconds = 30
    #: the most bonuses of one set
    batch_size = 200

    def __init__(self, args: ProlificArgs, context: Context) -> None:
        super().__init__(args, context)
        self._site = (args.site_url or _SITE).rstrip("/")
        self._parts = Parts(args, context)

    @property
    def currency(self) -> str:
        """The currency of the account, as it was when the requester was registered."""
        return str(self._parts.settings.get("currency", "GBP"))

    @classmethod
    def rehearsal(cls, clock: Clock = system_clock) -> Rehearsal | None:
        """Return a fake Prolific; None if the packages of the extra ``fake`` are missing."""
        try:
            from famulus_prolific.rehearsal import ProlificRehearsal
        except ModuleNotFoundError:
            return None
        return ProlificRehearsal(clock)

    def register(self, name: str, args: ProlificRequesterArgs) -> Mapping[str, Any]:
        """Check the token by reading its account, and store it in the place that options name."""
        from famulus_prolific.account import read_account
        from famulus_prolific.tokens import keep_secret, read_secret

        token = args.token or read_secret(ENVIRONMENT, "")
        if token is None:
            raise UsageError(
                "there is no token: make one in Prolific's settings, under API tokens. It is asked "
                f"for on a terminal; elsewhere, set the variable {VARIABLE}"
            )
        api = self._parts.make_api(token, args.api_url)
        try:
            settings = read_account(api, workspace=args.workspace, project=args.project)
        except UsageError:
            raise
        except FamulusError as error:
            raise UsageError(f"the requester {name!r} could not be verified: {error}") from error
        place = args.keep_token_in or (FILE if args.token else ENVIRONMENT)
        if place != ENVIRONMENT:
            keep_secret(place, settings["account"], token)
        elif args.token:
            raise UsageError(f"the token is kept in the environment: set {VARIABLE} to it")
        api_url = {"api_url": args.api_url} if args.api_url else {}
        _log.warning(
            "the token has all rights of the account, its money included, and does not expire: "
            "a person who reads it (%s) can use it until you delete it in Prolific's settings",
            place,
        )
        return {**settings, "token_in": place, **api_url}

    def problems(self, plan: Plan) -> list[Problem]:
        """Find what Prolific would refuse, and compare filters with its list."""
        from famulus_prolific.checks import address_problems, plan_problems, project_problems
        from famulus_prolific.filters import list_problems

        found = list(plan_problems(plan, self.currency, self._read_wage))
        found += address_problems(plan, self._parts.api_url)
        if self.context.requester is not None:
            found += project_problems(plan, self._parts.settings.get("workspace"))
            found += list_problems(lambda: self._parts.api, plan)
        return found

    def serving_problems(self, plan: Plan) -> list[Problem]:
        """Check that the token can be read here and by the server, and that Prolific accepts it."""
        from famulus_prolific.checks import server_problems, token_problems

        parts = self._parts
        if self.context.requester is None:
            return []
        return [
            *server_problems(plan, parts.token_place),
            *token_problems(lambda: parts.api, plan, parts.account),
        ]

    def balance(self) -> Decimal | None:
        """Read what the workspace can spend."""
        from famulus_prolific.account import read_balance

        return read_balance(self._parts.api, self._parts.workspace)

    def quote(self, plan: Plan, units: int) -> Quote:
        """Ask Prolific's calculator."""
        return self._parts.costs.quote(plan, units, self.currency)

    def forecast(self, plan: Plan, units: int) -> Sequence[str]:
        """Ask Prolific who fits the filters, and how long recruiting may take.

        Prolific does not know the qualifications that are kept here, so a run that uses any has no
        forecast.
        """
        from famulus_prolific.filters import specific_filters
        from famulus_prolific.forecast import forecast

        if plan.shared_state.qualifications:
            return ()
        parts, filters = self._parts, specific_filters(self.args, plan.shared_state)
        return [*forecast(parts.api, parts.workspace, plan, units, filters)]

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the fees on the amount, at the account's rate."""
        return amount * self._parts.costs.share().fees

    def taxes(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the taxes on the fees."""
        return amount * self._parts.costs.share().taxes

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Read the parameters of Prolific, which have to name a submission to the run's study."""
        found = read_arrival(query)
        if isinstance(found, (Preview, Refusal)):
            return found
        run = self.context.run_id
        refusal = self._parts.arrival_check.refuse(run, found) if run else None
        return refusal or found.arrival

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Have the browser go to Prolific with the code of the outcome."""
        record = self._parts.records.find(visit.run_id)
        if record is not None:
            return GoTo(url=f"{self._site}/submissions/complete?cc={record.codes[outcome.value]}")
        if outcome is VisitOutcome.COMPLETED:
            return GoTo(url=f"{self._site}/submissions")
        return ReturnPlace(noun="submission", url=f"{self._site}/submissions")

    def most_left(self, visit: VisitView) -> int | None:
        """Return 0 if a participant may make only one submission, else None.

        Only Prolific has the number of submissions that a participant has made.
        """
        return 0 if self.args.submissions_per_participant == 1 else None

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return the page of the run's study, once it exists."""
        record = self._parts.records.find(run.id)
        if record is None or record.study_id is None:
            return ()
        return (f"{self._site}/studies/{record.study_id}",)

    def remarks(self, run: RunView) -> Sequence[str]:
        """Return how many submissions without work await their return, as they were listed last."""
        record = self._parts.records.find(run.id)
        found = None if record is None else record.without_work
        if found is None or not found.number:
            return ()
        number = "1 submission" if found.number == 1 else f"{found.number:,} submissions"
        return (
            f"{number} without work, not returned yet; Prolific pays the first "
            f"{paid_when(found.since)}, and `famulus doctor {run.id}` names them",
        )

    def set_places(self, run: RunView, total: int) -> None:
        """Publish the run's study, or raise its places, or start it again."""
        self._parts.studies.open(run, total)
        self._subscribe(run)

    def move_end(self, run: RunView) -> None:
        """Start the study again if it was paused because the run's time was over."""
        if not self._is_over(run):
            self._parts.studies.go_on(run)

    def pause_places(self, run: RunView) -> None:
        """Pause the study; participants who have begun keep their time."""
        self._parts.studies.pause(run)
        if not run.is_served:
            self._unsubscribe(run, "paused")

    def end_places(self, run: RunView) -> None:
        """Stop the study; what was submitted can still be reviewed."""
        self._parts.studies.end(run)
        self._unsubscribe(run, "stopped")

    def count_open_places(self, run: RunView) -> int | None:
        """Count the places that a participant could take."""
        return self._parts.studies.count_open(run)

    def dispose(self, run: RunView) -> None:
        """Delete drafts that were left over by lost replies."""
        self._parts.studies.dispose(run)

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterator[VisitReport | SyncCursor]:
        """Report the study's submissions.

        A study has no end time of its own, so it is paused when the run's time is over. A study
        that Prolific has paused because its screen-outs are used up is started again.
        """
        yield from self._parts.sync.reports(run)
        self._parts.studies.keep_closed(run.id)
        record = self._parts.records.find(run.id)
        if record is None:
            return
        if record.is_paused:
            self._parts.studies.drop_copies(run)
        elif record.study_id is not None and self._is_over(run):
            self._parts.studies.suspend(run)
            return
        elif record.study_id is not None:
            self._parts.studies.add_slots(run)
        if record.study_id is not None and not record.is_stopped:
            self._subscribe(run)

    def receive(self, request: PlatformRequest) -> Received | Unverified:
        """Verify a request by the workspace's secret."""
        return self._parts.receiver.receive(request)

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[VisitReport]:
        """Report these visits: a few by single calls, more by the list of the study's submissions.

        :raises famulus.RefusedError: also when this process cannot read the token.
        """
        try:
            sync = self._parts.sync
        except NoTokenError as error:
            # A server may never be able to read the token.
            raise RefusedError(str(error)) from error
        return sync.look(run, visits)

    def open_visits(self, run: RunView) -> Sequence[str]:
        """Return the submissions that participants have reserved or begun, and not ended."""
        return self._parts.sync.open(run)

    def paid_visits(self, run: RunView) -> Iterable[VisitReport]:
        """Report the paid submissions of the study."""
        return self._parts.sync.paid(run)

    def differences(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[str]:
        """Compare the study and its submissions with what is stored."""
        from famulus_prolific.differences import differences

        parts = self._parts
        record = parts.records.find(run.id)
        return differences(parts.api, lambda: parts.hooks, record, visits)

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        """Send verdicts, approvals together.

        If a verdict reopens the study of a run that is over, close it again.
        """
        yield from self._parts.verdicts.decide(verdicts)
        waking = (each for each in verdicts if not isinstance(each.verdict, Approve))
        for run in dict.fromkeys(each.visit.run_id for each in waking):
            try:
                self._parts.studies.keep_closed(run)
            except FamulusError as error:
                # The verdicts have their results; syncing looks again.
                _log.warning("run %d: its study may be open again: %s", run, error)

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        """Set bonuses up, and pay them."""
        yield from self._parts.bonuses.pay(payments, keep)

    def settle(
        self,
        visit: VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterator[tuple[str, Result]]:
        """Look for bonuses among the amounts that Prolific shows."""
        yield from self._parts.bonuses.settle(unsettled, confirmed)

    def grant(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Add workers to the groups of qualifications."""
        yield from self._parts.groups.grant(grants)

    def revoke(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Remove workers from the groups of qualifications."""
        yield from self._parts.groups.revoke(grants)

    def block(self, worker_name: str, reason: str) -> None:
        """Keep a worker from all studies of the requester; Prolific does not learn why."""
        self._parts.groups.block(worker_name)

    def unblock(self, worker_name: str, reason: str) -> None:
        """Remove the block of a worker."""
        self._parts.groups.unblock(worker_name)

    def forget(self, worker_name: str, pseudonym: str) -> None:
        """Delete the submissions and memberships of a worker here; nothing is sent to Prolific."""
        self._parts.arrivals.forget(worker_name)
        self._parts.members.forget(worker_name)

    def _read_wage(self) -> Wage | None:
        from famulus_prolific.wages import read_wage

        try:
            api, workspace = self._parts.api, self._parts.workspace
        except FamulusError:
            # Without a requester or a token; what is known of wages is in the package.
            return None
        return read_wage(api, workspace, self.currency)

    def _subscribe(self, run: RunView) -> None:
        """Subscribe to changes; without a subscription they are found by polling."""
        try:
            self._parts.hooks.subscribe(run)
        except UnavailableError as error:
            _log.warning("run %d: no changes are announced yet: %s", run.id, error)
        record = self._parts.records.find(run.id)
        if record is not None and record.is_stopped:
            # The run was stopped in between; what was made here must not be left over.
            try:
                self._parts.hooks.unsubscribe(run.id)
            except UnavailableError as error:
                _log.warning("run %d: changes are still announced: %s", run.id, error)

    def _unsubscribe(self, run: RunView, done: str) -> None:
        """Remove the run's subscriptions; an error also names what was ``done`` to the study."""
        try:
            self._parts.hooks.unsubscribe(run.id)
        except UnavailableError as error:
            message = f"the study is {done}, and its webhooks are not deleted yet: {error}"
            raise UnavailableError(message, retry_after=error.retry_after) from error

    def _is_over(self, run: RunView) -> bool:
        return self.context.clock() >= run.closes_at
