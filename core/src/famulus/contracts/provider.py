"""A crowd: who arrives, how they are told that they are done, how they are paid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from attrs import Factory, frozen

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.pages import Refusal
from famulus.contracts.plan import Plan
from famulus.errors import Problem
from famulus.model.states import VisitStatus


@frozen(kw_only=True)
class Capabilities:
    """What a platform can do and asks for.

    This version acts on ``sandbox``, ``needs_https`` and ``reports_submissions``.
    """

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


@frozen(kw_only=True)
class Arrival:
    """A worker who accepted."""

    #: the platform's id of the worker: 1 to 255 printable characters
    worker_name: str
    #: the platform's id of the visit (URLs call it assignment id): 1 to 255 printable characters.
    #: The same worker and reference again are the same visit.
    reference: str
    #: tells two accepts with the same reference apart
    accept: str = ""


@frozen
class Preview:
    """Somebody who looks before accepting: no worker, no work."""


@frozen(kw_only=True)
class VisitView:
    """A visit whose work here is done."""

    id: int
    run_id: int
    worker_name: str
    reference: str
    #: the URL parameters the worker arrived with
    query: Mapping[str, str] = Factory(dict)


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


class Outcome(StrEnum):
    """How a call about money or a decision ended. ``UNKNOWN``: it may or may not have had its
    effect, which is settled by asking, never by calling again."""

    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Quote:
    """What a run will cost, in ``currency``, with the platform's fees."""

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
    #: the same at every attempt
    key: str
    #: ``reward``, ``bonus`` or ``compensation``
    kind: str
    worker_name: str
    reference: str
    amount: Decimal
    currency: str
    reason: str


class Provider(ABC):
    """Subclass this to bring a crowd, and return it from ``famulus_register_providers``.

    Every method that tells the platform something may be called again with the same arguments,
    after a crash or a lost reply, and must then have no second effect. No method is called inside a
    transaction.

    An instance is made to check a plan, one in the operator and one in each serving process, where
    many threads use it at once. ``register``, ``quote``, ``open_places``, ``sync``, ``decide``,
    ``settle``, ``grant``, ``revoke`` and ``block`` are for platforms that sell places and pay; this
    version does not call them yet.
    """

    #: The name in configurations: ``provider: mock``. Workers' names are unique within it.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`. An option ``requester_name`` is
    #: the account that pays.
    Args: ClassVar[AnyClass]
    capabilities: ClassVar[Capabilities] = Capabilities()
    #: origins that may show the pages in a frame (CSP ``frame-ancestors``); none for nobody
    frame_ancestors: ClassVar[Sequence[str]] = ()
    #: the three letters of ISO 4217; rewards are whole numbers of its smallest unit
    currency: ClassVar[str] = "USD"
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

    def register(self, args: Mapping[str, str]) -> None:
        """Check a requester's credentials with the platform and keep them where it keeps them.

        :raises famulus.UsageError: when they are missing or refused; nothing is kept then.
        """

    def quote(self, plan: Plan, units: int) -> Quote:
        """Return what ``units`` units will cost."""
        reward = plan.task.task_reward or Decimal(0)
        return Quote(currency=self.currency, rewards=reward * units, fees=Decimal(0))

    def entrances(self, url: str) -> Sequence[str]:
        """Return addresses for people, printed at launch: where a worker comes in.

        Called once at each launch and resume; ``url`` is where the run is served.
        """
        return (url,)

    def open_places(self, run_id: int, count: int, key: str) -> None:
        """Open ``count`` more places; ``key`` names this opening at every attempt.

        :raises famulus.UnavailableError: to be called again later.
        """

    def close_places(self, run_id: int) -> None:
        """Let nobody new in on the platform. Those at work may finish.

        Called by the operator's messenger thread when the run stops or finishes; again, with
        growing pauses, until it does not raise.
        """

    def sync(self, run_id: int) -> Iterable[VisitReport]:
        """Return what the platform says of the run's visits now. What is not known any more is
        left out."""
        return ()

    def decide(self, visit: VisitView, decision: str, note: str) -> Outcome:
        """Tell the platform the decision on a visit, once all its units are reviewed."""
        return Outcome.CONFIRMED

    def settle(self, payment: PaymentView) -> Outcome:
        """Pay, or find out how an earlier attempt with the same key ended."""
        return Outcome.CONFIRMED

    def grant(self, worker_name: str, qualification: str, value: int) -> None:
        """Grant a qualification on the platform's side."""

    def revoke(self, worker_name: str, qualification: str) -> None:
        """Take a qualification back on the platform's side."""

    def block(self, worker_name: str, reason: str) -> None:
        """Block a worker on the platform's side."""
