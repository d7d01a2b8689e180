"""A crowd: who arrives, how they are told that they are done, how they are paid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from attrs import Factory, frozen

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.plan import Plan
from famulus.contracts.views import Refusal
from famulus.errors import Problem
from famulus.model.states import PaymentKind, VisitStatus


@frozen(kw_only=True)
class Capabilities:
    """What a platform can do and asks for."""

    #: workers' pay and platform state are not real
    sandbox: bool = False
    #: rewards and bonuses are paid through the platform
    pays: bool = False
    #: qualifications exist on the platform too
    qualifications: bool = False
    #: the platform only shows pages served over HTTPS
    needs_https: bool = False
    #: places have to be opened and closed on the platform
    sells_places: bool = False
    #: the platform says itself when a visit was submitted; if not, storing the answers is it
    reports_submissions: bool = False
    #: the most requirements on qualifications that a run can have there; None for any number
    most_requirements: int | None = None
    #: the fewest characters that a rejection's reason needs
    shortest_rejection: int = 0


@frozen(kw_only=True)
class NoRequesterArgs:
    """Of a platform whose requesters have nothing to say but their name."""


@frozen(kw_only=True)
class RunView:
    """A run as its provider sees it. What can be edited while it goes on is as it is now."""

    id: int
    #: tells this run from those of all other databases, at every attempt
    key: str
    #: what it was launched with; a callback in its shared state may be missing
    plan: Plan
    #: where it is served, for browsers; empty while it is not
    url: str
    #: when nobody new may start any more
    closes_at: datetime
    #: what a worker has to meet, as ``{"qualification_name", "comparator", "value",
    #: "applicable_providers"}``: the plan's own, and what its block and onboarding add
    requirements: Sequence[Mapping[str, Any]] = ()


@frozen(kw_only=True)
class Arrival:
    """A worker who accepted."""

    #: the platform's id of the worker: 1 to 255 printable characters; white space around it is
    #: stripped, and one that reads ``undefined``, ``null`` or like a template gets no work
    worker_name: str
    #: the platform's id of the visit (URLs call it assignment id): 1 to 255 printable characters.
    #: The same worker and reference again are the same visit.
    reference: str
    #: tells two accepts with the same reference apart
    accept: str = ""
    #: the platform's id of the place that the worker has taken, where one place is one visit at a
    #: time: another visit that names it is refused until the first one ends. Whoever names the same
    #: place and the same reference ends the first: only the platform can have told them. Empty
    #: where places are not told apart; at most 255 printable characters.
    place: str = ""


@frozen
class Preview:
    """Somebody who looks before accepting: no worker, no work."""


@frozen(kw_only=True)
class VisitView:
    """A visit as its provider sees it."""

    id: int
    run_id: int
    worker_name: str
    reference: str
    #: the URL parameters the worker arrived with; none where only the platform has seen them
    query: Mapping[str, str] = Factory(dict)
    #: when they arrived first
    arrived_at: datetime | None = None
    #: when they arrived last, where visits have a place
    last_arrived_at: datetime | None = None
    #: when their work was stored here; None while they are at work or have left
    done_at: datetime | None = None


@frozen(kw_only=True)
class PostForm:
    """The browser posts a form to the platform: the platform's own act of submitting."""

    url: str
    fields: Mapping[str, str]


@frozen(kw_only=True)
class GoTo:
    """The browser goes there by itself."""

    url: str


@frozen(kw_only=True)
class ShowCode:
    """The worker copies a code."""

    code: str
    #: where to put it
    url: str = ""


@frozen(kw_only=True)
class ShowAnswers:
    """The page shows the data that was sent, and a link to the next unit."""

    #: the URL parameters of that link
    next_query: Mapping[str, str]


@frozen
class Nothing:
    """The page thanks, and that is all."""


Completion = PostForm | GoTo | ShowCode | ShowAnswers | Nothing


class Verdict(StrEnum):
    """What a platform is told of a visit: whether its reward is earned."""

    APPROVED = "approved"
    REJECTED = "rejected"


