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


@frozen(kw_only=True)
class Arrival:
    """A worker who accepted. ``reference`` is the platform's id of the visit (URLs call it
    assignment id); ``accept`` tells two accepts with the same reference apart."""

    worker_name: str
    reference: str
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
    """The worker copies a code; ``url`` is where to put it."""

    code: str
    url: str = ""


@frozen(kw_only=True)
class ShowAnswers:
    """The page shows the data that was sent, and a link to the next unit."""

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
    """One ledger row to be paid. ``key`` is the same at every attempt."""

    id: int
    key: str
    kind: str
    worker_name: str
    reference: str
    amount: Decimal
    currency: str
    reason: str


class Provider(ABC):
    """Subclass this to bring a crowd, and return it from ``famulus_register_providers``.

    Every method that tells the platform something may be called again with the same arguments,
    after a crash or a lost reply, and must then have no second effect.
    """

    type: ClassVar[str]
    Args: ClassVar[AnyClass]
    capabilities: ClassVar[Capabilities] = Capabilities()
    #: origins that may show the pages in a frame (CSP ``frame-ancestors``); none for nobody
    frame_ancestors: ClassVar[Sequence[str]] = ()
    currency: ClassVar[str] = "USD"
    #: the requester that is made at need; None where one has to be registered
    default_requester: ClassVar[str | None] = None

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong. Writes nothing, here or on the platform."""

    @abstractmethod
    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Say who comes with these URL parameters. Must not trust what the platform can vouch for
        otherwise. Called in the serving process, outside any transaction."""

    @abstractmethod
    def completion(self, visit: VisitView) -> Completion:
        """Say what the browser does once the visit's work is stored."""

    def register(self, args: Mapping[str, str]) -> None:
        """Check a requester's credentials with the platform and keep them where it keeps them.

        :raises famulus.UsageError: when they are missing or refused; nothing is kept then.
        """

    def quote(self, plan: Plan, units: int) -> Quote:
        """Return what ``units`` units will cost."""
        reward = plan.task.task_reward or Decimal(0)
        return Quote(currency=self.currency, rewards=reward * units, fees=Decimal(0))

    def entrances(self, url: str) -> Sequence[str]:
        """Return addresses for people, printed at launch: where a worker comes in."""
        return (url,)

    def open_places(self, run_id: int, count: int, key: str) -> None:
        """Open ``count`` more places; ``key`` names this opening at every attempt.

        :raises famulus.UnavailableError: to be called again later.
        """

    def close_places(self, run_id: int) -> None:
        """Let nobody new in on the platform. Those at work may finish."""

    def sync(self, run_id: int) -> Iterable[VisitReport]:
        """Return what the platform says of the run's visits now."""
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
