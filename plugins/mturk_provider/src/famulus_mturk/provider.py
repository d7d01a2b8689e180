"""The providers ``mturk`` and ``mturk_sandbox``.

Modules that call MTurk or use the database are imported where they are needed, so that listing or
checking options imports neither boto3 nor peewee.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from attrs import evolve

from famulus import (
    Arrival,
    Capabilities,
    Clock,
    Completion,
    Context,
    FamulusError,
    GrantView,
    Keep,
    Outcome,
    PaymentKind,
    PaymentView,
    Plan,
    PostForm,
    Preview,
    Problem,
    Provider,
    Refusal,
    RefusedError,
    Rehearsal,
    Result,
    ReturnPlace,
    RunView,
    UnavailableError,
    UsageError,
    VisitOutcome,
    VisitReport,
    VisitVerdict,
    VisitView,
    system_clock,
)
from famulus_mturk.arrivals import read_arrival
from famulus_mturk.calls import REGION, Account, Mturk
from famulus_mturk.catalogue import CATALOGUE
from famulus_mturk.fees import asks_for_masters, fee
from famulus_mturk.options import MturkArgs, MturkRequesterArgs
from famulus_mturk.sites import accepted_url, preview_url, submit_url, worker_origins
from famulus_mturk.texts import LONGEST_FEEDBACK

if TYPE_CHECKING:
    from famulus_mturk.arrival_check import ArrivalCheck
    from famulus_mturk.hit_types import HitTypes
    from famulus_mturk.hits import Hits
    from famulus_mturk.money import Money
    from famulus_mturk.qualifications import Qualifications
    from famulus_mturk.records import HitRecords
    from famulus_mturk.sync import Sync

_SETTINGS = ("profile", "region", "endpoint_url")


class MturkProvider(Provider):
    """Amazon Mechanical Turk.

    Workers are paid with the requester's money: try a task with ``mturk_sandbox`` first.
    """

    type = "mturk"
    ends_quickly = True
    catalogue = CATALOGUE
    Args = MturkArgs
    RequesterArgs = MturkRequesterArgs
    capabilities = Capabilities(
        pays=True,
        qualifications=True,
        needs_https=True,
        sells_places=True,
        reports_submissions=True,
        most_requirements=10,
        shortest_rejection=1,
        longest_rejection=LONGEST_FEEDBACK,
    )
    _other: ClassVar[str] = "mturk-requester-sandbox."

    def __init__(self, args: MturkArgs, context: Context) -> None:
        super().__init__(args, context)
        sandbox = self.capabilities.sandbox
        self._origins = worker_origins(sandbox=sandbox, worker_site=args.worker_site)
        self.frame_ancestors = self._origins

    @classmethod
    def rehearsal(cls, clock: Clock = system_clock) -> Rehearsal | None:
        """Return a fake MTurk; None if its requirements are not installed (the extra ``fake``)."""
        try:
            from famulus_mturk.rehearsal import MturkRehearsal
        except ModuleNotFoundError:
            return None
        return MturkRehearsal(clock, sandbox=cls.capabilities.sandbox)

    def register(self, name: str, args: MturkRequesterArgs) -> Mapping[str, Any]:
        """Verify the account by reading its balance, with the keys that AWS's own tools keep."""
        from famulus_mturk.money import read_balance

        settings = {key: value for key in _SETTINGS if (value := getattr(args, key)) is not None}
        self._check_address(args.endpoint_url)
        try:
            read_balance(Mturk(self._account(settings, asked_for=settings)))
        except UsageError:
            raise
        except FamulusError as error:
            raise UsageError(f"the requester {name!r} could not be verified: {error}") from error
        return settings

    def problems(self, plan: Plan) -> list[Problem]:
        """Find what MTurk would refuse, without a call."""
        from famulus_mturk.checks import plan_problems

        found = list(plan_problems(plan))
        try:
            self._check_address(self.args.endpoint_url)
        except UsageError as error:
            found += [
                plan.problem("provider.endpoint_url", each.message) for each in error.problems
            ]
        return found

    def serving_problems(self, plan: Plan) -> list[Problem]:
        """Check that there are keys, and that MTurk accepts them."""
        from famulus_mturk.checks import key_problems

        if self.context.requester is None:
            return []
        return [*key_problems(lambda: self._mturk, plan)]

    def balance(self) -> Decimal | None:
        """Read the available balance of the account."""
        from famulus_mturk.money import read_balance

        return read_balance(self._mturk)

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Read the parameters that MTurk has appended.

        The parameters have to name a HIT that the run has opened; MTurk is asked whether the HIT is
        accepted.
        """
        found = read_arrival(query, self._origins)
        if isinstance(found, (Preview, Refusal)):
            return found
        run = self.context.run_id
        refusal = self._arrival_check.refuse(run, found) if run else None
        return refusal or found.arrival

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Have the worker's browser submit to MTurk, or have the worker return the HIT.

        Only the browser can submit. A submitted HIT would have to be paid for or rejected; a
        returned HIT is free for another worker.
        """
        if outcome is not VisitOutcome.COMPLETED:
            return ReturnPlace(noun="HIT", url=self._accepted_url(visit))
        return PostForm(
            url=submit_url(visit.query.get("turkSubmitTo", ""), self._origins),
            fields={"assignmentId": visit.reference, "visit": str(visit.id)},
        )

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return 20 % of the amount, at least a cent: each HIT has one assignment."""
        is_reward = kind is PaymentKind.REWARD
        return fee(amount, masters=is_reward and asks_for_masters(self._specific))

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return the address of the preview of the run's HITs, once they exist."""
        group = self._types.group(run.id)
        if not group:
            return ()
        return (
            preview_url(
                group, sandbox=self.capabilities.sandbox, worker_site=self.args.worker_site
            ),
        )

    def set_places(self, run: RunView, total: int) -> None:
        """Create a HIT for each place that has none."""
        self._hits.open(run, range(run.gone_places, total))

    def move_end(self, run: RunView) -> None:
        """Move the expiration of the open HITs."""
        self._hits.move_end(run)

    def pause_places(self, run: RunView) -> None:
        """Expire the HITs without a submission; workers who have accepted one keep their time."""
        self._hits.close(run)

    def count_open_places(self, run: RunView) -> int | None:
        """Count the HITs that can be accepted and are not closed here."""
        return self._hits.count_open(run)

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[VisitReport]:
        """Report the open visits whose HIT was returned or has expired."""
        return self._sync.look(run, visits)

    def dispose(self, run: RunView) -> None:
        """Delete the run's HITs."""
        self._hits.dispose(run)

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterable[VisitReport]:
        """Report submissions, and open visits that have ended. MTurk does not list changes."""
        return self._sync.reports(run, visits)

    def differences(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[str]:
        """Compare the run's HITs with their stored rows."""
        from famulus_mturk.differences import differences

        return differences(self._mturk, self._records, run, visits)

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        """Approve or reject the visit's assignment."""
        for each in verdicts:
            yield each.key, self._money.decide(each.visit, each.verdict)

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        """Send a bonus."""
        for each in payments:
            yield each.key, self._money.pay(each)

    def settle(
        self,
        visit: VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterator[tuple[str, Result]]:
        """Look for each bonus in MTurk's lists of bonuses."""
        for each in unsettled:
            yield each.key, self._settled(each)

    def grant(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Grant a worker the qualification, even one who never arrived."""
        for each in grants:
            self._qualifications.grant(each.worker_name, each.qualification, each.value)
            yield each.key, Outcome.CONFIRMED

    def revoke(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Revoke the qualification of a worker."""
        for each in grants:
            self._qualifications.revoke(each.worker_name, each.qualification)
            yield each.key, Outcome.CONFIRMED

    def block(self, worker_name: str, reason: str) -> None:
        """Block a worker in the requester's account, which harms the worker's account on MTurk."""
        from famulus_mturk.blocking import block

        block(self._mturk, worker_name, reason)

    def unblock(self, worker_name: str, reason: str) -> None:
        """Unblock a worker."""
        from famulus_mturk.blocking import unblock

        unblock(self._mturk, worker_name, reason)

    def _settled(self, payment: PaymentView) -> Result:
        """Return a payment's outcome, or the error that concerns this payment only."""
        try:
            return self._money.settle(payment)
        except (UnavailableError, RefusedError) as error:
            return error

    def _accepted_url(self, visit: VisitView) -> str:
        from famulus_mturk.hit_types import read_group

        return accepted_url(
            self._origins,
            group=read_group(self.context.database, visit.run_id),
            hit=visit.query.get("hitId", "").strip(),
            assignment=visit.reference,
        )

    def forget(self, worker_name: str, pseudonym: str) -> None:
        """Replace the name in the rows of submitted HITs."""
        self._records.forget_worker(worker_name, pseudonym)

    @cached_property
    def _mturk(self) -> Mturk:
        if self.context.requester is None:
            raise UnavailableError("MTurk can be called only for a registered requester")
        return Mturk(self._account(self.context.requester.settings))

    @property
    def _specific(self) -> Sequence[Any]:
        from famulus_mturk.checks import specific_requirements

        return specific_requirements(self.args, self.context.shared_state, self.type)

    @cached_property
    def _arrival_check(self) -> ArrivalCheck:
        from famulus_mturk.arrival_check import ArrivalCheck

        return ArrivalCheck(
            records=self._records,
            clock=self.context.clock,
            mturk=(lambda: self._mturk) if self.args.verify_arrivals else None,
        )

    @cached_property
    def _records(self) -> HitRecords:
        from famulus_mturk.records import HitRecords

        return HitRecords(database=self.context.database)

    @cached_property
    def _money(self) -> Money:
        from famulus_mturk.money import Money

        return Money(
            mturk=self._mturk,
            database=self.context.database,
            records=self._records,
            clock=self.context.clock,
        )

    @cached_property
    def _qualifications(self) -> Qualifications:
        from famulus_mturk.qualifications import Qualifications

        mturk = self._mturk
        assert self.context.requester is not None
        return Qualifications(
            mturk=mturk,
            database=self.context.database,
            requester=self.context.requester.id,
            specific=self._specific,
        )

    @cached_property
    def _types(self) -> HitTypes:
        from famulus_mturk.hit_types import HitTypes

        return HitTypes(
            mturk=self._mturk,
            database=self.context.database,
            qualifications=self._qualifications,
            auto_approval_delay=self.args.auto_approval_delay_in_seconds,
        )

    @cached_property
    def _hits(self) -> Hits:
        from famulus_mturk.hits import Hits

        return Hits(
            mturk=self._mturk,
            records=self._records,
            clock=self.context.clock,
            types=self._types,
            frame_height=self.args.frame_height,
        )

    @cached_property
    def _sync(self) -> Sync:
        from famulus_mturk.sync import Sync

        return Sync(
            mturk=self._mturk,
            records=self._records,
            types=self._types,
            clock=self.context.clock,
        )

    def _account(
        self, kept: Mapping[str, Any], *, asked_for: Mapping[str, Any] | None = None
    ) -> Account:
        """Return the account to call MTurk with.

        ``asked_for`` takes precedence over the run's options, and these over the settings that are
        stored with the requester (``kept``).
        """
        options = {"region": self.args.region, "endpoint_url": self.args.endpoint_url}
        given = {key: value for key, value in options.items() if value}
        known = {**kept, **given, **(asked_for or {})}
        return Account(
            sandbox=self.capabilities.sandbox,
            profile=known.get("profile"),
            region=known.get("region", REGION),
            endpoint_url=known.get("endpoint_url"),
        )

    def _check_address(self, endpoint_url: str | None) -> None:
        """Refuse an address of the other site (sandbox or live), where the ids do not exist."""
        try:
            host = urlsplit(endpoint_url or "").netloc.lower()
        except ValueError as error:
            raise UsageError(f"{endpoint_url!r} is not an address: {error}") from error
        if host.startswith(self._other):
            raise UsageError(f"{endpoint_url} is not the site of the provider {self.type!r}")


class MturkSandboxProvider(MturkProvider):
    """The sandbox of Amazon Mechanical Turk.

    The same rules without real money; its workers are requesters who try their own tasks.
    """

    type = "mturk_sandbox"
    ends_quickly = True
    capabilities = evolve(MturkProvider.capabilities, sandbox=True)
    _other: ClassVar[str] = "mturk-requester."
