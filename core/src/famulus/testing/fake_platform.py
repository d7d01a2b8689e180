"""A fake platform that pays, sells places and reports visits, with faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from attrs import define, field

from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    GrantView,
    Keep,
    Outcome,
    PaymentView,
    Result,
    RunView,
    VisitReport,
    VisitVerdict,
    VisitView,
)
from famulus.contracts.visit_verdict import Approve, ApprovePartially, Verdict
from famulus.errors import (
    RefusedError,
    UnavailableError,
    UnlistedPlacesError,
    UnpayableError,
)
from famulus.model.states import PAID_VISITS, PaymentKind, VisitStatus
from famulus.testing.kinds import CrowdProvider

T = TypeVar("T")


class Fault(StrEnum):
    """A fault of one call to the platform."""

    #: the call has no effect
    THROTTLED = "throttled"
    REFUSED = "refused"
    UNPAYABLE = "unpayable"
    BROKEN = "broken"
    KILLED = "killed"
    #: the call takes effect, and the caller gets no reply
    LOST = "lost"
    KILLED_AFTER = "killed after"


class Killed(BaseException):
    """Simulates the end of the process: a test that catches it must start all objects again."""


@define
class FakePlatform:
    """The state of the platform. Each item of ``faults`` hits one call; None lets one pass."""

    faults: list[Fault | None] = field(factory=list)
    #: the seconds that a throttled call is asked to wait; None if it is not said
    retry_after: float | None = None
    #: the amount of every payment that was made, by its key
    paid: list[tuple[str, Decimal]] = field(factory=list)
    #: what its accounts can spend; None if the platform does not report it
    balance: Decimal | None = None
    #: references of visits whose reward was paid, once for each time
    rewarded: list[str] = field(factory=list)
    verdicts: dict[str, Verdict] = field(factory=dict)
    open: set[int] = field(factory=set)
    #: places that were open when they were paused, where the platform keeps them
    paused: set[int] = field(factory=set)
    #: open places that cannot be closed yet, because the platform does not list them
    unlisted: set[int] = field(factory=set)
    #: places that were ever opened
    opened: list[int] = field(factory=list)
    #: the ends that its places were given, in order
    ends: list[datetime] = field(factory=list)
    disposed: int = 0
    qualifications: dict[tuple[str, str], int] = field(factory=dict)
    blocked: set[str] = field(factory=set)
    #: by reference
    visits: dict[str, VisitStatus] = field(factory=dict)
    #: reports of other visits, added to each sync
    others: list[VisitReport] = field(factory=list)
    #: the references that each sync asked about
    asked: list[list[str]] = field(factory=list)
    calls: list[str] = field(factory=list)
    _orders: int = field(default=0, init=False)
    #: the number and key of each payment that was made
    _ordered: set[tuple[int, str]] = field(factory=set, init=False)

    def call(self, name: str, act: Callable[[], T]) -> T:
        """Perform a call, or the next fault instead."""
        self.calls.append(name)
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case Fault.THROTTLED:
                raise UnavailableError("throttled", retry_after=self.retry_after)
            case Fault.REFUSED:
                raise RefusedError("the balance is too low")
            case Fault.UNPAYABLE:
                raise UnpayableError("the worker has no account any more")
            case Fault.BROKEN:
                raise ConnectionError("reset before it was sent")
            case Fault.KILLED:
                raise Killed
        result = act()
        match fault:
            case Fault.LOST:
                raise TimeoutError("no reply")
            case Fault.KILLED_AFTER:
                raise Killed
        return result

    def decide(self, given: VisitVerdict) -> Outcome:
        """Record a verdict; an approval pays the reward, or a part of it, once."""
        reference, verdict = given.visit.reference, given.verdict
        before = self.verdicts.get(reference)
        if isinstance(before, Approve | ApprovePartially):
            return Outcome.CONFIRMED if verdict == before else Outcome.FAILED
        self.verdicts[reference] = verdict
        if isinstance(verdict, Approve | ApprovePartially):
            self.rewarded.append(reference)
        return Outcome.CONFIRMED

    def next_order(self) -> int:
        """Return the number of an order of payments."""
        self._orders += 1
        return self._orders

    def pay(self, payment: PaymentView, order: int) -> Outcome:
        """Pay; a second call pays again."""
        self.paid.append((payment.key, payment.amount))
        self._ordered.add((order, payment.key))
        return Outcome.CONFIRMED

    def settle(self, payment: PaymentView) -> Outcome:
        """Return whether a payment was made; it is found only by the number of its order."""
        is_paid = (payment.kept, payment.key) in self._ordered
        return Outcome.CONFIRMED if is_paid else Outcome.FAILED

    def grant(self, given: GrantView) -> Outcome:
        """Set the value of a worker's qualification."""
        self.qualifications[given.worker_name, given.qualification] = given.value
        return Outcome.CONFIRMED

    def revoke(self, given: GrantView) -> Outcome:
        """Remove a worker's qualification, if there is one."""
        self.qualifications.pop((given.worker_name, given.qualification), None)
        return Outcome.CONFIRMED

    def provider(self, name: str = "paying", **capabilities: Any) -> type[Provider]:
        """Return a provider's class that calls this platform."""
        asked = Capabilities(**{"pays": True, **capabilities})
        return type(
            "PlatformProvider",
            (_PlatformProvider,),
            {
                "type": name,
                "platform": self,
                "capabilities": asked,
            },
        )