class Outcome(StrEnum):
    """How a call about money or a decision ended. ``UNKNOWN``: it may or may not have had its
    effect, which is settled by asking, never by paying again.
    """

    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Quote:
    """What work will cost, in ``currency``, with the platform's fees."""

    currency: str
    rewards: Decimal
    fees: Decimal

    @property
    def total(self) -> Decimal:
        """Rewards and fees together."""
        return self.rewards + self.fees


@frozen(kw_only=True)
class VisitReport:
    """What the platform says of one visit now."""

    worker_name: str
    reference: str
    status: VisitStatus


@frozen(kw_only=True)
class PaymentView:
    """One row of the ledger of money, to be paid."""

    id: int
    #: the same at every attempt, and no other payment's, not even another database's
    key: str
    kind: PaymentKind
    run_id: int
    worker_name: str
    reference: str
    amount: Decimal
    currency: str
    reason: str


class Provider(ABC):
    """Subclass this to bring a crowd, and return it from ``famulus_register_providers``.

    Every method that tells the platform something may be called again with the same arguments,
    after a crash or a lost reply, and must then have no second effect. The only exception is
    :meth:`pay`, which is never called again once it may have had its effect; :meth:`settle` finds
    out. No method is called inside a transaction. One that cannot reach the platform raises
    :class:`~famulus.UnavailableError`, and what was to be told is told later, with growing pauses.
    :class:`~famulus.RefusedError` says that the platform will not have it and why; it is told to
    people, and not to the platform again until one of them asks for it.

    An instance is made to check a plan, one in the operator and one in each serving process, where
    many threads use it at once; commands make others for a requester's account.
    """

    #: The name in configurations: ``provider: mock``. Workers' names are unique within it.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`. An option ``requester_name`` is
    #: the account that pays.
    Args: ClassVar[AnyClass]
    #: An attrs class of what ``famulus register`` asks for besides the name, made with
    #: :func:`famulus.option`; a ``secret`` one is only ever asked for on a terminal.
    RequesterArgs: ClassVar[AnyClass] = NoRequesterArgs
    capabilities: ClassVar[Capabilities] = Capabilities()
    #: origins that may show the pages in a frame (CSP ``frame-ancestors``); none for nobody
    frame_ancestors: Sequence[str] = ()
    #: the three letters of ISO 4217; rewards are whole numbers of its smallest unit
    currency: ClassVar[str] = "USD"
    #: seconds between two rounds of :meth:`sync` at the least; more while the platform is away
    sync_seconds: ClassVar[float] = 15
    #: the requester that is made at need; None where one has to be registered
    default_requester: ClassVar[str | None] = None

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong. Writes nothing, here or on the platform.

        Called once before each launch, and by ``famulus check``; not before a resume. What it
        raises by mistake becomes a problem that names the provider.
        """

    @abstractmethod
    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Say who comes with these URL parameters. Must not trust what the platform can vouch for
        otherwise.

        Called in the serving process, by any thread, whenever a page is opened or loaded again.

        :raises famulus.UnavailableError: when the platform cannot be asked now; the worker is told
            to come again. Anything else gives an apology with a reference number.
        """

    @abstractmethod
    def completion(self, visit: VisitView) -> Completion:
        """Say what the browser does once the visit's work is stored.

        Called in the serving process, by any thread, after the commit; again when a form comes
        again, or the worker comes back to a visit that is done. It tells the platform nothing
        itself: the browser does.
        """

    def register(self, name: str, args: Any) -> Mapping[str, Any]:
        """Check a requester's credentials with the platform, keep what is secret where the platform
        keeps such things, and return what is not: JSON, stored as ``RequesterView.settings``.

        :param args: of the class ``RequesterArgs``.
        :raises famulus.UsageError: when they are missing or refused; nothing is kept then.
        """
        return {}

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the platform's fee on top of one payment."""
        return Decimal(0)

    def quote(self, plan: Plan, units: int) -> Quote:
        """Return what ``units`` units will cost."""
        reward = plan.task.task_reward or Decimal(0)
        fee = self.fee(PaymentKind.REWARD, reward)
        return Quote(currency=self.currency, rewards=reward * units, fees=fee * units)

    def balance(self) -> Decimal | None:
        """Return what the requester's account can spend now, in :attr:`currency`; None where the
        platform does not say. A launch that it cannot pay for is refused.
        """
        return None

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return addresses for people, printed at launch: where a worker comes in.

        Called at each launch and resume, once the run's first places are open, and by
        ``famulus status``.
        """
        return (run.url,)

    def open_places(self, run: RunView, places: range) -> None:
        """Open places; each has a number of its own within the run, and is one worker's visit.

        The same numbers again are the same places, those that are open already stay as they are.
        As many are open or taken as there are free units, within the run's window and budget; more
        are opened in portions, also while it goes on. The place of a visit that ends without a
        submission has to come back by itself.
        """

    def move_end(self, run: RunView) -> None:
        """Let the open places be taken until ``run.closes_at``, which has been changed."""

    def close_places(self, run: RunView) -> None:
        """Let nobody new in on the platform. Those at work may finish.

        Called by the operator's messenger thread when the run stops or finishes. Places that are
        opened after it have new numbers.
        """

    def dispose(self, run: RunView) -> None:
        """Tidy up on the platform what a finished run has left there.

        Called once all its visits are decided and paid.
        """

    def sync(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[VisitReport]:
        """Return what the platform says of these visits now: those it may have changed since.

        What it says nothing of, or does not know any more, is left out. Costs as few calls as the
        platform allows; never guesses.

        Called again and again while the run is operated, at other times by ``famulus sync``, with
        the visits that are not decided there yet, some hundred at once. What it raises changes
        nothing here.
        """
        return ()

    def count_open_places(self, run: RunView) -> int | None:
        """Return how many places somebody could take on the platform now that :meth:`close_places`
        would close; None where the platform is not asked. Changes nothing.

        Called by ``famulus doctor`` and ``famulus sync``, for runs that nobody operates.
        """
        return None

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[VisitReport]:
        """Return what the platform says of visits that are at work here, as :meth:`sync` does, for
        ``famulus doctor``. Changes nothing: what it says is not followed, and is said again.
        """
        return ()

    def differences(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[str]:
        """Say what differs between the platform and here that core cannot see, a sentence each
        with its remedy, for ``famulus doctor``. Changes nothing.

        :param visits: those whose work is stored here, and that are not decided there yet.
        """
        return ()

    def decide(self, visit: VisitView, verdict: Verdict, note: str) -> Outcome:
        """Tell the platform the verdict on a visit, once all its units are reviewed. Approving pays
        its reward; a visit that the platform has approved already is confirmed.

        Told again until it is known to be heard. Where the platform reports submissions, a visit is
        decided once it has reported that one.
        """
        return Outcome.CONFIRMED

    def pay(self, payment: PaymentView) -> Outcome:
        """Pay a bonus or a compensation. Whatever keeps its outcome from being known is
        ``UNKNOWN``, or raises; :class:`~famulus.UnavailableError` and
        :class:`~famulus.RefusedError` say that surely nothing was paid.
        """
        return Outcome.CONFIRMED

    def settle(self, payment: PaymentView) -> Outcome:
        """Ask the platform how :meth:`pay` has ended. Where it dedupes by the payment's key,
        sending the same call again is a way to ask; anything else must not pay. ``FAILED`` says
        that surely nothing was paid, and that nothing is still under way.
        """
        return Outcome.CONFIRMED

    def grant(self, worker_name: str, qualification: str, value: int) -> None:
        """Grant a qualification on the platform's side; made there at need. The worker may be one
        who has never come.
        """

    def revoke(self, worker_name: str, qualification: str) -> None:
        """Take a qualification back on the platform's side."""

    def block(self, worker_name: str, reason: str) -> None:
        """Block a worker on the platform's side."""

    def unblock(self, worker_name: str, reason: str) -> None:
        """Let a worker work again on the platform's side."""