class PlatformPlugin:
    """Registers providers of fake platforms."""

    def __init__(self, *providers: type[Provider]) -> None:
        self._providers = list(providers)

    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        """Return the providers."""
        return self._providers


class _PlatformProvider(CrowdProvider):
    platform: FakePlatform
    sync_seconds = 0
    batch_size = 2

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return a fifth of the amount."""
        return amount / 5

    def balance(self) -> Decimal | None:
        """Return what can be spent."""
        return self.platform.balance

    def set_places(self, run: RunView, total: int) -> None:
        """Open the places that were never opened, and those that are paused."""
        self.platform.call("set_places", lambda: self._open(range(run.gone_places, total)))

    def move_end(self, run: RunView) -> None:
        """Record the new end."""
        self.platform.call("move_end", lambda: self.platform.ends.append(run.closes_at))

    def pause_places(self, run: RunView) -> None:
        """Close all open places; the platform may keep them."""
        self.platform.call("pause_places", lambda: self._pause(run))

    def end_places(self, run: RunView) -> None:
        """Close all open places for good."""
        self.platform.call("end_places", lambda: self._end(run))

    def count_open_places(self, run: RunView) -> int | None:
        """Return the number of open places."""
        return self.platform.call("count_open_places", lambda: len(self.platform.open))

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[VisitReport]:
        """Report those of the given visits that the platform knows."""
        return self._reports(visits)

    def paid_visits(self, run: RunView) -> Iterable[VisitReport]:
        """Report the platform's other visits that are paid."""
        return [each for each in self.platform.others if each.status in PAID_VISITS]

    def dispose(self, run: RunView) -> None:
        """Count the call."""
        self.platform.call("dispose", self._dispose)

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterable[VisitReport]:
        """Report the visits that the platform knows, and others."""
        known = [*visits]
        if not known and not self.platform.others:
            return ()
        return self.platform.call("sync", lambda: self._sync(known))

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        """Record the verdicts on the platform, one after the other."""
        for each in verdicts:
            yield each.key, self._decision(each)

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        """Record the payments on the platform, as one order; keep its number first."""
        order = self.platform.next_order()
        for each in payments:
            keep(each.key, order)
        for each in payments:
            yield each.key, self._result("pay", partial(self.platform.pay, each, order))

    def settle(
        self,
        visit: VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterator[tuple[str, Result]]:
        """Return the outcomes that the platform has recorded."""
        for each in unsettled:
            yield each.key, self._result("settle", partial(self.platform.settle, each))

    def grant(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Grant the qualifications on the platform, one after the other."""
        for each in grants:
            yield each.key, self._result("grant", partial(self.platform.grant, each))

    def revoke(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Revoke the qualifications on the platform, one after the other."""
        for each in grants:
            yield each.key, self._result("revoke", partial(self.platform.revoke, each))

    def block(self, worker_name: str, reason: str) -> None:
        """Block the worker on the platform."""
        self.platform.call("block", lambda: self.platform.blocked.add(worker_name))

    def unblock(self, worker_name: str, reason: str) -> None:
        """Unblock the worker on the platform."""
        self.platform.call("unblock", lambda: self.platform.blocked.discard(worker_name))

    def _decision(self, given: VisitVerdict) -> Result:
        """Send a verdict; confirm a refused one if the platform already has it."""
        result = self._result("decide", partial(self.platform.decide, given))
        had_it = self.platform.verdicts.get(given.visit.reference) == given.verdict
        return Outcome.CONFIRMED if isinstance(result, RefusedError) and had_it else result

    def _result(self, name: str, act: Callable[[], Outcome]) -> Result:
        """Call the platform about one item; return its result, or the error."""
        try:
            return self.platform.call(name, act)
        except (UnavailableError, RefusedError) as error:
            return error

    def _open(self, places: range) -> None:
        new = [place for place in places if place not in self.platform.opened]
        self.platform.opened += new
        self.platform.open.update(new, self.platform.paused)
        self.platform.paused.clear()

    def _pause(self, run: RunView) -> None:
        if self.capabilities.keeps_paused_places:
            self.platform.paused |= self.platform.open
        self._close(run)

    def _end(self, run: RunView) -> None:
        self.platform.paused.clear()
        self._close(run)

    def _close(self, run: RunView) -> None:
        places = {n for n in self.platform.open if not run.gone_places or n < run.gone_places}
        self.platform.open -= places - self.platform.unlisted
        if places & self.platform.unlisted:
            raise UnlistedPlacesError("a place may be open that is not listed yet")

    def _dispose(self) -> None:
        self.platform.disposed += 1

    def _sync(self, visits: Sequence[VisitView]) -> list[VisitReport]:
        self.platform.asked.append([visit.reference for visit in visits])
        return self.platform.others + self._reports(visits)

    def _reports(self, visits: Sequence[VisitView]) -> list[VisitReport]:
        known: Mapping[str, VisitStatus] = self.platform.visits
        return [
            VisitReport(
                worker_name=visit.worker_name,
                reference=visit.reference,
                status=known[visit.reference],
            )
            for visit in visits
            if visit.reference in known
        ]
